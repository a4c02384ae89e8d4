import json
import time
from typing import cast

import pytest
import stripe
from stripe.params import EventListParams

from tests import environment
from tests.sandbox.client import DECLINED, Sandbox
from tests.sandbox_itself.conftest import Shop
from tests.sandbox_itself.sessions import params


def paid(client: stripe.StripeClient, sandbox: Sandbox, webhook: str = "none") -> str:
    id = client.v1.checkout.sessions.create(params=params()).id
    sandbox.pay_by_card(id, webhook=webhook)
    return id


def test_a_webhook_is_signed_as_stripe_signs(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    paid(stripe_client, sandbox)
    sandbox.flush()
    assert [message.path for message in shop.messages] == ["/webhooks/stripe/"] * 4
    for message in shop.messages:
        event = stripe_client.construct_event(
            message.body, message.headers["stripe-signature"], environment.STRIPE_WEBHOOK_SECRET
        )
        assert (event.api_version, event.livemode) == (environment.STRIPE_API_VERSION, False)


def test_another_secret_does_not_verify(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    paid(stripe_client, sandbox)
    sandbox.flush()
    message = shop.messages[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(
            message.body.decode(), message.headers["stripe-signature"], "whsec_other", 300
        )


def test_a_webhook_is_what_the_event_list_tells(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop
) -> None:
    paid(stripe_client, sandbox)
    sandbox.flush()
    bodies = {message.body for message in shop.messages}
    for body in bodies:
        told = stripe_client.v1.events.retrieve(stripe.Event.construct_from(_json(body), None).id)
        assert told.to_dict(for_json=True) == _json(body)


def test_events_are_listed_by_type_time_and_delivery(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    started = int(time.time())
    paid(stripe_client, sandbox)
    sandbox.flush()
    paid(stripe_client, sandbox, webhook="lost")
    events = stripe_client.v1.events

    def count(**query: object) -> int:
        return len(events.list(params=cast(EventListParams, {"limit": 100, **query})).data)

    assert count() == 8
    assert count(types=["checkout.session.completed", "charge.failed"]) == 2
    assert count(type="charge.succeeded") == 2
    assert count(delivery_success=False) == 4
    assert count(delivery_success=True, type="charge.succeeded") == 1
    assert count(created={"gte": started}) == 8
    assert count(created={"lt": started}) == 0
    with pytest.raises(stripe.InvalidRequestError):
        count(types=["charge.failed"] * 21)


def test_events_are_read_in_order_from_a_watermark(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    paid(stripe_client, sandbox)
    ids = [event["id"] for event in sandbox.events()]
    page = stripe_client.v1.events.list(params={"ending_before": ids[0], "limit": 2})
    assert [event.id for event in page.auto_paging_iter()] == ids[1:]


def test_a_list_says_when_there_is_more(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = stripe_client.v1.checkout.sessions.create(params=params()).id
    sandbox.pay_by_card(id, DECLINED)
    newest = stripe_client.v1.events.list(params={"limit": 2})
    assert newest.has_more
    rest = stripe_client.v1.events.list(params={"limit": 2, "starting_after": newest.data[-1].id})
    assert not rest.has_more
    assert [event.type for event in [*newest.data, *rest.data]][::-1] == [e["type"] for e in sandbox.events()]


def _json(body: bytes) -> dict[str, object]:
    return dict(json.loads(body))


def test_a_long_list_is_read_page_by_page_in_both_directions(
    stripe_client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    for _ in range(3):
        sandbox.pay_by_card(stripe_client.v1.checkout.sessions.create(params=params()).id)
    everything = [event["id"] for event in sandbox.events()]
    backwards = [event.id for event in stripe_client.v1.events.list(params={"limit": 5}).auto_paging_iter()]
    assert backwards == everything[::-1]
    first = stripe_client.v1.events.list(params={"limit": 5, "ending_before": everything[0]})
    assert [event.id for event in first.auto_paging_iter()] == everything[1:]
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        stripe_client.v1.events.list(params={"starting_after": "evt_unknown"})
