"""PayPal only: take the money that the customer approved. Approval is not money, and a capture moves no order."""

import logging
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now
from django.utils.timezone import now
from django_tasks import task

from orders.models import Order, TimelineEntry
from orders.moves import hold
from payments import moves
from payments.gateways import capturing_gateway
from payments.gateways.base import CapturingGateway, Declined, NotConfigured, PageState, Refused, Unreachable
from payments.models import Payment, Provider

log = logging.getLogger(__name__)
Actor = TimelineEntry.Actor
AGAIN = timedelta(minutes=2)
"""A claim whose outcome nobody learnt is asked again, with the same number, after that long."""


def capture(payment_id: UUID | str) -> str:
    """Claim the capture, commit, then ask PayPal; returns what came of it, in a word.

    The return page, PayPal's message and the sweep call this, in any order and as often as they like. The order
    becomes effective by PayPal's message alone.
    """
    try:
        paypal = capturing_gateway()
    except NotConfigured:
        # Nothing is claimed that cannot be sent: a claim holds the order until its outcome is known.
        return "switched off"
    payment = _claim(payment_id)
    if payment is None:
        return "nothing to capture"
    try:
        state = paypal.capture(payment, payment.capture_number)
    except Unreachable:
        log.warning("PayPal did not answer a capture", extra={"order": payment.order.number})
        return "unknown"
    except Refused as refused:
        _fail(payment, refused.refusal)
        return "refused"
    except Declined as declined:
        _decline(payment, declined.refusal, stays_approved=not _is_open(paypal, payment))
        return "declined"
    if state == PageState.OPEN:
        _give_up_claim(payment)
    return str(state)


@task()
def capture_soon(payment: str) -> str:
    """`capture`, by a worker: the sweep does it too, later."""
    return capture(payment)


@transaction.atomic
def _claim(payment_id: UUID | str) -> Payment | None:
    """Only for a pending order and a started payment; a claim whose outcome is unknown keeps its number.

    The payment as it was: what was declined before is no more, but comes back with a claim that is given up.
    """
    order = hold(payments__pk=payment_id)
    payment = Payment.objects.get(pk=payment_id)
    started = payment.status == Payment.Status.STARTED and payment.provider == Provider.PAYPAL
    if order.status != Order.Status.PENDING or not started or not payment.page_reference:
        return None
    payment.claimed_at = now()
    Payment.objects.filter(pk=payment.pk).update(
        claimed_at=payment.claimed_at, next_try_at=Greatest(F("next_try_at"), Now() + AGAIN), refusal=""
    )
    payment.order = order
    return payment


@transaction.atomic
def _fail(payment: Payment, refusal: str) -> None:
    order = hold(pk=payment.order_id)
    moves.fail(order, payment, refusal, Actor.BANK, Provider.PAYPAL.label)


@transaction.atomic
def _decline(payment: Payment, refusal: str, *, stays_approved: bool) -> None:
    moves.decline(hold(pk=payment.order_id), payment, refusal, stays_approved=stays_approved)


def _is_open(paypal: CapturingGateway, payment: Payment) -> bool:
    """Whether PayPal shows what it declined as approved no more, so that an approval seen later is a new one."""
    with suppress(Unreachable):
        return paypal.look(payment) == PageState.OPEN
    return False


def _give_up_claim(payment: Payment) -> None:
    """Nothing was approved, and the customer may go on, on the same page; another call's claim stands."""
    claimed = Payment.objects.filter(pk=payment.pk, claimed_at=payment.claimed_at)
    claimed.filter(status=Payment.Status.STARTED).update(claimed_at=None, refusal=payment.refusal, approved_at=None)
