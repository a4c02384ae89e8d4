"""How PayPal tells: its list of events, and the webhook of ours to which it sends them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from payments.gateways.allowed import kept, moment, reference, word
from payments.gateways.base import Refused, Registration, Unreachable
from payments.gateways.deadline import TASK_SECONDS, within
from payments.gateways.paypal_messages import HANDLED, links_of
from payments.gateways.paypal_transport import PayPalTransport

EVENTS = "/v1/notifications/webhooks-events"
WEBHOOKS = "/v1/notifications/webhooks"
PAGE = 100
WINDOW = timedelta(hours=6)
"""What is sorted at once: PayPal promises no order, and lists nothing from the oldest on."""


def events_since(transport: PayPalTransport, since: datetime) -> Iterator[dict[str, Any]]:
    """The handled events since then, oldest first, of which one window at a time is kept. Raises Unreachable."""
    start, end = since.replace(microsecond=0), datetime.now(UTC) + timedelta(seconds=1)
    while start < end:
        stop = min(start + WINDOW, end)
        yield from sorted(_between(transport, start, stop), key=lambda event: moment(event.get("create_time")) or "")
        start = stop


def _between(transport: PayPalTransport, start: datetime, stop: datetime) -> Iterator[dict[str, Any]]:
    times = {"start_time": _written(start), "end_time": _written(stop)}
    path = f"{EVENTS}?{urlencode({'page_size': PAGE, **times})}"
    seen: set[str] = set()
    while path and path not in seen:
        seen.add(path)
        page = _page(transport, path)
        yield from (event for event in page["events"] if event.get("event_type") in HANDLED)
        path = _next(page) if page["events"] else ""


def _page(transport: PayPalTransport, path: str) -> dict[str, Any]:
    try:
        page = within(TASK_SECONDS, lambda: transport.get(path))
    except Refused as refused:
        raise Unreachable(f"PayPal does not list its events: {refused.code}") from None
    events = page.get("events")
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise Unreachable("PayPal's list of events is none")
    return page


def _next(page: dict[str, Any]) -> str:
    """The path of the page that follows. Of the address only what comes after the path that is known is taken."""
    _, known, query = links_of(page).get("next", "").partition(f"{EVENTS}?")
    return known and f"{EVENTS}?{query}"


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def register(transport: PayPalTransport, url: str) -> Registration:
    """Our webhook as it has to be. Raises Refused or Unreachable. It has no secret: PayPal signs with its own key."""
    there = within(TASK_SECONDS, lambda: transport.get(WEBHOOKS)).get("webhooks") or []
    types = [{"name": name} for name in HANDLED]
    ours = next((webhook for webhook in there if webhook.get("url") == url), None)
    if ours is None:
        made = within(TASK_SECONDS, lambda: transport.post(WEBHOOKS, {"url": url, "event_types": types}))
        return Registration(_id(made), changed=True)
    if _names(ours) == set(HANDLED):
        return Registration(_id(ours), changed=False)
    wish = [{"op": "replace", "path": "/event_types", "value": types}]
    within(TASK_SECONDS, lambda: transport.patch(f"{WEBHOOKS}/{_id(ours)}", wish))
    return Registration(_id(ours), changed=True)


def _id(webhook: dict[str, Any]) -> str:
    found = reference(webhook)
    if not found:
        raise Unreachable("PayPal's webhook has no id")
    return found


def _names(webhook: dict[str, Any]) -> set[str | None]:
    types = webhook.get("event_types") or []
    return {kept(type, {"name": word}).get("name") for type in types}
