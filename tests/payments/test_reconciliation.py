"""The balance of the money: the PSPs' accounts against the shop's rows, payment by payment, to the centime."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import get_default_timezone, localdate, localtime
from django.utils.translation import override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import Order
from payments import booked, findings, reconciliation
from payments.findings import Balance, Difference, Kind, Reason, Sums
from payments.gateways.base import Move, NotConfigured, NotPermitted, Unreachable
from payments.models import Payment, Provider, Refund
from payments.reconciliation import balance, midnight
from payments.refunds import Wanted, ask, carry_out
from tests.payments.histories.balance import bring_to_rest
from tests.payments.histories.clock import Clock, moved_by_hand
from tests.payments.histories.holds import Watch
from tests.payments.histories.witness import sworn_in
from tests.payments.histories.world import World
from tests.payments.steps import ordered, paid, take
from tests.payments.test_paying import bring_messages
from tests.sandbox.client import Sandbox
from tests.sandbox.in_process import SandboxInProcess

pytestmark = pytest.mark.django_db
TOTAL = 3800
"""What Claire's order costs."""
METHODS = ("card", "twint", "paypal")
BOTH = pytest.mark.parametrize("method", ["card", "paypal"])
WON = {"card": {"status": "won"}, "paypal": {"status": "RESOLVED", "outcome": "RESOLVED_SELLER_FAVOUR"}}
LOST = {"card": {"status": "lost"}, "paypal": {"status": "RESOLVED", "outcome": "RESOLVED_BUYER_FAVOUR"}}


@pytest.fixture
def clock(db: None) -> Iterator[Clock]:
    """Noon in Zurich; what is booked at once is on the same day."""
    with moved_by_hand() as clock:
        noon = localtime(clock.now, get_default_timezone()).replace(hour=12, minute=0, second=0)
        clock.move(noon - clock.now + timedelta(days=1))
        yield clock


def provider_of(method: str) -> Provider:
    return Provider.PAYPAL if method == "paypal" else Provider.STRIPE


def compared(clock: Clock, method: str = "card", *, before: int = 0, after: int = 0) -> Balance:
    """Today, and so many days around it, once the PSPs' lists are complete."""
    clock.move(timedelta(hours=4))
    today = localdate(clock.now)
    found = balance(provider_of(method), today - timedelta(days=before), today + timedelta(days=after))
    assert_adds_up(found)
    return found


def assert_adds_up(found: Balance) -> None:
    """The PSP's sums less the shop's are the differences and what is explained."""
    for currency, both in found.totals().items():
        there = both.psp.took + both.psp.gave_back + both.psp.disputed
        here = both.shop.took + both.shop.gave_back + both.shop.disputed
        assert there - here == found.apart[currency] + found.explained_apart[currency]


def only(found: Balance) -> Difference:
    (difference,) = found.differences
    assert found.number_of_differences == 1
    return difference


def lines(psps: Sandbox, *codes: str) -> list[str]:
    """The PSPs' lines of these codes, oldest first."""
    return [line["id"] for line in psps.ledger() if line["code"] in codes]


def given_back(order: Order, amount: int) -> Refund:
    """A refund that the shop asked for, and the PSP has."""
    refund = ask(order.payments.get().pk, Wanted(amount, "Retour"))
    carry_out(refund.pk)
    return refund


def loses(psps: Sandbox, page: str, amount: int, method: str = "card") -> str:
    dispute = psps.dispute(page, amount)
    psps.move_dispute(dispute, **LOST[method])  # type: ignore[arg-type]
    return dispute


# What agrees ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_what_was_paid_and_is_booked_agrees(psps: Sandbox, clock: Clock, method: str) -> None:
    paid(psps, method)
    paid(psps, method)

    found = compared(clock, method)

    ((day, currency), both), *others = found.days.items()
    fees = sum(line["fee"] for line in psps.ledger())
    assert others == []
    assert (day, currency) == (localdate(clock.now), "CHF")
    assert both.psp == Sums(took=2 * TOTAL, fees=-fees)
    assert both.shop == Sums(took=2 * TOTAL)
    assert fees > 0
    assert (found.number_of_differences, found.number_explained, found.payouts) == (0, 0, [])


def test_one_psps_money_is_not_the_others(psps: Sandbox, clock: Clock) -> None:
    paid(psps, "card")
    paid(psps, "paypal")
    for method in ("card", "paypal"):
        found = compared(clock, method)
        assert (found.totals()["CHF"].psp.took, found.number_of_differences) == (TOTAL, 0)


def test_where_nothing_moved_there_is_nothing(psps: Sandbox, clock: Clock) -> None:
    found = compared(clock)
    assert (found.days, found.differences, found.totals()) == ({}, [], {})


@BOTH
def test_a_long_history_agrees_as_a_whole_and_day_by_day(psps: Sandbox, clock: Clock, method: str) -> None:
    """Refunds in parts, of the dashboard, that bounce; disputes won and lost; a second payment; fees; payouts."""
    first = localdate(clock.now)

    def pass_on(hours: int = 30) -> None:
        bring_messages(psps)
        clock.move(timedelta(hours=hours))

    partly, _page = paid(psps, method)
    pass_on()
    given_back(partly, 1000)
    pass_on()
    given_back(partly, 500)
    _order, page = paid(psps, method)
    psps.refund(page, 700)
    pass_on()
    _order, page = paid(psps, method)
    bounced = psps.refund(page, 700, status="pending")
    pass_on()
    psps.settle_refund(bounced, "failed")
    _order, page = paid(psps, method)
    dispute = psps.dispute(page, 900)
    pass_on(24 * 12)
    psps.move_dispute(dispute, **WON[method])  # type: ignore[arg-type]
    pass_on()
    _order, page = paid(psps, method)
    loses(psps, page, 900, method)
    pass_on(24 * 9)
    psps.charge_a_fee("paypal" if method == "paypal" else "stripe", 250)
    psps.pay_out("paypal" if method == "paypal" else "stripe")
    pass_on()
    paid(psps, method)
    pass_on()

    days = (localdate(clock.now) - first).days
    whole = compared(clock, method, before=days)
    assert (whole.differences, whole.explained) == ([], [])
    both = whole.totals()["CHF"]
    assert (both.psp.took, both.psp.gave_back, both.psp.disputed) == (6 * TOTAL, -2200, -900)
    assert (both.shop.took, both.shop.gave_back, both.shop.disputed) == (6 * TOTAL, -2200, -900)
    assert both.psp.change == sum(line["amount"] - line["fee"] for line in psps.ledger())

    summed = Sums()
    for n in range(days + 1):
        found = balance(provider_of(method), first + timedelta(days=n), first + timedelta(days=n))
        assert_adds_up(found)
        assert found.differences == []
        for total in found.totals().values():
            summed.add(total.psp)
    assert summed == both.psp


@BOTH
def test_a_second_payment_that_goes_back_agrees(psps: Sandbox, clock: Clock, method: str) -> None:
    order, page = ordered(method)
    clock.move(timedelta(minutes=1))
    take(psps, method, page)
    bring_messages(psps)
    payment = order.payments.get()
    # What a bank agreed to after the page was dead.
    late, late_page = ordered("card")
    psps.expire(late_page)
    bring_messages(psps)
    psps.reopen(late_page)
    psps.pay_by_card(late_page)
    bring_messages(psps)
    for refund in Refund.objects.all():
        carry_out(refund.pk)
    bring_messages(psps)

    assert payment.settles is True
    assert late.payments.get().status == "authorised"
    for each in {"card", method}:
        assert compared(clock, each).differences == []


# What differs ---------------------------------------------------------------------------------------------------------


@BOTH
def test_money_of_which_no_message_told_is_named_with_its_order(psps: Sandbox, clock: Clock, method: str) -> None:
    order, page = ordered(method)
    take(psps, method, page, webhook="never")

    difference = only(compared(clock, method))

    assert (difference.move, difference.kind) == (Move.PAYMENT, Kind.ONLY_THERE)
    assert (difference.there, difference.here) == (TOTAL, 0)
    assert (difference.order_id, difference.order_number) == (order.pk, order.number)
    assert difference.payment_id == order.payments.get().pk
    assert difference.reference == psps.payment(page)["money"]
    assert difference.day == localdate(clock.now)


@BOTH
def test_money_that_carries_our_mark_and_that_nobody_knows_is_named(psps: Sandbox, clock: Clock, method: str) -> None:
    _order, page = ordered(method)
    take(psps, method, page, webhook="never")
    Payment.objects.all().delete()

    difference = only(compared(clock, method))

    assert (difference.move, difference.kind, difference.order_id) == (Move.PAYMENT, Kind.ONLY_THERE, None)
    assert difference.there == TOTAL


@BOTH
def test_money_that_the_psp_has_not_booked_is_named(psps: Sandbox, clock: Clock, method: str) -> None:
    order, page = paid(psps, method)
    psps.strike_line(lines(psps, "charge", "T0006")[0])

    difference = only(compared(clock, method))

    assert (difference.move, difference.kind) == (Move.PAYMENT, Kind.ONLY_HERE)
    assert (difference.there, difference.here, difference.order_number) == (0, TOTAL, order.number)
    assert difference.reference == psps.payment(page)["money"]


@BOTH
def test_another_amount_is_named_with_both_sides(psps: Sandbox, clock: Clock, method: str) -> None:
    order, _page = paid(psps, method)
    psps.change_line(lines(psps, "charge", "T0006")[0], amount=TOTAL - 5)

    found = compared(clock, method)

    difference = only(found)
    assert (difference.move, difference.kind) == (Move.PAYMENT, Kind.AMOUNT)
    assert (difference.there, difference.here, difference.order_number) == (TOTAL - 5, TOTAL, order.number)
    assert found.apart["CHF"] == -5


@BOTH
def test_another_currency_is_named_once(psps: Sandbox, clock: Clock, method: str) -> None:
    paid(psps, method)
    psps.change_line(lines(psps, "charge", "T0006")[0], currency="EUR")

    found = compared(clock, method)

    difference = only(found)
    assert (difference.move, difference.kind) == (Move.PAYMENT, Kind.CURRENCY)
    assert (difference.there, difference.currency_there) == (TOTAL, "EUR")
    assert (difference.here, difference.currency_here) == (TOTAL, "CHF")
    assert (found.apart["EUR"], found.apart["CHF"]) == (TOTAL, -TOTAL)


@BOTH
def test_a_refund_of_which_the_shop_does_not_know_is_named_with_its_order(
    psps: Sandbox, clock: Clock, method: str
) -> None:
    order, page = paid(psps, method)
    reference = psps.refund(page, 700, webhook="never")

    difference = only(compared(clock, method))

    assert (difference.move, difference.kind, difference.reference) == (Move.REFUND, Kind.ONLY_THERE, reference)
    assert (difference.there, difference.here, difference.order_number) == (-700, 0, order.number)
    assert (difference.refund_id, difference.payment_id) == (None, order.payments.get().pk)


@BOTH
def test_a_refund_that_the_psp_gave_and_the_shop_holds_for_failed_is_named(
    psps: Sandbox, clock: Clock, method: str
) -> None:
    order, _page = paid(psps, method)
    refund = given_back(order, 700)
    bring_messages(psps)
    Refund.objects.update(status=Refund.Status.FAILED)

    difference = only(compared(clock, method))

    assert (difference.move, difference.kind, difference.refund_id) == (Move.REFUND, Kind.ONLY_THERE, refund.pk)
    assert (difference.there, difference.here) == (-700, 0)


@BOTH
def test_a_refund_that_the_psp_has_not_booked_is_named(psps: Sandbox, clock: Clock, method: str) -> None:
    order, _page = paid(psps, method)
    refund = given_back(order, 700)
    bring_messages(psps)
    psps.strike_line(lines(psps, "refund", "T1107")[0])

    difference = only(compared(clock, method))

    assert (difference.move, difference.kind, difference.refund_id) == (Move.REFUND, Kind.ONLY_HERE, refund.pk)
    assert (difference.there, difference.here, difference.order_number) == (0, -700, order.number)


@BOTH
def test_a_refund_that_came_back_without_a_word_is_named(psps: Sandbox, clock: Clock, method: str) -> None:
    """PayPal sends no message of it: nothing else would find it."""
    order, page = paid(psps, method)
    reference = psps.refund(page, 700)
    bring_messages(psps)
    clock.move(timedelta(days=2))
    psps.settle_refund(reference, "failed", webhook="never")

    for before in (0, 2):
        difference = only(compared(clock, method, before=before))
        assert (difference.move, difference.kind) == (Move.REFUND, Kind.ONLY_HERE)
        assert (difference.there, difference.here, difference.order_number) == (0, -700, order.number)
    day_of_the_refund = localdate(clock.now) - timedelta(days=2)
    # Of that day alone both say the same.
    assert balance(provider_of(method), day_of_the_refund, day_of_the_refund).differences == []


@BOTH
def test_a_refund_of_another_amount_is_named(psps: Sandbox, clock: Clock, method: str) -> None:
    order, _page = paid(psps, method)
    given_back(order, 700)
    bring_messages(psps)
    psps.change_line(lines(psps, "refund", "T1107")[0], amount=-7000)

    difference = only(compared(clock, method))

    assert (difference.move, difference.kind) == (Move.REFUND, Kind.AMOUNT)
    assert (difference.there, difference.here) == (-7000, -700)


@BOTH
def test_money_that_was_taken_back_without_a_known_dispute_is_named(psps: Sandbox, clock: Clock, method: str) -> None:
    order, page = paid(psps, method)
    if method == "paypal":
        psps.reverse(page, 900, webhook="never")
    else:
        psps.dispute(page, 900, webhook="never")

    difference = only(compared(clock, method))

    assert (difference.move, difference.kind) == (Move.DISPUTE, Kind.ONLY_THERE)
    assert (difference.there, difference.here, difference.order_number) == (-900, 0, order.number)


@BOTH
def test_a_lost_dispute_for_which_nothing_was_taken_is_named(psps: Sandbox, clock: Clock, method: str) -> None:
    order, page = paid(psps, method)
    loses(psps, page, 900, method)
    bring_messages(psps)
    psps.strike_line(lines(psps, "dispute", "T1106")[0])

    difference = only(compared(clock, method))

    assert (difference.move, difference.kind) == (Move.DISPUTE, Kind.ONLY_HERE)
    assert (difference.there, difference.here, difference.order_number) == (0, -900, order.number)


def test_money_that_did_not_come_back_after_a_dispute_was_won_is_named(psps: Sandbox, clock: Clock) -> None:
    order, page = paid(psps)
    dispute = psps.dispute(page, 900)
    bring_messages(psps)
    psps.move_dispute(dispute, "won")
    bring_messages(psps)
    psps.strike_line(lines(psps, "dispute_reversal")[0])

    difference = only(compared(clock))

    assert (difference.move, difference.kind) == (Move.DISPUTE, Kind.ONLY_THERE)
    assert (difference.there, difference.here, difference.order_number) == (-900, 0, order.number)


def test_a_payout_that_is_not_what_it_holds_is_named(psps: Sandbox, clock: Clock) -> None:
    paid(psps)
    payout = psps.pay_out("stripe")
    sent = next(-line["amount"] for line in psps.ledger() if line["code"] == "payout")
    psps.change_line(lines(psps, "charge")[0], amount=TOTAL - 100)

    found = compared(clock)

    money, holds = found.differences
    assert money.move == Move.PAYMENT
    assert (holds.move, holds.kind, holds.reference) == (Move.PAYOUT, Kind.AMOUNT, payout)
    assert (holds.there, holds.here) == (sent, sent - 100)
    assert found.payouts[0].matches is False


# What only seems to differ --------------------------------------------------------------------------------------------


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


# Days -----------------------------------------------------------------------------------------------------------------


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


# Payouts and fees -----------------------------------------------------------------------------------------------------


def test_a_payout_across_months_holds_what_it_is_made_of(psps: Sandbox, clock: Clock) -> None:
    order, _page = paid(psps)
    clock.move(timedelta(days=20))
    given_back(order, 700)
    paid(psps)
    bring_messages(psps)
    clock.move(timedelta(days=20))
    reference = psps.pay_out("stripe")

    found = compared(clock)

    (payout,) = found.payouts
    fees = sum(line["fee"] for line in psps.ledger())
    assert payout.reference == reference
    assert payout.amount == 2 * TOTAL - 700 - fees
    assert payout.holds == Sums(took=2 * TOTAL, gave_back=-700, fees=-fees)
    assert (payout.entries, payout.matches) == (3, True)
    assert payout.arrives_at and payout.arrives_at > payout.at
    both = found.totals()["CHF"]
    assert (both.psp.took, both.psp.paid_out) == (0, -payout.amount)
    assert found.differences == []


def test_the_lines_of_a_payout_tell_the_fee_of_each_payment(psps: Sandbox, clock: Clock) -> None:
    orders = [paid(psps)[0] for _ in range(2)]
    refund = given_back(orders[0], 700)
    psps.take_from_a_stranger("stripe", 500)
    bring_messages(psps)
    payout = psps.pay_out("stripe")

    told = list(booked.contents(Provider.STRIPE, payout))

    fees = {line.payment.order.number: line.entry.fee for line in told if line.payment and not line.refund}
    assert fees == dict.fromkeys([order.number for order in orders], 30 + TOTAL * 29 // 1000)
    assert [line.refund for line in told if line.refund] == [refund]
    assert [line.entry.amount for line in told if not line.is_ours] == [500]


def test_a_payout_by_hand_and_paypals_do_not_tell_what_they_hold(psps: Sandbox, clock: Clock) -> None:
    paid(psps, "card")
    paid(psps, "paypal")
    psps.pay_out("stripe", automatic=False, amount=1000)
    psps.pay_out("paypal", amount=1000)
    for method in ("card", "paypal"):
        found = compared(clock, method)
        (payout,) = found.payouts
        assert (payout.amount, payout.holds, payout.matches) == (1000, None, None)
        assert found.differences == []


def test_a_payout_that_came_back_counts_as_come_back(psps: Sandbox, clock: Clock) -> None:
    paid(psps)
    psps.return_payout(psps.pay_out("stripe"))
    found = compared(clock)
    assert [payout.amount for payout in found.payouts] in ([a := found.payouts[0].amount, -a],)
    assert found.totals()["CHF"].psp.paid_out == 0
    assert found.differences == []


# Size and keeping -----------------------------------------------------------------------------------------------------


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


# What cannot be asked -------------------------------------------------------------------------------------------------


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


# The command ----------------------------------------------------------------------------------------------------------


def run(*options: str) -> tuple[int, str, str]:
    """The exit code, what it printed, and what it said on its way."""
    out, err = StringIO(), StringIO()
    try:
        call_command("reconcile", *options, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def of_today(clock: Clock) -> tuple[str, ...]:
    clock.move(timedelta(hours=4))
    return f"--from={localdate(clock.now)}", f"--to={localdate(clock.now)}"


def test_the_command_prints_the_sums_and_ends_with_0_when_all_agrees(psps: Sandbox, clock: Clock) -> None:
    paid(psps, "card")
    paid(psps, "paypal")
    payout = psps.pay_out("stripe")
    code, out, err = run(*of_today(clock))
    assert code == 0
    assert out.count("taken CHF\u00a038.00") == 5, "each day, all days, the payout"
    assert f"payout {payout} of {localdate(clock.now)}" in out
    assert "entries: 1, matching: taken CHF\u00a038.00, fees" in out
    assert "Stripe: differences: none" in out
    assert "PayPal: differences: none" in out
    assert "Stripe: read up to" in err


def test_the_command_names_a_difference_and_ends_with_1(psps: Sandbox, clock: Clock) -> None:
    order, _page = paid(psps)
    psps.strike_line(lines(psps, "charge")[0])
    code, out, _err = run(*of_today(clock))
    assert code == 1
    assert order.number in out
    assert "has not booked it" in out
    assert "Stripe: differences: 1" in out


def test_the_command_shows_what_is_explained(psps: Sandbox, clock: Clock) -> None:
    order, page = paid(psps)
    psps.dispute(page, 900)
    bring_messages(psps)
    code, out, _err = run(*of_today(clock), "--provider=stripe")
    assert code == 0
    assert "held for an open dispute" in out
    assert order.number in out
    assert "PayPal" not in out


def test_the_command_ends_with_2_when_a_psp_cannot_be_asked_and_still_asks_the_other(
    psps: Sandbox, clock: Clock
) -> None:
    paid(psps, "card")
    psps.change(paypal_reports=False)
    code, out, err = run(*of_today(clock))
    assert code == 2
    assert "Stripe: differences: none" in out
    assert "Transaction Search" in err
    psps.break_calls("down", path="/stripe/v1/*", calls=9)
    code, _out, err = run(*of_today(clock), "--provider=stripe")
    assert code == 2
    assert "Stripe could not be asked" in err


@pytest.mark.parametrize(
    "options", [(), ("--from=2026-11-01",), ("--from=2026-11-02", "--to=2026-11-01"), ("--from=today", "--to=tomorrow")]
)
def test_the_command_refuses_days_that_are_none(options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*options)


# Random histories -----------------------------------------------------------------------------------------------------

STEPS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 5), st.sampled_from([0, 1, 7, 25, 70])), max_size=14)


def acts(world: World) -> list[Callable[[int], object]]:
    """What may happen next, each of the n-th thing that it can happen to."""

    def money(n: int) -> dict[str, Any] | None:
        rows = world.paid_pages()
        return rows[n % len(rows)] if rows else None

    def buy(n: int) -> None:
        if order := world.order(n % 2, 1):
            world.choose(order, METHODS[n % 3])
            row = world.pages()[-1 if METHODS[n % 3] == "paypal" else 0]
            for row in world.pages("open", "payer_action_required"):
                world.pay(row, **({"webhook": "wrong_amount"} if n == 5 else {}))
            for payment in order.payments.all():
                world.come_back(payment)

    def ask_back(n: int) -> None:
        payments = [one for one in Payment.objects.select_related("order") if one.refundable()]
        if payments:
            world.ask_back(payments[n % len(payments)], 100 + n, goods_back=False, pieces=False)
            world.work()

    def at_the_dashboard(n: int) -> None:
        if row := money(n):
            world.refund_at_the_dashboard(row, 200 + n, ("succeeded", "pending")[n % 2])

    def turn(n: int) -> None:
        if (row := money(n)) and row["refunds"]:
            world.turn_refund(row, row["refunds"][n % len(row["refunds"])], ("succeeded", "failed")[n % 2])

    def dispute(n: int) -> None:
        if row := money(n):
            world.dispute(row)

    def decide(n: int) -> None:
        if (row := money(n)) and row["disputes"]:
            world.end_dispute(row, row["disputes"][-1], won=bool(n % 2))

    def pay_out(n: int) -> None:
        if sum(line["amount"] - line["fee"] for line in world.psps.ledger("stripe")) > 0:
            world.psps.pay_out("stripe")

    def foreign(n: int) -> None:
        world.psps.take_from_a_stranger(("stripe", "paypal")[n % 2], 300 + n)

    def bring_one(n: int) -> None:
        world.bring_one(n)

    def bring_all(n: int) -> None:
        world.bring_all()

    return [
        buy,
        buy,
        ask_back,
        at_the_dashboard,
        turn,
        dispute,
        decide,
        pay_out,
        foreign,
        bring_one,
        bring_all,
        bring_all,
    ]


@pytest.mark.django_db(transaction=True)
def test_whatever_happened_all_adds_up_once_it_is_told(psps: SandboxInProcess, transactional_db: None) -> None:
    with sworn_in(), moved_by_hand() as clock:

        @settings(
            max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(steps=STEPS)
        def play(steps: list[tuple[int, int, int]]) -> None:
            world = World(psps, clock)
            watch = Watch(world)
            first = localdate(clock.now)
            for act, n, hours in [(0, 0, 0), *steps]:
                acts(world)[act](n)
                clock.move(timedelta(hours=hours, seconds=1))
            bring_to_rest(world, watch)
            clock.move(timedelta(hours=4))
            compare(psps, first, localdate(clock.now))

        play()


def compare(psps: Sandbox, first: date, last: date) -> None:
    """All days together, and each by itself."""
    for provider in Provider:
        whole = balance(provider, first, last)
        assert_adds_up(whole)
        assert whole.differences == []
        assert {one.reason for one in whole.explained} <= {Reason.HELD, Reason.ON_ITS_WAY}
        there = whole.totals()["CHF"].psp.change if whole.days else 0
        assert there == sum(line["amount"] - line["fee"] for line in psps.ledger(provider.value))
        assert all(payout.matches in (True, None) for payout in whole.payouts)
        summed = Sums()
        for day in {day for day, _currency in whole.days}:
            one = balance(provider, day, day)
            assert_adds_up(one)
            assert one.differences == []
            summed.add(one.totals()["CHF"].psp)
        assert summed.change == there
