"""Which money settles an order, and by whose word: lies, other versions, second tries and messages twice at once."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from orders.models import Order
from payments import inbox, moves
from payments.gateways import gateway
from payments.models import Channel, Letter, Payment, WebhookEvent
from payments.refunds import Wanted, ask
from payments.sweep import sweep
from tests.at_once import at_once
from tests.payments.steps import bring, bring_messages, kinds, only, ordered, paid, take
from tests.sandbox.client import Sandbox, Webhook
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db


def test_a_second_payment_after_a_full_refund_neither_settles_nor_revives(psps: Sandbox) -> None:
    order, page = paid(psps)
    second = started(order, "twint", status="expired")
    psps.refund(page)
    bring_messages(psps)
    # Even if the order looked as if it had only expired.
    Order.objects.update(cancel_reason="expired", holds_stock=False)

    deliver(stripe_event(second))

    second.refresh_from_db()
    order.refresh_from_db()
    assert (second.settles, second.why_not, order.status) == (False, "second", "cancelled")
    assert second.refunds.get().status == "requested"


def test_woo_4093_money_of_a_payment_over_another_amount_than_the_orders_settles_nothing() -> None:
    """Cheap page, dear order: what the payment was opened for is compared too."""
    order = placed()
    payment = started(order, amount=order.total - 100)

    deliver(stripe_event(payment))

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.why_not) == ("pending", "mismatch")


def test_what_is_authorised_is_not_authorised_again() -> None:
    payment = started(placed())
    deliver(stripe_event(payment))
    payment.refresh_from_db()
    before = (payment.received_amount, payment.authorised_at, payment.money_reference)

    again = moves.authorise(
        payment,
        WebhookEvent.objects.get(),
        now(),
        why_not="mismatch",
        amount=1,
        currency="CHF",
        page_reference=None,
        money_reference="pi_other",
    )

    payment.refresh_from_db()
    assert again is False
    assert (payment.received_amount, payment.authorised_at, payment.money_reference) == before
    assert payment.settles


def test_case_46_a_stored_message_of_paypals_is_applied_by_what_the_capture_says_now(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    take(psps, "paypal", page, capture_webhook="event_amount")
    completed = only(psps, "PAYMENT.CAPTURE.COMPLETED")
    psps.break_calls("down", "/paypal/v2/payments/captures/*", calls=5)
    assert bring(completed).status_code == 503
    psps.mend()
    event = WebhookEvent.objects.get()
    assert event.facts["amount"]["value"] == "39.00", "the message claims a franc too much"

    inbox.retry(event)

    order.refresh_from_db()
    assert (order.status, order.payments.get().received_amount) == ("effective", order.total)


def rendered(psps: Sandbox, type: str, version: str, **lies: Any) -> Any:
    """Stripe's message as an endpoint of another API version would get it: signed, with other words in it."""
    event = json.loads(only(psps, type).body)
    event["api_version"] = version
    event["data"]["object"] |= lies
    body = json.dumps(event).encode()
    return deliver(body, psps.sign("stripe", body)["Stripe-Signature"])


def test_pgeu_156_a_message_in_another_api_version_is_read_live(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page)

    answer = rendered(psps, "checkout.session.completed", "2020-08-27", amount_total=1, currency="eur")

    assert answer.status_code == 200
    order.refresh_from_db()
    assert (order.status, order.payments.get().received_amount) == ("effective", order.total)


def test_case_21_a_live_reading_that_fails_leaves_the_message_to_be_sent_again(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    take(psps, "paypal", page)
    completed = only(psps, "PAYMENT.CAPTURE.COMPLETED")
    psps.break_calls("429", "/paypal/v2/payments/captures/*", calls=5)

    assert bring(completed).status_code == 503

    order.refresh_from_db()
    assert order.status == "pending"
    psps.mend()
    assert bring(completed).status_code == 200
    order.refresh_from_db()
    assert order.status == "effective"


def _sent(webhook: Webhook) -> str:
    outcome: str = bring(webhook).content.decode()
    return outcome


@pytest.mark.django_db(transaction=True)
def test_a_message_sent_again_while_the_sweep_applies_it_has_one_effect(psps: Sandbox) -> None:
    waiting = []
    for _ in range(4):
        order, page = ordered()
        take(psps, "card", page)
        webhook = only(psps, "checkout.session.completed")
        facts = gateway("stripe").facts(json.loads(webhook.body))
        WebhookEvent.objects.create(
            provider="stripe",
            event_id=facts.event_id,
            type=facts.type,
            api_version=facts.api_version,
            livemode=False,
            source="delivered",
            facts=facts.object,
        )
        waiting.append((order, webhook))

    for order, webhook in waiting:
        stored = WebhookEvent.objects.get(event_id=webhook.event)
        sent, swept = at_once(partial(_sent, webhook), partial(inbox.retry, stored))
        assert sorted([sent, swept]) == ["Already here", "The order is effective"]
        assert kinds(order).count("effective") == 1
    assert Letter.objects.filter(kind="confirmation").count() == 4


@pytest.mark.parametrize("older", ["checkout.session.expired", "checkout.session.async_payment_failed"])
def test_stripe_official_79_the_end_of_one_try_touches_no_other(older: str) -> None:
    """The first page's bad news comes when the second page is open."""
    order = placed()
    first = started(order, status="expired")
    second = started(order)

    deliver(stripe_event(first, older, payment_status="unpaid"))

    second.refresh_from_db()
    order.refresh_from_db()
    assert (second.status, order.status, order.holds_stock) == ("started", "pending", True)


def test_solidus_stripe_44_two_moneys_on_one_page_are_not_taken_for_one() -> None:
    payment = started(placed())
    deliver(stripe_event(payment))
    event = stripe_event(payment, payment_intent="pi_second")

    with pytest.raises(inbox.CannotApply):
        deliver(event)

    kept = WebhookEvent.objects.get(event_id=event["id"])
    assert kept.processed_at is None
    assert "second money" in kept.outcome


def test_late_truth_about_a_refunded_payment_is_no_new_money(psps: Sandbox) -> None:
    """The message of the payment comes a second time, under another id, after all of it went back."""
    order, page = paid(psps)
    psps.refund(page)
    bring_messages(psps)
    payment = order.payments.get()

    deliver(stripe_event(payment, "checkout.session.async_payment_succeeded", payment_intent=payment.money_reference))

    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "refunded")
    assert Letter.objects.filter(kind="confirmation").count() == 1


def test_a_refund_asked_for_by_the_shop_is_told_as_its_own(psps: Sandbox) -> None:
    order, _page = paid(psps)
    ask(order.payments.get().pk, Wanted(100, "Retour"))
    assert order.timeline.get(kind="refund_requested").actor == "system"


def test_of_an_event_that_is_tried_again_staff_read_what_keeps_it_now(psps: Sandbox) -> None:
    _order, page = ordered()
    take(psps, "card", page)
    Payment.objects.all().delete()
    with pytest.raises(inbox.CannotApply):
        bring(only(psps, "checkout.session.completed"), Client())
    WebhookEvent.objects.update(received_at=now() - timedelta(hours=2), outcome="It waits for its payment")
    Channel.objects.create(provider="stripe", next_try_at=now() + timedelta(hours=1))

    sweep()

    assert WebhookEvent.objects.get().outcome == "The payment that it names is not here"


def test_an_event_that_fails_for_days_stays_on_the_road(psps: Sandbox) -> None:
    """The back-off of the sweep never ends in forgetting."""
    payment = started(placed())
    event = stripe_event(payment)
    payment.delete()
    with pytest.raises(inbox.CannotApply):
        deliver(event)
    WebhookEvent.objects.update(received_at=now() - timedelta(days=5), next_try_at=now())
    sweep()

    kept = WebhookEvent.objects.get()
    assert kept.processed_at is None
    assert kept.next_try_at
    assert kept.next_try_at <= now() + timedelta(minutes=30)
