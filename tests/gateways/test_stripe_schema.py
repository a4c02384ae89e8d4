"""The oracle for requests to Stripe sees what is wrong with them."""

import pytest

from tests.gateways.stripe_schema import SESSIONS, violations

GOOD = (
    "mode=payment&success_url=https%3A%2F%2Fshop.example%2F&allowed_payment_method_types[0]=twint&expires_at=1795358026"
)


def test_it_accepts_what_stripe_accepts() -> None:
    assert violations("POST", f"https://api.stripe.com{SESSIONS}", GOOD) == []
    assert violations("GET", f"https://api.stripe.com{SESSIONS}/cs_1?expand[0]=payment_intent", "") == []


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ("payment_method_types[0]=card", "payment_method_types"),  # gone since 2026-09-30.endive
        ("invented=1", "invented"),
        ("locale=fr-CH", "$.locale"),
        ("submit_type=buy", "$.submit_type"),
        ("ui_mode=hosted", "$.ui_mode"),
        ("allowed_payment_method_types[1]=cash", "$.allowed_payment_method_types[1]"),
        ("expires_at=soon", "$.expires_at"),
        ("adaptive_pricing[enabled]=no", "$.adaptive_pricing.enabled"),
        ("line_items[0][price_data][currency]=chf&line_items[0][price_data][amount]=1", "price_data"),
        ("line_items[0][price_data][unit_amount]=1", "currency"),
        ("customer_email=", "$.customer_email"),
        ("payment_method_options[card][restrictions][brands_blocked][0]=diners", "brands_blocked[0]"),
        ("payment_method_options[twint][capture_method]=manual", "capture_method"),
        ("idempotency_key=x", "idempotency_key"),
    ],
)
def test_it_names_what_stripe_would_refuse(more: str, path: str) -> None:
    [wrong] = violations("POST", f"https://api.stripe.com{SESSIONS}", f"{GOOD}&{more}")
    assert path in wrong


def test_it_knows_no_other_calls() -> None:
    assert violations("POST", "https://api.stripe.com/v1/customers", "") != []
    assert violations("DELETE", f"https://api.stripe.com{SESSIONS}/cs_1", "") != []
