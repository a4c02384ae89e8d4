"""Orders v2: created, approved by the payer, captured by the shop."""

import time
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from tests.sandbox.books import Document
from tests.sandbox.manner import Manner
from tests.sandbox.paypal import report, shapes
from tests.sandbox.paypal.errors import PayPalError, not_found, unprocessable
from tests.sandbox.paypal.events import emit
from tests.sandbox.paypal.schema import centimes
from tests.sandbox.world import World

KIND = "paypal order"
CAPTURE_KIND = "paypal capture"
OTHER_AMOUNT = 100  # centimes that a `wrong_amount` takes too much
# What the capture of an approved order will give.
Outcome = Literal["completed", "pending", "echeck", "declined", "instrument_declined", "payer_action"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
DECLINES = {
    "INSTRUMENT_DECLINED": (
        "The instrument presented was either declined by the processor or bank, or it can't be used for this payment."
    ),
    "PAYER_ACTION_REQUIRED": "Payer needs to perform the following action before proceeding with payment.",
}
STATUSES = {"completed": "COMPLETED", "pending": "PENDING", "echeck": "PENDING", "declined": "DECLINED"}
HELD = ("COMPLETED", "PENDING", "PARTIALLY_REFUNDED", "REFUNDED")  # captures that use their invoice number up


class PageGone(Exception):
    """The approval page is not open any more."""


def create(world: World, body: Document) -> Document:
    """An order from a body that the schema has passed."""
    order = shapes.order(body, _api(world))
    world.books.put(KIND, order["id"], order)
    return order


def found(world: World, id: str) -> Document:
    """Raises PayPalError: unknown, or too old to be known."""
    order = world.books.get(KIND, id)
    if order is None or (order["status"] != "COMPLETED" and shapes.dies_at(order) < time.time()):
        raise not_found()
    return order


def capture_found(world: World, id: str) -> Document:
    capture = world.books.get(CAPTURE_KIND, id)
    if capture is None:
        raise not_found()
    return capture


def open_order(world: World, token: str) -> Document:
    """The order whose page is open. Raises PayPalError, PageGone."""
    order = found(world, token)
    if order["status"] not in ("PAYER_ACTION_REQUIRED", "APPROVED"):
        raise PageGone(order["status"])
    return order


def approve(
    world: World, token: str, outcome: Outcome, manner: Manner, capture_manner: Manner | None = None
) -> Document:
    """The payer agrees. Approval is not money: the shop must capture. Raises PayPalError, PageGone."""
    with world.books.turn():
        order = open_order(world, token)
        shapes.approve(order, _api(world))
        later = capture_manner or manner
        order |= {"_outcome": outcome, "_fault": later.fault, "_seconds": later.seconds}
        world.books.put(KIND, token, order)
        emit(world, [("CHECKOUT.ORDER.APPROVED", order)], manner)
    return order


def return_url(order: Document) -> str:
    """Where the payer's browser goes after agreeing."""
    return _with_token(order, "return_url", {"PayerID": order["payer"]["payer_id"]})


def cancel_url(order: Document) -> str:
    return _with_token(order, "cancel_url", {})


def _with_token(order: Document, name: str, more: dict[str, str]) -> str:
    url = str(order["_experience"].get(name, ""))
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'token': order['id'], **more})}"


def expire(world: World, token: str) -> None:
    """Let an order grow too old at once."""
    with world.books.turn():
        order = open_order(world, token)
        world.books.put(KIND, token, order | {"_created": 0})


def capture(world: World, id: str) -> Document:
    """Take the money of an approved order; the order with its capture. Raises PayPalError."""
    with world.books.turn():
        order = found(world, id)
        if order["status"] == "COMPLETED":
            raise unprocessable(
                "ORDER_ALREADY_CAPTURED",
                "Order already captured. If 'intent=CAPTURE' only one capture per order is allowed.",
            )
        if order["status"] != "APPROVED":
            raise unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.")
        _check_invoice(world, order)
        if order["_outcome"] not in ("instrument_declined", "payer_action"):
            return _capture(world, order)
        if not world.dashboard.read().paypal_keeps_approval:
            _ask_again(world, order)
    raise declined("PAYER_ACTION_REQUIRED" if order["_outcome"] == "payer_action" else "INSTRUMENT_DECLINED")


def declined(issue: str) -> PayPalError:
    """An issue of DECLINES, which sends the payer back to the page."""
    return unprocessable(issue, DECLINES[issue])


def settle(world: World, capture_id: str, status: str) -> Document:
    """PayPal makes up its mind about a pending capture: COMPLETED, DENIED or DECLINED."""
    types = {"COMPLETED": "COMPLETED", "DENIED": "DENIED", "DECLINED": "DECLINED"}
    with world.books.turn():
        capture = capture_found(world, capture_id)
        if capture["status"] != "PENDING" or status not in types:
            raise PageGone(capture["status"])
        # A denied capture reads DECLINED: the resource has no state of that name.
        shapes.settle(capture, "COMPLETED" if status == "COMPLETED" else "DECLINED")
        order = keep_capture(world, capture)
        _book(world, capture)
        emit(world, [(f"PAYMENT.CAPTURE.{status}", capture)], _manner(order))
    return capture


def _capture(world: World, order: Document) -> Document:
    manner = _manner(order)
    total = centimes(order["purchase_units"][0]["amount"], "/amount")
    taken = total + (OTHER_AMOUNT if manner.fault == "wrong_amount" else 0)
    reason = "ECHECK" if order["_outcome"] == "echeck" else "PENDING_REVIEW"
    capture = shapes.capture(order, taken, STATUSES[order["_outcome"]], _api(world), reason)
    order |= {"status": "COMPLETED", "update_time": shapes.now()}
    order["links"] = order["links"][:1]
    world.books.put(KIND, order["id"], order)
    order = keep_capture(world, capture)
    _book(world, capture)
    happened = [(f"PAYMENT.CAPTURE.{capture['status']}", capture), ("CHECKOUT.ORDER.COMPLETED", order)]
    emit(world, happened, manner)
    return order


def _book(world: World, capture: Document) -> None:
    """The line of what came; of what is pending or denied there is none."""
    if capture["status"] == "COMPLETED":
        amount = capture["amount"]
        fee = shapes.centimes(capture["seller_receivable_breakdown"]["paypal_fee"])
        taken, currency = shapes.centimes(amount), amount["currency_code"]
        report.book(world, "T0006", taken, currency=currency, fee=fee, id=capture["id"], marks=capture)


def keep_capture(world: World, capture: Document) -> Document:
    """Write a capture down, and let its order tell of it and of its refunds; the order."""
    world.books.put(CAPTURE_KIND, capture["id"], capture)
    order = world.books.get(KIND, capture["supplementary_data"]["related_ids"]["order_id"])
    assert order
    refunds = world.books.where("paypal refund", _capture=capture["id"])
    payments = {"captures": [capture], "refunds": refunds}
    order["purchase_units"][0]["payments"] = {
        name: [shapes.as_part(thing) for thing in things] for name, things in payments.items() if things
    }
    world.books.put(KIND, order["id"], order)
    return order


def _ask_again(world: World, order: Document) -> None:
    """What was declined is approved no more: the payer is sent to the same page once again."""
    fresh: dict[str, Any] = shapes.public(order) | {"status": "PAYER_ACTION_REQUIRED"}
    fresh |= {name: order[name] for name in ("_experience", "_created")}
    fresh["links"] = [
        {"href": f"{_api(world)}/v2/checkout/orders/{order['id']}", "rel": "self", "method": "GET"},
        {"href": f"{_api(world)}/checkoutnow?token={order['id']}", "rel": "payer-action", "method": "GET"},
    ]
    world.books.put(KIND, order["id"], fresh)


def _check_invoice(world: World, order: Document) -> None:
    invoice = order["purchase_units"][0].get("invoice_id")
    if not invoice or not world.dashboard.read().paypal_blocks_duplicate_invoices:
        return
    for capture in world.books.where(CAPTURE_KIND, invoice_id=invoice):
        if capture["status"] in HELD:
            raise unprocessable(
                "DUPLICATE_INVOICE_ID",
                "Requested invoice number has been previously captured.",
                "/invoice_id",
            )


def _manner(order: Document) -> Manner:
    return Manner(order["_fault"], order["_seconds"])


def _api(world: World) -> str:
    return f"{world.url}/paypal"
