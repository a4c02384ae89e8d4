"""What was paid, given back and paid out agrees, at the PSPs and in the shop, to the centime."""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate

from payments import booked
from payments.findings import Sums
from payments.models import Provider, Refund
from payments.reconciliation import balance
from payments.refunds import carry_out
from tests.payments.balance.steps import (
    BOTH,
    METHODS,
    TOTAL,
    WON,
    assert_adds_up,
    compared,
    given_back,
    loses,
    provider_of,
)
from tests.payments.histories.clock import Clock
from tests.payments.steps import bring_messages, ordered, paid, take
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db


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
