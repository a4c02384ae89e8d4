"""What the database itself refuses, whoever asks."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import localdate, now

from orders.models import Order, OrderLine, Product, TimelineEntry, VatRate
from orders.moves import give_stock_back, take_stock, tell
from tests.shop import goods, placed

pytestmark = pytest.mark.django_db


def refused(constraint: str, act: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        act()


def test_not_an_order_of_a_process_that_does_not_know_companies_yet() -> None:
    """While the shop is updated: what such a process leaves out, the database fills in."""
    order = placed(delivery_organisation="Bureau du Lac SA")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_order SET delivery_organisation = DEFAULT")
    order.refresh_from_db()
    assert order.delivery_organisation == ""


def test_stock_below_zero() -> None:
    product = goods(stock=1)
    refused("stock_never_below_zero", lambda: Product.objects.filter(pk=product.pk).update(stock=-1))


def test_an_effective_order_without_its_time() -> None:
    orders = Order.objects.filter(pk=placed().pk)
    refused("effective_has_its_time", lambda: orders.update(status=Order.Status.EFFECTIVE))
    assert orders.update(status=Order.Status.EFFECTIVE, effective_at=now())


def test_case_54_an_order_of_nothing() -> None:
    orders = Order.objects.filter(pk=placed().pk)
    refused("total_above_zero", lambda: orders.update(goods_total=0, shipping_total=0, total=0))


def test_a_total_that_is_not_goods_and_delivery() -> None:
    orders = Order.objects.filter(pk=placed().pk)
    refused("total_is_goods_and_delivery", lambda: orders.update(total=1))


def test_another_currency() -> None:
    orders = Order.objects.filter(pk=placed().pk)
    refused("order_in_francs", lambda: orders.update(currency="EUR"))


def test_a_quantity_out_of_range() -> None:
    lines = OrderLine.objects.filter(order=placed())
    refused("quantity_in_range", lambda: lines.update(quantity=100))
    refused("quantity_in_range", lambda: lines.update(quantity=0))


def test_a_cancelled_order_without_its_reason() -> None:
    orders = Order.objects.filter(pk=placed().pk)
    refused("cancelled_has_its_reason", lambda: orders.update(status=Order.Status.CANCELLED))


def test_a_second_order_for_one_checkout_key() -> None:
    key = placed().checkout_key
    refused("checkout_key", lambda: placed(checkout_key=key))


def test_a_line_of_the_timeline_changed_or_deleted() -> None:
    order = placed()
    tell(order, TimelineEntry.Kind.PLACED, TimelineEntry.Actor.CUSTOMER, total="CHF 38.00")
    refused("timeline is final: UPDATE", lambda: order.timeline.update(data={}))
    refused("timeline is final: DELETE", lambda: order.timeline.all().delete())
    assert order.timeline.get().data == {"total": "CHF 38.00"}


def test_a_change_of_stock_changed_or_deleted() -> None:
    product = goods()
    booked = product.adjustments.create(kind="received", difference=5, stock_after=15)
    refused("Changes of the stock are final: UPDATE", lambda: product.adjustments.update(note="x"))
    refused("Changes of the stock are final: DELETE", booked.delete)
    refused("adjustment_as_its_reason", lambda: product.adjustments.create(kind="lost", difference=1, stock_after=1))


def test_a_vat_rate_that_was_used_changed_or_deleted() -> None:
    rates = VatRate.objects.filter(vat_class="normal")
    assert rates.update(rate="8.2") == 1, "nothing was ordered at it yet"
    placed()
    refused("VAT rate was used: UPDATE", lambda: rates.update(rate="9"))
    refused("VAT rate was used: DELETE", rates.delete)
    ahead = VatRate.objects.create(vat_class="normal", rate="9", valid_from=localdate() + timedelta(days=1))
    ahead.delete()


def test_goods_are_taken_all_or_none() -> None:
    plenty, scarce = goods(stock=10), goods(stock=1)
    assert not _taken({plenty.pk: 2, scarce.pk: 2})
    assert _taken({plenty.pk: 2, scarce.pk: 1})
    assert set(Product.objects.values_list("pk", "stock")) == {(plenty.pk, 8), (scarce.pk, 0)}


def _taken(quantities: dict[int, int]) -> bool:
    """As `place` takes them: rolled back unless all could be had."""
    with transaction.atomic():
        taken = take_stock(quantities)
        transaction.set_rollback(not taken)
    return taken


def test_goods_come_back_exactly_once() -> None:
    product = goods(stock=10)
    order = placed(product, quantity=3)
    product.refresh_from_db()
    assert product.stock == 7
    assert [give_stock_back(order), give_stock_back(Order.objects.get(pk=order.pk))] == [True, False]
    product.refresh_from_db()
    assert product.stock == 10
