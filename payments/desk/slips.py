"""Delivery slips of several orders in one PDF: for those whose parcel may leave."""

from collections import Counter
from collections.abc import Iterable

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import override

from orders import days
from orders.models import Order
from payments import paper, shipping
from payments.desk.file import settling, with_payments
from payments.models import Refund

MOST = 100
"""Orders whose slips are drawn at once."""


def ready(orders: QuerySet[Order]) -> tuple[list[Order], list[str]]:
    """The orders whose parcel may leave now, and the numbers of the others; oldest first."""
    chosen = Order.objects.filter(pk__in=orders.order_by().values("pk")).prefetch_related("lines")
    found = with_payments(chosen).order_by("created_at", "id")
    ready, others = [], []
    for order in found:
        if shipping.why_not(order, settling(order)) or not packed(order):
            others.append(order.number)
        else:
            ready.append(order)
    return ready, others


def draw(orders: Iterable[Order]) -> bytes:
    return paper.draw_slips([_slip(order) for order in orders], paper.Seller(**settings.SELLER))


def packed(order: Order) -> list[paper.Packed]:
    """What is to be in the parcel: what was sold, without the pieces whose money goes back or went."""
    given = Counter[int]()
    if paid := settling(order):
        for refund in paid.refunds.all():
            if refund.status != Refund.Status.FAILED:
                given.update(refund.pieces)
    left = [(line, line.quantity - given[line.pk]) for line in order.lines.all()]
    return [paper.Packed(line.sku, line.name, quantity) for line, quantity in left if quantity > 0]


def _slip(order: Order) -> paper.Slip:
    with override(order.language):
        placed = days.dated(order.created_at)
    return paper.Slip(
        language=order.language,
        order_number=order.number,
        placed=placed,
        delivery=order.shipping_name,
        address=tuple(order.delivery_address),
        lines=tuple(packed(order)),
    )
