"""The end of an order that nobody paid: ask the PSP, close the page, only then cancel and give the goods back."""

from django.db import transaction
from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from orders.moves import cancel, hold
from payments import moves
from payments.gateways import close
from payments.gateways.base import PageState
from payments.letters import due
from payments.models import Letter, Payment

Actor = TimelineEntry.Actor
Status = Payment.Status


def withdraw(order: Order, reason: Order.CancelReason, actor: Actor, actor_name: str = "") -> bool:
    """Close the order's page and cancel the order; returns whether it is cancelled.

    False when money may be on its way, which keeps the order: its page is paid or waits for the bank, a capture is
    under way, money is there that does not fit and has not gone back, the PSP shows money of which it has not told,
    another page was opened meanwhile; or when an expiry finds the order's time prolonged.
    Raises Unreachable when the PSP does not answer: then nothing has changed.
    """
    payment = order.payments.filter(status=Status.STARTED).first()
    if payment and not _is_dead(payment):
        return False
    return _cancel(order, payment, reason, actor, actor_name)


def shut_page(order: Order, actor: Actor, actor_name: str = "") -> bool:
    """Close the order's open page, and leave the order: it may be paid on another one. Returns whether it is closed.

    False as for `withdraw`, and when no page is open any more. Raises Unreachable.
    """
    payment = order.payments.filter(status=Status.STARTED).first()
    if payment is None or not _is_dead(payment):
        return False
    with transaction.atomic():
        held = hold(pk=order.pk)
        still = held.payments.filter(pk=payment.pk, page_reference=payment.page_reference).first()
        return still is not None and moves.expire(held, still, actor, actor_name)


def _is_dead(payment: Payment) -> bool:
    """Close the page. One that was never learnt of was shown to nobody."""
    if payment.claimed_at:
        return False
    if payment.page_reference is None:
        return True
    state = close(payment.provider, payment)
    if state in (PageState.PAID, PageState.PENDING):
        moves.note_with_bank(payment)
    return state == PageState.DEAD


@transaction.atomic
def _cancel(
    order: Order, closed: Payment | None, reason: Order.CancelReason, actor: Actor, actor_name: str = ""
) -> bool:
    held = hold(pk=order.pk)
    if reason == Order.CancelReason.EXPIRED and held.expires_at > now():
        return False
    payments = list(held.payments.all())
    if any(payment.holds_money() or payment.is_unannounced for payment in payments):
        return False
    started = [payment for payment in payments if payment.status == Status.STARTED]
    # Another page, or the same payment's, of which nothing was known when it was looked at.
    dead = closed and (closed.pk, closed.page_reference)
    if any((payment.pk, payment.page_reference) != dead for payment in started):
        return False
    if any(not moves.expire(held, payment, actor, actor_name) for payment in started):
        return False
    if not cancel(held, reason, actor, actor_name):
        return False
    if reason == Order.CancelReason.EXPIRED and any(payment.returned_at or payment.left_at for payment in payments):
        due(held, Letter.Kind.EXPIRED, about=held.pk)
    return True
