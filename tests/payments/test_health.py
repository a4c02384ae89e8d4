"""How the line from the PSPs is: for a monitor, never for the proxy."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils.timezone import now

from orders.models import Order
from payments import attention, health
from payments.models import Channel, Payment, SetAside, WebhookEvent
from payments.sweep import sweep
from tests.payments.steps import bring_messages, ordered, paid, take
from tests.sandbox.client import Sandbox
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db


def command() -> tuple[int, str]:
    """The exit code of `manage.py payments_health`, and what it prints."""
    out = io.StringIO()
    try:
        call_command("payments_health", stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def stripe() -> health.ChannelHealth:
    return next(channel for channel in health.channels() if channel.provider == "stripe")


def unapplied(minutes: int) -> None:
    payment = started(placed())
    event = stripe_event(payment)
    payment.delete()
    deliver(event, client=Client(raise_request_exception=False))
    WebhookEvent.objects.update(received_at=now() - timedelta(minutes=minutes))


def waiting(minutes: int) -> None:
    started(placed(), returned_at=now() - timedelta(minutes=minutes))


def over(minutes: int) -> None:
    started(placed(expires_at=now() - timedelta(minutes=minutes)))


def fetched(minutes: int, *more: int) -> None:
    """Messages about orders that were fetched so many minutes ago, and never delivered."""
    for ago in (minutes, *more):
        payment = started(placed())
        deliver(stripe_event(payment))
        events = WebhookEvent.objects.filter(order=payment.order)
        events.update(source="fetched", received_at=now() - timedelta(minutes=ago))


def silent(minutes: int) -> None:
    Channel.objects.create(provider="stripe", silent_since=now() - timedelta(minutes=minutes))


PROBLEMS: dict[str, tuple[Callable[[int], None], int]] = {
    "messages that cannot be applied": (unapplied, 60),
    "a customer waits for the bank's word": (waiting, 15),
    "orders that cannot be ended": (over, 60),
    "nothing is delivered, all is fetched: see the webhooks' address at the PSP": (lambda ago: fetched(ago, 0), 60),
    "no answer": (silent, 30),
}


def test_a_shop_in_good_order_is_healthy(psps: Sandbox) -> None:
    paid(psps)
    code, said = command()
    assert code == 0
    assert said.count("healthy") == 2
    answer = Client().get("/health/payments")
    assert answer.status_code == 200
    assert json.loads(answer.content)["healthy"] is True
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_woo_1289_a_problem_of_the_line_is_told_after_a_while(problem: str) -> None:
    happens, bound = PROBLEMS[problem]
    happens(bound - 2)
    assert stripe().problems == ()
    assert command()[0] == 0
    assert Client().get("/health/payments").status_code == 200
    Order.objects.update(status="cancelled", cancel_reason="expired", cancelled_at=now())
    WebhookEvent.objects.filter(order=None).delete()
    WebhookEvent.objects.update(received_at=now() - timedelta(days=30))
    Channel.objects.all().delete()

    happens(bound + 2)

    assert stripe().problems == (problem,)
    code, said = command()
    assert code == 1
    assert problem in said
    answer = Client().get("/health/payments")
    assert answer.status_code == 503
    told = {one["provider"]: one["problems"] for one in json.loads(answer.content)["channels"]}
    assert told == {"stripe": [problem], "paypal": []}
    assert Client().get("/health/ready").status_code == 200, "the proxy keeps the shop"


def test_times_and_counts_are_told() -> None:
    deliver(stripe_event(started(placed())))
    WebhookEvent.objects.update(received_at=now() - timedelta(seconds=100))
    before = stripe().rejected_today or 0
    deliver(b"{}", signature="t=1,v1=0")

    found = stripe()

    assert found.last_event_seconds is not None
    assert 100 <= found.last_event_seconds < 200
    assert found.rejected_today == before + 1
    assert (found.unapplied, found.oldest_unapplied_seconds, found.oldest_waiting_seconds) == (0, None, None)


def test_woo_1136_wrong_signatures_are_counted_where_a_monitor_sees_them() -> None:
    before = stripe().rejected_today or 0
    for _ in range(3):
        assert deliver(b"{}", signature="t=1,v1=0").status_code == 400
    assert stripe().rejected_today == before + 3
    assert f"rejected today {before + 3}" in command()[1]


@pytest.mark.django_db(transaction=True)
def test_a_cache_that_fails_keeps_nobody_from_knowing_the_rest() -> None:
    broken = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "no_such_table"}}
    with override_settings(CACHES=broken):
        assert Client().get("/health/payments").status_code == 200
        assert "rejected today -" in command()[1]


# Deliveries


def refused(times: int) -> None:
    for _ in range(times):
        assert deliver(b"{}", signature="t=1,v1=0").status_code == 400


@pytest.fixture(autouse=True)
def no_tally() -> None:
    cache.clear()


def test_deliveries_that_are_all_refused_are_told_although_the_sweep_fetches_them(psps: Sandbox) -> None:
    """A wrong secret: nobody notices anything, because everything is fetched."""
    sweep()
    for _ in range(3):
        order, page = ordered()
        take(psps, "card", page)
        for webhook in psps.collect():
            for _again in range(2):
                assert deliver(webhook.body, signature="t=1,v1=00").status_code == 400
        Payment.objects.update(next_try_at=now())
        Channel.objects.update(next_try_at=now())
        sweep()
        order.refresh_from_db()
        assert order.status == "effective"
    WebhookEvent.objects.update(received_at=now() - timedelta(minutes=16))

    assert stripe().problems == ("deliveries are refused: see the secret of the webhooks",)
    assert stripe().fetched_since == 3
    assert stripe().last_event_seconds is None, "what was fetched is no delivery"
    assert "last delivery never, fetched since 3, rejected today" in command()[1]

    order, page = ordered()
    take(psps, "card", page)
    bring_messages(psps)
    assert stripe().problems == ()
    assert stripe().fetched_since == 0


def test_a_stranger_who_tries_the_address_makes_no_problem_of_the_line() -> None:
    deliver(stripe_event(started(placed())))
    WebhookEvent.objects.update(received_at=now() - timedelta(hours=20))
    refused(12)
    assert stripe().problems == ()


def test_what_was_fetched_by_hand_just_before_its_delivery_makes_no_problem_of_the_line(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page)
    call_command("recover", "--since", "1h", stdout=io.StringIO())
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == "effective"
    refused(2)
    WebhookEvent.objects.update(received_at=now() - timedelta(hours=9))
    assert stripe().problems == ()


def test_many_messages_that_are_fetched_at_once_make_no_problem_of_the_line() -> None:
    """A database was restored: what had been delivered is fetched, and all that comes is delivered."""
    fetched(*range(59, 1, -10))
    assert stripe().problems == ()


def test_a_delivery_after_what_was_fetched_shows_that_the_line_is_well() -> None:
    fetched(500, 300, 0)
    assert stripe().problems
    deliver(stripe_event(started(placed())))
    assert stripe().problems == ()


def test_what_was_fetched_days_ago_says_nothing_of_today() -> None:
    fetched(*(minutes + 3 * 24 * 60 for minutes in (1, 100, 1000)))
    assert stripe().problems == ()


def test_messages_of_other_shops_that_are_fetched_on_the_first_day_make_no_problem_of_the_line() -> None:
    for ago in (500, 300, 0):
        payment = started(placed())
        deliver(stripe_event(payment, client_reference_id=None, metadata={}, id=f"cs_other_{ago}"))
        newest = WebhookEvent.objects.filter(source="delivered")
        assert newest.update(source="fetched", received_at=now() - timedelta(minutes=ago)) == 1
    assert stripe().problems == ()


# Messages


def test_a_message_that_a_person_has_set_aside_is_no_problem_of_the_line() -> None:
    anna = User.objects.create_superuser("anna")
    unapplied(70)
    assert stripe().problems
    (item,) = attention.items()
    attention.set_aside(SetAside.Kind.UNAPPLIED, str(item.about), anna, "Vu")

    assert stripe().problems == ()
    assert stripe().unapplied == 0
    assert command()[0] == 0


# Customers


def test_a_customer_whose_bank_takes_its_days_does_not_wait_for_the_line(psps: Sandbox) -> None:
    _order, page = ordered("paypal")
    take(psps, "paypal", page, capture="echeck")
    bring_messages(psps)
    Payment.objects.update(returned_at=now() - timedelta(days=2))
    assert command()[0] == 0


def test_a_customer_whose_money_paypal_declined_does_not_wait_for_the_line() -> None:
    started(placed(), "paypal", returned_at=now() - timedelta(minutes=30), refusal="paypal")
    assert command()[0] == 0


def test_a_provider_that_is_switched_off_is_not_watched(settings: Any) -> None:
    settings.PAYMENTS = replace(settings.PAYMENTS, paypal=None)
    Channel.objects.create(provider="paypal", silent_since=now() - timedelta(days=1))

    assert [channel.provider for channel in health.channels()] == ["stripe"]
    assert command()[0] == 0


def test_nothing_personal_is_told() -> None:
    order = placed()
    started(order, returned_at=now() - timedelta(hours=1))
    said = Client().get("/health/payments").content.decode() + command()[1]
    for word in (order.number, order.token, order.email, "Dufour"):
        assert word not in said
