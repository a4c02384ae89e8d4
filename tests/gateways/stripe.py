"""Stripe's gateway as tests configure it, and what Stripe sends."""

from typing import Any

from payments.configuration import StripeConfiguration
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe_transport import API_VERSION
from tests.environment import STRIPE_KEY, STRIPE_WEBHOOK_SECRET
from tests.gateways.cast import APayment


def configured(base: str, *, livemode: bool = False, secrets: tuple[str, ...] = ()) -> StripeGateway:
    return StripeGateway(
        StripeConfiguration(STRIPE_KEY, secrets or (STRIPE_WEBHOOK_SECRET,), base, base, livemode=livemode)
    )


def event(type: str, thing: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": API_VERSION,
        "livemode": False,
        "type": type,
        "data": {"object": thing},
        **changes,
    }


def session(payment: APayment, **changes: Any) -> dict[str, Any]:
    return {
        "id": "cs_test_1",
        "object": "checkout.session",
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": "pi_1",
        "amount_total": payment.amount,
        "currency": "chf",
        "client_reference_id": str(payment.id),
        "payment_method_types": ["card"],
        "livemode": False,
        **changes,
    }
