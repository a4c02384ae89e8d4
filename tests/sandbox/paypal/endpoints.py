"""Webhooks of the app: written down, changed, removed. Messages go to the shop of the settings all the same."""

from typing import Any

from tests.sandbox.books import Document
from tests.sandbox.names import paypal_id
from tests.sandbox.paypal.errors import PlainError, not_found
from tests.sandbox.world import World

KIND = "paypal webhook"
MOST = 10  # webhooks of an app


def create(world: World, body: Document) -> Document:
    """A webhook from a body that the schema has passed. Raises PayPalError, PlainError."""
    with world.books.turn():
        kept = world.books.all(KIND)
        if len(kept) >= MOST:
            raise PlainError("WEBHOOK_NUMBER_LIMIT_EXCEEDED", "You have exceeded the maximum number of webhooks.")
        _check_url(world, body["url"], None)
        id = paypal_id()
        webhook = {"id": id, "url": body["url"], "event_types": _types(body["event_types"]), "links": _links(world, id)}
        world.books.put(KIND, id, webhook)
    return webhook


def change(world: World, id: str, patches: list[dict[str, Any]]) -> Document:
    """Another address, or other events (JSON Patch, `replace` only). Raises PayPalError, PlainError."""
    with world.books.turn():
        webhook = found(world, id)
        for patch in patches:
            if patch["path"] == "/url":
                _check_url(world, patch["value"], id)
                webhook["url"] = patch["value"]
            else:
                webhook["event_types"] = _types(patch["value"])
        world.books.put(KIND, id, webhook)
    return webhook


def delete(world: World, id: str) -> None:
    """Raises PayPalError."""
    found(world, id)
    world.books.forget(KIND, id)


def found(world: World, id: str) -> Document:
    """Raises PayPalError."""
    webhook = world.books.get(KIND, id)
    if webhook is None:
        raise not_found()
    return webhook


def _check_url(world: World, url: str, id: str | None) -> None:
    if not url.startswith("https://"):
        raise PlainError("VALIDATION_ERROR", "Invalid data provided: not a valid webhook URL.")
    if any(other["id"] != id for other in world.books.where(KIND, url=url)):
        raise PlainError("WEBHOOK_URL_ALREADY_EXISTS", "Webhook URL already exists.")


def _types(names: list[dict[str, str]]) -> list[Document]:
    return [{"name": one["name"], "description": one["name"], "status": "ENABLED"} for one in names]


def _links(world: World, id: str) -> list[Document]:
    href = f"{world.url}/paypal/v1/notifications/webhooks/{id}"
    return [
        {"href": href, "rel": "self", "method": "GET"},
        {"href": href, "rel": "update", "method": "PATCH"},
        {"href": href, "rel": "delete", "method": "DELETE"},
    ]
