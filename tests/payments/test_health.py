"""How the line from the PSPs is: for a monitor, never for the proxy."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils.timezone import now

from payments import health
from payments.models import Channel, WebhookEvent
from tests.payments.steps import paid
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


def silent(minutes: int) -> None:
    Channel.objects.create(provider="stripe", silent_since=now() - timedelta(minutes=minutes))


PROBLEMS: dict[str, tuple[Callable[[int], None], int]] = {
    "messages that cannot be applied": (unapplied, 60),
    "a customer waits for the bank's word": (waiting, 15),
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
    WebhookEvent.objects.all().delete()
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
    WebhookEvent.objects.update(processed_at=now() - timedelta(seconds=100))
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
