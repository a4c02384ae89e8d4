"""What the order's page says: a function of the database alone, whatever address or button led to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.timezone import now

from orders.models import Order
from payments.handoff import may_open
from payments.models import Payment, Refund, Refusal

PATIENCE = timedelta(minutes=2)
"""Then another method is offered."""
LONG = timedelta(minutes=10)
"""Then the page stops looking by itself: the mail will tell."""


class State(StrEnum):
    ACCEPTED = "accepted"
    WAITING = "waiting"  # back from the page, the bank has not answered
    OPEN = "open"  # the page is open and the customer has not come back
    LEFT = "left"  # the customer left the page by its own link
    REFUSED = "refused"
    EXPIRED = "expired"  # the page's time is over, the order's is not
    REVIEW = "review"  # money came that does not fit: staff look at it
    CANCELLED = "cancelled"
    LATE = "late"  # money came for an order that is cancelled, and goes back
    REFUNDED = "refunded"


@dataclass(frozen=True)
class OrderPage:
    state: State
    payment: Payment | None
    """The one that the page speaks of: what settled, or the latest try."""
    waiting: timedelta
    surplus: Payment | None
    """Money that came beside what settled the order."""
    refunded: int
    """Centimes of the settling payment that went back for certain."""
    on_its_way_back: int
    """Centimes that are asked back and not confirmed yet, of whatever payment of the order."""
    notices: list[Refund]
    """What went back for certain, each with its notice."""
    too_late: bool
    """No page is open, and none can be opened any more: the goods have been set aside for long enough."""

    @property
    def may_pay(self) -> bool:
        """Whether another try is offered at once."""
        if self.state == State.WAITING:
            # Not while the PSP has the money, or is being asked for it.
            taken = self.payment and (self.payment.claimed_at or self.payment.paid_seen_at)
            return self.waiting > PATIENCE and not taken
        return self.is_unpaid and not self.too_late

    @property
    def is_unpaid(self) -> bool:
        return self.state in (State.OPEN, State.LEFT, State.REFUSED, State.EXPIRED)

    @property
    def left(self) -> int:
        """Centimes that stay paid."""
        return ((self.payment and self.payment.received_amount) or 0) - self.refunded

    @property
    def is_slow(self) -> bool:
        return self.waiting > PATIENCE

    @property
    def is_very_slow(self) -> bool:
        return self.waiting > LONG

    @property
    def refresh_after(self) -> int | None:
        """Seconds until the page looks again; None when it no longer does by itself."""
        if self.state != State.WAITING or self.is_very_slow:
            return None
        if self.waiting < timedelta(seconds=30):
            return 3
        return 15 if self.is_slow else 5


def page_of(order: Order, payments: list[Payment]) -> OrderPage:
    """`payments` are the order's own, oldest first."""
    settling = next((payment for payment in payments if payment.settles), None)
    surplus = next((payment for payment in payments if payment.why_not), None)
    latest = payments[-1] if payments else None
    refunds = list(Refund.objects.filter(payment__order=order).select_related("notice")) if settling or surplus else []
    kept = surplus if surplus and _back(refunds, surplus) < (surplus.received_amount or 0) else None
    state = _state(order, latest, surplus, kept)
    waiting = now() - _since(latest) if state == State.WAITING and latest else timedelta(0)
    return OrderPage(
        state,
        settling or surplus or latest,
        waiting,
        surplus,
        refunded=_back(refunds, settling) if settling else 0,
        on_its_way_back=sum(one.amount for one in refunds if one.status == Refund.Status.REQUESTED),
        notices=[one for one in refunds if one.status == Refund.Status.SUCCEEDED],
        too_late=not any(payment.status == Payment.Status.STARTED for payment in payments) and not may_open(order),
    )


def _back(refunds: list[Refund], payment: Payment) -> int:
    """Centimes of a payment that went back for certain."""
    done = [one for one in refunds if one.payment_id == payment.pk and one.status == Refund.Status.SUCCEEDED]
    return sum(one.amount for one in done)


def _state(order: Order, latest: Payment | None, surplus: Payment | None, kept: Payment | None) -> State:
    if order.status == Order.Status.EFFECTIVE:
        return State.ACCEPTED
    if order.status == Order.Status.CANCELLED:
        if order.cancel_reason == Order.CancelReason.REFUNDED:
            return State.REFUNDED
        return State.LATE if surplus else State.CANCELLED
    return State.REVIEW if kept else _unpaid(latest)


def _unpaid(latest: Payment | None) -> State:
    """The state of a pending order, by its latest try. A refusal is told once the customer is no longer on the page
    where it can be mended, and never to somebody who came back from having paid."""
    if latest is None or latest.status == Payment.Status.AUTHORISED:
        return State.OPEN  # money that did not fit, and went back: another payment may be made
    if latest.status == Payment.Status.EXPIRED:
        return State.EXPIRED
    if latest.status == Payment.Status.FAILED or latest.refusal == Refusal.PAYPAL:
        return State.REFUSED  # PayPal declines when it is asked to capture: once the customer is back
    if latest.returned_at or latest.approved_at or latest.claimed_at:
        return State.WAITING
    if latest.left_at:
        return State.REFUSED if latest.refusal else State.LEFT
    return State.OPEN


def _since(payment: Payment) -> datetime:
    return payment.returned_at or payment.approved_at or payment.claimed_at or payment.created_at
