"""What happens to one order touches no other: neither its row, nor its payments, refunds, goods, mails and timeline."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.utils.timezone import now

from orders.models import Order, OrderLine, Product, TimelineEntry
from payments import refunds
from payments.capture import capture
from payments.expiry import withdraw
from payments.handoff import hand_off
from payments.models import Dispute, Letter, Payment, Refund
from tests.payments.steps import bring, bring_messages, only, ordered, paid, take
from tests.sandbox.client import Sandbox
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db


def bystanders() -> list[Order]:
    """One order in each state, with payments and refunds under way."""
    card, paypal, settled, over = (placed() for _ in range(4))
    started(card, next_try_at=now())
    started(paypal, "paypal", claimed_at=now(), approved_at=now(), refusal="paypal", next_try_at=now())
    deliver(stripe_event(started(settled)))
    refunds.ask(settled.payments.get().pk, refunds.Wanted(100, "Ébréché"), by=None)
    started(over, status="expired")
    Order.objects.filter(pk=over.pk).update(
        status="cancelled", cancel_reason="expired", cancelled_at=now(), holds_stock=False
    )
    return [card, paypal, settled, over]


def all_about(orders: list[Order]) -> list[list[dict[str, Any]]]:
    own: list[tuple[type[Model], str]] = [
        (Order, "pk"),
        (TimelineEntry, "order"),
        (Payment, "order"),
        (Letter, "order"),
        (Refund, "payment__order"),
        (Dispute, "payment__order"),
    ]
    keys = [order.pk for order in orders]
    rows = [kind._default_manager.filter(**{f"{path}__in": keys}) for kind, path in own]
    sold = OrderLine.objects.filter(order__in=keys).values("product")
    return [list(found.order_by("pk").values()) for found in (*rows, Product.objects.filter(pk__in=sold))]


def becomes_effective(psps: Sandbox) -> None:
    paid(psps)


def is_captured(psps: Sandbox) -> None:
    _order, page = ordered("paypal")
    psps.approve_paypal(page)
    bring_messages(psps)
    assert capture(Payment.objects.get(page_reference=psps.payment(page)["page"]).pk) == "paid"
    bring_messages(psps)


def is_declined_by_the_account(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    psps.approve_paypal(page, capture="instrument_declined")
    assert capture(order.payments.get().pk) == "declined"


def is_refused_for_good(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    psps.approve_paypal(page, capture="declined")
    capture(order.payments.get().pk)
    bring_messages(psps)
    assert order.payments.get().status == "failed"


def is_declined_on_an_open_page(psps: Sandbox) -> None:
    order, page = ordered()
    psps.pay_by_card(page, "4000000000000002")
    bring_messages(psps)
    assert order.payments.get().refusal


def fails_late(psps: Sandbox) -> None:
    _order, page = ordered("twint")
    take(psps, "twint", page, pending=True)
    psps.settle_session(page, paid=False)
    bring_messages(psps)


def expires(psps: Sandbox) -> None:
    order, page = ordered()
    psps.expire(page)
    bring(only(psps, "checkout.session.expired"))
    Order.objects.filter(pk=order.pk).update(expires_at=now() - timedelta(minutes=1))
    assert withdraw(order, Order.CancelReason.EXPIRED, TimelineEntry.Actor.SYSTEM)


def is_given_up(psps: Sandbox) -> None:
    order, _page = ordered("paypal")
    assert withdraw(order, Order.CancelReason.CUSTOMER, TimelineEntry.Actor.CUSTOMER)


def takes_another_method(psps: Sandbox) -> None:
    order, _page = ordered()
    hand_off(order, "paypal")
    hand_off(order, "paypal")


def comes_back_to_life(psps: Sandbox) -> None:
    order = placed(status="cancelled", cancel_reason="expired", cancelled_at=now(), holds_stock=False)
    deliver(stripe_event(started(order, status="expired")))
    order.refresh_from_db()
    assert order.status == "effective"


def is_paid_twice(psps: Sandbox) -> None:
    order, _page = paid(psps)
    deliver(stripe_event(started(order, "twint", status="expired")))
    refunds.carry_out(Refund.objects.get(payment__order=order).pk)


def goes_back(psps: Sandbox) -> None:
    order, _page = paid(psps)
    payment = order.payments.get()
    wanted = refunds.Wanted(order.total, "Retour", goods_back=True)
    assert refunds.carry_out(refunds.ask(payment.pk, wanted, by=None).pk) == "succeeded"
    bring_messages(psps)
    order.refresh_from_db()
    assert (order.status, order.lines.get().product.stock) == ("cancelled", 10)


def bounces(psps: Sandbox) -> None:
    _order, page = paid(psps)
    refund = psps.refund(page, 100)
    bring_messages(psps)
    psps.settle_refund(refund, "failed")
    bring_messages(psps)


def is_disputed(psps: Sandbox) -> None:
    _order, page = paid(psps)
    psps.dispute(page)
    bring_messages(psps)
    assert Dispute.objects.exists()


@pytest.mark.parametrize(
    "happens",
    [
        becomes_effective,
        is_captured,
        is_declined_by_the_account,
        is_refused_for_good,
        is_declined_on_an_open_page,
        fails_late,
        expires,
        is_given_up,
        takes_another_method,
        comes_back_to_life,
        is_paid_twice,
        goes_back,
        bounces,
        is_disputed,
    ],
)
def test_the_others_stay_as_they_are(psps: Sandbox, happens: Callable[[Sandbox], None]) -> None:
    others = bystanders()
    before = all_about(others)

    happens(psps)

    assert all_about(others) == before
