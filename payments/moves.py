"""Every change of a payment's state: one guarded UPDATE each. The caller holds the Order row.

A move returns whether it happened; the tables of the machines stand in models.py.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, When
from django.db.models.functions import Now
from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from orders.moves import tell
from payments.models import Doubt, Method, Payment, Refusal, WebhookEvent

LOOK_ONCE_MORE = timedelta(hours=6)
"""After the end of a payment; late money comes with a message long before."""
Actor = TimelineEntry.Actor
Kind = TimelineEntry.Kind
Status = Payment.Status


def authorise(
    payment: Payment,
    event: WebhookEvent,
    at: datetime,
    *,
    why_not: str,
    amount: int,
    currency: str,
    page_reference: str | None,
    money_reference: str | None,
) -> bool:
    """STARTED, FAILED or EXPIRED → AUTHORISED: the PSP holds money. It settles the order unless `why_not` says more.

    The inbox calls this, and nothing else may.
    """
    moved = Payment.objects.filter(pk=payment.pk, status__in=[Status.STARTED, Status.FAILED, Status.EXPIRED]).update(
        status=Status.AUTHORISED,
        settles=not why_not,
        why_not=why_not,
        received_amount=amount,
        received_currency=currency,
        page_reference=payment.page_reference or page_reference,
        money_reference=money_reference,
        authorised_at=at,
        authorised_by=event,
        refusal="",
        # Of a card the message does not say which: its charge is looked at afterwards.
        next_try_at=at if payment.method == Method.CARD and not why_not else None,
    )
    return bool(moved)


def note_doubt(order: Order, payment: Payment, doubt: str) -> TimelineEntry | None:
    """Keep what speaks against the means of a payment that settled; once. It moves nothing: staff decide.

    Returns what the timeline tells of it, None when it told before.
    """
    if not Payment.objects.filter(pk=payment.pk, settles=True, doubt="").update(doubt=doubt):
        return None
    return tell(order, Kind.DOUBT, Actor.BANK, payment.get_provider_display(), doubt=Doubt(doubt).label)


def note_answered(payment: Payment) -> None:
    """The page at the PSP can be ended by nobody now, paid or waiting for the bank: the order's page waits for it."""
    payment.approved_at = payment.approved_at or now()
    Payment.objects.filter(pk=payment.pk, approved_at__isnull=True).update(approved_at=payment.approved_at)


def fail(order: Order, payment: Payment, refusal: str, actor: Actor, actor_name: str = "") -> bool:
    """STARTED → FAILED, on the PSP's definite answer, or for a page that was never learnt of and so shown to nobody.

    `refusal` is a class of models.Refusal.
    """
    moved = _end(payment.pk, Status.FAILED, refusal)
    if moved:
        payment.status, payment.refusal = Status.FAILED, refusal
        tell(
            order,
            Kind.PAYMENT_FAILED,
            actor,
            actor_name,
            method=Method(payment.method).label,
            refusal=Refusal(payment.refusal).label,
        )
    return moved


def expire(order: Order, payment: Payment, actor: Actor, actor_name: str = "") -> bool:
    """STARTED → EXPIRED, once the page is known to be dead and no capture of it is under way.

    A claim is over, whatever came of it, when the order needs no money any more and nobody can pay on the page.
    """
    only = {"claimed_at__isnull": True} if order.status == Order.Status.PENDING else {}
    moved = _end(payment.pk, Status.EXPIRED, "", **only)
    if moved:
        payment.status = Status.EXPIRED
        tell(order, Kind.PAYMENT_EXPIRED, actor, actor_name, method=Method(payment.method).label)
    return moved


def _end(payment: UUID, status: Payment.Status, refusal: str, **only: object) -> bool:
    started = Payment.objects.filter(pk=payment, status=Status.STARTED, **only)
    # A page is looked at once more, long after: money may have come there of which no message was ever made.
    once_more = Case(When(page_reference__isnull=False, then=Now() + LOOK_ONCE_MORE), default=None)
    return bool(started.update(status=status, refusal=refusal, next_try_at=once_more))
