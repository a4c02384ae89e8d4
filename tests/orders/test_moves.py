"""A move from any other state than its own says no and changes nothing."""

from datetime import timedelta

import pytest
from django.forms.models import model_to_dict
from django.utils.timezone import now
from django.utils.translation import override

from orders.models import Order, Product
from orders.moves import Actor, cancel, end, hold, mark_effective, revive, take_stock
from tests.shop import goods, placed

pytestmark = pytest.mark.django_db
Status = Order.Status
Reason = Order.CancelReason


def order_that_is(status: Status, reason: str = Reason.EXPIRED, *, ago: timedelta = timedelta(0)) -> Order:
    """An order of one bowl in that state; a cancelled one has given its goods back."""
    order = placed(goods())
    facts: dict[str, object] = {"status": status}
    if status == Status.EFFECTIVE:
        facts |= {"effective_at": now()}
    if status == Status.CANCELLED:
        facts |= {"cancelled_at": now() - ago, "cancel_reason": reason, "holds_stock": False}
        Product.objects.update(stock=10)
    Order.objects.filter(pk=order.pk).update(**facts)
    return hold(pk=order.pk)


def everything_about(order: Order) -> tuple[object, ...]:
    """The rows that a move could touch, and the object that the caller goes on with."""
    columns = Order.objects.filter(pk=order.pk).values().get()
    return columns, list(Product.objects.values()), list(order.timeline.values()), model_to_dict(order)


@pytest.mark.parametrize("status", [Status.EFFECTIVE, Status.CANCELLED])
def test_only_a_pending_order_becomes_effective(status: Status) -> None:
    order = order_that_is(status)
    before = everything_about(order)
    assert mark_effective(order, now() + timedelta(hours=1)) is False
    assert everything_about(order) == before


@pytest.mark.parametrize("status", [Status.EFFECTIVE, Status.CANCELLED])
def test_only_a_pending_order_is_cancelled(status: Status) -> None:
    order = order_that_is(status)
    before = everything_about(order)
    assert cancel(order, Reason.STAFF, Actor.STAFF, "Eve") is False
    assert everything_about(order) == before


@pytest.mark.parametrize("status", [Status.PENDING, Status.CANCELLED])
def test_only_an_effective_order_ends_by_its_refund(status: Status) -> None:
    order = order_that_is(status)
    before = everything_about(order)
    assert end(order, Reason.REFUNDED, Actor.BANK) is False
    assert everything_about(order) == before


@pytest.mark.parametrize(
    ("status", "reason", "ago"),
    [
        (Status.PENDING, Reason.EXPIRED, timedelta(0)),
        (Status.EFFECTIVE, Reason.EXPIRED, timedelta(0)),
        (Status.CANCELLED, Reason.EXPIRED, timedelta(hours=25)),
        *((Status.CANCELLED, reason, timedelta(0)) for reason in Reason if reason != Reason.EXPIRED),
    ],
)
def test_only_an_order_that_expired_within_a_day_comes_back_to_life(
    status: Status, reason: str, ago: timedelta
) -> None:
    order = order_that_is(status, reason, ago=ago)
    before = everything_about(order)
    assert revive(order, now()) is False
    assert everything_about(order) == before


def test_an_order_that_expired_within_a_day_comes_back_to_life_with_its_goods() -> None:
    order = order_that_is(Status.CANCELLED, ago=timedelta(hours=23))
    assert revive(order, now()) is True
    order.refresh_from_db()
    assert (order.status, order.cancel_reason, order.holds_stock) == (Status.EFFECTIVE, "", True)
    assert Product.objects.get().stock == 9


def test_a_pending_order_makes_each_of_its_two_moves_once() -> None:
    paid, given_up = order_that_is(Status.PENDING), order_that_is(Status.PENDING)
    assert [mark_effective(paid, now()), mark_effective(paid, now())] == [True, False]
    answers = [cancel(given_up, Reason.CUSTOMER, Actor.CUSTOMER) for _ in range(2)]
    assert answers == [True, False]
    assert given_up.timeline.count() == 1


def test_a_cancelled_order_says_when_and_why_and_holds_nothing() -> None:
    order = order_that_is(Status.PENDING)
    Order.objects.filter(pk=order.pk).update(next_try_at=now())
    before = now()

    assert cancel(order, Reason.STAFF, Actor.STAFF, "Eve") is True

    assert (order.status, order.cancel_reason, order.holds_stock) == ("cancelled", "staff", False)
    order.refresh_from_db()
    assert (order.status, order.cancel_reason, order.holds_stock) == ("cancelled", "staff", False)
    assert order.cancelled_at
    assert before <= order.cancelled_at <= now()
    assert order.next_try_at is None
    told = order.timeline.get()
    with override(None):
        assert (told.kind, told.actor, told.actor_name, told.data) == (
            "cancelled",
            "staff",
            "Eve",
            {"reason": str(Reason.STAFF.label)},
        )


def test_an_order_that_ends_by_its_refund_says_when_and_why_and_keeps_its_goods_out() -> None:
    order = order_that_is(Status.EFFECTIVE)
    before = now()

    assert end(order, Reason.REFUNDED, Actor.BANK) is True

    assert (order.status, order.cancel_reason) == ("cancelled", "refunded")
    order.refresh_from_db()
    assert (order.status, order.cancel_reason, order.holds_stock) == ("cancelled", "refunded", True)
    assert order.cancelled_at
    assert before <= order.cancelled_at <= now()
    told = order.timeline.get()
    with override(None):
        assert (told.kind, told.actor, told.data) == ("cancelled", "bank", {"reason": str(Reason.REFUNDED.label)})


def test_a_later_order_of_the_same_cart_keeps_an_expired_one_dead() -> None:
    order = order_that_is(Status.CANCELLED)
    placed(goods())
    assert revive(order, now()) is True, "another cart's order is no reason"

    order = order_that_is(Status.CANCELLED)
    placed(goods(), cart=order.cart)
    assert revive(order, now()) is False


def test_more_goods_than_there_are_cannot_be_taken() -> None:
    """The answer is no, before the constraint of the table would have to say it."""
    bowl = goods(stock=2)
    assert take_stock({bowl.pk: 3}) is False
    bowl.refresh_from_db()
    assert bowl.stock == 2
    assert take_stock({bowl.pk: 2}) is True
    assert take_stock({bowl.pk: 1}) is False
    bowl.refresh_from_db()
    assert bowl.stock == 0
