"""What a timer does on as many machines as one likes: find the rows that are due and were not done.

A claim is a committed `next_try_at` (or `due_at`) in the future, taken with SKIP LOCKED in bounded batches; what is
due is told by PostgreSQL's clock. Nothing here makes an order effective.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from orders.moves import hold
from payments import attestation, inbox, letters, limits, means, moves, recovery, retention
from payments.capture import capture
from payments.expiry import withdraw
from payments.gateways import close, gateway
from payments.gateways.base import Kind, PageState, Unclear, Unreachable
from payments.models import Channel, Letter, Payment, Refund, Refusal, WebhookEvent
from payments.refunds import carry_out

log = logging.getLogger(__name__)
Row = TypeVar("Row", bound=Model)
Actor = TimelineEntry.Actor
BATCH = 50
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=30)
LIST_FIRST = timedelta(minutes=5)
"""For so long the PSP's own list may explain a payment, before staff are written to."""
NO_PAGE_AFTER = timedelta(minutes=5)
"""A payment whose page was never learnt of is given up after that long: nobody can have been sent there."""
READ_EVERY = timedelta(hours=1)
"""How often a PSP's own list is read, when nothing asks for it sooner."""


def sweep() -> dict[str, int]:
    """Do everything that is due; returns how many of each. A failure of one row leaves the others their turn."""
    recovery.open_channels()
    return {
        "payments": _by_psp(_due_payments(), lambda payment: payment.provider, look_after),
        "ended": _by_psp(_due_endings(), lambda payment: payment.provider, look_once_more),
        "expired": _by_psp(_due_orders(), _psp_of, _expire),
        "means": _by_psp(_due_checks(), lambda payment: payment.provider, means.check),
        "refunds": _by_psp(_due_refunds(), lambda refund: refund.payment.provider, _refund),
        "events": _by_psp(_due_events(), lambda event: event.provider, inbox.retry),
        "recovered": sum(_read_list(channel) for channel in recovery.due_channels("next_try_at", READ_EVERY)),
        "letters": sum(_done(letters.send, letter) for letter in _due_letters()),
        "attestations": attestation.give_numbers(),
        "limits": limits.forget(),
        "purged": retention.at_night(),
    }


def _by_psp(rows: Iterable[Row], provider: Callable[[Row], str], do: Callable[[Row], object]) -> int:
    """Do each row; a PSP that does not answer ends its own batch, and its list tells whether it is silent."""
    batches: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        batches[provider(row)].append(row)
    return sum(_batch(psp, batch, do) for psp, batch in batches.items())


def _batch(psp: str, batch: list[Row], do: Callable[[Row], object]) -> int:
    done = unanswered = 0
    for position, row in enumerate(batch):
        try:
            done += _done(do, row)
        except Unclear:
            pass  # It answered: this row waits, and says nothing about the others.
        except Unreachable:
            # One row may be odd by itself. What is done between two of them proves nothing: it may have needed no call.
            unanswered += 1
            if unanswered == recovery.SILENT_AFTER:
                log.warning("A PSP does not answer: the rest of this batch waits")
                _give_back(batch[position + 1 :])
                break
    if unanswered:
        Channel.objects.filter(provider=psp).update(next_try_at=Now())
    return done


def _give_back(rows: list[Row]) -> None:
    """Rows that were claimed and not tried have their turn in the next sweep."""
    for row in rows:
        due = type(row)._default_manager.filter(pk=row.pk, next_try_at__isnull=False)
        due.update(next_try_at=Now() + FIRST_WAIT)


def _done(do: Callable[[Any], object], row: Any) -> bool:
    try:
        do(row)
    except Unreachable:
        raise
    except Exception:
        log.exception("The sweep could not finish %r", row)
        return False
    return True


@transaction.atomic
def _claim(due: QuerySet[Row], since: Callable[[Row], datetime]) -> list[Row]:
    """Take a batch: whoever claims has it to himself until the wait is over, and each wait is longer."""
    claimed = list(due.select_for_update(skip_locked=True, no_key=True, of=("self",))[:BATCH])
    for row in claimed:
        wait = min(max(now() - since(row), FIRST_WAIT), LONGEST_WAIT)
        type(row)._default_manager.filter(pk=row.pk).update(next_try_at=Now() + wait)
    return claimed


def _due_payments() -> list[Payment]:
    due = Payment.objects.filter(status=Payment.Status.STARTED, next_try_at__lte=Now())
    return _claim(due.select_related("order").order_by("next_try_at"), lambda payment: payment.created_at)


def look_after(payment: Payment) -> None:
    """Ask the PSP how an open page stands: give up, capture, note what nobody told us. Raises Unreachable.

    A page of an order that needs no money any more is closed.
    """
    if payment.page_reference is None:
        if now() - payment.created_at > NO_PAGE_AFTER:
            with transaction.atomic():
                moves.give_up(hold(pk=payment.order_id), payment)
        return
    waits = payment.order.status == Order.Status.PENDING
    ends = not waits and not payment.claimed_at
    match close(payment.provider, payment) if ends else gateway(payment.provider).look(payment):
        case PageState.APPROVED:
            # Another call may have been declined since this row was read.
            payment.refresh_from_db(fields=["refusal", "approved_at"])
            if not payment.needs_another_choice:
                capture(payment.pk)
        case PageState.OPEN | PageState.DEAD if payment.claimed_at and waits:
            # Nobody learnt what came of the capture: the same one is asked for again.
            capture(payment.pk)
        case PageState.PAID:
            _note_unannounced(payment)
        case PageState.PENDING:
            moves.note_with_bank(payment)
        case PageState.DEAD:
            _end(payment)


def _end(payment: Payment) -> None:
    """The page is dead. A bank's no to who came back from having paid there is one also if no message told of it."""
    refused = bool(payment.returned_at) and _says_no(payment)
    with transaction.atomic():
        order = hold(pk=payment.order_id)
        if refused:
            moves.fail(order, payment, Refusal.GENERIC, Actor.BANK, payment.get_provider_display())
        else:
            moves.expire(order, payment, Actor.SYSTEM)


def _says_no(payment: Payment) -> bool:
    """Whether the PSP shows money that was refused, rather than a page whose time was over. Raises Unreachable."""
    psp = gateway(payment.provider)
    try:
        return psp.confirm(psp.reading(payment)).kind == Kind.FAILED
    except Unclear:
        return False


def _note_unannounced(payment: Payment) -> None:
    """Paid, and no message said so: the PSP's own list is read at once, and staff see it as long as nothing comes.

    Money that has gone back already never counts: it needs nobody's decision, and is taken as the PSP shows it.
    """
    with transaction.atomic():
        order = hold(pk=payment.order_id)
        unseen = Payment.objects.filter(pk=payment.pk, paid_seen_at__isnull=True)
        if unseen.exclude(status=Payment.Status.AUTHORISED).update(paid_seen_at=Now()):
            letters.due(order, Letter.Kind.TO_STAFF, f"unannounced {payment.pk}", after=LIST_FIRST)
    moves.note_with_bank(payment)
    Channel.objects.filter(provider=payment.provider).update(next_try_at=Now())
    psp = gateway(payment.provider)
    notice = psp.confirm(facts := psp.reading(payment))
    if notice.amount and notice.refunded >= notice.amount:
        inbox.take(payment.provider, facts, WebhookEvent.Source.READ)


def _due_endings() -> list[Payment]:
    ended = [Payment.Status.FAILED, Payment.Status.EXPIRED]
    due = Payment.objects.filter(status__in=ended, next_try_at__lte=Now())
    return _claim(due.select_related("order").order_by("next_try_at"), lambda payment: payment.created_at)


def look_once_more(payment: Payment) -> None:
    """Whether money came on a page that was given up, of which no message was ever made; if so, also whether it has
    gone back since."""
    if gateway(payment.provider).look(payment) == PageState.PAID:
        _note_unannounced(payment)
    unpaid = Payment.objects.filter(pk=payment.pk, paid_seen_at__isnull=True)
    unpaid.exclude(status=Payment.Status.AUTHORISED).update(next_try_at=None)


def _due_orders() -> list[Order]:
    looked = Q(next_try_at__isnull=True) | Q(next_try_at__lte=Now())
    due = Order.objects.filter(looked, status=Order.Status.PENDING, expires_at__lte=Now())
    return _claim(due.order_by("expires_at"), lambda order: order.expires_at)


def _psp_of(order: Order) -> str:
    payment = order.payments.filter(status=Payment.Status.STARTED).first()
    return payment.provider if payment else ""


def _expire(order: Order) -> None:
    withdraw(order, Order.CancelReason.EXPIRED, Actor.SYSTEM)


def _due_refunds() -> list[Refund]:
    due = Refund.objects.filter(status=Refund.Status.REQUESTED, next_try_at__lte=Now())
    return _claim(due.select_related("payment").order_by("next_try_at"), lambda refund: refund.created_at)


def _refund(refund: Refund) -> None:
    if refund.reference:
        recovery.read_refund(refund)
    elif carry_out(refund.pk) == "unknown":
        raise Unreachable("no answer to a refund")


def _due_checks() -> list[Payment]:
    due = Payment.objects.filter(status=Payment.Status.AUTHORISED, next_try_at__lte=Now())
    return _claim(due.order_by("next_try_at"), lambda payment: payment.authorised_at or payment.created_at)


def _read_list(channel: Channel) -> bool:
    try:
        return _done(recovery.read_on, channel)
    except Unreachable as error:
        log.warning("A PSP's list could not be read: %s", error)
        return False


def _due_events() -> list[WebhookEvent]:
    quiet = Q(next_try_at__isnull=True, received_at__lte=Now() - FIRST_WAIT) | Q(next_try_at__lte=Now())
    waiting = WebhookEvent.objects.filter(quiet, processed_at__isnull=True)
    # Those that were tried least lately: many that cannot be applied leave the others their turn.
    due = waiting.order_by(Coalesce("next_try_at", "received_at"))
    return _claim(due, lambda event: event.received_at)


def _due_letters() -> list[int]:
    """Ids only: `letters.send` claims each by itself."""
    due = Letter.objects.filter(sent_at__isnull=True, due_at__lte=Now(), tries__lt=Letter.MOST_TRIES)
    return list(due.order_by("due_at").values_list("pk", flat=True)[:BATCH])
