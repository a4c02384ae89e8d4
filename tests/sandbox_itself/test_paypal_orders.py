from typing import Any

import pytest

from tests.sandbox import canaries
from tests.sandbox.client import Sandbox, SandboxRefused
from tests.sandbox_itself.conftest import Json, PayPal, order_body


def types(sandbox: Sandbox) -> list[str]:
    return [event["event_type"] for event in sandbox.events()]


def issue(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["details"][0]["issue"]


def approved(paypal: PayPal, sandbox: Sandbox, **how: Any) -> str:
    id = str(paypal.create().json()["id"])
    sandbox.approve_paypal(id, **how)
    return id


def test_a_new_order_waits_for_its_payer(paypal: PayPal) -> None:
    answer = paypal.create()
    order = answer.json()
    assert (answer.status_code, order["status"]) == (201, "PAYER_ACTION_REQUIRED")
    links = {link["rel"]: link["href"] for link in order["links"]}
    assert links["payer-action"] == f"{paypal.url}/checkoutnow?token={order['id']}"
    assert set(order) == {"id", "status", "payment_source", "links"}  # without Prefer: return=representation


def test_approval_is_not_money(paypal: PayPal, sandbox: Sandbox) -> None:
    id = paypal.create().json()["id"]
    assert issue(paypal.capture(id)) == (422, "ORDER_NOT_APPROVED")
    result = sandbox.approve_paypal(id)
    assert result.url == f"http://localhost:8000/retour?p=1&token={id}&PayerID={canaries.PAYPAL_PAYER_ID}"
    assert paypal.call("GET", f"/v2/checkout/orders/{id}").json()["status"] == "APPROVED"
    assert types(sandbox) == ["CHECKOUT.ORDER.APPROVED"]
    assert sandbox.payment(id)["received"] == 0


def test_a_capture_takes_the_money_once(paypal: PayPal, sandbox: Sandbox) -> None:
    id = approved(paypal, sandbox)
    answer = paypal.capture(id)
    order = answer.json()
    capture = order["purchase_units"][0]["payments"]["captures"][0]
    assert (answer.status_code, order["status"], capture["status"]) == (201, "COMPLETED", "COMPLETED")
    live = paypal.call("GET", f"/v2/payments/captures/{capture['id']}").json()
    assert live["amount"] == {"currency_code": "CHF", "value": "49.90"}
    assert (live["custom_id"], live["invoice_id"]) == ("payment-1", "KK-1-1")
    assert live["supplementary_data"]["related_ids"]["order_id"] == id
    assert live["payee"]["merchant_id"]
    assert live["seller_receivable_breakdown"]["gross_amount"] == live["amount"]
    assert order["payer"]["email_address"] == canaries.PAYPAL_EMAIL
    assert types(sandbox)[1:] == ["PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.COMPLETED"]
    assert issue(paypal.capture(id, "capture-2")) == (422, "ORDER_ALREADY_CAPTURED")
    assert sandbox.payment(id)["received"] == 4990


def test_the_same_request_id_finds_its_order_as_it_is_now(paypal: PayPal, sandbox: Sandbox) -> None:
    id = paypal.create().json()["id"]
    sandbox.approve_paypal(id)
    again = paypal.create()
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (200, id, "APPROVED")
    first, second = paypal.capture(id), paypal.capture(id)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert types(sandbox).count("PAYMENT.CAPTURE.COMPLETED") == 1


def test_the_same_request_id_for_another_request_is_an_error(paypal: PayPal) -> None:
    id = paypal.create().json()["id"]
    assert issue(paypal.create(order_body("50.00"))) == (422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED")
    assert issue(paypal.capture(id, "create-1")) == (422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED")


def test_an_order_that_was_not_approved_does_not_use_the_key_up(paypal: PayPal, sandbox: Sandbox) -> None:
    id = paypal.create().json()["id"]
    paypal.capture(id, "cap-1")
    sandbox.approve_paypal(id)
    assert paypal.capture(id, "cap-1").status_code == 201


def test_a_declined_instrument_sends_the_payer_back(paypal: PayPal, sandbox: Sandbox) -> None:
    id = approved(paypal, sandbox, capture="instrument_declined")
    assert issue(paypal.capture(id, "cap-1")) == (422, "INSTRUMENT_DECLINED")
    order = paypal.call("GET", f"/v2/checkout/orders/{id}").json()
    assert order["status"] == "PAYER_ACTION_REQUIRED"
    assert "payer-action" in [link["rel"] for link in order["links"]]
    sandbox.approve_paypal(id)
    assert issue(paypal.capture(id, "cap-1")) == (422, "INSTRUMENT_DECLINED")  # its key keeps the decline
    assert paypal.capture(id, "cap-2").status_code == 201


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize(
    ("outcome", "said"), [("instrument_declined", "INSTRUMENT_DECLINED"), ("payer_action", "PAYER_ACTION_REQUIRED")]
)
def test_what_is_declined_may_stay_approved_and_can_be_approved_anew(
    paypal: PayPal, sandbox: Sandbox, outcome: Any, said: str, keeps: bool
) -> None:
    sandbox.change(paypal_keeps_approval=keeps)
    id = approved(paypal, sandbox, capture=outcome)
    assert issue(paypal.capture(id, "cap-1")) == (422, said)
    order = paypal.call("GET", f"/v2/checkout/orders/{id}").json()
    assert order["status"] == ("APPROVED" if keeps else "PAYER_ACTION_REQUIRED")
    assert issue(paypal.capture(id, "cap-2")) == (422, said if keeps else "ORDER_NOT_APPROVED")
    sandbox.approve_paypal(id)
    assert paypal.capture(id, "cap-3").status_code == 201


@pytest.mark.parametrize(
    ("decision", "status"), [("COMPLETED", "COMPLETED"), ("DENIED", "DECLINED"), ("DECLINED", "DECLINED")]
)
def test_a_pending_capture_is_decided_later(paypal: PayPal, sandbox: Sandbox, decision: Any, status: str) -> None:
    id = approved(paypal, sandbox, capture="pending")
    order = paypal.capture(id).json()
    capture = order["purchase_units"][0]["payments"]["captures"][0]
    assert (order["status"], capture["status"]) == ("COMPLETED", "PENDING")
    assert capture["status_details"]["reason"] == "PENDING_REVIEW"
    sandbox.settle_capture(capture["id"], decision)
    live = paypal.call("GET", f"/v2/payments/captures/{capture['id']}").json()
    part = paypal.call("GET", f"/v2/checkout/orders/{id}").json()["purchase_units"][0]["payments"]["captures"][0]
    assert live["status"] == part["status"] == status
    assert types(sandbox)[1] == "PAYMENT.CAPTURE.PENDING"
    assert types(sandbox)[-1] == f"PAYMENT.CAPTURE.{decision}"
    with pytest.raises(SandboxRefused):
        sandbox.settle_capture(capture["id"], "COMPLETED")


def test_a_completed_order_can_hold_a_declined_capture(paypal: PayPal, sandbox: Sandbox) -> None:
    answer = paypal.capture(approved(paypal, sandbox, capture="declined"))
    capture = answer.json()["purchase_units"][0]["payments"]["captures"][0]
    assert (answer.status_code, answer.json()["status"], capture["status"]) == (201, "COMPLETED", "DECLINED")
    assert "PAYMENT.CAPTURE.DECLINED" in types(sandbox)


def test_another_amount_is_what_the_books_say_too(paypal: PayPal, sandbox: Sandbox) -> None:
    id = approved(paypal, sandbox, webhook="wrong_amount")
    capture = paypal.capture(id).json()["purchase_units"][0]["payments"]["captures"][0]
    assert paypal.call("GET", f"/v2/payments/captures/{capture['id']}").json()["amount"]["value"] == "50.90"
    assert sandbox.payment(id)["received"] == 5090


def test_one_invoice_is_paid_once(paypal: PayPal, sandbox: Sandbox) -> None:
    paypal.capture(approved(paypal, sandbox))
    second = paypal.create(key="create-2").json()["id"]
    sandbox.approve_paypal(second)
    assert issue(paypal.capture(second, "cap-2")) == (422, "DUPLICATE_INVOICE_ID")
    sandbox.change(paypal_blocks_duplicate_invoices=False)
    assert paypal.capture(second, "cap-2").status_code == 201


def test_an_order_too_old_is_unknown(paypal: PayPal, sandbox: Sandbox) -> None:
    id = approved(paypal, sandbox)
    sandbox.expire(id)
    assert issue(paypal.call("GET", f"/v2/checkout/orders/{id}")) == (404, "INVALID_RESOURCE_ID")
    assert issue(paypal.capture(id)) == (404, "INVALID_RESOURCE_ID")


def test_a_request_id_is_a_must_with_a_payment_source(paypal: PayPal) -> None:
    answer = paypal.call("POST", "/v2/checkout/orders", order_body())
    assert issue(answer) == (400, "PAYPAL_REQUEST_ID_REQUIRED")
    assert issue(paypal.create(key="k" * 109))[0] == 400


def _without_source(body: Json) -> None:
    del body["payment_source"]


def _unknown_field(body: Json) -> None:
    body["purchase_units"][0]["amount"]["tip"] = "1.00"


def _locale(body: Json) -> None:
    body["payment_source"]["paypal"]["experience_context"]["locale"] = "fr_CH"


def _user_action(body: Json) -> None:
    body["payment_source"]["paypal"]["experience_context"]["user_action"] = "PAY"


def _number(body: Json) -> None:
    body["purchase_units"][0]["amount"]["value"] = 49.9


def _precision(body: Json) -> None:
    body["purchase_units"][0]["amount"]["value"] = "49.901"


def _zero(body: Json) -> None:
    body["purchase_units"][0]["amount"]["value"] = "0.00"


def _long(body: Json) -> None:
    body["purchase_units"][0]["custom_id"] = "x" * 128


def _breakdown(body: Json) -> None:
    money = {"currency_code": "CHF", "value": "49.80"}
    body["purchase_units"][0]["amount"]["breakdown"] = {"item_total": money}


def _items(body: Json) -> None:
    money = {"currency_code": "CHF", "value": "49.90"}
    body["purchase_units"][0]["amount"]["breakdown"] = {"item_total": money}
    body["purchase_units"][0]["items"] = [{"name": "Commande", "quantity": "2", "unit_amount": money}]


@pytest.mark.parametrize(
    ("spoil", "status", "expected"),
    [
        (_without_source, 400, "MISSING_REQUIRED_PARAMETER"),
        (_unknown_field, 400, "UNKNOWN_PARAMETER"),
        (_locale, 400, "INVALID_PARAMETER_SYNTAX"),
        (_user_action, 400, "INVALID_PARAMETER_VALUE"),
        (_number, 400, "INVALID_PARAMETER_VALUE"),
        (_long, 400, "INVALID_STRING_MAX_LENGTH"),
        (_precision, 422, "DECIMAL_PRECISION"),
        (_zero, 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        (_breakdown, 422, "AMOUNT_MISMATCH"),
        (_items, 422, "ITEM_TOTAL_MISMATCH"),
    ],
)
def test_it_refuses_what_paypal_would(paypal: PayPal, sandbox: Sandbox, spoil: Any, status: int, expected: str) -> None:
    body = order_body()
    spoil(body)
    answer = paypal.create(body)
    assert issue(answer) == (status, expected)
    assert {"name", "message", "debug_id", "details", "links"} <= set(answer.json())
    assert answer.headers["PayPal-Debug-Id"] == answer.json()["debug_id"]
    assert sandbox.payments() == []


def test_it_knows_who_calls(paypal: PayPal, sandbox: Sandbox) -> None:
    assert paypal.sign_in("wrong").status_code == 401
    assert paypal.sign_in("wrong").json()["error"] == "invalid_client"
    id = paypal.create().json()["id"]
    sandbox.revoke_tokens()
    refused = paypal.call("GET", f"/v2/checkout/orders/{id}")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    sandbox.change(paypal_token_seconds=-1)
    paypal.token = ""
    assert paypal.call("GET", f"/v2/checkout/orders/{id}").status_code == 401


def test_what_it_does_not_play_is_not_found_in_paypals_shape(paypal: PayPal) -> None:
    answer = paypal.call("POST", "/v2/payments/authorizations/x/void", {})
    assert (answer.status_code, answer.json()["name"]) == (404, "RESOURCE_NOT_FOUND")
