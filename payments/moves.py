"""Every change of a payment's state: one guarded UPDATE each. The caller holds the Order row, which `note_with_bank`
alone does without, since it moves nothing.

A move returns whether it happened; the tables of the machines stand in models.py.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, F, When
from django.db.models.functions import Coalesce, Now
from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from orders.moves import tell
from payments.letters import due
from payments.models import Doubt, Letter, Method, Payment, Refusal, WebhookEvent

LOOK_ONCE_MORE = timedelta(hours=6)
"""After the end of a payment; late money comes with a message long before."""
TIME_TO_TRY_AGAIN = timedelta(minutes=10)
"""Who tries again by then gets no mail about the refusal."""
JUST_BACK = timedelta(seconds=30)
"""Whoever came back no longer ago sees the refusal on the order's page."""
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


def note_with_bank(payment: Payment) -> None:
    """The page is paid or waits for the bank: the order's page waits too, and offers no other means meanwhile."""
    waiting = Payment.objects.filter(pk=payment.pk, status=Status.STARTED, with_bank_at__isnull=True)
    waiting.update(with_bank_at=Now())


def fail(order: Order, payment: Payment, refusal: str, actor: Actor, actor_name: str = "") -> bool:
    """STARTED → FAILED, on the PSP's definite answer; the customer is written to.

    `refusal` is a class of models.Refusal.
    """
    moved = _fail(order, payment, refusal, actor, actor_name)
    if moved and (payment.returned_at or payment.left_at or payment.claimed_at):
        _write(order, payment)
    return moved


def give_up(order: Order, payment: Payment) -> bool:
    """STARTED → FAILED, for a page that could not be opened, or was never learnt of: nobody was sent there.

    What another click has learnt meanwhile is open, and stays.
    """
    return _fail(order, payment, Refusal.OPENING, Actor.SYSTEM, page_reference__isnull=True)


def decline(order: Order, payment: Payment, refusal: str, *, stays_approved: bool) -> bool:
    """PayPal said no to what the customer chose there: the capture that was claimed took nothing.

    The payment stays STARTED and its page open for another choice, whose capture takes another number. Whoever is gone
    is written to: only a customer who agreed at PayPal can be declined there.
    """
    approved_at = Coalesce("approved_at", Now()) if stays_approved else None
    claimed = Payment.objects.filter(pk=payment.pk, status=Status.STARTED, claimed_at=payment.claimed_at)
    declined = claimed.update(
        claimed_at=None, capture_number=F("capture_number") + 1, refusal=refusal, approved_at=approved_at
    )
    if declined:
        _write(order, payment)
    return bool(declined)


def _write(order: Order, payment: Payment) -> None:
    """Tell of a refusal by mail: at once where the order's page has promised the answer by mail, else not to who tries
    again soon; nor to who was never at the PSP, as the callers see to: nobody can use the shop to write to others."""
    waits_for_a_mail = payment.with_bank_at or (payment.returned_at and payment.returned_at < now() - JUST_BACK)
    after = timedelta(0) if waits_for_a_mail else TIME_TO_TRY_AGAIN
    due(order, Letter.Kind.REFUSED, about=payment.pk, after=after)


def _fail(order: Order, payment: Payment, refusal: str, actor: Actor, actor_name: str = "", **only: object) -> bool:
    moved = _end(payment.pk, Status.FAILED, refusal, **only)
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
