"""How Stripe tells: its list of events, and the endpoint of ours to which it sends them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import stripe
from stripe.params import EventListParams, WebhookEndpointCreateParams

from payments.gateways.base import Registration, Unreachable
from payments.gateways.deadline import TASK_SECONDS
from payments.gateways.stripe_messages import HANDLED
from payments.gateways.stripe_transport import API_VERSION, called, shown, told

PAGE = 100  # the most that Stripe gives at once


def events_since(client: stripe.StripeClient, since: datetime) -> Iterator[dict[str, Any]]:
    """The handled events since then, oldest first, of which one page at a time is kept. Raises Unreachable.

    Stripe lists the newest first, and upwards only from an event that is known: the last one before `since`, or the
    first one after it.
    """
    moment = int(since.timestamp())
    before, _ = _page(client, {"created": {"lt": moment}, "limit": 1})
    known = before[0] if before else _oldest(client, moment)
    if known and not before:
        yield known
    more = bool(known)
    while more:
        page, more = _page(client, {"ending_before": known["id"]})
        yield from reversed(page)
        more = more and bool(page)
        known = page[0] if page else known


def _oldest(client: stripe.StripeClient, moment: int) -> dict[str, Any]:
    """The first event since then, empty when there is none. Only an account without an older one is searched for it."""
    found: dict[str, Any] = {}
    page, more = _page(client, {"created": {"gte": moment}})
    while page:
        found = page[-1]
        page, more = _page(client, {"created": {"gte": moment}, "starting_after": found["id"]}) if more else ([], False)
    return found


def _page(client: stripe.StripeClient, params: EventListParams) -> tuple[list[dict[str, Any]], bool]:
    """One page, newest first, and whether there are more."""
    wanted: EventListParams = {"limit": PAGE, "types": list(HANDLED), **params}
    answer = shown("its events", lambda: client.v1.events.list(wanted))
    events = answer.get("data")
    if not isinstance(events, list) or not all(isinstance(event, dict) and event.get("id") for event in events):
        raise Unreachable("Stripe's list of events is none")
    return events, answer.get("has_more") is True


def register(client: stripe.StripeClient, url: str) -> Registration:
    """Our endpoint as it has to be. Raises Refused or Unreachable.

    Stripe cannot change an endpoint's API version. One of another version goes on beside the new one, whose secret
    nobody has yet; when the new one is found here, the old one is switched off.
    """
    there = [endpoint for endpoint in _endpoints(client) if endpoint.get("url") == url]
    ours = next((endpoint for endpoint in there if endpoint.get("api_version") == API_VERSION), None)
    if ours is None:
        return _made(client, url)
    old = [one for one in there if one.get("api_version") != API_VERSION and one.get("status") == "enabled"]
    wrong = set(ours.get("enabled_events") or ()) != set(HANDLED) or ours.get("status") != "enabled"
    if wrong:
        events: Any = list(HANDLED)
        called(
            TASK_SECONDS,
            lambda: client.v1.webhook_endpoints.update(ours["id"], {"enabled_events": events, "disabled": False}),
        )
    for endpoint in old:
        _switch_off(client, endpoint["id"])
    return Registration(ours["id"], changed=wrong or bool(old))


def _endpoints(client: stripe.StripeClient) -> list[dict[str, Any]]:
    """All of them: an account has 16 at most."""
    answer = told(called(TASK_SECONDS, lambda: client.v1.webhook_endpoints.list({"limit": PAGE})))
    return [endpoint for endpoint in answer.get("data") or () if isinstance(endpoint, dict)]


def _made(client: stripe.StripeClient, url: str) -> Registration:
    events: Any = list(HANDLED)
    params: WebhookEndpointCreateParams = {"url": url, "api_version": API_VERSION, "enabled_events": events}
    made = told(called(TASK_SECONDS, lambda: client.v1.webhook_endpoints.create(params)))
    return Registration(made["id"], changed=True, secret=made["secret"])


def _switch_off(client: stripe.StripeClient, id: str) -> None:
    called(TASK_SECONDS, lambda: client.v1.webhook_endpoints.update(id, {"disabled": True}))
