"""Which of an order's goods were given back for their money, and whether any are still to come."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from orders.models import Order, OrderLine
from payments import paper
from payments.models import Dispute, Payment, Refund

ON_THEIR_WAY = (Refund.Status.SUCCEEDED, Refund.Status.REQUESTED)


@dataclass(frozen=True)
class Sold:
    """A line of an order as its customer reads it."""

    name: str
    quantity: int
    total: int
    """Centimes, VAT included."""
    left: int
    """Pieces that were not given back."""
    note: str
    """What became of it, in the language in use; empty where that is the usual thing."""


def listed(order: Order, lines: Iterable[OrderLine], refunds: Iterable[Refund], *, ended: bool = False) -> list[Sold]:
    """The order's lines. `refunds` are those of its settling payment that succeeded; `ended` where nothing leaves any
    more, refunded or not."""
    lines = list(lines)
    back = given_back(order, lines, refunds)
    is_sent = order.shipped_at is not None
    return [
        Sold(
            line.name,
            line.quantity,
            line.total,
            line.quantity - back[line.pk],
            paper.became_of(line.quantity, back[line.pk], is_sent=is_sent, ended=ended),
        )
        for line in lines
    ]


def note_of_the_delivery(order: Order, refunds: Iterable[Refund]) -> str:
    """What became of what the delivery cost."""
    return _("Refunded") if order.shipping_total and reach_the_total(order, refunds) else ""


def given_back(order: Order, lines: Iterable[OrderLine], refunds: Iterable[Refund]) -> Counter[int]:
    """Order line id → pieces whose money went back: those that the refunds name, or all."""
    refunds = list(refunds)
    return Counter({line.pk: line.quantity for line in lines}) if reach_the_total(order, refunds) else named(refunds)


def reach_the_total(order: Order, refunds: Iterable[Refund]) -> bool:
    return sum(refund.amount for refund in refunds) >= order.total


def named(refunds: Iterable[Refund]) -> Counter[int]:
    """Order line id → pieces that these refunds name."""
    return sum((refund.pieces for refund in refunds), Counter[int]())


def will_be_sent(order: Order, payment: Payment, refunds: Iterable[Refund], disputes: Iterable[Dispute]) -> bool:
    """Whether nothing speaks against the parcel's leaving, if it has not left. `payment` is the settling one, the
    others are its own. Where a lost dispute took a part, a person decides."""
    if order.status != Order.Status.EFFECTIVE:
        return False
    if any(one.status in (Dispute.Status.OPEN, Dispute.Status.LOST) for one in disputes):
        return False
    going = [refund for refund in refunds if refund.status in ON_THEIR_WAY]
    if sum(refund.amount for refund in going) >= (payment.received_amount or 0):
        return False
    back = named(going)
    return not back or any(line.quantity > back[line.pk] for line in order.lines.all())
