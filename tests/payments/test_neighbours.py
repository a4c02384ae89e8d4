"""Another shop on the same accounts: what concerns its money is none of ours, is not kept open, and alarms nobody."""

from typing import Any

import pytest
from django.conf import settings
from django.utils.timezone import now

from payments import attention, health, unresolved
from payments.gateways.paypal_transport import PayPalTransport
from payments.gateways.stripe_transport import client_for
from payments.models import Dispute, Refund, WebhookEvent
from tests.payments.steps import bring
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db


def stripe_page() -> str:
    assert settings.PAYMENTS.stripe
    made = client_for(settings.PAYMENTS.stripe).v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {"currency": "chf", "unit_amount": 4200, "product_data": {"name": "Vélo"}},
                }
            ],
            "success_url": "https://velo.example/merci",
            "payment_intent_data": {"metadata": {"cart": "1742"}},
        }
    )
    assert made.url
    return made.url


def at_paypal(path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    assert settings.PAYMENTS.paypal
    return PayPalTransport(settings.PAYMENTS.paypal).post(path, body, key)


def paypal_page() -> str:
    unit = {"custom_id": "velo-1742", "amount": {"currency_code": "CHF", "value": "42.00"}}
    context = {"return_url": "https://velo.example/merci", "cancel_url": "https://velo.example/"}
    body = {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }
    return str(at_paypal("/v2/checkout/orders", body, "velo-1742")["id"])


def sold(psps: Sandbox, method: str) -> str:
    """The other shop's customer has paid, and its page."""
    if method == "card":
        page = stripe_page()
        psps.pay_by_card(page)
    else:
        page = paypal_page()
        psps.approve_paypal(page)
        at_paypal(f"/v2/checkout/orders/{page}/capture", {}, "cap-velo-1742")
    return page


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_case_18_nothing_of_another_shop_waits_here(psps: Sandbox, method: str) -> None:
    page = sold(psps, method)
    psps.refund(page, 1000)
    psps.dispute(page, 3200)

    for webhook in psps.collect():
        assert bring(webhook).status_code == 200

    assert not WebhookEvent.objects.filter(processed_at=None).exists()
    assert not Refund.objects.exists()
    assert not Dispute.objects.exists()
    WebhookEvent.objects.update(received_at=now() - unresolved.UNAPPLIED * 2)
    assert attention.items() == []
    assert not any(channel.problems for channel in health.channels())
