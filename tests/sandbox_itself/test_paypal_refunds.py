from typing import Any

import pytest
import requests

from tests.sandbox.client import Sandbox, SandboxRefused
from tests.sandbox_itself.conftest import Json, PayPal, order_body


def paid(paypal: PayPal, sandbox: Sandbox, outcome: Any = "completed", n: int = 1) -> tuple[str, str]:
    """The order and the capture of a payment that was made."""
    order = paypal.create(order_body(invoice=f"KK-{n}"), key=f"create-{n}").json()["id"]
    sandbox.approve_paypal(order, capture=outcome)
    paypal.capture(order, key=f"capture-{n}")
    return order, sandbox.payment(order)["money"]


def refund(paypal: PayPal, capture: str, key: str = "r", value: str = "", **body: Any) -> requests.Response:
    amount = {"amount": {"currency_code": "CHF", "value": value}} if value else {}
    path = f"/v2/payments/captures/{capture}/refund"
    return paypal.call("POST", path, {**amount, **body}, PayPal_Request_Id=key, Prefer="return=representation")


def live(paypal: PayPal, capture: str) -> Json:
    answer: Json = paypal.call("GET", f"/v2/payments/captures/{capture}").json()
    return answer


def told(sandbox: Sandbox) -> list[str]:
    """The events after the payment's own three."""
    return [event["event_type"] for event in sandbox.events()][3:]


def issue(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["details"][0]["issue"]


def test_an_empty_body_refunds_all(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    answer = refund(paypal, capture, custom_id="refund-1", note_to_payer="Commande KK-1")
    made = answer.json()
    assert (answer.status_code, made["status"], made["amount"]) == (
        201,
        "COMPLETED",
        {"currency_code": "CHF", "value": "49.90"},
    )
    assert made["custom_id"] == "refund-1"
    assert {link["rel"]: link["href"] for link in made["links"]}["up"].endswith(f"/captures/{capture}")
    assert live(paypal, capture)["status"] == "REFUNDED"
    assert told(sandbox) == ["PAYMENT.CAPTURE.REFUNDED"]
    event = sandbox.events()[-1]
    assert (event["resource_type"], event["resource"]) == ("refund", made)
    assert paypal.call("GET", f"/v2/payments/refunds/{made['id']}").json() == made
    row = sandbox.payment(order)
    assert (row["state"], row["received"], row["refunded"], row["disputed"]) == ("paid", 4990, 4990, 0)


def test_a_short_answer_is_given_unless_all_is_wanted(paypal: PayPal, sandbox: Sandbox) -> None:
    _, capture = paid(paypal, sandbox)
    answer = paypal.call("POST", f"/v2/payments/captures/{capture}/refund", {})
    assert set(answer.json()) == {"id", "status", "links"}


def test_parts_add_up_and_no_more_than_all_goes_back(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    refund(paypal, capture, "r1", "30.00")
    assert live(paypal, capture)["status"] == "PARTIALLY_REFUNDED"
    assert issue(refund(paypal, capture, "r2", "20.00")) == (422, "REFUND_AMOUNT_EXCEEDED")
    refund(paypal, capture, "r3")
    assert issue(refund(paypal, capture, "r4", "0.01")) == (422, "CAPTURE_FULLY_REFUNDED")
    assert sandbox.payment(order)["refunded"] == 4990


def test_the_order_tells_its_refunds(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    refund(paypal, capture, "r1", "30.00", custom_id="refund-1")
    payments = paypal.call("GET", f"/v2/checkout/orders/{order}").json()["purchase_units"][0]["payments"]
    assert payments["captures"][0]["status"] == "PARTIALLY_REFUNDED"
    assert [one["custom_id"] for one in payments["refunds"]] == ["refund-1"]


def test_the_same_key_refunds_once_and_tells_what_it_became(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    sandbox.change(refunds="pending")
    first = refund(paypal, capture, value="10.00")
    sandbox.settle_refund(first.json()["id"], "succeeded")
    again = refund(paypal, capture, value="10.00")
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (
        200,
        first.json()["id"],
        "COMPLETED",
    )
    assert sandbox.payment(order)["refunded"] == 1000
    assert issue(refund(paypal, capture, value="20.00")) == (422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"amount": {"currency_code": "EUR", "value": "1.00"}}, (422, "REFUND_CAPTURE_CURRENCY_MISMATCH")),
        ({"amount": {"currency_code": "CHF", "value": "1.005"}}, (422, "DECIMAL_PRECISION")),
        ({"amount": {"currency_code": "CHF", "value": "0.00"}}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ({"reason": "no"}, (400, "UNKNOWN_PARAMETER")),
        ({"note_to_payer": "x" * 256}, (400, "INVALID_STRING_MAX_LENGTH")),
    ],
)
def test_a_wrong_body_is_refused(paypal: PayPal, sandbox: Sandbox, body: Json, expected: tuple[int, str]) -> None:
    _, capture = paid(paypal, sandbox)
    assert issue(refund(paypal, capture, **body)) == expected


def test_an_invoice_number_is_refunded_once(paypal: PayPal, sandbox: Sandbox) -> None:
    _, capture = paid(paypal, sandbox)
    refund(paypal, capture, "r1", "1.00")  # has the capture's number, which was not given
    assert refund(paypal, capture, "r2", "1.00", invoice_id="KK-1").status_code == 201
    assert issue(refund(paypal, capture, "r3", "1.00", invoice_id="KK-1")) == (422, "DUPLICATE_INVOICE_ID")


def test_a_pending_capture_is_not_refunded(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox, "echeck")
    assert (live(paypal, capture)["status"], live(paypal, capture)["status_details"]) == (
        "PENDING",
        {"reason": "ECHECK"},
    )
    assert issue(refund(paypal, capture)) == (422, "PENDING_CAPTURE")
    sandbox.settle_capture(capture, "DENIED")
    assert issue(refund(paypal, capture)) == (422, "REFUND_NOT_ALLOWED")
    assert sandbox.payment(order)["received"] == 0


def test_an_echeck_may_clear(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox, "echeck")
    sandbox.settle_capture(capture, "COMPLETED")
    assert (live(paypal, capture)["status"], sandbox.payment(order)["received"]) == ("COMPLETED", 4990)


def test_after_180_days_nothing_goes_back(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    sandbox.age(order, 179)
    assert refund(paypal, capture, "r1", "1.00").status_code == 201
    sandbox.age(order, 2)
    assert issue(refund(paypal, capture, "r2", "1.00")) == (422, "REFUND_TIME_LIMIT_EXCEEDED")


def test_an_empty_account_refunds_nothing(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    sandbox.change(refunds="refused")
    assert issue(refund(paypal, capture)) == (422, "REFUND_FAILED_INSUFFICIENT_FUNDS")
    sandbox.change(refunds="succeeded")
    assert refund(paypal, capture).status_code == 201
    assert sandbox.payment(order)["refunded"] == 4990


def test_a_pending_refund_is_told_of_when_it_is_done(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    sandbox.change(refunds="pending")
    made = refund(paypal, capture).json()
    assert (made["status"], made["status_details"]) == ("PENDING", {"reason": "ECHECK"})
    assert (told(sandbox), live(paypal, capture)["status"]) == ([], "COMPLETED")
    assert sandbox.payment(order)["refunding"] == 4990
    sandbox.settle_refund(made["id"], "succeeded")
    assert (told(sandbox), live(paypal, capture)["status"]) == (["PAYMENT.CAPTURE.REFUNDED"], "REFUNDED")


def test_a_refund_that_fails_is_not_told_of_but_can_be_read(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    made = refund(paypal, capture).json()
    sandbox.settle_refund(made["id"], "failed")
    assert paypal.call("GET", f"/v2/payments/refunds/{made['id']}").json()["status"] == "FAILED"
    assert (told(sandbox), live(paypal, capture)["status"]) == (["PAYMENT.CAPTURE.REFUNDED"], "COMPLETED")
    assert sandbox.payment(order)["refunded"] == 0


def test_a_refund_may_fail_at_once(paypal: PayPal, sandbox: Sandbox) -> None:
    _, capture = paid(paypal, sandbox)
    sandbox.change(refunds="failed")
    answer = refund(paypal, capture)
    assert (answer.status_code, answer.json()["status"], told(sandbox)) == (201, "FAILED", [])


def test_the_dashboards_refund_has_the_payments_marks_not_ours(paypal: PayPal, sandbox: Sandbox) -> None:
    order, _ = paid(paypal, sandbox)
    id = sandbox.refund(order, 1000)
    event = sandbox.events()[-1]
    assert (event["event_type"], event["resource"]["id"]) == ("PAYMENT.CAPTURE.REFUNDED", id)
    assert (event["resource"]["custom_id"], event["resource"]["invoice_id"]) == ("payment-1", "KK-1")
    assert sandbox.payment(order)["refunded"] == 1000


def test_paypal_may_take_money_back_by_itself(paypal: PayPal, sandbox: Sandbox) -> None:
    order, capture = paid(paypal, sandbox)
    sandbox.reverse(order)
    event = sandbox.events()[-1]
    assert (event["event_type"], event["resource_type"]) == ("PAYMENT.CAPTURE.REVERSED", "refund")
    assert live(paypal, capture)["status"] == "REFUNDED"
    row = sandbox.payment(order)
    assert (row["refunded"], row["disputed"], row["refunds"]) == (0, 4990, [])
    with pytest.raises(SandboxRefused, match="nothing is left"):
        sandbox.reverse(order)


def test_nothing_goes_back_of_what_never_came(paypal: PayPal, sandbox: Sandbox) -> None:
    order = paypal.create().json()["id"]
    with pytest.raises(SandboxRefused, match="no money came"):
        sandbox.refund(order)
    assert refund(paypal, "5UNKNOWN").status_code == 404
