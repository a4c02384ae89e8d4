from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox import canaries
from tests.sandbox.client import Sandbox, SandboxRefused
from tests.sandbox_itself.conftest import Json, PayPal


def paid(paypal: PayPal, sandbox: Sandbox) -> tuple[str, str]:
    order = paypal.create().json()["id"]
    sandbox.approve_paypal(order)
    paypal.capture(order)
    return order, sandbox.payment(order)["money"]


def live(paypal: PayPal, id: str) -> Json:
    answer: Json = paypal.call("GET", f"/v1/customer/disputes/{id}").json()
    return answer


def told(sandbox: Sandbox) -> list[str]:
    """The events after the payment's own three."""
    return [event["event_type"] for event in sandbox.events()][3:]


def refund(paypal: PayPal, capture: str) -> int:
    return paypal.call("POST", f"/v2/payments/captures/{capture}/refund", {}).status_code


def test_a_dispute_names_the_capture_and_the_day(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    id = sandbox.dispute(order, 1000, due_days=5)
    dispute = live(paypal, id)
    [about] = dispute["disputed_transactions"]
    assert (about["seller_transaction_id"], about["custom"]) == (capture, "payment-1")
    assert (dispute["status"], dispute["reason"]) == (
        "WAITING_FOR_SELLER_RESPONSE",
        "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    )
    assert dispute["dispute_amount"] == {"currency_code": "CHF", "value": "10.00"}
    due = datetime.fromisoformat(dispute["seller_response_due_date"])
    assert abs(due - datetime.now(UTC) - timedelta(days=5)) < timedelta(minutes=1)
    assert dispute["messages"][0]["content"] == canaries.PAYPAL_COMPLAINT
    event = sandbox.events()[-1]
    assert (event["event_type"], event["resource_type"], event["resource"]) == (
        "CUSTOMER.DISPUTE.CREATED",
        "dispute",
        dispute,
    )
    found = paypal.call("GET", f"/v1/customer/disputes?disputed_transaction_id={capture}").json()["items"]
    assert [one["dispute_id"] for one in found] == [id]
    assert sandbox.payment(order)["disputed"] == 1000


def test_a_disputed_capture_is_not_refunded(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    id = sandbox.dispute(order)
    answer = paypal.call("POST", f"/v2/payments/captures/{capture}/refund", {})
    assert (answer.status_code, answer.json()["details"][0]["issue"]) == (422, "TRANSACTION_DISPUTED")
    sandbox.move_dispute(id, "RESOLVED", outcome="CANCELED_BY_BUYER")
    assert refund(paypal, capture) == 201


def test_the_buyer_may_win(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    id = sandbox.dispute(order)
    sandbox.move_dispute(id, "UNDER_REVIEW")
    sandbox.move_dispute(id, "RESOLVED", outcome="RESOLVED_BUYER_FAVOUR")
    assert told(sandbox) == [
        "CUSTOMER.DISPUTE.CREATED",
        "CUSTOMER.DISPUTE.UPDATED",
        "CUSTOMER.DISPUTE.RESOLVED",
        "PAYMENT.CAPTURE.REVERSED",
    ]
    assert live(paypal, id)["dispute_outcome"]["outcome_code"] == "RESOLVED_BUYER_FAVOUR"
    assert paypal.call("GET", f"/v2/payments/captures/{capture}").json()["status"] == "REFUNDED"
    row = sandbox.payment(order)
    assert (row["disputed"], row["refunded"]) == (4990, 0)
    assert row["disputes"][0]["outcome"] == "RESOLVED_BUYER_FAVOUR"


def test_the_shop_may_win(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    sandbox.move_dispute(sandbox.dispute(order), "RESOLVED", outcome="RESOLVED_SELLER_FAVOUR")
    assert told(sandbox) == ["CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.RESOLVED"]
    assert paypal.call("GET", f"/v2/payments/captures/{capture}").json()["status"] == "COMPLETED"
    assert sandbox.payment(order)["disputed"] == 0


def test_an_end_needs_its_outcome_and_is_final(paypal: PayPal, sandbox: Sandbox) -> None:
    order, _ = paid(paypal, sandbox)
    id = sandbox.dispute(order)
    with pytest.raises(SandboxRefused, match="no such outcome"):
        sandbox.move_dispute(id, "RESOLVED")
    sandbox.move_dispute(id, "RESOLVED", outcome="DENIED")
    with pytest.raises(SandboxRefused, match="resolved already"):
        sandbox.move_dispute(id, "UNDER_REVIEW")
