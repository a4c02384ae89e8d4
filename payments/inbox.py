"""What comes in from the PSPs: proven, stored, applied, in this order. The only road to an effective order.

What comes of a message is a message id: a sentence that staff read in their language.

receive   verify → facts → take
take      read → confirm → one transaction: event, Order row, apply, outcome, due rows
apply     compare → move the payment, move the order → timeline → letter
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext_noop as _

from orders.deadlocks import tried_twice
from orders.models import Order, TimelineEntry
from orders.money import format_money
from orders.moves import entry, hold, mark_effective, revive, tell
from payments import disputes, moves, refunds, surplus
from payments.capture import capture_soon
from payments.gateways import gateway
from payments.gateways.base import BadSignature, Facts, Gateway, Kind, Notice, Unreachable
from payments.letters import due
from payments.models import Letter, Method, Payment, Provider, WebhookEvent
from payments.unresolved import AHEAD_AT_MOST

log = logging.getLogger(__name__)
Actor = TimelineEntry.Actor
Told = TimelineEntry.Kind
Source = WebhookEvent.Source
WhyNot = Payment.WhyNot
PATIENCE = timedelta(hours=1)
"""After that long the PSP is told to stop sending what we cannot apply: the sweep and the staff have it."""
BACK_AND_FORTH = (Kind.REFUND, Kind.DISPUTE)
"""A refund bounces, a dispute is closed and opened again, and messages overtake each other: these are read live."""
ALREADY_HERE = _("Already here")
OUR_ERROR = _("An error of the shop: the log has it")
MONEY_HERE = _("This money is already here")
NO_EFFECT = _("No effect: the payment is not open any more")


class CannotApply(Exception):
    """A proven message that finds nothing here to act upon yet; the text, a message id, says what is missing."""


class Ahead(CannotApply):
    """A proven message whose payment has not come yet: kept and acknowledged, and applied when it has."""


def receive(provider: str, body: bytes, headers: Mapping[str, str]) -> str:
    """Take a message as it was delivered; returns the outcome in a sentence, once it is committed.

    Raises BadSignature when it is not the PSP's, Unreachable when the PSP was needed and silent or is not
    configured, and whatever kept it from being applied: then the PSP must send it again.
    """
    psp = gateway(provider)
    try:
        facts = psp.facts(psp.verify(body, headers))
    except ValueError as error:
        raise BadSignature("Signed, but no event") from error
    return take(provider, facts, Source.DELIVERED, sha256(body).hexdigest())


def take(provider: str, facts: Facts, source: str, body_sha256: str = "", accepted_by: str = "") -> str:
    """Store a proven message and apply it, once. Raises as `receive` does; what failed is kept, unprocessed.

    `accepted_by` is the member of staff in whose name a live reading is taken. What was read live and failed is not
    kept: it can be read again, and a person's decision is carried out with his name or not at all.
    """
    psp = gateway(provider)
    if facts.livemode != (settings.PAYMENTS.mode == "live"):
        log.warning("Ignored an event of the other mode", extra={"event": facts.event_id})
        return _("Ignored: an event of the other mode")
    event = WebhookEvent(
        provider=provider,
        event_id=facts.event_id,
        type=facts.type,
        api_version=facts.api_version,
        livemode=facts.livemode,
        source=source,
        facts=facts.object,
        body_sha256=body_sha256,
    )
    notice = psp.read(facts)
    if source != Source.READ and notice.kind == Kind.OTHER:
        return _("Ignored: nothing here follows from it")
    try:
        if notice.kind not in BACK_AND_FORTH and _stands_as_it_is(psp, facts, source):
            return _apply(event, notice)
        if _is_known(event):
            return ALREADY_HERE
        return _apply(event, psp.confirm(facts), accepted_by)
    except Exception as error:  # whatever it was, a proven message is kept, and the error raised again
        if source == Source.READ:
            raise
        return _keep(event, error)


def retry(event: WebhookEvent) -> str:
    """Apply a stored, unprocessed message again, on what its object says now. Raises as `take` does, and Unreachable
    however old the message is."""
    psp = gateway(event.provider)
    facts = Facts(event.event_id, event.type, event.livemode, event.api_version, event.facts)
    try:
        return _apply(event, psp.confirm(facts))
    except Unreachable as error:
        _keep(event, error)
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return _keep(event, error)


def _stands_as_it_is(psp: Gateway, facts: Facts, source: str) -> bool:
    """Whether the words of a message may be acted upon, rather than what its object says live."""
    return source == Source.DELIVERED and psp.signature_covers_body and facts.api_version == psp.api_version


def _is_known(event: WebhookEvent) -> bool:
    same = WebhookEvent.objects.filter(provider=event.provider, event_id=event.event_id)
    return same.filter(processed_at__isnull=False).exists()


@tried_twice
@transaction.atomic
def _apply(event: WebhookEvent, notice: Notice, accepted_by: str = "") -> str:
    WebhookEvent.objects.bulk_create([event], ignore_conflicts=True)
    same = WebhookEvent.objects.filter(provider=event.provider, event_id=event.event_id)
    # Of the row that is held only this can differ from the message in hand: another delivery may have stored it.
    event.pk, processed_at = same.select_for_update(no_key=True).values_list("pk", "processed_at").get()
    if processed_at:
        return ALREADY_HERE
    order, outcome = _effect(event, notice, accepted_by)
    WebhookEvent.objects.filter(pk=event.pk).update(order=order, outcome=outcome, processed_at=now(), next_try_at=None)
    return outcome


def _effect(event: WebhookEvent, notice: Notice, accepted_by: str) -> tuple[Order | None, str]:
    named_by = {"provider": event.provider} | _named_by(notice)
    try:
        order = hold(**{f"payments__{name}": value for name, value in named_by.items()})
    except Order.DoesNotExist:
        return None, _unknown(event, notice)
    payments = list(order.payments.all())
    payment = next(payment for payment in payments if all(getattr(payment, k) == v for k, v in named_by.items()))
    match notice.kind:
        case Kind.PAID:
            outcome = _paid(event, order, payment, payments, notice)
            if accepted_by and outcome != MONEY_HERE:
                tell(order, Told.ACCEPTED, Actor.STAFF, accepted_by, provider=_name(event))
            return order, outcome
        case Kind.FAILED:
            return order, _failed(event, order, payment, notice)
        case Kind.EXPIRED:
            moved = moves.expire(order, payment, Actor.BANK, _name(event))
            return order, _("The payment expired") if moved else NO_EFFECT
        case Kind.APPROVED:
            return order, _approved(payment)
        case Kind.DECLINED:
            return order, _declined(payment, notice)
        case Kind.REFUND if notice.refund:
            return order, refunds.settle(event, order, _authorised(payment), notice.refund)
        case Kind.DISPUTE if notice.dispute:
            return order, disputes.record(order, _authorised(payment), notice.dispute)
        case Kind.PENDING:
            moves.note_with_bank(payment)
            return order, WebhookEvent.UNDECIDED
        case _kind:
            return order, _("Nothing follows from it")


def _unknown(event: WebhookEvent, notice: Notice) -> str:
    """A message about a payment that is not here: another shop's, ahead of its payment, or lost."""
    if notice.kind in BACK_AND_FORTH and not notice.stranger and now() - event.received_at < AHEAD_AT_MOST:
        raise Ahead(WebhookEvent.AHEAD)
    if notice.payment_id is None:
        return _("Ignored: another shop's")
    raise CannotApply(_("The payment that it names is not here"))


def _authorised(payment: Payment) -> Payment:
    if payment.status != Payment.Status.AUTHORISED:
        raise Ahead(WebhookEvent.AHEAD)
    return payment


def _named_by(notice: Notice) -> dict[str, Any]:
    """Our own id names the payment; without it, the PSP's references do."""
    if notice.payment_id:
        return {"pk": notice.payment_id}
    if notice.page_reference:
        return {"page_reference": notice.page_reference}
    return {"money_reference": notice.money_reference or ""}


def _paid(event: WebhookEvent, order: Order, payment: Payment, payments: list[Payment], notice: Notice) -> str:
    if payment.status == Payment.Status.AUTHORISED:
        if payment.money_reference == notice.money_reference:
            return MONEY_HERE
        raise CannotApply(_("A second money on a page that is paid"))
    at = now()
    why_not = _why_not(order, payment, payments, notice)
    # Whether it was paid before was asked above: a late one is the only one.
    revived = why_not == WhyNot.LATE and not notice.doubt and revive(order, at)
    if revived:
        why_not = ""
    amount, currency = notice.amount or 0, notice.currency or ""
    authorised = moves.authorise(
        payment,
        event,
        at,
        why_not=why_not,
        amount=amount,
        currency=currency,
        page_reference=notice.page_reference,
        money_reference=notice.money_reference,
    )
    words = {"amount": format_money(amount, currency), "method": Method(payment.method).label}
    if why_not and authorised:
        why = WhyNot(why_not).label
        told = tell(order, Told.PAYMENT_NOT_SETTLING, Actor.BANK, _name(event), why=why, **words)
        if why_not != WhyNot.GONE:
            surplus.deal_with(order, payment, why_not, amount - notice.refunded, currency, told)
        return _("Money that does not settle the order")
    if not authorised or not (revived or mark_effective(order, at)):
        raise CannotApply(_("The payment or its order is in a state that takes no money"))
    TimelineEntry.objects.bulk_create(
        [
            entry(order, Told.PAYMENT_AUTHORISED, Actor.BANK, _name(event), **words),
            entry(order, Told.REVIVED if revived else Told.EFFECTIVE, Actor.BANK, _name(event)),
        ]
    )
    due(order, Letter.Kind.CONFIRMATION, about=payment.pk)
    return _("The order is effective")


def _why_not(order: Order, payment: Payment, payments: list[Payment], notice: Notice) -> str:
    """Why this money does not settle the order; empty when it does. What the bank says is compared, never assumed."""
    # What has gone back already, at the PSP's dashboard for one, pays nothing, and must not go back again by itself.
    if notice.amount and notice.refunded >= notice.amount:
        return WhyNot.GONE
    same_page = payment.page_reference in (None, notice.page_reference) or notice.page_reference is None
    if (notice.amount, notice.currency) != (payment.amount, payment.currency) or notice.presented or not same_page:
        return WhyNot.MISMATCH
    if payment.amount != order.total:
        return WhyNot.MISMATCH
    if order.status == Order.Status.EFFECTIVE or any(other.settles for other in payments):
        return WhyNot.SECOND
    if order.status == Order.Status.CANCELLED:
        return WhyNot.LATE
    return WhyNot.MEANS if notice.doubt else ""


def _failed(event: WebhookEvent, order: Order, payment: Payment, notice: Notice) -> str:
    if not moves.fail(order, payment, notice.refusal or "generic", Actor.BANK, _name(event)):
        return NO_EFFECT
    return _("The payment failed")


def _approved(payment: Payment) -> str:
    if payment.status != Payment.Status.STARTED:
        return NO_EFFECT
    if payment.needs_another_choice:
        return _("No effect: what was approved was declined already")
    at = now()
    Payment.objects.filter(pk=payment.pk, status=Payment.Status.STARTED).update(
        approved_at=payment.approved_at or at, next_try_at=at, refusal=""
    )
    capture_soon.enqueue(str(payment.pk))
    return _("Approved: to be captured")


def _declined(payment: Payment, notice: Notice) -> str:
    """A try failed on a page that stays open: nothing moves, but the customer who comes back is told why."""
    Payment.objects.filter(pk=payment.pk, status=Payment.Status.STARTED).update(refusal=notice.refusal)
    return _("A try was declined; the page stays open")


def _keep(event: WebhookEvent, error: Exception) -> str:
    """Keep what could not be applied, by itself; then let the PSP send it again, for a while."""
    WebhookEvent.objects.bulk_create([event], ignore_conflicts=True)
    stored = WebhookEvent.objects.get(provider=event.provider, event_id=event.event_id)
    if stored.processed_at:
        return ALREADY_HERE
    WebhookEvent.objects.filter(pk=stored.pk, processed_at__isnull=True).update(outcome=_reason(event, error))
    if isinstance(error, Ahead):
        return str(error)
    if now() - stored.received_at < PATIENCE:
        raise error
    log.error("Kept an event that cannot be applied", extra={"event": event.event_id})
    return _("Kept: the sweep tries again")


def _reason(event: WebhookEvent, error: Exception) -> str:
    if isinstance(error, CannotApply):
        return str(error)
    if isinstance(error, Unreachable):
        return _("The PSP did not answer when it was asked")
    log.error("An event could not be applied", extra={"event": event.event_id}, exc_info=error)
    return OUR_ERROR


def _name(event: WebhookEvent) -> str:
    return Provider(event.provider).label
