"""Webhook endpoints: written down, changed, removed. Messages go to the shop of the settings all the same."""

import time
from typing import Any
from urllib.parse import urlsplit

from tests.sandbox.books import Document
from tests.sandbox.names import stripe_id
from tests.sandbox.stripe.errors import StripeError, no_such
from tests.sandbox.stripe.rules import check_metadata
from tests.sandbox.world import World

KIND = "stripe webhook_endpoint"
CREATED = {"api_version", "description", "enabled_events", "expand", "metadata", "url"}
CHANGED = {"description", "disabled", "enabled_events", "expand", "metadata", "url"}
MOST = 16  # endpoints of an account


def create(world: World, params: dict[str, Any]) -> Document:
    """An endpoint, and its secret, which is never told again. Raises StripeError."""
    _check(params, CREATED)
    if len(world.books.all(KIND)) >= MOST:
        raise StripeError(f"You have reached the maximum of {MOST} test webhook endpoints.")
    endpoint: Document = {
        "id": stripe_id("we_1"),
        "object": "webhook_endpoint",
        "api_version": params.get("api_version"),
        "application": None,
        "created": int(time.time()),
        "description": params.get("description") or None,
        "enabled_events": params["enabled_events"],
        "livemode": False,
        "metadata": params.get("metadata") or {},
        "status": "enabled",
        "url": params["url"],
    }
    world.books.put(KIND, endpoint["id"], endpoint)
    return endpoint | {"secret": stripe_id("whsec_", 32)}


def update(world: World, id: str, params: dict[str, Any]) -> Document:
    """All but the version can be changed. Raises StripeError."""
    _check(params, CHANGED)
    with world.books.turn():
        endpoint = found(world, id)
        endpoint |= {name: params[name] for name in ("enabled_events", "url", "description") if name in params}
        endpoint["metadata"] |= params.get("metadata") or {}
        if "disabled" in params:
            endpoint["status"] = "disabled" if params["disabled"] else "enabled"
        world.books.put(KIND, id, endpoint)
    return endpoint


def delete(world: World, id: str) -> Document:
    """Raises StripeError."""
    found(world, id)
    world.books.forget(KIND, id)
    return {"id": id, "object": "webhook_endpoint", "deleted": True}


def found(world: World, id: str) -> Document:
    """Raises StripeError."""
    endpoint = world.books.get(KIND, id)
    if endpoint is None:
        raise no_such("webhook endpoint", id)
    return endpoint


def listed(world: World) -> list[Document]:
    """Newest first."""
    return list(reversed(world.books.all(KIND)))


def _check(params: dict[str, Any], played: set[str]) -> None:
    for name in sorted(params.keys() - played):
        raise StripeError(f"The sandbox does not play the parameter {name}.", param=name)
    parts = urlsplit(params.get("url", "https://shop.example/"))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StripeError("Invalid URL: An explicit scheme (such as https) must be provided.", param="url")
    if params.get("enabled_events") == []:
        raise StripeError("Invalid array: at least one event is needed.", param="enabled_events")
    check_metadata(params.get("metadata") or {}, "metadata")
