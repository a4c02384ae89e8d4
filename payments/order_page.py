"""What the order's page says: a function of the database alone, whatever address or button led to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.timezone import now

from orders.models import Order
from payments.models import Payment

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


@dataclass(frozen=True)
class OrderPage:
    state: State
    payment: Payment | None
    """The one that the page speaks of: what settled, or the latest try."""
    waiting: timedelta
    surplus: Payment | None
    """Money that came beside what settled the order."""

    @property
    def may_pay(self) -> bool:
        """Whether another try is offered at once."""
        if self.state == State.WAITING:
            return self.waiting > PATIENCE and not (self.payment and self.payment.claimed_at)
        return self.state in (State.OPEN, State.LEFT, State.REFUSED, State.EXPIRED)

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
    state = _state(order, latest, surplus)
    waiting = now() - _since(latest) if state == State.WAITING and latest else timedelta(0)
    return OrderPage(state, settling or surplus or latest, waiting, surplus)


def _state(order: Order, latest: Payment | None, surplus: Payment | None) -> State:
    if order.status == Order.Status.EFFECTIVE:
        return State.ACCEPTED
    if surplus:
        return State.REVIEW
    if order.status == Order.Status.CANCELLED:
        return State.CANCELLED
    if latest is None or latest.status == Payment.Status.EXPIRED:
        return State.EXPIRED if latest else State.OPEN
    if latest.status == Payment.Status.FAILED or latest.refusal:
        return State.REFUSED
    if latest.returned_at or latest.approved_at or latest.claimed_at:
        return State.WAITING
    return State.LEFT if latest.left_at else State.OPEN


def _since(payment: Payment) -> datetime:
    return payment.returned_at or payment.approved_at or payment.claimed_at or payment.created_at
