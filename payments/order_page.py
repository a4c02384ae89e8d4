"""What the order's page says: a function of the database alone, whatever address or button led to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from orders.money import format_money
from payments import parcel, refusals
from payments.handoff import may_open
from payments.models import Dispute, Payment, Refund, WebhookEvent

Told = TimelineEntry.Kind
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
    REVIEW = "review"  # money is here that does not settle: staff look at it, or it is about to leave
    CANCELLED = "cancelled"
    LATE = "late"  # money came for an order that was cancelled, and goes back
    REFUNDED = "refunded"
    TAKEN_BACK = "taken_back"  # a lost dispute took the money, and staff ended the order


@dataclass(frozen=True)
class OtherMoney:
    """Money that came and does not settle the order."""

    payment: Payment
    gone: int
    """Centimes that went back for certain, or that a lost dispute took."""
    asked_back: int
    """Centimes that are asked back and not confirmed yet."""

    @property
    def amount(self) -> str:
        """What came, printed in its currency."""
        return format_money(self.payment.received_amount or 0, self.payment.received_currency)

    @property
    def is_here(self) -> bool:
        """Whether any of it has not gone back: so long no other payment may be made."""
        return (self.payment.received_amount or 0) > self.gone

    @property
    def is_kept(self) -> bool:
        """Whether any of it is here that nobody has asked back: a person looks at it."""
        return (self.payment.received_amount or 0) > self.gone + self.asked_back


@dataclass(frozen=True)
class OrderPage:
    state: State
    payment: Payment | None
    """The one that the page speaks of: what settled, or the latest try."""
    waiting: timedelta
    was_late: bool
    """The order had expired when what settled it came, and its goods could be had again."""
    other_money: list[OtherMoney]
    refunded: int
    """Centimes of the settling payment that went back for certain."""
    on_its_way_back: int
    """Centimes of the settling payment that are asked back and not confirmed yet."""
    taken_back: int
    """Centimes of the settling payment that a lost dispute took."""
    lost: list[Dispute]
    """Those disputes of it."""
    will_be_sent: bool
    """Whether nothing speaks against the parcel's leaving, if it has not left."""
    is_disputed: bool
    """Whether a bank is examining the settling payment now."""
    is_undecided: bool
    """Whether the bank has said that it will decide later: within hours or days."""
    unannounced: Payment | None
    """One that was given up and for which the PSP shows money of which it has not told: staff find out."""
    notices: list[Refund]
    """What went back for certain, oldest first, each with its notice once that has its number."""
    asked_back: list[Refund]
    """What is asked back and not confirmed yet."""
    disputes: list[Dispute]
    """Those of the settling payment, the oldest first."""
    too_late: bool
    """No page is open, and none can be opened any more: the goods have been set aside for long enough."""

    @property
    def may_pay(self) -> bool:
        """Whether another try is offered at once."""
        if self.state == State.WAITING:
            # Not while the PSP has the money, or is being asked for it: what cannot be closed lets nothing else open.
            latest = self.payment
            taken = latest and (latest.claimed_at or latest.paid_seen_at or latest.with_bank_at)
            return self.waiting > PATIENCE and not taken
        return self.is_unpaid and not self.too_late

    @property
    def is_unpaid(self) -> bool:
        return self.state in (State.OPEN, State.LEFT, State.REFUSED, State.EXPIRED)

    @property
    def may_be_paid_already(self) -> bool:
        """Whether its money may be on its way, or is here and looked at: so long nothing is ordered in its place."""
        return self.state in (State.WAITING, State.REVIEW)

    @property
    def promises_delivery(self) -> bool:
        """Whether a day of delivery is named: what is not paid yet is delivered by then if it is paid now."""
        is_soon = self.state == State.WAITING and not self.is_undecided
        return self.will_be_sent or is_soon or (self.is_unpaid and not self.too_late)

    @property
    def left(self) -> int:
        """Centimes that stay paid."""
        return max(self.came - self.refunded - self.taken_back, 0)

    @property
    def ended(self) -> bool:
        """Whether nothing of what was paid for leaves any more, if it has not left."""
        return self.state in (State.REFUNDED, State.TAKEN_BACK) or (self.state == State.ACCEPTED and not self.left)

    @property
    def is_going_back(self) -> bool:
        """Whether all that is still paid is asked back."""
        return self.state == State.ACCEPTED and 0 < self.left <= self.on_its_way_back

    @property
    def came(self) -> int:
        """Centimes of the payment that the page speaks of."""
        return (self.payment and self.payment.received_amount) or 0

    @property
    def is_taken_in_part(self) -> bool:
        """Whether a lost dispute took a part of what came, and no more."""
        return 0 < self.taken_back < self.came

    @property
    def given_back(self) -> list[Refund]:
        """What went back of the payment that settles the order."""
        settling = self.payment if self.payment and self.payment.settles else None
        return [one for one in self.notices if settling and one.payment_id == settling.pk]

    @property
    def refunded_last(self) -> bool:
        """Whether a refund is the latest news of an accepted order: its parcel has not left since."""
        if not self._is_undisturbed or not self.payment or not self.given_back:
            return False
        sent = self.payment.order.shipped_at
        return sent is None or sent < _settled_at(self.given_back[-1])

    @property
    def is_paid_twice(self) -> bool:
        """Whether the latest news of an accepted order is a second payment, which has not gone back yet."""
        if not self._is_undisturbed or self.was_late or self.refunded_last:
            return False
        return any(money.is_here and money.payment.why_not == Payment.WhyNot.SECOND for money in self.other_money)

    @property
    def _is_undisturbed(self) -> bool:
        """Whether an accepted order is neither disputed nor given back as a whole."""
        return self.state == State.ACCEPTED and not (self.is_disputed or self.taken_back or self.is_going_back)

    @property
    def has_bounced(self) -> bool:
        """A refund of the order in full has come back since, in part or whole."""
        return self.state == State.REFUNDED and self.left > 0

    @property
    def is_being_checked(self) -> bool:
        return self.unannounced is not None or any(money.is_kept for money in self.other_money)

    @property
    def cause(self) -> str:
        """Why the bank said no, in a sentence."""
        return refusals.sentence(self.payment)

    @property
    def is_slow(self) -> bool:
        return self.waiting > PATIENCE

    @property
    def is_very_slow(self) -> bool:
        return self.waiting > LONG

    @property
    def stage(self) -> str:
        """Of the waiting: with each, the page says and offers something else."""
        if self.is_very_slow:
            return "very slow"
        return "slow" if self.is_slow else "usual"

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
    others = [payment for payment in payments if payment.why_not and payment.received_amount]
    latest = payments[-1] if payments else None
    refunds = []
    if settling or others:
        refunds = list(Refund.objects.filter(payment__order=order).select_related("payment", "notice"))
    told = _told(order) if settling or others else set()
    disputes = list(Dispute.objects.filter(payment__order=order)) if Told.DISPUTE in told else []
    other_money = [_other_money(payment, refunds, disputes) for payment in others]
    own_refunds = [one for one in refunds if settling and one.payment_id == settling.pk]
    own_disputes = [one for one in disputes if settling and one.payment_id == settling.pk]
    given_up = [payment for payment in payments if payment.status != Payment.Status.STARTED]
    unannounced = next((payment for payment in given_up if payment.is_unannounced), None)
    state = State.REVIEW if unannounced and not settling else _state(order, latest, other_money)
    waiting = now() - _since(latest) if state == State.WAITING and latest else timedelta(0)
    return OrderPage(
        state,
        settling or latest,
        waiting,
        was_late=state == State.ACCEPTED and Told.REVIVED in told,
        other_money=other_money,
        refunded=_sum(refunds, settling, Refund.Status.SUCCEEDED),
        on_its_way_back=_sum(refunds, settling, Refund.Status.REQUESTED),
        taken_back=_taken_back(settling, disputes),
        lost=_lost(settling, disputes),
        will_be_sent=settling is not None and parcel.will_be_sent(order, settling, own_refunds, own_disputes),
        is_disputed=any(one.status == Dispute.Status.OPEN for one in own_disputes),
        is_undecided=state == State.WAITING and latest is not None and _is_undecided(order, latest),
        unannounced=unannounced,
        notices=sorted((one for one in refunds if one.status == Refund.Status.SUCCEEDED), key=_settled_at),
        asked_back=[one for one in refunds if one.status == Refund.Status.REQUESTED],
        disputes=sorted(own_disputes, key=lambda one: one.opened_at),
        too_late=not any(payment.status == Payment.Status.STARTED for payment in payments) and not may_open(order),
    )


def _told(order: Order) -> set[str]:
    """What of these the timeline has told: one question instead of two."""
    return set(order.timeline.filter(kind__in=[Told.REVIVED, Told.DISPUTE]).values_list("kind", flat=True))


def _is_undecided(order: Order, payment: Payment) -> bool:
    undecided = order.events.filter(outcome=WebhookEvent.UNDECIDED, received_at__gte=payment.created_at)
    return payment.with_bank_at is not None and undecided.exists()


def _other_money(payment: Payment, refunds: list[Refund], disputes: list[Dispute]) -> OtherMoney:
    return OtherMoney(
        payment,
        gone=_sum(refunds, payment, Refund.Status.SUCCEEDED) + _taken_back(payment, disputes),
        asked_back=_sum(refunds, payment, Refund.Status.REQUESTED),
    )


def _taken_back(payment: Payment | None, disputes: list[Dispute]) -> int:
    """Centimes that a lost dispute took; PayPal tells of one twice, as in Payment.taken_back."""
    return max((one.amount for one in _lost(payment, disputes)), default=0)


def _lost(payment: Payment | None, disputes: list[Dispute]) -> list[Dispute]:
    return [one for one in disputes if payment and one.payment_id == payment.pk and one.status == Dispute.Status.LOST]


def _sum(refunds: list[Refund], payment: Payment | None, status: Refund.Status) -> int:
    """Centimes of a payment's refunds in that state."""
    return sum(one.amount for one in refunds if payment and one.payment_id == payment.pk and one.status == status)


def _state(order: Order, latest: Payment | None, other_money: list[OtherMoney]) -> State:
    if order.status == Order.Status.EFFECTIVE:
        return State.ACCEPTED
    if order.cancel_reason == Order.CancelReason.REFUNDED:
        return State.REFUNDED
    if order.cancel_reason == Order.CancelReason.DISPUTED:
        return State.TAKEN_BACK
    if order.status == Order.Status.PENDING:
        return State.REVIEW if any(money.is_here for money in other_money) else _unpaid(latest)
    if any(money.is_kept for money in other_money):
        return State.REVIEW
    came_late = any(money.payment.why_not == Payment.WhyNot.LATE for money in other_money)
    return State.LATE if came_late else State.CANCELLED


def _unpaid(latest: Payment | None) -> State:
    """The state of a pending order, by its latest try. A refusal is told once the customer is no longer on the page
    where it can be mended, and never to somebody who came back from having paid."""
    if latest is None or latest.status == Payment.Status.AUTHORISED:
        return State.OPEN  # money that did not fit, and went back: another payment may be made
    if latest.status == Payment.Status.EXPIRED:
        return State.EXPIRED
    if latest.is_refused:
        return State.REFUSED  # PayPal declines when it is asked to capture: once the customer is back
    if latest.returned_at or latest.approved_at or latest.with_bank_at or latest.claimed_at:
        return State.WAITING
    if latest.left_at:
        return State.REFUSED if latest.refusal else State.LEFT
    return State.OPEN


def _settled_at(refund: Refund) -> datetime:
    return refund.settled_at or refund.created_at


def _since(payment: Payment) -> datetime:
    moments = (payment.returned_at, payment.approved_at, payment.with_bank_at, payment.claimed_at)
    return next(filter(None, moments), payment.created_at)
