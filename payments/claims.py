"""What the shop says now of each payment, refund and dispute, in a form that a PSP's account can be compared with."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from payments.booked import BATCH, batches
from payments.disputes import CASE
from payments.findings import Reason
from payments.gateways.base import Move
from payments.models import Dispute, Payment, Provider, Refund

HEARD_LATE = timedelta(days=4)
"""How long after the PSP the shop may have noted what it did: the PSPs' messages come for three days."""
BOOKED_LATE = timedelta(days=1)
LONGEST_LOOK = timedelta(days=31)
"""What lies further apart is looked for at its two ends."""

Key: TypeAlias = tuple[Move, object, str]
"""Why it moved, our key of the row (else the PSP's reference), the currency."""


@dataclass(frozen=True, slots=True)
class About:
    """The rows of ours that a thing belongs to."""

    order_id: int
    order_number: str
    payment_id: UUID
    refund_id: UUID | None = None

    @classmethod
    def of(cls, payment: Payment, refund: Refund | None = None) -> "About":
        """`payment` has its order."""
        return cls(payment.order_id, payment.order.number, payment.pk, refund.pk if refund else None)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the shop says now of one payment, one refund, or of all disputes of a payment."""

    about: About
    reference: str
    """The PSP's id of it, as far as the shop knows it."""
    amount: int
    """What moved for good, with its sign."""
    currency: str
    at: datetime | None
    """The moment that it gives to it."""
    known_from: datetime
    known_until: datetime
    least: int
    """What the PSP may have booked at least, and at most `amount`, without being wrong."""
    reason: Reason = Reason.OTHER_DAY

    def in_days(self, since: datetime, until: datetime) -> int:
        return self.amount if self.at and since <= self.at < until else 0

    def windows(self) -> list[tuple[datetime, datetime]]:
        """When the PSP may have booked it."""
        start, end = self.known_from - HEARD_LATE, self.known_until + BOOKED_LATE
        if end - start <= LONGEST_LOOK:
            return [(start, end)]
        return [(start, self.known_from + HEARD_LATE), (self.known_until - HEARD_LATE, end)]


def of_payment(payment: Payment) -> Claim:
    came = (payment.received_amount or 0) if payment.status == Payment.Status.AUTHORISED else 0
    at, reference = payment.authorised_at, payment.money_reference or ""
    known = (About.of(payment), reference, came, payment.came_in)
    return Claim(*known, at, payment.created_at, at or payment.created_at, came)


def of_refund(refund: Refund) -> Claim:
    payment, at = refund.payment, refund.settled_at
    gone = -refund.amount if refund.status == Refund.Status.SUCCEEDED else 0
    known = (About.of(payment, refund), refund.reference or "", gone, payment.came_in)
    claim = Claim(*known, at, refund.created_at, at or refund.created_at, gone)
    if refund.status == Refund.Status.REQUESTED:
        return replace(claim, least=-refund.amount, reason=Reason.ON_ITS_WAY)
    return claim


def _of_disputes(disputes: list[Dispute], payment: Payment) -> Claim:
    """The largest lost one took the money (Payment.taken_back); an open one may hold it."""
    # Of the two that PayPal tells of one matter, the reversal has the moment at which the money went.
    lost = [(one.amount, not one.reference.startswith(CASE), one.opened_at) for one in disputes if _is_lost(one)]
    taken, _is_the_money, at = max(lost, default=(0, False, None))
    held = sum(one.amount for one in disputes if one.status == Dispute.Status.OPEN)
    first = min(one.opened_at for one in disputes)
    last = max(one.decided_at or one.opened_at for one in disputes)
    reason = Reason.HELD if held else Reason.OTHER_DAY
    known = (About.of(payment), disputes[0].reference, -taken, payment.came_in)
    return Claim(*known, at, first, last, -taken - held, reason)


def _is_lost(dispute: Dispute) -> bool:
    return dispute.status == Dispute.Status.LOST


def of_disputes_by_payment(payments: Iterable[Payment]) -> dict[UUID, Claim]:
    """By payment, of those that have any. They have their orders."""
    known = {payment.pk: payment for payment in payments}
    found: dict[UUID, list[Dispute]] = {}
    for dispute in Dispute.objects.filter(payment__in=known):
        found.setdefault(dispute.payment_id, []).append(dispute)
    return {id: _of_disputes(disputes, known[id]) for id, disputes in found.items()}


def claimed(provider: Provider, since: datetime, until: datetime) -> Iterator[tuple[Key, Claim]]:
    """Everything to which the shop gives a moment from `since` to before `until`."""
    payments = Payment.objects.filter(
        provider=provider, status=Payment.Status.AUTHORISED, authorised_at__gte=since, authorised_at__lt=until
    )
    for payment in payments.select_related("order").order_by().iterator(BATCH):
        yield (Move.PAYMENT, payment.pk, payment.came_in), of_payment(payment)
    refunds = Refund.objects.filter(
        payment__provider=provider, status=Refund.Status.SUCCEEDED, settled_at__gte=since, settled_at__lt=until
    )
    for refund in refunds.select_related("payment__order").order_by().iterator(BATCH):
        yield (Move.REFUND, refund.pk, refund.payment.came_in), of_refund(refund)
    lost = Dispute.objects.filter(status=Dispute.Status.LOST, opened_at__gte=since, opened_at__lt=until)
    taken = Payment.objects.filter(provider=provider, pk__in=lost.values("payment")).select_related("order").order_by()
    for batch in batches(taken.iterator(BATCH)):
        for id, claim in of_disputes_by_payment(batch).items():
            if claim.in_days(since, until):
                yield (Move.DISPUTE, id, claim.currency), claim
