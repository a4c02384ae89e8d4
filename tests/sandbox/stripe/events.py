"""Stripe's events: made, listed, found."""

import time
from copy import deepcopy
from typing import Any

from tests.environment import STRIPE_API_VERSION
from tests.sandbox.books import Books, Document
from tests.sandbox.manner import Manner
from tests.sandbox.names import stripe_id
from tests.sandbox.stripe.errors import StripeError, no_such
from tests.sandbox.webhooks import Courier

KIND = "stripe event"


def emit(
    books: Books,
    courier: Courier,
    happened: list[tuple[str, Document]],
    manner: Manner,
    key: str | None = None,
) -> None:
    """Write down what happened, each thing with its object as it is now, and send the messages."""
    if manner.fault == "never":
        return
    events = [_event(type, thing, key) for type, thing in happened]
    for event in events:
        books.put(KIND, event["id"], event)
    courier.post("stripe", events, manner)


def _event(type: str, thing: Document, key: str | None) -> Document:
    return {
        "id": stripe_id("evt_1" if type.startswith("checkout") else "evt_3"),
        "object": "event",
        "api_version": STRIPE_API_VERSION,
        "created": int(time.time()),
        "data": {"object": public(thing)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": stripe_id("req_", 14) if key else None, "idempotency_key": key},
        "type": type,
    }


def public(thing: Document) -> Document:
    """An object without what only we know of it."""
    return deepcopy({name: value for name, value in thing.items() if not name.startswith("_")})


def found(books: Books, id: str) -> Document:
    event = books.get(KIND, id)
    if event is None:
        raise no_such("event", id)
    return event


def listed(books: Books, params: dict[str, Any]) -> list[Document]:
    """Newest first, as asked."""
    if len(params.get("types", [])) > 20:
        raise StripeError("You may filter by at most 20 event types.", param="types")
    types = set(params.get("types", [])) | ({params["type"]} if "type" in params else set())
    events = [event for event in reversed(books.all(KIND)) if not types or event["type"] in types]
    if "delivery_success" in params:
        undelivered = {d["event"] for d in books.all("delivery") if d["state"] != "delivered"}
        events = [event for event in events if (event["id"] not in undelivered) is params["delivery_success"]]
    return events
