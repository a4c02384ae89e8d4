"""How messages reach the shop, well and badly."""

import json
from itertools import pairwise

import pytest
import stripe

from tests.sandbox.client import Sandbox, SandboxRefused
from tests.sandbox_itself.conftest import PayPal, Shop
from tests.sandbox_itself.sessions import params
from tests.waiting import until


def paid(client: stripe.StripeClient, sandbox: Sandbox, webhook: str = "none", seconds: float = 0) -> None:
    id = client.v1.checkout.sessions.create(params=params()).id
    sandbox.pay_by_card(id, webhook=webhook, seconds=seconds)


def test_a_message_is_sent_until_it_is_taken(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    shop.answers.extend([500] * 4 + [302, 404, 503, 400])
    paid(stripe_client, sandbox)
    until(lambda: all(d["state"] == "delivered" for d in sandbox.deliveries()))
    assert len(shop.messages) == 4 + 8
    statuses = [attempt["status"] for d in sandbox.deliveries() for attempt in d["tries"]]
    assert sorted(statuses) == [200] * 4 + [302, 400, 404] + [500] * 4 + [503]


def test_waits_between_tries_grow(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    shop.answers.extend([500] * 3)
    sandbox.change(retry_base_seconds=0.2)
    id = stripe_client.v1.checkout.sessions.create(params=params()).id
    sandbox.expire(id)
    until(lambda: [d["state"] for d in sandbox.deliveries()] == ["delivered"])
    times = [attempt["at"] for attempt in sandbox.deliveries()[0]["tries"]]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert len(waits) == 3
    assert waits[0] >= 0.2 and waits[1] >= 0.4 and waits[2] >= 0.8


def test_a_message_under_way_is_not_sent_beside_itself_in_a_hurry(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop
) -> None:
    shop.awake.clear()
    sandbox.expire(stripe_client.v1.checkout.sessions.create(params=params()).id)
    until(lambda: shop.messages)
    with pytest.raises(TimeoutError):
        sandbox.flush(early=True, seconds=0.3)
    shop.awake.set()
    sandbox.flush()
    assert len(shop.messages) == 1


def test_a_hopeless_message_is_given_up(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    sandbox.change(max_tries=3)
    shop.answers.extend([500] * 100)
    paid(stripe_client, sandbox)
    until(lambda: all(d["state"] == "given up" for d in sandbox.deliveries()))
    assert len(shop.messages) == 12


def test_a_lost_message_is_never_sent_but_listed(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop
) -> None:
    paid(stripe_client, sandbox, "lost")
    sandbox.flush(early=True)
    assert shop.messages == []
    assert len(sandbox.events()) == 4


def test_a_doubled_message_comes_twice_with_one_id(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop
) -> None:
    paid(stripe_client, sandbox, "twice")
    sandbox.flush()
    ids = [json.loads(message.body)["id"] for message in shop.messages]
    assert len(ids) == 8
    assert len(set(ids)) == 4


def test_a_late_message_comes_when_it_is_due(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    paid(stripe_client, sandbox, "late", 60)
    sandbox.flush()
    assert shop.messages == []
    sandbox.flush(early=True)
    assert len(shop.messages) == 4


def test_messages_can_come_in_the_wrong_order(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    paid(stripe_client, sandbox, "reversed")
    sandbox.flush()
    told = [json.loads(message.body)["type"] for message in shop.messages]
    assert told == [event["type"] for event in reversed(sandbox.events())]


def test_an_unsigned_message_comes_once_without_a_signature(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop
) -> None:
    shop.answers.extend([400] * 4)
    paid(stripe_client, sandbox, "unsigned")
    until(lambda: all(d["state"] == "given up" for d in sandbox.deliveries()))
    assert len(shop.messages) == 4
    assert all("stripe-signature" not in message.headers for message in shop.messages)


def test_a_message_can_tell_another_amount_than_the_books(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop
) -> None:
    paid(stripe_client, sandbox, "event_amount")
    sandbox.flush()
    told = next(
        m for m in map(json.loads, (m.body for m in shop.messages)) if m["type"] == "checkout.session.completed"
    )
    assert told["data"]["object"]["amount_total"] == 5090
    assert stripe_client.v1.events.retrieve(told["id"])["data"]["object"]["amount_total"] == 4990


def test_a_message_can_be_sent_again(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    paid(stripe_client, sandbox, "lost")
    event = next(e for e in sandbox.events() if e["type"] == "checkout.session.completed")
    sandbox.resend(event["id"])
    sandbox.flush()
    assert [json.loads(message.body)["id"] for message in shop.messages] == [event["id"]]


def test_held_messages_are_collected_with_their_signature(
    stripe_client: stripe.StripeClient, paypal: PayPal, sandbox: Sandbox, shop: Shop
) -> None:
    sandbox.change(hold_webhooks=True)
    paid(stripe_client, sandbox)
    sandbox.approve_paypal(paypal.create().json()["id"])
    webhooks = sandbox.collect()
    assert [(w.psp, w.type) for w in webhooks][1:3] == [
        ("stripe", "charge.succeeded"),
        ("stripe", "checkout.session.completed"),
    ]
    assert stripe.WebhookSignature.verify_header(
        webhooks[0].body.decode(), webhooks[0].headers["Stripe-Signature"], "whsec_sandbox", 300
    )
    assert "PAYPAL-TRANSMISSION-SIG" in webhooks[4].headers
    sandbox.flush(early=True)
    assert (sandbox.collect(), shop.messages) == ([], [])


def test_any_message_can_be_sent_signed_or_not(sandbox: Sandbox, shop: Shop) -> None:
    shop.answers.extend([200, 400])
    assert sandbox.send_webhook("stripe", '{"id": "evt_x"}') == 200
    assert sandbox.send_webhook("paypal", "no json", headers={"PAYPAL-AUTH-ALGO": "none"}) == 400
    assert "stripe-signature" in shop.messages[0].headers
    assert (shop.messages[1].path, shop.messages[1].headers["paypal-auth-algo"]) == ("/webhooks/paypal/", "none")


def test_an_unknown_fault_is_refused(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = stripe_client.v1.checkout.sessions.create(params=params()).id
    with pytest.raises(SandboxRefused, match="no such webhook fault"):
        sandbox.pay_by_card(id, webhook="eaten")


def test_one_of_two_messages_can_be_lost(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    paid(stripe_client, sandbox, "gaps")
    sandbox.flush()
    assert [json.loads(message.body)["type"] for message in shop.messages] == [
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    listed = stripe_client.v1.events.list(params={"delivery_success": False})
    assert [event.type for event in listed] == ["checkout.session.completed", "payment_intent.created"]


def test_an_event_that_was_never_made_is_in_no_list(
    stripe_client: stripe.StripeClient, paypal: PayPal, sandbox: Sandbox
) -> None:
    paid(stripe_client, sandbox, "never")
    order = paypal.create().json()["id"]
    sandbox.approve_paypal(order, capture_webhook="never")
    paypal.capture(order)
    assert [row["state"] for row in sandbox.payments()] == ["paid", "paid"]
    assert stripe_client.v1.events.list().data == []
    told = paypal.call("GET", "/v1/notifications/webhooks-events").json()["events"]
    assert [event["event_type"] for event in told] == ["CHECKOUT.ORDER.APPROVED"]
    assert [d["type"] for d in sandbox.deliveries()] == ["CHECKOUT.ORDER.APPROVED"]
