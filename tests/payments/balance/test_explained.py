"""What only seems to differ: around midnight, on its way, held, late, somebody else's."""

from datetime import UTC, date, timedelta

import pytest
from django.utils.timezone import localdate, localtime

from payments.findings import Reason
from payments.gateways.base import Move
from payments.models import Payment, Provider
from payments.reconciliation import balance, midnight
from tests.payments.balance.steps import (
    BOTH,
    LOST,
    TOTAL,
    WON,
    assert_adds_up,
    compared,
    given_back,
    lines,
    provider_of,
)
from tests.payments.histories.clock import Clock
from tests.payments.steps import bring_messages, ordered, paid, take
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db


@BOTH
def test_money_around_midnight_is_shown_and_no_difference(psps: Sandbox, clock: Clock, method: str) -> None:
    """The PSP books it at 23:59:50, its message comes at 00:00:10."""
    clock.move(timedelta(hours=11, minutes=59, seconds=50))
    order, page = ordered(method)
    take(psps, method, page)
    clock.move(timedelta(seconds=20))
    bring_messages(psps)
    clock.move(timedelta(hours=4))
    today = localdate(clock.now)
    provider, yesterday = provider_of(method), today - timedelta(days=1)

    for day, there, here in ((yesterday, TOTAL, 0), (today, 0, TOTAL)):
        found = balance(provider, day, day)
        assert_adds_up(found)
        assert found.differences == []
        (shown,) = found.explained
        assert (shown.reason, shown.there, shown.here) == (Reason.OTHER_DAY, there, here)
        assert (shown.order_id, shown.order_number) == (order.pk, order.number)
        assert shown.reference == psps.payment(page)["money"]
        assert found.explained_apart["CHF"] == there - here
    both = balance(provider, yesterday, today)
    assert (both.differences, both.explained) == ([], [])
    assert [(day, sums.psp.took, sums.shop.took) for (day, _chf), sums in sorted(both.days.items())] == [
        (yesterday, TOTAL, 0),
        (today, 0, TOTAL),
    ]


@BOTH
def test_a_message_that_comes_three_days_late_makes_no_difference(psps: Sandbox, clock: Clock, method: str) -> None:
    _order, page = ordered(method)
    take(psps, method, page)
    clock.move(timedelta(days=3))
    bring_messages(psps)

    late = compared(clock, method)

    assert late.differences == []
    assert [shown.reason for shown in late.explained] == [Reason.OTHER_DAY]
    assert compared(clock, method, before=3).explained == []


@pytest.mark.parametrize("before", [0, 2, 40])
@BOTH
def test_a_dispute_that_lasts_for_weeks_makes_no_difference_on_any_day(
    psps: Sandbox, clock: Clock, method: str, before: int
) -> None:
    _order, page = paid(psps, method)
    dispute = psps.dispute(page, 900)
    bring_messages(psps)
    clock.move(timedelta(days=40))
    psps.move_dispute(dispute, **WON[method])  # type: ignore[arg-type]
    bring_messages(psps)
    assert compared(clock, method, before=before).differences == []


@BOTH
def test_what_a_dispute_took_is_of_the_day_on_which_the_psp_took_it(psps: Sandbox, clock: Clock, method: str) -> None:
    """Stripe takes the money when a dispute is opened, PayPal when it is lost."""
    _order, page = paid(psps, method)
    dispute = psps.dispute(page, 900)
    bring_messages(psps)
    opened = localdate(clock.now)
    clock.move(timedelta(days=12))
    psps.move_dispute(dispute, **LOST[method])  # type: ignore[arg-type]
    bring_messages(psps)
    clock.move(timedelta(hours=4))

    taken = opened if method == "card" else localdate(clock.now)
    found = balance(provider_of(method), taken, taken)

    both = found.totals()["CHF"]
    assert (both.psp.disputed, both.shop.disputed) == (-900, -900)
    assert (found.differences, found.explained) == ([], [])


@BOTH
def test_a_refund_on_its_way_makes_no_difference(psps: Sandbox, clock: Clock, method: str) -> None:
    order, _page = paid(psps, method)
    psps.change(refunds="pending")
    given_back(order, 700)
    bring_messages(psps)

    found = compared(clock, method)

    assert found.differences == []
    # Stripe books it at once, PayPal once it is done.
    assert [(one.reason, one.there) for one in found.explained] == (
        [(Reason.ON_ITS_WAY, -700)] if method == "card" else []
    )


def test_what_an_open_dispute_holds_makes_no_difference(psps: Sandbox, clock: Clock) -> None:
    _order, page = paid(psps)
    psps.dispute(page, 900)
    bring_messages(psps)

    found = compared(clock)

    assert found.differences == []
    assert [(one.move, one.reason, one.there) for one in found.explained] == [(Move.DISPUTE, Reason.HELD, -900)]


@BOTH
def test_what_the_psp_does_not_list_yet_makes_no_difference(psps: Sandbox, clock: Clock, method: str) -> None:
    paid(psps, method)
    psps.strike_line(lines(psps, "charge", "T0006")[0])
    psps.change(paypal_report_seconds=3 * 3600)
    today = localdate(clock.now)

    found = balance(provider_of(method), today, today)

    assert found.differences == []
    assert [one.reason for one in found.explained] == [Reason.FRESH]
    assert found.complete_until < clock.now
    clock.move(timedelta(hours=4))
    assert len(balance(provider_of(method), today, today).differences) == 1


def test_paypals_report_that_is_behind_is_read_as_far_as_it_goes(psps: Sandbox, clock: Clock) -> None:
    paid(psps, "paypal")
    clock.move(timedelta(hours=4))
    paid(psps, "paypal")
    psps.change(paypal_report_seconds=3 * 3600)
    today = localdate(clock.now)

    found = balance(Provider.PAYPAL, today, today + timedelta(days=20))

    both = found.totals()["CHF"]
    assert (both.psp.took, both.shop.took) == (TOTAL, 2 * TOTAL)
    assert (found.differences, [one.reason for one in found.explained]) == ([], [Reason.FRESH])


@BOTH
def test_another_shops_money_on_the_same_account_is_summed_apart(psps: Sandbox, clock: Clock, method: str) -> None:
    paid(psps, method)
    psps.take_from_a_stranger("paypal" if method == "paypal" else "stripe", 700)
    fee = psps.ledger()[-1]["fee"]

    found = compared(clock, method)

    both = found.totals()["CHF"]
    assert (both.psp.took, both.psp.foreign) == (TOTAL, 700 - fee)
    assert (found.differences, found.explained) == ([], [])


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 6, 1), 24), (date(2027, 1, 1), 24)],
)
def test_a_day_is_zurichs_whatever_its_length(day: date, hours: int) -> None:
    start, end = midnight(day), midnight(day + timedelta(days=1))
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=hours)
    assert (localtime(start).hour, localdate(start)) == (0, day)


@BOTH
@pytest.mark.parametrize("day", [date(2026, 10, 25), date(2026, 3, 29)])
def test_money_at_the_edges_of_a_day_of_another_length_is_of_that_day(
    psps: Sandbox, clock: Clock, method: str, day: date
) -> None:
    start, end = midnight(day).astimezone(UTC), midnight(day + timedelta(days=1)).astimezone(UTC)
    for at in (start - timedelta(seconds=1), start, end - timedelta(seconds=1), end):
        order, _page = paid(psps, method)
        psps.change_line(lines(psps, "charge", "T0006")[-1], at=at.timestamp())
        Payment.objects.filter(order=order).update(created_at=at, authorised_at=at)

    found = balance(provider_of(method), day, day)

    assert (found.differences, found.explained) == ([], [])
    assert [(when, both.psp.took, both.shop.took) for (when, _chf), both in found.days.items()] == [
        (day, 2 * TOTAL, 2 * TOTAL)
    ]


@BOTH
def test_months_that_paypal_does_not_look_through_at_once_are_read_whole(
    psps: Sandbox, clock: Clock, method: str
) -> None:
    first = localdate(clock.now)
    for _ in range(4):
        paid(psps, method)
        clock.move(timedelta(days=33))
    found = compared(clock, method, before=(localdate(clock.now) - first).days)
    assert found.totals()["CHF"].psp.took == found.totals()["CHF"].shop.took == 4 * TOTAL
    assert (found.differences, found.explained) == ([], [])
