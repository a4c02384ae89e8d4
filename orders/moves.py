"""Every change of an order's state: one guarded UPDATE each, told in the timeline.

The caller holds the Order row (`hold`). A move returns whether it happened.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils.timezone import now
from django.utils.translation import override

from orders.delivery import delivery_date_once_paid
from orders.journal import chain
from orders.models import Order, OrderLine, Product, TimelineEntry

REVIVABLE = timedelta(hours=24)
"""For how long late money may still make an expired order effective."""
Actor = TimelineEntry.Actor
Kind = TimelineEntry.Kind


def hold(**which: object) -> Order:
    """Read one order and hold its row until the transaction ends.

    Everything that decides about an order begins here, before any payment is read. Raises Order.DoesNotExist.
    """
    return Order.objects.select_for_update(no_key=True, of=("self",)).get(**which)


class Meanwhile(Exception):
    """The order is no more as the person saw it who decided: its timeline tells more since than that a mail left."""


def hold_as_seen(order_id: int, seen: str | None) -> Order:
    """Hold an order of which a person decides by what its page showed: `seen` is its journal's last hash there.

    So a button pressed twice acts once, and of two people at once the second sees what the first did. None where
    nobody saw a page. Raises Meanwhile, Order.DoesNotExist.
    """
    order = hold(pk=order_id)
    if seen is not None and order.journal != seen and _moved_since(order, seen):
        raise Meanwhile(order.number)
    return order


def _moved_since(order: Order, seen: str) -> bool:
    """A mail leaves a moment after what it tells of, and changes nothing that anybody could decide."""
    told = list(order.timeline.values_list("hash", "kind"))
    hashes = [each for each, _kind in told]
    since = told[hashes.index(seen) + 1 :] if seen in hashes else told
    return any(kind != TimelineEntry.Kind.LETTER_SENT for _hash, kind in since)


def mark_effective(order: Order, at: datetime) -> bool:
    """PENDING → EFFECTIVE, for a proven message of the bank. The inbox calls this, and nothing else may."""
    delivery_by = _delivery_by(order, at)
    moved = Order.objects.filter(pk=order.pk, status=Order.Status.PENDING).update(
        status=Order.Status.EFFECTIVE, effective_at=at, delivery_by=delivery_by
    )
    if moved:
        order.status, order.effective_at, order.delivery_by = Order.Status.EFFECTIVE, at, delivery_by
    return bool(moved)


def revive(order: Order, at: datetime) -> bool:
    """CANCELLED → EFFECTIVE, for late money: only an order that expired less than a day ago, that no later order of
    its cart replaces, and whose every line can be had again in one go. The inbox calls this, and nothing else may.
    """
    delivery_by = _delivery_by(order, at)
    try:
        with transaction.atomic():
            quantities = hold_goods(order)
            # Asked only now: who places an order of these goods holds them until it is written.
            if Order.objects.filter(cart=order.cart, created_at__gt=order.created_at).exists():
                return False
            moved = Order.objects.filter(
                pk=order.pk,
                status=Order.Status.CANCELLED,
                cancel_reason=Order.CancelReason.EXPIRED,
                cancelled_at__gt=at - REVIVABLE,
                holds_stock=False,
            ).update(
                status=Order.Status.EFFECTIVE,
                effective_at=at,
                delivery_by=delivery_by,
                cancel_reason="",
                cancelled_at=None,
                holds_stock=True,
            )
            if not moved or not take_stock(quantities):
                raise _SoldMeanwhile
    except _SoldMeanwhile:
        return False
    order.status, order.effective_at, order.delivery_by = Order.Status.EFFECTIVE, at, delivery_by
    return True


class _SoldMeanwhile(Exception):
    """Rolls the revival back."""


def _delivery_by(order: Order, at: datetime) -> date:
    """What is promised once the order is paid: the bank may have taken days, and a day that is over is no promise."""
    return delivery_date_once_paid(order.delivery_by, order.created_at, at)


def end(order: Order, reason: Order.CancelReason, actor: Actor, actor_name: str = "") -> bool:
    """EFFECTIVE → CANCELLED, once none of its money is here: refunded in full, or taken back after a dispute. The goods
    stay where they are: who brings them back does so himself."""
    moved = Order.objects.filter(pk=order.pk, status=Order.Status.EFFECTIVE).update(
        status=Order.Status.CANCELLED, cancel_reason=reason, cancelled_at=now()
    )
    if moved:
        order.status, order.cancel_reason = Order.Status.CANCELLED, reason
        tell(order, Kind.CANCELLED, actor, actor_name, reason=reason.label)
    return bool(moved)


def cancel(order: Order, reason: Order.CancelReason, actor: Actor, actor_name: str = "") -> bool:
    """PENDING → CANCELLED, and the goods come back. Only once no payment of the order is started any more."""
    moved = Order.objects.filter(pk=order.pk, status=Order.Status.PENDING).update(
        status=Order.Status.CANCELLED, cancel_reason=reason, cancelled_at=now(), next_try_at=None
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
            put_back(hold_goods(order))
            order.holds_stock = False
    return bool(released)


def put_back(quantities: Mapping[int, int]) -> None:
    """Add goods (product id → quantity) to the stock; the caller holds their rows or takes them in no other order."""
    Product.objects.filter(pk__in=quantities).update(stock=F("stock") + _by_product(quantities))


def hold_goods(order: Order) -> dict[int, int]:
    """Hold the rows of an order's goods, in the order of their ids as everywhere; returns the quantities by id."""
    quantities = dict(OrderLine.objects.filter(order=order).values_list("product_id", "quantity"))
    list(Product.objects.select_for_update(no_key=True).filter(pk__in=quantities).order_by("pk"))
    return quantities


def _by_product(quantities: Mapping[int, int]) -> Case:
    return Case(*(When(pk=product, then=Value(quantity)) for product, quantity in quantities.items()))


def entry(order: Order, kind: Kind, actor: Actor, actor_name: str = "", **data: object) -> TimelineEntry:
    """A line of the timeline, to be written next: several that belong together go in one INSERT, in their order.

    Words in `data` are stored as message ids and translated when they are read.
    """
    told = TimelineEntry(order=order, kind=kind, actor=actor, actor_name=actor_name, data=words(**data), at=now())
    return chain(told, order)


def words(**data: object) -> dict[str, str]:
    """What an entry of the timeline keeps of its words: their message ids."""
    with override(None):
        return {key: str(value) for key, value in data.items()}


def tell(order: Order, kind: Kind, actor: Actor, actor_name: str = "", **data: object) -> TimelineEntry:
    """Write one line of the timeline, and return it."""
    told = entry(order, kind, actor, actor_name, **data)
    told.save(force_insert=True)
    return told
