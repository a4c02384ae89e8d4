"""PayPal's events: made, listed, found."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from tests.sandbox.books import Books, Document
from tests.sandbox.manner import Manner
from tests.sandbox.names import paypal_id
from tests.sandbox.paypal.errors import malformed, not_found
from tests.sandbox.paypal.shapes import public
from tests.sandbox.world import World

KIND = "paypal event"
SUMMARIES = {
    "CHECKOUT.ORDER.APPROVED": "An order has been approved by buyer",
    "CHECKOUT.ORDER.COMPLETED": "Checkout Order Completed",
    "PAYMENT.CAPTURE.COMPLETED": "Payment completed for {amount}",
    "PAYMENT.CAPTURE.PENDING": "Payment pending for {amount}",
    "PAYMENT.CAPTURE.DENIED": "Payment denied for {amount}",
    "PAYMENT.CAPTURE.DECLINED": "Payment declined for {amount}",
    "PAYMENT.CAPTURE.REFUNDED": "A {amount} capture payment was refunded",
    "PAYMENT.CAPTURE.REVERSED": "A {amount} capture payment was reversed",
    "CUSTOMER.DISPUTE.CREATED": "A new dispute opened with Case # {case}",
    "CUSTOMER.DISPUTE.UPDATED": "A dispute was updated with case # {case}",
    "CUSTOMER.DISPUTE.RESOLVED": "A dispute was resolved with case # {case}",
}
RESOURCES = {  # by the words that a type begins with, the longest first
    "PAYMENT.CAPTURE.RE": ("refund", "2.0"),
    "PAYMENT.CAPTURE": ("capture", "2.0"),
    "CHECKOUT": ("checkout-order", "2.0"),
    "CUSTOMER.DISPUTE": ("dispute", None),
}


def emit(world: World, happened: list[tuple[str, Document]], manner: Manner) -> None:
    """Write down what happened, each thing with its resource as it is now, and send the messages."""
    if manner.fault == "never":
        return
    events = [_event(world, type, thing) for type, thing in happened]
    for event in events:
        world.books.put(KIND, event["id"], event)
    world.courier.post("paypal", events, manner)


def found(books: Books, id: str) -> Document:
    event = books.get(KIND, id)
    if event is None:
        raise not_found()
    return event


def listed(world: World, query: dict[str, str]) -> Document:
    """One page, newest first. Raises PayPalError for a query that PayPal does not know."""
    known = {"page_size", "start_time", "end_time", "transaction_id", "event_type", "page"}
    for name in query.keys() - known:
        raise malformed("UNKNOWN_PARAMETER", "The query parameter is not known.", name)
    bounds: dict[str, datetime] = {name: _time(query, name) for name in ("start_time", "end_time") if name in query}
    size, number = _number(query, "page_size", 10), _number(query, "page", 1)
    events = (event for event in _since(world, bounds) if _wanted(event, query, bounds))
    found = list(islice(events, (number - 1) * size, number * size + 1))
    shown = found[:size]
    url = f"{world.url}/paypal/v1/notifications/webhooks-events"
    links = [{"href": f"{url}?{_query(query, number)}", "rel": "self", "method": "GET"}]
    if len(found) > size:
        links.append({"href": f"{url}?{_query(query, number + 1)}", "rel": "next", "method": "GET"})
    return {"events": shown, "count": len(shown), "links": links}


def _event(world: World, type: str, thing: Document) -> Document:
    id = f"WH-{paypal_id()}-{paypal_id()}"
    href = f"{world.url}/paypal/v1/notifications/webhooks-events/{id}"
    amount = thing.get("amount", {})
    resource, version = next(said for start, said in RESOURCES.items() if type.startswith(start))
    return {
        "id": id,
        "event_version": "1.0",
        "create_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "resource_type": resource,
        **({"resource_version": version} if version else {}),
        "event_type": type,
        "summary": SUMMARIES[type].format(
            amount=f"{amount.get('currency_code')} {amount.get('value')}", case=thing.get("dispute_id")
        ),
        "resource": public(thing),
        "links": [
            {"href": href, "rel": "self", "method": "GET"},
            {"href": f"{href}/resend", "rel": "resend", "method": "POST"},
        ],
    }


def _since(world: World, bounds: dict[str, datetime]) -> Iterator[Document]:
    """Newest first, down to the first one that is too old."""
    for event in world.books.walk(KIND, newest_first=True):
        if "start_time" in bounds and datetime.fromisoformat(event["create_time"]) < bounds["start_time"]:
            return
        yield event


def _wanted(event: Document, query: dict[str, str], bounds: dict[str, datetime]) -> bool:
    at = datetime.fromisoformat(event["create_time"])
    return (
        ("event_type" not in query or event["event_type"] == query["event_type"])
        and ("transaction_id" not in query or event["resource"].get("id") == query["transaction_id"])
        and at >= bounds.get("start_time", at)
        and at <= bounds.get("end_time", at)
    )


def _time(query: dict[str, str], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(query[name])
        return at.astimezone(UTC)
    except ValueError:
        raise malformed("INVALID_PARAMETER_SYNTAX", "Not an Internet date and time.", name, query[name]) from None


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit() or not 1 <= int(text) <= 300:
        raise malformed("INVALID_PARAMETER_VALUE", "Must be between 1 and 300.", name, text)
    return int(text)


def _query(query: dict[str, str], number: int) -> str:
    rest: dict[str, Any] = {name: value for name, value in query.items() if name != "page"}
    return urlencode(rest | {"page": number})
