"""PayPal's gateway as tests configure it, and what PayPal sends."""

from typing import Any

from payments.configuration import PayPalConfiguration
from payments.gateways.paypal import PayPalGateway
from tests.environment import PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET, PAYPAL_ROOT_FILE, PAYPAL_WEBHOOK_ID
from tests.gateways.cast import URLS, APayment
from tests.gateways.server import Answer, Request, as_json
from tests.sandbox.process import Running


def configured(base: str, secret: str = PAYPAL_CLIENT_SECRET) -> PayPalGateway:
    return PayPalGateway(
        PayPalConfiguration(PAYPAL_CLIENT_ID, secret, (PAYPAL_WEBHOOK_ID,), base, base, base, certificate_roots=None)
    )


def trusting(sandbox: Running) -> PayPalGateway:
    """The gateway that believes the sandbox's own authority."""
    base = f"{sandbox.url}/paypal"
    return PayPalGateway(
        PayPalConfiguration(
            PAYPAL_CLIENT_ID,
            PAYPAL_CLIENT_SECRET,
            (PAYPAL_WEBHOOK_ID,),
            base,
            base,
            base,
            certificate_roots=sandbox.state / PAYPAL_ROOT_FILE,
        )
    )


def opened(gateway: PayPalGateway) -> APayment:
    payment = APayment(method="paypal")
    return payment.on(gateway.open(payment, URLS).reference)


def event(type: str, resource: object, **changes: object) -> dict[str, Any]:
    return {"id": "WH-1", "event_type": type, "resource_version": "2.0", "resource": resource, **changes}


def capture(**changes: Any) -> dict[str, Any]:
    return {
        "id": "2GG279541U471931P",
        "status": "COMPLETED",
        "amount": {"currency_code": "CHF", "value": "128.50"},
        "custom_id": "5f0d1e3a-6f3e-4c40-9c0b-0a1b2c3d4e5f",
        "invoice_id": "KK-7F3Q-20AB-5f0d1e3a",
        "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
        **changes,
    }


def token(request: Request, answer: Answer) -> Answer:
    """`answer`, unless a token is asked for."""
    asked = request.path == "/v1/oauth2/token"
    return as_json({"access_token": "A21", "token_type": "Bearer", "expires_in": 32_400}) if asked else answer
