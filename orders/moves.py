"""Every change of an order's state: one guarded UPDATE each, told in the timeline.

The caller holds the Order row (`hold`). A move returns whether it happened.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils.timezone import now
from django.utils.translation import override

from orders.models import Order, OrderLine, Product, TimelineEntry

Actor = TimelineEntry.Actor
Kind = TimelineEntry.Kind


def hold(**which: object) -> Order:
    """Read one order and hold its row until the transaction ends.

    Everything that decides about an order begins here, before any payment is read. Raises Order.DoesNotExist.
    """
    return Order.objects.select_for_update(no_key=True, of=("self",)).get(**which)


def mark_effective(order: Order, at: datetime) -> bool:
    """PENDING → EFFECTIVE, for a proven message of the bank. The inbox calls this, and nothing else may."""
    moved = Order.objects.filter(pk=order.pk, status=Order.Status.PENDING).update(
        status=Order.Status.EFFECTIVE, effective_at=at
    )
    if moved:
        order.status, order.effective_at = Order.Status.EFFECTIVE, at
    return bool(moved)


def cancel(order: Order, reason: Order.CancelReason, actor: Actor, actor_name: str = "") -> bool:
    """PENDING → CANCELLED, and the goods come back. Only once no payment of the order is started any more."""
    moved = Order.objects.filter(pk=order.pk, status=Order.Status.PENDING).update(
        status=Order.Status.CANCELLED, cancel_reason=reason
    )
    if moved:
        order.status, order.cancel_reason = Order.Status.CANCELLED, reason
        give_stock_back(order)
        tell(order, Kind.CANCELLED, actor, actor_name, reason=reason.label)
    return bool(moved)


def take_stock(quantities: Mapping[int, int]) -> bool:
    """Take goods (product id → quantity) in one guarded UPDATE; all or none. The caller rolls back on False."""
    taken = Product.objects.filter(pk__in=quantities, stock__gte=_by_product(quantities)).update(
        stock=F("stock") - _by_product(quantities)
    )
    return taken == len(quantities)


def give_stock_back(order: Order) -> bool:
    """Put back what the order holds, once: the flag on the order decides."""
    with transaction.atomic():
        released = Order.objects.filter(pk=order.pk, holds_stock=True).update(holds_stock=False)
        if released:
            quantities = dict(OrderLine.objects.filter(order=order).values_list("product_id", "quantity"))
            # Rows are locked in the order of their ids, as everywhere: an UPDATE alone would not promise that.
            list(Product.objects.select_for_update(no_key=True).filter(pk__in=quantities).order_by("pk"))
            Product.objects.filter(pk__in=quantities).update(stock=F("stock") + _by_product(quantities))
            order.holds_stock = False
    return bool(released)


def _by_product(quantities: Mapping[int, int]) -> Case:
    return Case(*(When(pk=product, then=Value(quantity)) for product, quantity in quantities.items()))


def entry(order: Order, kind: Kind, actor: Actor, actor_name: str = "", **data: object) -> TimelineEntry:
    """A line of the timeline, not yet written: several that belong together go in one INSERT.

    Words in `data` are stored as message ids and translated when they are read.
    """
    with override(None):
        words = {key: str(value) for key, value in data.items()}
    return TimelineEntry(order=order, kind=kind, actor=actor, actor_name=actor_name, data=words, at=now())


def tell(order: Order, kind: Kind, actor: Actor, actor_name: str = "", **data: object) -> None:
    """Write one line of the timeline."""
    entry(order, kind, actor, actor_name, **data).save(force_insert=True)
