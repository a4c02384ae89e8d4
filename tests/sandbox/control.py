"""The control API: what tests do with our PSPs, and what they want to know of them. JSON in, JSON out."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from tests.sandbox import faults, ledger, money_back
from tests.sandbox.manner import Manner
from tests.sandbox.paypal import orders
from tests.sandbox.paypal.errors import PayPalError
from tests.sandbox.statement import statement, summary
from tests.sandbox.stripe import balance, checkout, sessions
from tests.sandbox.stripe.cards import CARDS
from tests.sandbox.stripe.errors import StripeError
from tests.sandbox.world import world

control = Blueprint("control", __name__, url_prefix="/control")
BOOKS = (
    "stripe session",
    "stripe line_items",
    "stripe payment_intent",
    "stripe charge",
    "stripe balance_transaction",
    "stripe payout",
    "stripe refund",
    "stripe dispute",
    "stripe webhook_endpoint",
    "stripe event",
    "stripe key",
    "paypal order",
    "paypal capture",
    "paypal refund",
    "paypal transaction",
    "paypal dispute",
    "paypal webhook",
    "paypal event",
    "paypal key",
    "delivery",
    "request",
    "fault",
    "mail",
    "settings",
)


@control.errorhandler(ValueError)
@control.errorhandler(StripeError)
@control.errorhandler(PayPalError)
@control.errorhandler(checkout.PageGone)
@control.errorhandler(checkout.NotOffered)
@control.errorhandler(orders.PageGone)
def _refuse(error: Exception) -> tuple[Response, int]:
    return jsonify(error=type(error).__name__, message=str(error)), 400


@control.get("/ready")
def ready() -> Response:
    return jsonify(ready=True, url=world().url)


@control.post("/reset")
def reset() -> Response:
    """Empty books, settings as at the start. Certificates and OAuth tokens stay."""
    world().books.clear(BOOKS)
    return jsonify({})


@control.post("/settings")
def settings() -> Response:
    world().dashboard.change(**_body())
    return jsonify(world().dashboard.as_json())


@control.post("/stripe/<id>/card")
def pay_by_card(id: str) -> Response:
    body = _body()
    card = CARDS.get(body["number"])
    if card is None:
        raise ValueError(f"no such test card: {body['number']}")
    manner = Manner.of(body)
    if card.asks and body.get("confirm") is False:
        return _came_of(id, checkout.refuse_three_d_secure(world(), id, card, manner))
    quirk = checkout.Quirk(body.get("brand"), body.get("network_status") or "approved_by_network", body.get("wallet"))
    return _came_of(id, checkout.pay_by_card(world(), id, card, manner, quirk))


@control.post("/stripe/<id>/twint")
def pay_by_twint(id: str) -> Response:
    body = _body()
    if body.get("confirm") is False:
        return _came_of(id, checkout.refuse_twint(world(), id, Manner.of(body)))
    checkout.pay_by_twint(world(), id, Manner.of(body), pending=body.get("pending", False))
    return _came_of(id, None)


@control.post("/stripe/<id>/settle")
def settle_session(id: str) -> Response:
    body = _body()
    checkout.settle(world(), id, Manner.of(body), paid=body.get("paid", True))
    return jsonify({})


@control.post("/stripe/<id>/expire")
def expire_session(id: str) -> Response:
    sessions.expire(world(), id, Manner.of(_body()))
    return jsonify(outcome="expired", url=None)


@control.post("/stripe/<id>/reopen")
def reopen_session(id: str) -> Response:
    sessions.reopen(world(), id)
    return jsonify({})


@control.post("/paypal/<id>/approve")
def approve(id: str) -> Response:
    body = _body()
    outcome = body.get("capture") or "completed"
    if outcome not in orders.OUTCOMES:
        raise ValueError(f"no such outcome: {outcome}")
    later = Manner.of({"webhook": body["capture_webhook"], "seconds": body.get("seconds")})
    order = orders.approve(world(), id, outcome, Manner.of(body), later)
    return jsonify(outcome="approved", url=orders.return_url(order))


@control.post("/paypal/<id>/expire")
def expire_order(id: str) -> Response:
    orders.expire(world(), id)
    return jsonify(outcome="expired", url=None)


@control.post("/paypal/captures/<id>/settle")
def settle(id: str) -> Response:
    return jsonify(orders.settle(world(), id, _body()["status"]))


@control.post("/payments/<page>/refund")
def refund(page: str) -> Response:
    body = _body()
    status = body.get("status") or "succeeded"
    return jsonify(id=money_back.refund(world(), page, body.get("amount"), status, Manner.of(body)))


@control.post("/refunds/<id>")
def settle_refund(id: str) -> Response:
    body = _body()
    money_back.settle_refund(world(), id, body["status"], body.get("reason") or "", Manner.of(body))
    return jsonify({})


@control.post("/payments/<page>/dispute")
def dispute(page: str) -> Response:
    body = _body()
    reason, status = body.get("reason") or "", body.get("status") or ""
    days = body.get("due_days", money_back.DUE_DAYS)
    return jsonify(id=money_back.dispute(world(), page, body.get("amount"), reason, status, days, Manner.of(body)))


@control.post("/disputes/<id>")
def move_dispute(id: str) -> Response:
    body = _body()
    money_back.move_dispute(world(), id, body["status"], body.get("outcome") or "", Manner.of(body))
    return jsonify({})


@control.post("/payments/<page>/reverse")
def reverse(page: str) -> Response:
    body = _body()
    return jsonify(id=money_back.reverse(world(), page, body.get("amount"), Manner.of(body)))


@control.post("/payments/<page>/age")
def age(page: str) -> Response:
    money_back.age(world(), page, _body()["days"])
    return jsonify({})


@control.get("/books")
def books() -> Response:
    return jsonify(summary(world().books))


@control.get("/payments")
def payments() -> Response:
    return jsonify(statement(world().books))


@control.get("/ledger")
def ledger_lines() -> Response:
    return jsonify(ledger.lines(world()))


@control.post("/ledger/change")
def change_line() -> Response:
    body = _body()
    given = {name: body.get(name) for name in ("at", "amount", "currency")}
    ledger.change(world(), body["id"], **given)
    return jsonify({})


@control.post("/ledger/strike")
def strike_line() -> Response:
    ledger.strike(world(), _body()["id"])
    return jsonify({})


@control.post("/ledger/shift")
def shift_lines() -> Response:
    ledger.shift(world(), _body()["seconds"])
    return jsonify({})


@control.post("/ledger/stranger")
def take_from_a_stranger() -> Response:
    body = _body()
    return jsonify(id=ledger.take_from_a_stranger(world(), body["psp"], body["amount"]))


@control.post("/ledger/fee")
def charge_a_fee() -> Response:
    body = _body()
    ledger.charge_a_fee(world(), body["psp"], body["amount"])
    return jsonify({})


@control.post("/payouts")
def pay_out() -> Response:
    body = _body()
    automatic = body.get("automatic", True)
    return jsonify(id=ledger.pay_out(world(), body["psp"], automatic=automatic, amount=body.get("amount")))


@control.post("/payouts/<id>/return")
def return_payout(id: str) -> Response:
    balance.return_payout(world(), id)
    return jsonify({})


@control.get("/events")
def events() -> Response:
    books = world().books
    return jsonify([{"psp": psp, **e} for psp in ("stripe", "paypal") for e in books.all(f"{psp} event")])


@control.post("/events/<id>/resend")
def resend(id: str) -> Response:
    for psp in ("stripe", "paypal"):
        event = world().books.get(f"{psp} event", id)
        if event:
            world().courier.resend(psp, event)
            return jsonify(event=id)
    raise ValueError(f"no such event: {id}")


@control.get("/requests")
def requests() -> Response:
    return jsonify(world().books.all("request"))


@control.delete("/requests")
def forget_requests() -> Response:
    world().books.clear(["request"])
    return jsonify({})


@control.get("/deliveries")
def deliveries() -> Response:
    return jsonify(world().books.all("delivery"))


@control.post("/flush")
def flush() -> Response:
    body = _body()
    done = world().courier.flush(early=body.get("early", False), seconds=body.get("seconds", 30.0))
    return jsonify(done=done)


@control.post("/collect")
def collect() -> Response:
    return jsonify(world().courier.collect())


@control.post("/sign")
def sign() -> Response:
    body = _body()
    return jsonify(world().courier.sign(body["psp"], body["body"].encode()))


@control.post("/webhooks")
def send_webhook() -> Response:
    """Any message, at once: its own headers, or signed as the PSP would."""
    body = _body()
    raw = body["body"].encode()
    headers = body["headers"] if body.get("headers") is not None else world().courier.sign(body["psp"], raw)
    status, error = world().courier.send(body["psp"], raw, {"Content-Type": "application/json", **headers})
    return jsonify(status=status, error=error)


@control.post("/faults")
def set_fault() -> Response:
    body = _body()
    faults.set_fault(
        world(),
        body["fault"],
        path=body.get("path", "*"),
        method=body.get("method", "*"),
        calls=body.get("calls", 1),
        seconds=body.get("seconds", 0.0),
    )
    return jsonify({})


@control.delete("/faults")
def clear_faults() -> Response:
    world().books.clear(["fault"])
    return jsonify({})


@control.post("/forget-keys")
def forget_keys() -> Response:
    """As if every idempotency key were too old."""
    world().books.clear(["stripe key", "paypal key"])
    return jsonify({})


@control.post("/revoke-tokens")
def revoke_tokens() -> Response:
    world().books.clear(["paypal token"])
    return jsonify({})


@control.get("/mails")
def mails() -> Response:
    return jsonify(world().books.all("mail"))


@control.delete("/mails")
def forget_mails() -> Response:
    world().books.clear(["mail"])
    return jsonify({})


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _came_of(id: str, decline: Any) -> Response:
    session = sessions.found(world(), id)
    if decline:
        return jsonify(outcome="declined", url=session["url"], decline_code=decline.decline_code)
    outcome = "paid" if session["payment_status"] == "paid" else "pending"
    return jsonify(outcome=outcome, url=checkout.success_url(session))
