"""However much there is, little is held, nothing is kept; and what cannot be asked gives no balance."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate
from django.utils.translation import override

from payments import booked, findings, reconciliation
from payments.findings import Balance, Difference, Kind, Reason
from payments.gateways.base import Move, NotConfigured, NotPermitted, Unreachable
from payments.models import Provider
from payments.reconciliation import balance
from tests.payments.balance.steps import (
    BOTH,
    TOTAL,
    WON,
    assert_adds_up,
    compared,
    given_back,
    lines,
    loses,
    provider_of,
)
from tests.payments.histories.clock import Clock
from tests.payments.steps import bring_messages, paid
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db


@BOTH
def test_the_result_is_the_same_however_little_is_held(
    psps: Sandbox, clock: Clock, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = localdate(clock.now) - timedelta(days=6)
    _order, disputed = paid(psps, method)
    dispute = psps.dispute(disputed, 900)
    for n in range(6):
        if n == 3:
            psps.move_dispute(dispute, **WON[method])  # type: ignore[arg-type]
        _order, page = paid(psps, method)
        psps.refund(page, 100 + n, webhook="never" if n % 2 else "none")
        bring_messages(psps)
        if n == 4:
            psps.strike_line(lines(psps, "charge", "T0006")[-1])
        clock.move(timedelta(days=3, hours=11, minutes=59, seconds=50))
    days = (localdate(clock.now) - first).days
    large = compared(clock, method, before=days)
    monkeypatch.setattr(reconciliation, "MOST_OPEN", 0)
    monkeypatch.setattr(reconciliation, "WEEK", timedelta(days=1))
    monkeypatch.setattr(booked, "BATCH", 1)
    small = balance(provider_of(method), large.first, large.last)

    def told(found: Balance) -> list[tuple[Any, ...]]:
        return sorted((one.move, one.kind, one.reference, one.there, one.here) for one in found.differences)

    assert_adds_up(small)
    assert len(told(large)) == 4
    assert (told(small), small.days, small.apart) == (told(large), large.days, large.apart)


def test_many_differences_are_counted_and_only_so_many_are_named(
    psps: Sandbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "MOST_NAMED", 2)
    for _ in range(3):
        paid(psps)
    for line in lines(psps, "charge"):
        psps.strike_line(line)
    found = compared(clock)
    assert (len(found.differences), found.number_of_differences, found.apart["CHF"]) == (2, 3, -3 * TOTAL)


@BOTH
def test_more_money_costs_no_more_statements(psps: Sandbox, clock: Clock, method: str) -> None:
    def statements() -> int:
        for _ in range(3):
            order, page = paid(psps, method)
            given_back(order, 100)
            loses(psps, page, 200, method)
            bring_messages(psps)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert compared(clock, method).differences == []
        return len(queries)

    assert statements() == statements() <= 12


def test_nothing_of_it_is_kept(psps: Sandbox, clock: Clock) -> None:
    paid(psps)
    psps.take_from_a_stranger("stripe", 500)

    def rows() -> dict[str, int]:
        return {model._meta.label: model._default_manager.count() for model in apps.get_models()}

    before = rows()
    compared(clock)
    assert rows() == before


def test_a_psp_that_does_not_answer_gives_no_balance(psps: Sandbox, clock: Clock) -> None:
    today = localdate(clock.now)
    for fault in ("down", "500"):
        psps.break_calls(fault, path="/stripe/v1/balance_transactions", calls=9)
        with pytest.raises(Unreachable):
            balance(Provider.STRIPE, today, today)
        psps.mend()


def test_what_is_missing_at_the_psp_is_said_in_the_language_of_staff(psps: Sandbox, clock: Clock) -> None:
    psps.change(paypal_reports=False)
    today = localdate(clock.now)
    with pytest.raises(NotPermitted) as refused:
        balance(Provider.PAYPAL, today, today)
    with override("fr"):
        assert "Transaction Search" in findings.why_not_asked(Provider.PAYPAL, refused.value)
        assert "réessayez" in findings.why_not_asked(Provider.STRIPE, NotConfigured("stripe")).lower()


@pytest.mark.parametrize("language", ["fr", "de", "it", "en"])
def test_every_difference_is_said_in_every_language(language: str) -> None:
    def said(move: Move, kind: Kind) -> str:
        money = (-123450, "CHF", 5, "EUR")
        return Difference(Provider.PAYPAL, move, kind, "ref", *money, date(2026, 11, 2)).sentence

    with override(language):
        for move in (Move.PAYMENT, Move.REFUND, Move.DISPUTE):
            for kind in Kind:
                assert "PayPal" in said(move, kind)
                assert "1’234.50" in said(move, kind) or "EUR\u00a00.05" in said(move, kind)
        assert "1’234.50" in said(Move.PAYOUT, Kind.AMOUNT)
        assert len({reason.label for reason in Reason}) == len(Reason)
