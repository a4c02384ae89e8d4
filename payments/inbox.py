"""What comes in from the PSPs: proven, stored, applied, in this order. The only road to an effective order.

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

from orders.deadlocks import tried_twice
from orders.models import Order, TimelineEntry
from orders.money import CURRENCY, format_amount, format_chf
from orders.moves import entry, hold, mark_effective
from payments import moves, tasks
from payments.gateways import gateway
from payments.gateways.base import BadSignature, Facts, Gateway, Kind, Notice
from payments.letters import due
from payments.models import Letter, Method, Payment, Provider, WebhookEvent

log = logging.getLogger(__name__)
Actor = TimelineEntry.Actor
Told = TimelineEntry.Kind
Source = WebhookEvent.Source
PATIENCE = timedelta(hours=1)
"""After that long the PSP is told to stop sending what we cannot apply: the sweep and the staff have it."""


class CannotApply(Exception):
    """A proven message that finds nothing here to act upon yet; the text says what is missing."""


def receive(provider: str, body: bytes, headers: Mapping[str, str]) -> str:
    """Take a message as it was delivered; returns the outcome in a sentence, once it is committed.

    Raises BadSignature when it is not the PSP's, Unreachable when the PSP was needed and silent, LookupError when the
    provider is not configured, and whatever kept it from being applied: then the PSP must send it again.
    """
    psp = gateway(provider)
    try:
        facts = psp.facts(psp.verify(body, headers))
    except ValueError as error:
        raise BadSignature("Signed, but no event") from error
    return take(provider, facts, Source.DELIVERED, sha256(body).hexdigest())


def take(provider: str, facts: Facts, source: str, body_sha256: str = "") -> str:
    """Store a proven message and apply it, once. Raises as `receive` does; what failed is kept, unprocessed."""
    psp = gateway(provider)
    if facts.livemode != (settings.PAYMENTS.mode == "live"):
        log.warning("Ignored an event of the other mode", extra={"event": facts.event_id})
        return "Ignored: an event of the other mode"
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
    if psp.read(facts).kind == Kind.OTHER:
        return "Ignored: nothing here follows from it"
    try:
        if _stands_as_it_is(psp, facts, source):
            return _apply(event, psp.read(facts))
        if _is_known(event):
            return "Already here"
        return _apply(event, psp.confirm(facts))
    except Exception as error:  # noqa: BLE001 - whatever it was, a proven message is kept, and the error raised again
        return _keep(event, error)


def retry(event: WebhookEvent) -> str:
    """Apply a stored, unprocessed message again, on what its object says now. Raises as `take` does."""
    psp = gateway(event.provider)
    facts = Facts(event.event_id, event.type, event.livemode, event.api_version, event.facts)
    try:
        return _apply(event, psp.confirm(facts))
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
def _apply(event: WebhookEvent, notice: Notice) -> str:
    WebhookEvent.objects.bulk_create([event], ignore_conflicts=True)
    same = WebhookEvent.objects.filter(provider=event.provider, event_id=event.event_id)
    # Of the row that is held only this can differ from the message in hand: another delivery may have stored it.
    event.pk, processed_at = same.select_for_update(no_key=True).values_list("pk", "processed_at").get()
    if processed_at:
        return "Already here"
    order, outcome = _effect(event, notice)
    WebhookEvent.objects.filter(pk=event.pk).update(order=order, outcome=outcome, processed_at=now(), next_try_at=None)
    return outcome


def _effect(event: WebhookEvent, notice: Notice) -> tuple[Order | None, str]:
    try:
        order = hold(**_named_by(event.provider, notice))
    except Order.DoesNotExist:
        if notice.payment_id is None:
            return None, "Ignored: another shop's"
        raise CannotApply(f"No payment {notice.payment_id} here") from None
    payments = list(order.payments.all())
    payment = next(payment for payment in payments if _is_meant(payment, notice))
    match notice.kind:
        case Kind.PAID:
            return order, _paid(event, order, payment, payments, notice)
        case Kind.FAILED:
            moved = moves.fail(order, payment, notice.refusal or "generic", Actor.BANK, _name(event))
            return order, "Payment failed" if moved else f"No effect on a payment that is {payment.status}"
        case Kind.EXPIRED:
            moved = moves.expire(order, payment, Actor.BANK, _name(event))
            return order, "Payment expired" if moved else f"No effect on a payment that is {payment.status}"
        case Kind.APPROVED:
            return order, _approved(payment)
        case _:
            return order, "The bank has not decided yet"


def _named_by(provider: str, notice: Notice) -> dict[str, Any]:
    """Our own id names the payment; without it, the PSP's references do."""
    if notice.payment_id:
        return {"payments__pk": notice.payment_id, "payments__provider": provider}
    if notice.page_reference:
        return {"payments__page_reference": notice.page_reference, "payments__provider": provider}
    return {"payments__money_reference": notice.money_reference or "", "payments__provider": provider}


def _is_meant(payment: Payment, notice: Notice) -> bool:
    if notice.payment_id:
        return payment.pk == notice.payment_id
    if notice.page_reference:
        return payment.page_reference == notice.page_reference
    return payment.money_reference == notice.money_reference


def _paid(event: WebhookEvent, order: Order, payment: Payment, payments: list[Payment], notice: Notice) -> str:
    if payment.status == Payment.Status.AUTHORISED:
        if payment.money_reference == notice.money_reference:
            return "This money is already here"
        raise CannotApply(f"A second money {notice.money_reference} on the page of payment {payment.pk}")
    at = now()
    why_not = _why_not(order, payment, payments, notice)
    amount, currency = notice.amount or 0, notice.currency or ""
    moves.authorise(
        payment,
        event,
        at,
        why_not=why_not,
        amount=amount,
        currency=currency,
        page_reference=notice.page_reference,
        money_reference=notice.money_reference,
    )
    words = {"amount": _printed(amount, currency), "method": Method(payment.method).label}
    if why_not:
        why = Payment.WhyNot(why_not).label
        entry(order, Told.PAYMENT_NOT_SETTLING, Actor.BANK, _name(event), why=why, **words).save(force_insert=True)
        return f"Received {words['amount']}, which does not settle the order: {why_not}"
    mark_effective(order, at)
    TimelineEntry.objects.bulk_create(
        [
            entry(order, Told.PAYMENT_AUTHORISED, Actor.BANK, _name(event), **words),
            entry(order, Told.EFFECTIVE, Actor.BANK, _name(event)),
        ]
    )
    tasks.send_letter.enqueue(due(order, Letter.Kind.CONFIRMATION, about=payment.pk).pk)
    return "The order is effective"


def _why_not(order: Order, payment: Payment, payments: list[Payment], notice: Notice) -> str:
    """Why this money does not settle the order; empty when it does. What the bank says is compared, never assumed."""
    same_page = payment.page_reference in (None, notice.page_reference) or notice.page_reference is None
    if (notice.amount, notice.currency) != (payment.amount, payment.currency) or not same_page:
        return Payment.WhyNot.MISMATCH
    if payment.amount != order.total:
        return Payment.WhyNot.MISMATCH
    if order.status == Order.Status.EFFECTIVE or any(other.settles for other in payments):
        return Payment.WhyNot.SECOND
    if order.status == Order.Status.CANCELLED:
        return Payment.WhyNot.LATE
    return ""


def _approved(payment: Payment) -> str:
    if payment.status != Payment.Status.STARTED:
        return f"Approved, but not captured: the payment is {payment.status}"
    at = now()
    Payment.objects.filter(pk=payment.pk, status=Payment.Status.STARTED).update(
        approved_at=payment.approved_at or at, next_try_at=at
    )
    tasks.capture.enqueue(str(payment.pk))
    return "Approved: to be captured"


def _keep(event: WebhookEvent, error: Exception) -> str:
    """Keep what could not be applied, by itself; then let the PSP send it again, for a while."""
    WebhookEvent.objects.bulk_create([event], ignore_conflicts=True)
    stored = WebhookEvent.objects.get(provider=event.provider, event_id=event.event_id)
    if stored.processed_at:
        return "Already here"
    reason = f"{type(error).__name__}: {error}" if isinstance(error, CannotApply) else type(error).__name__
    WebhookEvent.objects.filter(pk=stored.pk, processed_at__isnull=True).update(outcome=reason[:300])
    if now() - stored.received_at < PATIENCE:
        raise error
    log.error("Kept an event that cannot be applied", extra={"event": event.event_id})
    return "Kept: the sweep tries again"


def _name(event: WebhookEvent) -> str:
    return Provider(event.provider).label


def _printed(amount: int, currency: str) -> str:
    return format_chf(amount) if currency == CURRENCY else f"{currency} {format_amount(amount)}"
