"""What a timer does on as many machines as one likes: find the rows that are due and were not done.

A claim is a committed `next_try_at` (or `due_at`) in the future, taken with SKIP LOCKED in bounded batches; the time
is PostgreSQL's. Nothing here makes an order effective.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now

from orders.models import TimelineEntry
from orders.moves import hold
from payments import attestation, inbox, letters, moves
from payments.capture import capture
from payments.gateways import gateway
from payments.gateways.base import PageState, Unreachable
from payments.models import Letter, Payment, Provider, Refusal, WebhookEvent

log = logging.getLogger(__name__)
Row = TypeVar("Row")
BATCH = 50
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=30)
NO_PAGE_AFTER = timedelta(minutes=5)
"""A payment whose page was never learnt of is given up after that long: nobody can have been sent there."""


def sweep() -> dict[str, int]:
    """Do everything that is due; returns how many of each. A failure of one row leaves the others their turn."""
    return {
        "payments": _each(_due_payments(), _look_after),
        "events": _each(_due_events(), inbox.retry),
        "letters": _each(_due_letters(), letters.send),
        "attestations": attestation.number_effective_orders(),
    }


def _each(rows: Iterable[Row], do: Callable[[Row], object]) -> int:
    done = 0
    for row in rows:
        try:
            do(row)
            done += 1
        except Unreachable:
            log.warning("A PSP does not answer: the rest of this batch waits for the next sweep")
            break
        except Exception:
            log.exception("The sweep could not finish %r", row)
    return done


@transaction.atomic
def _due_payments() -> list[Payment]:
    due = Payment.objects.filter(status=Payment.Status.STARTED, next_try_at__lte=Now()).order_by("next_try_at")
    claimed = list(due.select_for_update(skip_locked=True, no_key=True)[:BATCH])
    for payment in claimed:
        Payment.objects.filter(pk=payment.pk).update(next_try_at=Now() + _wait(payment.created_at))
    return claimed


def _look_after(payment: Payment) -> None:
    """A page never opened is given up; an approval whose browser went away is captured."""
    if payment.page_reference is None:
        if now() - payment.created_at > NO_PAGE_AFTER:
            with transaction.atomic():
                moves.fail(hold(pk=payment.order_id), payment, Refusal.OPENING, TimelineEntry.Actor.SYSTEM)
    elif payment.provider == Provider.PAYPAL and _is_approved(payment):
        capture(payment.pk)


def _is_approved(payment: Payment) -> bool:
    return payment.claimed_at is not None or gateway(payment.provider).look(payment) == PageState.APPROVED


@transaction.atomic
def _due_events() -> list[WebhookEvent]:
    quiet = Q(next_try_at__isnull=True, received_at__lte=Now() - FIRST_WAIT) | Q(next_try_at__lte=Now())
    due = WebhookEvent.objects.filter(quiet, processed_at__isnull=True).order_by("received_at")
    claimed = list(due.select_for_update(skip_locked=True, no_key=True)[:BATCH])
    for event in claimed:
        WebhookEvent.objects.filter(pk=event.pk).update(next_try_at=Now() + _wait(event.received_at))
    return claimed


def _due_letters() -> Iterable[int]:
    """Ids only: `letters.send` claims each by itself."""
    due = Letter.objects.filter(sent_at__isnull=True, due_at__lte=Now(), tries__lt=letters.MOST_TRIES)
    return list(due.order_by("due_at").values_list("pk", flat=True)[:BATCH])


def _wait(since: datetime) -> timedelta:
    """Until the next look: as long as it has lasted so far, within the bounds, so that each wait doubles."""
    return min(max(now() - since, FIRST_WAIT), LONGEST_WAIT)
