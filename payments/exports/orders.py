"""A list of orders as staff narrowed it."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext as _

from orders.models import Order
from payments.booked import batches
from payments.desk.file import badge_of
from payments.exports.tables import Column, Kind, Table
from payments.models import Method, Payment, Refund

FIELDS = (
    "number",
    "created_at",
    "effective_at",
    "shipped_at",
    "status",
    "cancel_reason",
    "language",
    "email",
    "delivery_organisation",
    "delivery_name",
    "delivery_extra",
    "delivery_street",
    "delivery_postcode",
    "delivery_town",
    "delivery_country",
    "goods_total",
    "shipping_total",
    "total",
    "currency",
    "tracking",
)


def orders(chosen: QuerySet[Order]) -> Table:
    """The orders that were chosen, in their order."""
    columns = [
        Column(_("Order")),
        Column(_("Placed on"), Kind.MOMENT),
        Column(_("Paid on"), Kind.MOMENT),
        Column(_("Sent on"), Kind.MOMENT),
        Column(_("State")),
        Column(_("Method")),
        Column(_("Organisation")),
        Column(_("Client")),
        Column(_("E-mail")),
        Column(_("Address line 2")),
        Column(_("Street and number")),
        Column(_("Postcode")),
        Column(_("Town")),
        Column(_("Country")),
        Column(_("Language")),
        Column(_("Goods"), Kind.MONEY),
        Column(_("Delivery"), Kind.MONEY),
        Column(_("Total"), Kind.MONEY),
        Column(_("Refunded"), Kind.MONEY),
        Column(_("Currency")),
        Column(_("Tracking number")),
    ]
    return Table(_("Orders"), columns, _rows(chosen))


def _rows(chosen: QuerySet[Order]) -> Iterator[tuple[Any, ...]]:
    plain = chosen.prefetch_related(None).select_related(None).defer(None).only(*FIELDS)
    for batch in batches(plain.iterator(2000)):
        paid = _settling(batch)
        for order in batch:
            method, back = paid.get(order.pk, ("", 0))
            yield (
                *(order.number, order.created_at, order.effective_at, order.shipped_at),
                badge_of(order, given_back=back).label,
                str(Method(method).label) if method else "",
                *(order.delivery_organisation, order.delivery_name, order.email),
                *(order.delivery_extra, order.delivery_street),
                *(order.delivery_postcode, order.delivery_town, order.delivery_country, order.language),
                *(order.goods_total, order.shipping_total, order.total, back, order.currency, order.tracking),
            )


def _settling(batch: list[Order]) -> dict[int, tuple[str, int]]:
    """How each was paid, and how much of that went back."""
    gone = Sum("refunds__amount", filter=Q(refunds__status=Refund.Status.SUCCEEDED))
    payments = Payment.objects.filter(order__in=batch, settles=True).order_by().annotate(gone=gone)
    return {order: (method, gone or 0) for order, method, gone in payments.values_list("order", "method", "gone")}
