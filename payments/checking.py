"""A person asks the PSP about an order: by the very road by which the sweep asks and the bank's messages come in."""

from collections.abc import Mapping
from contextlib import suppress

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop as _

from orders.models import Order, TimelineEntry
from orders.moves import Meanwhile, hold, hold_as_seen, tell
from payments import inbox, recovery, sweep, unresolved
from payments.gateways.base import NotConfigured, Unclear, Unreachable
from payments.gateways.deadline import at_most, seconds_left
from payments.models import Payment, Provider, Refund, WebhookEvent

SECONDS = 20.0
"""In all: somebody waits for the answer."""
NOTHING_NEW = _("nothing new")
NEWS = _("there is news, see above")
PAID_THERE = _("it shows a payment as made, but no message has said so")
NEWS_THERE = _("there is news: see the order")
NO_ANSWER = _("no answer")
NO_TIME = _("not asked: the time was over")
MEANWHILE = _("not asked: something happened to it meanwhile")


def check(order_id: int, by: User, seen: str | None = None) -> str:
    """Look at every payment of the order that has a page, apply what was stored and not applied, and read refunds that
    are on their way; what the PSP's own list explains is taken from it. Returns what came of it: a message id.

    Nothing else than the PSP's word moves anything. Raises Meanwhile.
    """
    with transaction.atomic():
        order = hold_as_seen(order_id, seen)
    before = order.journal
    payments = [*order.payments.select_related("order").filter(page_reference__isnull=False).order_by("created_at")]
    try:
        with at_most(SECONDS):
            for payment in payments:
                _look(payment)
            _apply(order)
    except (Unreachable, NotConfigured):
        return _told(order, payments, NO_ANSWER, by)
    order.refresh_from_db(fields=["journal"])
    if unresolved.unannounced().filter(order=order).exists():
        return _told(order, payments, PAID_THERE, by)
    return _told(order, payments, NEWS if order.journal != before else NOTHING_NEW, by)


def check_many(seen: Mapping[int, str], by: User) -> dict[int, str]:
    """Check orders (id → its journal's last hash as it was seen), one after the other and all within the time of one.

    Returns what came of each, by id: a message id. Who has no turn any more is left as it is.
    """
    found = {}
    with at_most(SECONDS):
        for pk, journal in seen.items():
            try:
                said = check(pk, by, journal) if seconds_left() > 0 else NO_TIME
                found[pk] = NEWS_THERE if said == NEWS else said
            except Meanwhile:
                found[pk] = MEANWHILE
    return found


def _look(payment: Payment) -> None:
    if payment.status == Payment.Status.AUTHORISED:
        going = payment.refunds.filter(status=Refund.Status.REQUESTED, reference__isnull=False)
        for refund in going.select_related("payment__order"):
            recovery.read_refund(refund)
        return
    try:
        if payment.status == Payment.Status.STARTED:
            sweep.look_after(payment)
        else:
            sweep.look_once_more(payment)
    except NotConfigured:
        raise
    except Unclear:
        pass  # It answered, and shows no such page: what is known here stands.
    payment.refresh_from_db(fields=["status", "paid_seen_at"])
    if payment.is_unannounced:
        # Its message may be on the PSP's list, which alone lets money count without a person's decision.
        for _found in recovery.recover(payment.provider, payment.created_at):
            pass


def _apply(order: Order) -> None:
    for event in WebhookEvent.objects.filter(order=order, processed_at__isnull=True).order_by("received_at"):
        # What cannot be applied stays on the staff's list with its reason.
        with suppress(inbox.CannotApply):
            inbox.retry(event)


def _told(order: Order, payments: list[Payment], found: str, by: User) -> str:
    psps = " / ".join(sorted({Provider(payment.provider).label for payment in payments})) or "–"
    with transaction.atomic():
        held = hold(pk=order.pk)
        facts = {"provider": psps, "found": found}
        tell(held, TimelineEntry.Kind.CHECKED, TimelineEntry.Actor.STAFF, by.get_username(), **facts)
    return found
