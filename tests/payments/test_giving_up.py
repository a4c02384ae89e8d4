"""An order is given up only when no money can be on its way any more."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from orders.moves import hold
from payments import moves
from payments.expiry import withdraw
from payments.models import Payment
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import sweep
from tests.at_once import at_once
from tests.payments.steps import bring, bring_messages, only, ordered, take
from tests.sandbox.client import Sandbox
from tests.shop import deliver, placed, started, stripe_event
from tests.waiting import somebody_waits, until

pytestmark = pytest.mark.django_db
Actor = TimelineEntry.Actor
Reason = Order.CancelReason


def give_up(order: Order, reason: Order.CancelReason = Reason.CUSTOMER) -> bool:
    return withdraw(order, reason, Actor.CUSTOMER)


def is_kept(order: Order) -> bool:
    order.refresh_from_db()
    return order.status == Order.Status.PENDING and order.holds_stock


@pytest.mark.parametrize("reason", [Reason.CUSTOMER, Reason.EXPIRED, Reason.CHANGED_CART, Reason.STAFF])
@pytest.mark.parametrize("method", ["card", "paypal"])
def test_woo_20928_not_while_the_page_is_paid(psps: Sandbox, method: str, reason: Order.CancelReason) -> None:
    order, page = ordered(method)
    Order.objects.update(expires_at=now() - timedelta(minutes=1))
    take(psps, method, page)
    Payment.objects.update(claimed_at=None)

    assert not give_up(order, reason)

    assert is_kept(order)
    payment = order.payments.get()
    assert payment.status == "started"
    assert payment.with_bank_at, "the page waits for the bank now"


def test_not_while_the_bank_decides(psps: Sandbox) -> None:
    order, page = ordered("twint")
    take(psps, "twint", page, pending=True)

    assert not give_up(order)

    assert is_kept(order)


def test_not_while_a_capture_is_under_way(psps: Sandbox) -> None:
    order, _page = ordered("paypal")
    Payment.objects.update(claimed_at=now())
    psps.forget_requests()

    assert not give_up(order)

    assert is_kept(order)
    assert psps.requests() == []


def test_not_while_paypal_reviews_the_money(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    take(psps, "paypal", page, capture="pending")
    Payment.objects.update(claimed_at=None)

    assert not give_up(order)

    assert is_kept(order)


def test_not_while_money_is_there_that_does_not_fit() -> None:
    order = placed()
    deliver(stripe_event(started(order), amount_total=1))

    assert not give_up(order)

    assert is_kept(order)


def test_an_order_whose_money_did_not_fit_ends_once_it_went_back(psps: Sandbox) -> None:
    """Otherwise it would hold its goods for ever: nobody can pay it any more."""
    order, page = ordered()
    take(psps, "card", page, webhook="wrong_amount")
    bring_messages(psps)
    refund = ask(order.payments.get().pk, Wanted(order.total + 100, "Autre montant"))
    carry_out(refund.pk)
    Order.objects.update(expires_at=now() - timedelta(minutes=1))
    sweep()
    assert is_kept(order), "asked for is not gone"

    bring_messages(psps)
    Order.objects.update(next_try_at=None)
    sweep()

    order.refresh_from_db()
    assert (order.status, order.cancel_reason, order.holds_stock) == ("cancelled", "expired", False)


def test_not_by_an_expiry_that_finds_the_time_prolonged(psps: Sandbox) -> None:
    order, _page = ordered()

    assert not give_up(order, Reason.EXPIRED)

    assert is_kept(order)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first_page", [False, True], ids=["no page was open", "another page was open"])
def test_not_when_another_page_was_opened_meanwhile(psps: Sandbox, first_page: bool) -> None:
    """Between the look at the PSP and the lock another tab opens a page."""
    order = placed()
    first = started(order, "paypal", page_reference=None) if first_page else None
    held = []

    def another_tab() -> bool:
        with transaction.atomic():
            locked = hold(pk=order.pk)
            held.append(True)
            until(somebody_waits)
            if first:
                moves.expire(locked, first, Actor.CUSTOMER)
            started(locked)
        return True

    def giving_up() -> bool:
        until(lambda: held)
        return give_up(order)

    assert at_once(another_tab, giving_up) == [True, False]
    assert is_kept(order)
    assert order.payments.filter(status="started").count() == 1


@pytest.mark.django_db(transaction=True)
def test_not_when_its_own_page_was_learnt_of_meanwhile(psps: Sandbox) -> None:
    """The PSP's answer to the hand-off comes while the order is given up: the customer is sent to that page."""
    order = placed()
    payment = started(order, page_reference=None)
    held = []

    def the_answer_comes() -> bool:
        with transaction.atomic():
            hold(pk=order.pk)
            held.append(True)
            until(somebody_waits)
            Payment.objects.filter(pk=payment.pk).update(page_reference="cs_test_learnt_late")
        return True

    def giving_up() -> bool:
        until(lambda: held)
        return give_up(order)

    assert at_once(the_answer_comes, giving_up) == [True, False]
    assert is_kept(order)
    assert order.payments.get().status == "started"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n", range(3))
def test_woo_5703_cancelling_while_the_paid_message_comes_in_ends_one_way(psps: Sandbox, n: int) -> None:
    order, page = ordered()
    take(psps, "card", page)
    webhook = only(psps, "checkout.session.completed")

    at_once(lambda: give_up(order), lambda: bring(webhook).status_code == 200)

    order.refresh_from_db()
    assert (order.status, order.payments.get().settles) == ("effective", True)


RIVALS: dict[str, Callable[[Sandbox, str], object]] = {
    "the PSP's own expiry": lambda psps, page: psps.expire(page),
    "nothing": lambda psps, page: None,
}


@pytest.mark.parametrize("rival", RIVALS.values(), ids=RIVALS.keys())
def test_an_order_whose_page_nobody_paid_is_given_up_once(
    psps: Sandbox, rival: Callable[[Sandbox, str], object]
) -> None:
    order, page = ordered()
    rival(psps, page)

    assert give_up(order)
    assert not give_up(order)

    order.refresh_from_db()
    assert (order.status, order.holds_stock) == ("cancelled", False)
    assert order.lines.get().product.stock == 10


def test_pretix_2629_a_payment_that_nobody_finishes_does_not_hold_the_goods_for_ever(psps: Sandbox) -> None:
    order, _page = ordered("twint")
    Order.objects.update(expires_at=now() - timedelta(seconds=1))

    sweep()

    order.refresh_from_db()
    assert (order.status, order.holds_stock) == ("cancelled", False)
