"""What needs a person: one list, one sentence each, of the rows that payments.unresolved finds; what no event ends, a
person sets aside."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from orders.models import Order, TimelineEntry
from orders.money import format_chf
from orders.moves import hold_as_seen, tell
from payments import unresolved
from payments.gateways import configured
from payments.models import Channel, Dispute, Letter, Payment, Provider, Refund, SetAside, WebhookEvent

LIMIT = 200
WhyNot = Payment.WhyNot


@dataclass(frozen=True)
class Item:
    """One thing to be done: what happened and what to do, in the language in use; `until` when it has a date."""

    kind: str
    sentence: str
    order: Order | None = None
    until: datetime | None = None
    about: object = ""
    """The key of the row that it tells of, where a person may set the item aside."""


Some = TypeVar("Some", bound=Payment)


class NotListed(Exception):
    """No such item is on the list now, or not one that can be set aside."""


def items(order: Order | None = None, most: int | None = None) -> list[Item]:
    """Everything that waits for a person, at most so many of each kind, else LIMIT; of one order when it is given."""
    most = LIMIT if most is None else most
    found = [
        *_money(order, most),
        *_unannounced(order, most),
        *_doubts(order, most),
        *_refunds(order, most),
        *_stuck(order, most),
        *_disputes(order, most),
        *_after_disputes(order, most),
        *_waiting(order, most),
        *_overtime(order, most),
        *_unapplied(order, most),
        *_undelivered(order, most),
    ]
    return found if order else [*found, *_silent()]


@transaction.atomic
def set_aside(kind: SetAside.Kind, about: str, by: User, reason: str, seen: str | None = None) -> Order | None:
    """Take an item off the list for good, in the name of a member of staff who says why; returns its order, if any.

    Only what no event ends can be; it moves neither money nor order. Raises NotListed, also when somebody else was
    quicker, Meanwhile, and ValueError without a reason.
    """
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise ValueError("An item is set aside for a reason.")
    order = _order_of(kind, about)
    if order:
        order = hold_as_seen(order.pk, seen)
        # Anew, now that nothing moves any more: it may have ended meanwhile.
        _order_of(kind, about)
    _row, written = SetAside.objects.get_or_create(kind=kind, about=about, defaults={"by": by, "reason": reason})
    if not written:
        raise NotListed
    if order:
        what = {"item": kind.label, "reason": reason}
        tell(order, TimelineEntry.Kind.SET_ASIDE, TimelineEntry.Actor.STAFF, by.get_username(), **what)
    return order


def _order_of(kind: SetAside.Kind, about: str) -> Order | None:
    """The order of the item about a row, however long the list is. Raises NotListed."""
    row = _row_of(kind, about)
    if row is None:
        raise NotListed
    order: Order | None = row.order if isinstance(row, Payment | Letter | WebhookEvent) else row.payment.order
    if order and not any((item.kind, str(item.about)) == (kind, about) for item in items(order)):
        raise NotListed
    return order


def _row_of(kind: SetAside.Kind, about: str) -> "Payment | Refund | Dispute | WebhookEvent | Letter | None":
    rows: dict[SetAside.Kind, QuerySet[Any, Any]] = {
        SetAside.Kind.DOUBT: unresolved.doubtful(),
        SetAside.Kind.REFUND_FAILED: unresolved.failed_refunds(),
        SetAside.Kind.LOST: unresolved.lost_and_back()[0],
        SetAside.Kind.UNAPPLIED: unresolved.late_messages(),
        SetAside.Kind.UNDELIVERED: unresolved.unsent(),
    }
    try:
        return rows[SetAside.Kind(kind)].filter(pk=about).first()
    except (ValueError, ValidationError):
        return None


def _money(order: Order | None, most: int) -> Iterator[Item]:
    misfits = unresolved.misfits().select_related("order")
    for payment in _of(order, misfits).order_by("-authorised_at")[:most]:
        facts = {
            "number": payment.order.number,
            "received": payment.printed(payment.received_amount or 0),
            "left": payment.printed(payment.left or 0),
            "total": format_chf(payment.order.total),
            "provider": payment.get_provider_display(),
        }
        if not payment.received_amount:
            text = _(
                "Order %(number)s: %(provider)s calls it paid, but nothing came instead of %(total)s. Look at the "
                "payment there, and write to the customer."
            )
        elif payment.why_not == WhyNot.MEANS:
            text = _(
                "Order %(number)s: %(received)s came by a means of payment that the shop does not take. Refund the "
                "%(left)s, and write to the customer."
            )
        elif payment.why_not == WhyNot.MISMATCH:
            text = _(
                "Order %(number)s: %(received)s came instead of %(total)s. Refund the %(left)s, and write to the "
                "customer."
            )
        elif payment.why_not == WhyNot.GONE:
            text = _(
                "Order %(number)s: %(received)s came, and had gone back before the shop heard of it. There is nothing "
                "to give back; if this stays for more than a day, look at the payment at %(provider)s."
            )
        elif payment.why_not == WhyNot.SECOND:
            text = _("Order %(number)s: a second payment of %(received)s came. Refund the %(left)s.")
        else:
            text = _("Order %(number)s: %(received)s came for an order that is cancelled. Refund the %(left)s.")
        yield Item(payment.why_not, text % facts, payment.order)


def _unannounced(order: Order | None, most: int) -> Iterator[Item]:
    text = _(
        "Order %(number)s: %(provider)s shows the payment as made, but no message has said so. A manager can accept "
        "what it shows, or give the money back there."
    )
    for payment in _of(order, unresolved.unannounced().select_related("order"))[:most]:
        facts = {"number": payment.order.number, "provider": payment.get_provider_display()}
        yield Item("unannounced", text % facts, payment.order, about=payment.pk)


def _doubts(order: Order | None, most: int) -> Iterator[Item]:
    doubtful = unresolved.doubtful().select_related("order")
    text = _(
        "Order %(number)s: %(doubt)s. Send nothing; look at the payment at %(provider)s, and give it back or keep it."
    )
    for payment in _of(order, doubtful).order_by("-authorised_at")[:most]:
        facts = {
            "number": payment.order.number,
            "doubt": payment.get_doubt_display(),
            "provider": payment.get_provider_display(),
        }
        yield Item(SetAside.Kind.DOUBT, text % facts, payment.order, about=payment.pk)


def _refunds(order: Order | None, most: int) -> Iterator[Item]:
    failed = unresolved.failed_refunds().select_related("payment__order")
    if order:
        failed = failed.filter(payment__order=order)
    text = _(
        "Order %(number)s: a refund failed. Refund the %(amount)s again, or agree on another way with the customer and "
        "mark it as reviewed."
    )
    for refund in failed.order_by("-created_at")[:most]:
        facts = {
            "number": refund.payment.order.number,
            "amount": refund.payment.printed(min(refund.amount, refund.left)),
        }
        yield Item(SetAside.Kind.REFUND_FAILED, text % facts, refund.payment.order, about=refund.pk)


def _stuck(order: Order | None, most: int) -> Iterator[Item]:
    stuck = unresolved.refunds_not_out() | unresolved.refunds_to_be_released()
    if order:
        stuck = stuck.filter(payment__order=order)
    here = _(
        "Order %(number)s: the refund of %(amount)s, asked for on %(date)s, has not left. Find out from %(provider)s "
        "why it takes none, and write to the customer: the shop keeps asking, so do not give it there as well."
    )
    there = _(
        "Order %(number)s: %(provider)s has the refund of %(amount)s, asked for on %(date)s, and does not say that it "
        "was made. Ask %(provider)s, and write to the customer."
    )
    proposed = _(
        "Order %(number)s: %(name)s proposes to give %(amount)s back. Another person has to release it, or turn it "
        "down."
    )
    for refund in stuck.select_related("payment__order", "requested_by").order_by("created_at")[:most]:
        facts = {
            "number": refund.payment.order.number,
            "amount": refund.printed,
            "date": date_format(localtime(refund.created_at), "SHORT_DATE_FORMAT"),
            "provider": refund.payment.get_provider_display(),
            "name": refund.requested_by.get_username() if refund.requested_by else "–",
        }
        if refund.status == Refund.Status.PROPOSED:
            yield Item("proposed", proposed % facts, refund.payment.order, about=refund.pk)
            continue
        yield Item("refund_stuck", (there if refund.reference else here) % facts, refund.payment.order)


def _disputes(order: Order | None, most: int) -> Iterator[Item]:
    disputes = unresolved.open_disputes().select_related("payment__order")
    if order:
        disputes = disputes.filter(payment__order=order)
    text = _("Order %(number)s: %(amount)s are disputed (%(reason)s). Answer at %(provider)s; send nothing meanwhile.")
    for dispute in disputes.order_by("due_at")[:most]:
        facts = {
            "number": dispute.payment.order.number,
            "amount": dispute.printed,
            "reason": dispute.told_reason,
            "provider": dispute.payment.get_provider_display(),
        }
        yield Item("dispute", text % facts, dispute.payment.order, dispute.due_at)


def _after_disputes(order: Order | None, most: int) -> Iterator[Item]:
    lost, again = unresolved.lost_and_back()
    if order:
        lost, again = lost.filter(payment__order=order), again.filter(payment__order=order)
    text = _(
        "Order %(number)s: %(amount)s were taken back after a dispute. Send nothing; write to the customer, and write "
        "the order off."
    )
    in_part = _(
        "Order %(number)s: %(amount)s were taken back after a dispute, and %(here)s are here. Write to the customer; "
        "give the rest back and then write the order off, or set this aside and send it."
    )
    is_back = _(
        "Order %(number)s was written off after a dispute, but %(left)s of its money are here again. Give them back, "
        "and write to the customer."
    )
    both = Dispute.objects.filter(pk__in=lost.values("pk").union(again.values("pk")))
    largest = both.order_by("payment_id", "-amount").distinct("payment_id").select_related("payment__order")
    received = F("payment__received_amount")
    here = received - unresolved.gone("payment_id", [Refund.Status.SUCCEEDED])
    for dispute in largest.annotate(here=here, left=received - unresolved.gone("payment_id", unresolved.GOING))[:most]:
        payment = dispute.payment
        facts = {
            "number": payment.order.number,
            "amount": payment.printed(dispute.amount),
            "here": payment.printed(dispute.here),
            "left": payment.printed(dispute.left),
        }
        if payment.order.status == Order.Status.EFFECTIVE:
            sentence = (in_part if dispute.here > 0 else text) % facts
            yield Item(SetAside.Kind.LOST, sentence, payment.order, about=dispute.pk)
        else:
            yield Item("written_off", is_back % facts, payment.order)


def _waiting(order: Order | None, most: int) -> Iterator[Item]:
    text = _("Order %(number)s: the bank has not decided for a week. Ask %(provider)s.")
    for payment in _of(order, unresolved.undecided_for_long().select_related("order"))[:most]:
        facts = {"number": payment.order.number, "provider": payment.get_provider_display()}
        yield Item("waiting", text % facts, payment.order)


def _overtime(order: Order | None, most: int) -> Iterator[Item]:
    text = _(
        "Order %(number)s: its time was over on %(time)s, but it cannot be ended, and its goods stay set aside. See "
        "the sweep's log and the payment provider's status page; it ends by itself once its page is known to be closed."
    )
    switched_off = _(
        "Order %(number)s: its time was over on %(time)s, but %(provider)s, where it may have been paid, is switched "
        "off in the settings, so that nobody can ask. Put its keys back until the order has ended."
    )
    orders = unresolved.overtime().filter(pk=order.pk) if order else unresolved.overtime()
    started = Payment.objects.filter(order=OuterRef("pk"), status=Payment.Status.STARTED)
    for one in orders.annotate(psp=Subquery(started.values("provider"))).order_by("expires_at")[:most]:
        facts = {
            "number": one.number,
            "time": date_format(localtime(one.expires_at), "SHORT_DATETIME_FORMAT"),
            "provider": Provider(one.psp).label if one.psp else "",
        }
        asked = one.psp is None or one.psp in configured()
        yield Item("overtime", (text if asked else switched_off) % facts, one)


def _silent() -> Iterator[Item]:
    text = _(
        "%(provider)s has not answered for more than half an hour. Nothing expires meanwhile; see its status page."
    )
    for channel in Channel.objects.filter(silent_since__lt=Now() - unresolved.SILENT):
        yield Item("silent", text % {"provider": channel.get_provider_display()})


def _unapplied(order: Order | None, most: int) -> Iterator[Item]:
    events = unresolved.late_messages().filter(order=order) if order else unresolved.late_messages()
    text = _("A message of %(provider)s cannot be applied (%(type)s %(event)s): %(outcome)s")
    for event in events.select_related("order").order_by("received_at")[:most]:
        facts = {
            "provider": event.get_provider_display(),
            "type": event.type,
            "event": event.event_id,
            "outcome": event.said,
        }
        yield Item(SetAside.Kind.UNAPPLIED, text % facts, event.order, about=event.pk)


def _undelivered(order: Order | None, most: int) -> Iterator[Item]:
    letters = (unresolved.unsent().filter(order=order) if order else unresolved.unsent()).select_related("order")
    text = _("Order %(number)s: a mail could not be sent (%(kind)s). Check the address and the mail server.")
    for letter in letters[:most]:
        facts = {"number": letter.order.number, "kind": letter.get_kind_display()}
        yield Item(SetAside.Kind.UNDELIVERED, text % facts, letter.order, about=letter.pk)


def _of(order: Order | None, payments: QuerySet[Some]) -> QuerySet[Some]:
    return payments.filter(order=order) if order else payments
