"""The stock as staff change it, and whether it adds up.

What can be sold is `Product.stock`. Orders that have not left hold more, which lies on the same shelf.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils.translation import gettext as _

from orders.models import Product, StockAdjustment

Kind = StockAdjustment.Kind
HELD = """
SELECT line.product_id, sum(greatest(line.quantity - coalesce(back.pieces, 0), 0)) AS pieces
FROM orders_orderline line JOIN orders_order held ON held.id = line.order_id AND held.holds_stock
LEFT JOIN (
    SELECT (piece ->> 'line')::bigint AS line, sum((piece ->> 'quantity')::int) AS pieces
    FROM payments_refund refund, jsonb_array_elements(refund.lines) piece WHERE refund.goods_returned GROUP BY 1
) back ON back.line = line.id
"""
"""Pieces by product that orders took and no refund brought back."""
UNSENT = """
SELECT coalesce(sum(greatest(line.quantity - back.pieces, 0)), 0)
FROM (
    SELECT id FROM orders_order WHERE status = 'pending' AND shipped_at IS NULL AND holds_stock
    UNION ALL SELECT id FROM orders_order WHERE status = 'effective' AND shipped_at IS NULL AND holds_stock
) held
JOIN orders_orderline line ON line.order_id = held.id
CROSS JOIN LATERAL (
    SELECT coalesce(sum((piece ->> 'quantity')::int), 0) AS pieces
    FROM payments_payment payment JOIN payments_refund refund ON refund.payment_id = payment.id,
        jsonb_array_elements(refund.lines) piece
    WHERE payment.order_id = held.id AND refund.goods_returned AND (piece ->> 'line')::bigint = line.id
) back
WHERE line.product_id = %s
"""
"""Pieces of a product in the parcels that have not left; each half of the orders has a partial index."""
ODD = f"""
SELECT product.sku, product.stock, coalesce(booked.pieces, 0) - coalesce(held.pieces, 0) AS expected
FROM orders_product product
LEFT JOIN (SELECT product_id, sum(difference) AS pieces FROM orders_stockadjustment GROUP BY 1) booked
    ON booked.product_id = product.id
LEFT JOIN ({HELD} GROUP BY 1) held ON held.product_id = product.id
WHERE product.stock <> coalesce(booked.pieces, 0) - coalesce(held.pieces, 0)
ORDER BY product.sku
"""  # noqa: S608 - of our own pieces


@dataclass(frozen=True)
class Shelf:
    """Pieces of a product: `free` can be sold, `held` wait for the parcels of orders."""

    free: int
    held: int

    @property
    def pieces(self) -> int:
        """What somebody should count."""
        return self.free + self.held


@dataclass(frozen=True)
class Wanted:
    """A change of the stock as somebody typed it.

    `pieces` were received, lost, or counted; who counted says what the page `expected` on the shelf. `key` is the
    form's: what is sent twice is booked once.
    """

    kind: Kind
    pieces: int
    key: UUID
    note: str = ""
    expected: int | None = None


class NotBooked(Exception):
    """The stock stays as it is; the text says why, in the language in use."""


def shelf(product: Product) -> Shelf:
    with connection.cursor() as cursor:
        cursor.execute(UNSENT, [product.pk])
        (held,) = cursor.fetchone()
    return Shelf(product.stock, int(held))


@transaction.atomic
def adjust(product_id: int, wanted: Wanted, by: User) -> tuple[StockAdjustment, bool]:
    """Book a change of stock, under the product's row: what buyers take meanwhile is not written over.

    Returns what is booked, and whether this call did. Raises NotBooked, Product.DoesNotExist.
    """
    product = Product.objects.select_for_update(no_key=True).get(pk=product_id)
    if booked := StockAdjustment.objects.filter(key=wanted.key, product=product).first():
        return booked, False
    difference = _difference(product, wanted)
    after = product.stock + difference
    Product.objects.filter(pk=product.pk).update(stock=after)
    booked = StockAdjustment.objects.create(
        product=product,
        by=by,
        kind=wanted.kind,
        note=wanted.note,
        difference=difference,
        stock_after=after,
        key=wanted.key,
    )
    return booked, True


def _difference(product: Product, wanted: Wanted) -> int:
    if wanted.kind == Kind.COUNTED:
        return _counted(shelf(product), wanted)
    if not wanted.pieces:
        raise NotBooked(_("Nothing to book: no piece is named."))
    if wanted.kind != Kind.LOST:
        return wanted.pieces
    if wanted.pieces > product.stock:
        if not shelf(product).held:
            raise NotBooked(_("There are only %(free)d.") % {"free": product.stock})
        text = _("Only %(free)d can be taken off: orders hold the others. Refund or cancel one of them first.")
        raise NotBooked(text % {"free": product.stock})
    return -wanted.pieces


def _counted(there: Shelf, wanted: Wanted) -> int:
    if wanted.expected not in (None, there.pieces):
        raise NotBooked(
            _("Parcels left or pieces came while you counted. Compare once more with what stands here now.")
        )
    if wanted.pieces == there.pieces:
        raise NotBooked(_("The count agrees: there is nothing to book."))
    if wanted.pieces < there.held:
        text = _("Orders that have not left hold %(held)d: fewer cannot be booked. Refund or cancel one of them first.")
        raise NotBooked(text % {"held": there.held})
    return wanted.pieces - there.pieces


def odd() -> Iterator[tuple[str, int, int]]:
    """The products of which adjustments and orders do not add up to the stock: SKU, stock, what it should be."""
    with connection.cursor() as cursor:
        cursor.execute(ODD)
        yield from cursor.fetchall()
