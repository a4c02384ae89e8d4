"""Exactly what is kept of each kind of message; tests beside prove that nothing else is."""

from typing import Any

import pytest

from payments.gateways.base import Kind
from payments.gateways.stripe_messages import live_session
from tests.gateways import paypal, stripe
from tests.gateways.cast import APayment

OURS = "5f0d1e3a-6f3e-4c40-9c0b-0a1b2c3d4e5f"
NOWHERE = "http://127.0.0.1:1"
MARKS = {"payment": OURS, "order": "KK-7F3Q-20AB", "refund": OURS}
STRIPES: dict[str, dict[str, Any]] = {
    "checkout.session.completed": {
        "object": "checkout.session",
        "id": "cs_test_1",
        "payment_intent": "pi_1",
        "payment_status": "paid",
        "status": "complete",
        "amount_total": 12850,
        "currency": "chf",
        "presentment_details": {"presentment_currency": "eur"},
        "client_reference_id": OURS,
        "metadata": MARKS,
        "livemode": False,
        "expires_at": 1_796_083_200,
    },
    "payment_intent.payment_failed": {
        "object": "payment_intent",
        "id": "pi_1",
        "amount_received": 0,
        "currency": "chf",
        "status": "requires_payment_method",
        "latest_charge": "ch_1",
        "metadata": MARKS,
        "livemode": False,
    },
    "refund.updated": {
        "object": "refund",
        "id": "re_1",
        "amount": 5000,
        "currency": "chf",
        "status": "failed",
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "failure_reason": "expired_or_canceled_card",
        "metadata": MARKS,
    },
    "charge.dispute.created": {
        "object": "dispute",
        "id": "dp_1",
        "amount": 5000,
        "currency": "chf",
        "status": "needs_response",
        "reason": "fraudulent",
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "evidence_details": {"due_by": 1_796_083_200},
        "livemode": True,
    },
}
FRANCS = {"currency_code": "CHF", "value": "128.50"}
PAYPALS: dict[str, dict[str, Any]] = {
    "PAYMENT.CAPTURE.PENDING": {
        "id": "2GG279541U471931P",
        "status": "PENDING",
        "status_details": {"reason": "ECHECK"},
        "final_capture": True,
        "amount": FRANCS,
        "custom_id": OURS,
        "invoice_id": "KK-7F3Q-20AB",
        "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
    },
    "CHECKOUT.ORDER.APPROVED": {
        "id": "5O190127TN364715T",
        "status": "APPROVED",
        "intent": "CAPTURE",
        "purchase_units": [{"custom_id": OURS, "invoice_id": "KK-7F3Q-20AB", "amount": FRANCS}],
    },
    "CUSTOMER.DISPUTE.CREATED": {
        "dispute_id": "PP-D-1",
        "reason": "UNAUTHORISED",
        "status": "RESOLVED",
        "dispute_amount": FRANCS,
        "dispute_outcome": {"outcome_code": "ACCEPTED"},
        "seller_response_due_date": "2026-12-01T00:00:00.000Z",
        "disputed_transactions": [{"seller_transaction_id": "2GG279541U471931P", "custom": OURS}],
    },
}


@pytest.mark.parametrize("type", STRIPES)
def test_of_stripes_messages_all_that_is_listed_is_kept(type: str) -> None:
    facts = stripe.configured(NOWHERE).facts(stripe.event(type, STRIPES[type]))
    assert (facts.event_id, facts.type, facts.livemode) == ("evt_1", type, False)
    assert facts.object == STRIPES[type]


@pytest.mark.parametrize("type", PAYPALS)
def test_of_paypals_messages_all_that_is_listed_is_kept(type: str) -> None:
    facts = paypal.configured(NOWHERE).facts(paypal.event(type, PAYPALS[type]))
    assert (facts.event_id, facts.type, facts.api_version) == ("WH-1", type, "2.0")
    assert facts.object == PAYPALS[type]


def test_of_a_refund_of_paypals_the_capture_above_is_kept() -> None:
    up = "https://api-m.paypal.com/v2/payments/captures/2GG279541U471931P"
    listed = {"id": "1JU0", "status": "COMPLETED", "amount": FRANCS, "invoice_id": "KK-7F3Q-20AB"}
    listed |= {"custom_id": f"refund-{OURS}", "status_details": {"reason": "ECHECK"}}
    told = paypal.event("PAYMENT.CAPTURE.REFUNDED", listed | {"links": [{"rel": "up", "href": up}]})
    assert paypal.configured(NOWHERE).facts(told).object == listed | {"links": "2GG279541U471931P"}


def test_a_message_without_a_version_has_none() -> None:
    session = stripe.session(APayment())
    assert stripe.configured(NOWHERE).facts(stripe.event("x", session, api_version=None)).api_version == ""


@pytest.mark.parametrize(
    "changes", [{"object": "v2.core.event"}, {"id": None}, {"type": "a b"}, {"livemode": "no"}, {"data": {}}], ids=str
)
def test_what_is_no_event_of_stripes_has_no_facts(changes: dict[str, Any]) -> None:
    odd = stripe.event("checkout.session.completed", stripe.session(APayment())) | changes
    with pytest.raises(ValueError, match="event of Stripe"):
        stripe.configured(NOWHERE).facts(odd)


@pytest.mark.parametrize("changes", [{"id": None}, {"event_type": "a b"}, {"resource": None}], ids=str)
def test_what_is_no_event_of_paypals_has_no_facts(changes: dict[str, Any]) -> None:
    odd = paypal.event("PAYMENT.CAPTURE.COMPLETED", paypal.capture()) | changes
    with pytest.raises(ValueError, match="event of PayPal"):
        paypal.configured(NOWHERE).facts(odd)


def test_of_a_session_read_live_nothing_went_back_unless_stripe_says_so() -> None:
    payment = APayment()
    intent = {"id": "pi_1", "object": "payment_intent", "latest_charge": {}}
    read = stripe.session(payment, payment_intent=intent, metadata={"order": "KK-7F3Q-20AB"})
    notice = live_session(read)
    assert (notice.kind, notice.refunded, notice.amount, notice.currency) == (Kind.PAID, 0, payment.amount, "CHF")
    assert (notice.payment_id, notice.page_reference, notice.money_reference) == (payment.id, "cs_test_1", "pi_1")
