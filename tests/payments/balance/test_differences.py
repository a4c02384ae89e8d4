"""What differs is named, with its order and both sides."""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate

from payments.findings import Kind
from payments.gateways.base import Move
from payments.models import Payment, Refund
from payments.reconciliation import balance
from tests.payments.balance.steps import BOTH, TOTAL, compared, given_back, lines, loses, only, provider_of
from tests.payments.histories.clock import Clock
from tests.payments.steps import bring_messages, ordered, paid, take
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db


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
