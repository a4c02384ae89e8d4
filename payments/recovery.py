"""What the PSPs said and the shop did not hear: their own lists, read again through the same road as their messages."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Coalesce, Now
from django.utils.timezone import now
from django.utils.translation import gettext_noop as _

from payments import inbox
from payments.gateways import configured, gateway
from payments.gateways.base import Facts, Kind, PageState, RefundState, Unclear, Unreachable
from payments.models import Channel, Payment, Refund, WebhookEvent
from payments.refunds import READ_AFTER

log = logging.getLogger(__name__)
OVERLAP = timedelta(hours=72)
"""The PSPs try to deliver for three days: what is older than that will not come by itself."""
BATCH = 100
UNREAD = _("Kept: what it speaks of could not be read")
SILENT_AFTER = 3
"""So many objects without an answer mean that the others would get none either."""
ASK_AGAIN = timedelta(minutes=1)
"""When a silent PSP is asked for its list again."""


class NotShown(Exception):
    """The PSP does not show as paid what a person wanted to accept."""


@dataclass(frozen=True)
class Found:
    """One event of a PSP's list that was not known here, and what came of it."""

    provider: str
    event_id: str
    type: str
    outcome: str


def recover(provider: str, since: datetime, *, dry_run: bool = False) -> Iterator[Found]:
    """Take every handled event of a PSP's list since then that is not applied here yet; oldest first.

    Every one goes the inbox's road, as *fetched*: its object is read live, and that is what counts. Run twice it
    changes nothing the second time. A dry run only says what it would take. Raises Unreachable.
    """
    unanswered = 0
    for facts in _unknown(provider, gateway(provider).listed(since)):
        try:
            outcome = _("Would be taken") if dry_run else _take(provider, facts)
            unanswered = 0
        except Unclear:
            unanswered = 0
            outcome = UNREAD
        except Unreachable:
            # One object may be odd by itself; several in a row mean that the PSP is silent.
            unanswered += 1
            if unanswered == SILENT_AFTER:
                raise
            outcome = UNREAD
        yield Found(provider, facts.event_id, facts.type, outcome)


def read_on(channel: Channel) -> int:
    """Read a PSP's list from where it was read to, with the overlap; returns how many events were new.

    This alone tells whether a PSP is silent: a single page or refund may be odd by itself, and what needs no call gets
    no answer. One that answers and refuses its list is silent too. The list is asked for again soon. Raises
    Unreachable.
    """
    line = Channel.objects.filter(pk=channel.pk)
    started = now()
    since = min(channel.read_until or _first_payment(channel) or started, started) - OVERLAP
    try:
        found = sum(1 for _found in recover(channel.provider, since))
    except Unreachable:
        line.update(silent_since=Coalesce("silent_since", Now()), next_try_at=Now() + ASK_AGAIN)
        raise
    line.update(read_until=started, silent_since=None)
    return found


def _first_payment(channel: Channel) -> datetime | None:
    """From when on a PSP that was never read has something to tell."""
    payments = Payment.objects.filter(provider=channel.provider)
    return payments.order_by("created_at").values_list("created_at", flat=True).first()


def _take(provider: str, facts: Facts) -> str:
    """Take one event; whatever keeps it from being applied, it is kept, and the events behind it have their turn."""
    try:
        return inbox.take(provider, facts, WebhookEvent.Source.FETCHED)
    except Unreachable:
        raise
    except inbox.CannotApply as error:
        return str(error)
    except Exception:  # noqa: BLE001 - the inbox has logged it, and kept the event unless the database failed
        return inbox.OUR_ERROR


def _unknown(provider: str, listed: Iterator[Facts]) -> Iterator[Facts]:
    """What is not processed here, and would have an effect; asked of the database in batches."""
    psp = gateway(provider)
    while batch := list(islice(listed, BATCH)):
        known = _processed(provider, (facts.event_id for facts in batch))
        yield from (facts for facts in batch if facts.event_id not in known and psp.read(facts).kind != Kind.OTHER)


def _processed(provider: str, events: Iterable[str]) -> set[str]:
    rows = WebhookEvent.objects.filter(provider=provider, event_id__in=list(events), processed_at__isnull=False)
    return set(rows.values_list("event_id", flat=True))


def accept(payment: Payment, by: User) -> str:
    """Take what the PSP shows live for a payment of which no message ever came, in the name of a member of staff.

    The one way by which a person can let money count; it still goes the inbox's road, and is compared as any message.
    Returns the outcome. Raises NotShown when it does not show it as paid, or Unreachable.
    """
    psp = gateway(payment.provider)
    if psp.look(payment) != PageState.PAID:
        raise NotShown
    return inbox.take(payment.provider, psp.reading(payment), WebhookEvent.Source.READ, accepted_by=by.get_username())


def read_refund(refund: Refund) -> str:
    """Take what the PSP shows live of a refund that it took long ago and has told nothing of since, as any message.

    One that is still on its way is read again a day later. Returns the outcome. Raises Unreachable.
    """
    psp = gateway(refund.payment.provider)
    made = psp.find_refund(refund)
    if made is None or made.state == RefundState.PENDING:
        Refund.objects.filter(pk=refund.pk, status=Refund.Status.REQUESTED).update(next_try_at=Now() + READ_AFTER)
        return _("The refund is on its way")
    return inbox.take(psp.provider, psp.reading_of_refund(refund, made.state), WebhookEvent.Source.READ)


@transaction.atomic
def due_channels(moment: str, wait: timedelta) -> list[Channel]:
    """Take the lines to the configured PSPs whose `moment` (a column) has come: whoever takes one has it to himself
    until the wait is over."""
    due = Channel.objects.filter(**{f"{moment}__lte": Now()}, provider__in=configured())
    claimed = list(due.select_for_update(skip_locked=True, no_key=True))
    Channel.objects.filter(pk__in=[channel.pk for channel in claimed]).update(**{moment: Now() + wait})
    return claimed


def open_channels() -> None:
    """A row for the line to each PSP that is configured; a new one is read from its first
    payment on. The others are not silent."""
    Channel.objects.exclude(provider__in=configured()).filter(silent_since__isnull=False).update(silent_since=None)
    missing = set(configured()) - set(Channel.objects.values_list("provider", flat=True))
    Channel.objects.bulk_create([Channel(provider=provider) for provider in missing], ignore_conflicts=True)
