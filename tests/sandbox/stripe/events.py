"""Stripe's events: made, listed, found."""

import time
from collections.abc import Callable
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


def wanted(books: Books, params: dict[str, Any]) -> Callable[[Document], bool]:
    """Whether an event is asked for. Raises StripeError."""
    if len(params.get("types", [])) > 20:
        raise StripeError("You may filter by at most 20 event types.", param="types")
    types = set(params.get("types", [])) | ({params["type"]} if "type" in params else set())
    delivered = params.get("delivery_success")
    undelivered = set()
    if delivered is not None:
        undelivered = {d["event"] for d in books.all("delivery") if d["state"] != "delivered"}

    def keep(event: Document) -> bool:
        if types and event["type"] not in types:
            return False
        return delivered is None or (event["id"] not in undelivered) is delivered

    return keep
