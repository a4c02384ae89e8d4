"""Refunds of captures: asked for by the shop or at the dashboard, decided at once or later; and reversals."""

from datetime import UTC, datetime, timedelta

from tests.sandbox.books import Books, Document
from tests.sandbox.manner import Manner
from tests.sandbox.paypal import disputes, orders, report, shapes
from tests.sandbox.paypal.errors import not_found, unprocessable
from tests.sandbox.paypal.events import emit
from tests.sandbox.paypal.schema import centimes
from tests.sandbox.world import World

KIND = "paypal refund"
STATUSES = ("COMPLETED", "PENDING", "FAILED", "CANCELLED")
GIVEN = ("COMPLETED", "PENDING")
DAYS = 180  # how long PayPal gives money back
AS_SET = {"succeeded": "COMPLETED", "pending": "PENDING", "failed": "FAILED"}  # by the words of the settings


def create(world: World, capture_id: str, body: Document) -> Document:
    """A refund from a body that the schema has passed. Raises PayPalError."""
    settings = world.dashboard.read()
    with world.books.turn():
        capture = orders.capture_found(world, capture_id)
        amount = _amount(world.books, capture, body.get("amount"))
        _check_invoice(world.books, body.get("invoice_id"))
        if settings.refunds == "refused":
            raise unprocessable(
                "REFUND_FAILED_INSUFFICIENT_FUNDS",
                "Capture could not be refunded due to insufficient funds in the account.",
            )
        refund = shapes.refund(capture, amount, AS_SET[settings.refunds], body, _api(world))
        return _keep(world, capture, refund, settings.of_refunds)


def give(world: World, capture_id: str, amount: int | None, status: str, manner: Manner) -> Document:
    """Somebody at the dashboard refunds a capture, in part or what is left of it. Raises PayPalError, ValueError."""
    check_status(status)
    with world.books.turn():
        capture = orders.capture_found(world, capture_id)
        asked = None if amount is None else shapes.money(amount, capture["amount"]["currency_code"])
        refund = shapes.refund(capture, _amount(world.books, capture, asked), status, {}, _api(world))
        return _keep(world, capture, refund, manner)


def settle(world: World, id: str, status: str, reason: str, manner: Manner) -> Document:
    """A refund becomes another thing than it was. PayPal sends no message of one that failed.

    Raises PayPalError, ValueError.
    """
    check_status(status)
    with world.books.turn():
        refund = found(world, id)
        if refund["status"] == status:
            raise ValueError(f"this refund is {status} already")
        capture = orders.capture_found(world, refund["_capture"])
        if refund["status"] not in GIVEN and shapes.centimes(refund["amount"]) > left(world.books, capture):
            raise ValueError("that money went back in another refund")
        bounces = refund["status"] == "COMPLETED"
        shapes.settle_refund(refund, status, reason)
        if bounces:
            back = shapes.centimes(refund["amount"])
            report.book(world, "T1105", back, currency=refund["amount"]["currency_code"], above=id, marks=refund)
        return _keep(world, capture, refund, manner)


def reverse(world: World, capture_id: str, amount: int | None, manner: Manner) -> Document:
    """PayPal takes money back, nobody at the shop asked for it. Raises PayPalError, ValueError."""
    with world.books.turn():
        capture = orders.capture_found(world, capture_id)
        amount = min(left(world.books, capture), amount or left(world.books, capture))
        if not amount:
            raise ValueError("nothing is left of this capture")
        refund = shapes.refund(capture, amount, "COMPLETED", {}, _api(world)) | {"_reversal": True}
        return _keep(world, capture, refund, manner)


def found(world: World, id: str) -> Document:
    """Raises PayPalError."""
    refund = world.books.get(KIND, id)
    if refund is None:
        raise not_found()
    return refund


def left(books: Books, capture: Document) -> int:
    """Centimes that can still be given back."""
    return shapes.centimes(capture["amount"]) - _sum(_of(books, capture), GIVEN)


def check_status(status: str) -> None:
    if status not in STATUSES:
        raise ValueError(f"no such state of a refund: {status}")


def _of(books: Books, capture: Document) -> list[Document]:
    return books.where(KIND, _capture=capture["id"])


def _sum(refunds: list[Document], statuses: tuple[str, ...]) -> int:
    return sum(shapes.centimes(refund["amount"]) for refund in refunds if refund["status"] in statuses)


def _amount(books: Books, capture: Document, asked: Document | None) -> int:
    """Centimes to be given back. Raises PayPalError where PayPal would refuse."""
    _check_capture(books, capture)
    rest = left(books, capture)
    if not rest:
        raise unprocessable("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.")
    if asked is None:
        return rest
    amount = centimes(asked, "/amount/value")
    if amount <= 0 or asked["value"].startswith("-"):
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.", "/amount/value")
    if asked["currency_code"] != capture["amount"]["currency_code"]:
        raise unprocessable(
            "REFUND_CAPTURE_CURRENCY_MISMATCH",
            "Refund must be in the same currency as the capture.",
            "/amount/currency_code",
        )
    if amount > rest:
        raise unprocessable(
            "REFUND_AMOUNT_EXCEEDED",
            "The refund amount must be less than or equal to the capture amount that has not yet been refunded.",
            "/amount/value",
        )
    return amount


def _check_capture(books: Books, capture: Document) -> None:
    if capture["status"] == "PENDING":
        raise unprocessable("PENDING_CAPTURE", "Cannot initiate a refund as the capture is pending.")
    if capture["status"] in ("DECLINED", "FAILED"):
        raise unprocessable("REFUND_NOT_ALLOWED", "The capture cannot be refunded: no money came.")
    if datetime.fromisoformat(capture["create_time"]) < datetime.now(UTC) - timedelta(days=DAYS):
        raise unprocessable(
            "REFUND_TIME_LIMIT_EXCEEDED", "You are over the time limit to perform a refund on this capture."
        )
    if disputes.is_open(books, capture):
        raise unprocessable(
            "TRANSACTION_DISPUTED",
            "Partial refunds cannot be offered at this time because there is an open case on this transaction.",
        )


def _check_invoice(books: Books, invoice: str | None) -> None:
    if invoice and any(refund["_invoice"] == invoice for refund in books.where(KIND, invoice_id=invoice)):
        raise unprocessable(
            "DUPLICATE_INVOICE_ID", "Requested invoice number has been previously refunded.", "/invoice_id"
        )


def _keep(world: World, capture: Document, refund: Document, manner: Manner) -> Document:
    """Write a refund down, let its capture and its order tell of it, and say so once it is done."""
    world.books.put(KIND, refund["id"], refund)
    given = _sum(_of(world.books, capture), ("COMPLETED",))
    whole = given == shapes.centimes(capture["amount"])
    capture["status"] = "REFUNDED" if whole else "PARTIALLY_REFUNDED" if given else "COMPLETED"
    capture["update_time"] = shapes.now()
    orders.keep_capture(world, capture)
    if refund["status"] == "COMPLETED":
        given = -shapes.centimes(refund["amount"])
        code, currency = "T1106" if refund.get("_reversal") else "T1107", refund["amount"]["currency_code"]
        report.book(world, code, given, currency=currency, id=refund["id"], above=capture["id"], marks=refund)
        told = "REVERSED" if refund.get("_reversal") else "REFUNDED"
        emit(world, [(f"PAYMENT.CAPTURE.{told}", refund)], manner)
    return refund


def _api(world: World) -> str:
    return f"{world.url}/paypal"
