"""Two things at the same moment that hurt elsewhere: real threads on PostgreSQL, and every way to end is a right one.

What hurts one after the other stands where its matter is: a capture whose answer was lost in test_capture.py, a refund
that bounces in test_refunds.py, a dispute ahead of its payment in test_disputes.py.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import pytest
from django.utils.timezone import now

from orders.cart import Cart, Wanted
from orders.checkout import CartChanged, Shown, place
from orders.models import Order, Product, TimelineEntry
from orders.quote import quote
from payments import attention, inbox
from payments.capture import capture
from payments.expiry import withdraw
from payments.handoff import NotPayable, hand_off
from payments.models import Letter, Payment, Refund, WebhookEvent
from payments.refunds import Wanted as WantedBack
from payments.refunds import ask, carry_out
from payments.sweep import sweep
from tests.at_once import at_once
from tests.payments.histories.world import CLAIRE
from tests.payments.steps import bring, bring_messages, kinds, only, ordered, paid, take
from tests.sandbox.client import Sandbox, SandboxRefused
from tests.shop import deliver, goods, started, stripe_event
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4
"""A race may go either way: each is run so often."""


def give_up(order: Order) -> bool:
    return withdraw(order, Order.CancelReason.CUSTOMER, TimelineEntry.Actor.CUSTOMER)


def let_expire(order: Order) -> bool:
    Order.objects.filter(pk=order.pk).update(expires_at=now() - timedelta(seconds=1))
    return withdraw(order, Order.CancelReason.EXPIRED, TimelineEntry.Actor.SYSTEM)


def pay_by_another(order: Order) -> bool:
    with suppress(NotPayable):
        hand_off(order, "twint")
        return True
    return False


@pytest.mark.parametrize("close", [give_up, let_expire, pay_by_another])
def test_a_page_that_is_closed_while_it_is_paid_is_either_dead_or_paid(
    psps: Sandbox, close: Callable[[Order], bool]
) -> None:
    for _ in range(ROUNDS):
        order, page = ordered()

        def pay(page: str = page) -> bool:
            with suppress(SandboxRefused):
                return psps.pay_by_card(page).outcome == "paid"
            return False

        was_closed, was_paid = at_once(lambda order=order: close(order), pay)  # type: ignore[misc]
        bring_messages(psps)

        assert was_closed is not was_paid
        order.refresh_from_db()
        first = order.payments.get(method="card")
        assert (order.status == "effective") is first.settles is was_paid
        assert bool(psps.payment(page)["received"]) is was_paid


def test_an_order_that_is_given_up_while_paypal_captures_is_cancelled_or_paid(psps: Sandbox) -> None:
    for _ in range(ROUNDS):
        order, page = ordered("paypal")
        psps.approve_paypal(page)
        payment = order.payments.get()

        given_up, _captured = at_once(
            lambda order=order: give_up(order),  # type: ignore[misc]
            lambda payment=payment: capture(payment.pk) == "paid",  # type: ignore[misc]
        )
        bring_messages(psps)

        order.refresh_from_db()
        assert order.status == ("cancelled" if given_up else "effective")
        assert bool(psps.payment(page)["received"]) is not given_up


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_refund_that_is_told_while_its_own_call_is_under_way_is_one_refund(psps: Sandbox, method: str) -> None:
    order, page = paid(psps, method)
    for _ in range(ROUNDS):
        refund = ask(order.payments.get().pk, WantedBack(500, "Retour"))

        def tell() -> int:
            return int(bring(until(psps.collect)[0]).status_code)

        _made, status = at_once(lambda refund=refund: carry_out(refund.pk), tell)  # type: ignore[misc]

        assert status == 200
        refund.refresh_from_db()
        assert refund.status == "succeeded"
        assert refund.reference in [made["id"] for made in psps.payment(page)["refunds"]]
    assert Refund.objects.count() == len(psps.payment(page)["refunds"]) == ROUNDS


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_payment_and_its_refund_told_at_once_both_count(psps: Sandbox, method: str) -> None:
    for _ in range(ROUNDS):
        order, page = ordered(method)
        take(psps, method, page)
        psps.refund(page, 1000)
        money = {"card": "checkout.session.completed", "paypal": "PAYMENT.CAPTURE.COMPLETED"}[method]
        back = {"card": "refund.created", "paypal": "PAYMENT.CAPTURE.REFUNDED"}[method]
        messages = {webhook.type: webhook for webhook in psps.collect()}

        answers = at_once(*[lambda webhook=messages[type]: bring(webhook).status_code for type in (money, back)])

        assert answers == [200, 200]
        WebhookEvent.objects.filter(processed_at=None).update(received_at=now() - timedelta(minutes=2))
        sweep()
        order.refresh_from_db()
        assert order.status == "effective"
        assert order.payments.get().refunds.get().status == "succeeded"


def test_a_full_refund_that_bounces_before_anybody_heard_of_it_leaves_the_order(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(order.payments.get().pk, WantedBack(order.total, "Retour"))
    carry_out(refund.pk)
    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed")
    messages = [webhook for webhook in psps.collect() if webhook.type.startswith("refund.")]
    assert len(messages) > 1

    assert set(at_once(*[lambda webhook=webhook: bring(webhook).status_code for webhook in messages])) == {200}

    order.refresh_from_db()
    refund.refresh_from_db()
    assert (order.status, refund.status) == ("effective", "failed")
    assert kinds(order).count("refund_failed") == 1
    assert [item.kind for item in attention.items(order)] == ["refund_failed"]


def test_an_event_kept_by_a_defect_is_applied_once_after_the_fix_by_sweep_and_resend_at_once(
    psps: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, page = ordered()
    take(psps, "card", page)
    webhook = only(psps, "checkout.session.completed")

    def defective(*_args: Any) -> str:
        raise RuntimeError("a defect")

    with monkeypatch.context() as still_broken:
        still_broken.setattr(inbox, "_paid", defective)
        assert bring(webhook).status_code == 500
    WebhookEvent.objects.update(received_at=now() - timedelta(minutes=2))

    at_once(lambda: sweep()["events"], lambda: bring(webhook).status_code, lambda: bring(webhook).status_code)

    order.refresh_from_db()
    assert order.status == "effective"
    assert kinds(order).count("effective") == 1
    assert Letter.objects.filter(kind="confirmation").count() == 1
    assert not WebhookEvent.objects.filter(processed_at=None).exists()


def test_a_second_payment_told_together_with_the_full_refund_of_the_first_settles_nothing(psps: Sandbox) -> None:
    for _ in range(ROUNDS):
        order, page = paid(psps)
        second = started(order, "twint", status="expired")
        psps.refund(page)
        refunded = only(psps, "refund.created")

        answers = at_once(
            lambda refunded=refunded: bring(refunded).status_code,  # type: ignore[misc]
            lambda second=second: deliver(stripe_event(second)).status_code,  # type: ignore[misc]
        )

        assert answers == [200, 200]
        order.refresh_from_db()
        second.refresh_from_db()
        assert (order.status, order.cancel_reason) == ("cancelled", "refunded")
        assert (second.settles, second.why_not) == (False, "second")
        assert second.refunds.get().amount == second.amount


def test_the_last_piece_goes_to_late_money_or_to_who_orders_it_now_and_never_to_both(psps: Sandbox) -> None:
    for _ in range(ROUNDS):
        bowl = goods(stock=1)
        order, page = ordered("card", bowl)
        assert let_expire(order)
        psps.reopen(page)
        psps.pay_by_card(page)
        late = next(webhook for webhook in psps.collect() if webhook.type == "checkout.session.completed")
        cart = Cart(uuid4(), uuid4(), MappingProxyType({bowl.pk: Wanted(1, bowl.price)}))
        shown = Shown.of(quote(cart, country="CH"))

        def order_now(cart: Cart = cart, shown: Shown = shown) -> bool:
            with suppress(CartChanged):
                return bool(place(cart, CLAIRE, shown, language="fr"))
            return False

        status, sold_again = at_once(lambda late=late: bring(late).status_code, order_now)  # type: ignore[misc]

        assert status == 200
        order.refresh_from_db()
        payment = Payment.objects.get(order=order)
        assert (order.status == "effective") is payment.settles is not sold_again
        assert (payment.why_not == "late") is payment.refunds.exists() is bool(sold_again)
        assert Product.objects.get(pk=bowl.pk).stock == 0
