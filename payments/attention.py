"""What needs a person: one list, one sentence each, computed from rows. Nothing else remembers what is open; what no
event ends, a person sets aside."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import CharField, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast, Coalesce, Now
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from orders.models import Order, TimelineEntry
from orders.money import format_chf
from orders.moves import hold, tell
from payments.gateways import configured
from payments.models import Channel, Dispute, Letter, Payment, Provider, Refund, SetAside, WebhookEvent

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

SILENT = timedelta(minutes=30)
UNAPPLIED = timedelta(hours=1)
WAITING = timedelta(days=7)
OVERTIME = timedelta(hours=1)
"""For so long may an order outlive its time: the sweep, which asks its PSP at least every half hour, fails at it."""
NOT_LEFT = timedelta(days=2)
"""For so long may a refund wait to be taken by its PSP: more than a failure of an afternoon, and soon enough for a
customer who expects the money within 5 to 10 working days."""
NOT_DONE = timedelta(days=10)
"""For so long may a PSP have a refund without saying that it was made: as long as its eChecks and banks may take."""
AHEAD_AT_MOST = timedelta(days=3)
"""For so long a refund or a dispute may wait for its payment."""
LIMIT = 200
WhyNot = Payment.WhyNot
GOING = [Refund.Status.PROPOSED, Refund.Status.REQUESTED, Refund.Status.SUCCEEDED]
"""The states of a refund that gives its money back, or may."""


class Left(TypedDict):
    left: int
    """Centimes of its payment that are still here."""


@dataclass(frozen=True)
class Item:
    """One thing to be done: what happened and what to do, in the language in use; `until` when it has a date."""

    kind: str
    sentence: str
    order: Order | None = None
    until: datetime | None = None
    about: object = ""
    """The key of the row that it tells of, where a person may set the item aside."""


class NotListed(Exception):
    """No such item is on the list now, or not one that can be set aside."""


def items(order: Order | None = None) -> list[Item]:
    """Everything that waits for a person, at most LIMIT of each kind; of one order when it is given."""
    found = [
        *_money(order),
        *_unannounced(order),
        *_doubts(order),
        *_refunds(order),
        *_stuck(order),
        *_disputes(order),
        *_after_disputes(order),
        *_waiting(order),
        *_overtime(order),
        *_unapplied(order),
        *_undelivered(order),
    ]
    return found if order else [*found, *_silent()]


def orders() -> QuerySet[Order]:
    """The orders of which something stands on the list, as one query for the database."""
    return _orders().all()


@cache
def _orders() -> QuerySet[Order]:
    """Put together once, for the staff's lists ask it of every page: a third of their time went into it. It is never
    evaluated itself, and the time in it is PostgreSQL's when it is asked."""
    of_payments = [_misfits(), _unseen(), _doubtful(), _undecided_for_long()]
    of_refunds = [_failed(), _not_out(), _to_be_released()]
    of_disputes = [_open_disputes(), *_lost_and_back()]
    rows: list[QuerySet[Any, Any]] = [one.order_by().values("order_id") for one in of_payments]
    rows += [one.order_by().values("payment__order_id") for one in (*of_refunds, *of_disputes)]
    rows += [one.order_by().values("order_id") for one in (_late_messages(), unsent())]
    return Order.objects.filter(pk__in=overtime().order_by().values("pk").union(*rows))


@transaction.atomic
def set_aside(kind: SetAside.Kind, about: str, by: User, reason: str) -> None:
    """Take an item off the list for good, in the name of a member of staff who says why.

    Only what no event ends can be; it moves neither money nor order. Raises NotListed, also when somebody else was
    quicker, and ValueError without a reason.
    """
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise ValueError("An item is set aside for a reason.")
    order = _order_of(kind, about)
    if order:
        order = hold(pk=order.pk)
        # Anew, now that nothing moves any more: it may have ended meanwhile.
        _order_of(kind, about)
    _row, written = SetAside.objects.get_or_create(kind=kind, about=about, defaults={"by": by, "reason": reason})
    if not written:
        raise NotListed
    if order:
        what = {"item": kind.label, "reason": reason}
        tell(order, TimelineEntry.Kind.SET_ASIDE, TimelineEntry.Actor.STAFF, by.get_username(), **what)


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
        SetAside.Kind.DOUBT: _doubtful(),
        SetAside.Kind.REFUND_FAILED: _failed(),
        SetAside.Kind.LOST: _lost_and_back()[0],
        SetAside.Kind.UNAPPLIED: _late_messages(),
        SetAside.Kind.UNDELIVERED: unsent(),
    }
    try:
        return rows[SetAside.Kind(kind)].filter(pk=about).first()
    except (ValueError, ValidationError):
        return None


def _misfits() -> QuerySet[Payment]:
    """Money that does not settle its order and has neither gone back nor been sent back.

    What had gone back before it was heard of, and did not get there, is told of as a refund that failed.
    """
    nothing_came = Q(received_amount=0, order__status=Order.Status.PENDING)
    here = Payment.objects.exclude(why_not="").alias(gone=_gone("pk", GOING))
    here = here.filter(Q(received_amount__gt=F("gone")) | nothing_came)
    failed = Refund.objects.filter(payment=OuterRef("pk"), status=Refund.Status.FAILED, replacement=None)
    return here.exclude(Exists(failed), why_not=WhyNot.GONE)


def _money(order: Order | None) -> Iterator[Item]:
    for payment in _of(order, _misfits().select_related("order")).order_by("-authorised_at")[:LIMIT]:
        facts = {
            "number": payment.order.number,
            "received": payment.printed(payment.received_amount or 0),
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
                "Order %(number)s: %(received)s came by a means of payment that the shop does not take. Give it back, "
                "and write to the customer."
            )
        elif payment.why_not == WhyNot.MISMATCH:
            text = _(
                "Order %(number)s: %(received)s came instead of %(total)s. Give it back, and write to the customer."
            )
        elif payment.why_not == WhyNot.GONE:
            text = _(
                "Order %(number)s: %(received)s came, and had gone back before the shop heard of it. There is nothing "
                "to give back; if this stays for more than a day, look at the payment at %(provider)s."
            )
        elif payment.why_not == WhyNot.SECOND:
            text = _("Order %(number)s: a second payment of %(received)s came. Give it back.")
        else:
            text = _("Order %(number)s: %(received)s came for an order that is cancelled. Give it back.")
        yield Item(payment.why_not, text % facts, payment.order)


def _unseen() -> QuerySet[Payment]:
    return Payment.objects.filter(paid_seen_at__isnull=False).exclude(status=Payment.Status.AUTHORISED)


def _unannounced(order: Order | None) -> Iterator[Item]:
    text = _(
        "Order %(number)s: %(provider)s shows the payment as made, but no message has said so. Accept what it shows, "
        "or give the money back."
    )
    for payment in _of(order, _unseen().select_related("order"))[:LIMIT]:
        facts = {"number": payment.order.number, "provider": payment.get_provider_display()}
        yield Item("unannounced", text % facts, payment.order, about=payment.pk)


def _doubtful() -> QuerySet[Payment]:
    """Of effective orders, whose money has not gone back."""
    doubtful = Payment.objects.exclude(doubt="").filter(order__status=Order.Status.EFFECTIVE)
    return doubtful.filter(~_set_aside(SetAside.Kind.DOUBT))


def _doubts(order: Order | None) -> Iterator[Item]:
    doubtful = _doubtful().select_related("order")
    text = _(
        "Order %(number)s: %(doubt)s. Send nothing; look at the payment at %(provider)s, and give it back or keep it."
    )
    for payment in _of(order, doubtful).order_by("-authorised_at")[:LIMIT]:
        facts = {
            "number": payment.order.number,
            "doubt": payment.get_doubt_display(),
            "provider": payment.get_provider_display(),
        }
        yield Item(SetAside.Kind.DOUBT, text % facts, payment.order, about=payment.pk)


def _failed() -> "QuerySet[WithAnnotations[Refund, Left]]":
    """Refunds that failed, until another is asked for in their place and as long as there is money to be given back.

    Whether another that was given meanwhile stands in the place of one, only who asks for it can say.
    """
    return (
        Refund.objects.filter(status=Refund.Status.FAILED)
        .filter(replacement=None)
        .annotate(left=F("payment__received_amount") - _gone("payment_id", GOING))
        .filter(left__gt=0)
        .filter(~_set_aside(SetAside.Kind.REFUND_FAILED))
    )


def _refunds(order: Order | None) -> Iterator[Item]:
    failed = _failed().select_related("payment__order")
    if order:
        failed = failed.filter(payment__order=order)
    text = _(
        "Order %(number)s: a refund failed, and %(amount)s of it are still to be given back. Ask for another in its "
        "place (%(refund)s), or agree on another way with the customer and set it aside."
    )
    for refund in failed.order_by("-created_at")[:LIMIT]:
        facts = {
            "number": refund.payment.order.number,
            "amount": refund.payment.printed(min(refund.amount, refund.left)),
            "refund": refund.pk,
        }
        yield Item(SetAside.Kind.REFUND_FAILED, text % facts, refund.payment.order, about=refund.pk)


def _not_out() -> QuerySet[Refund]:
    """Refunds that do not get out, but for those that wait for the end of a dispute."""
    asked = Refund.objects.filter(status=Refund.Status.REQUESTED, created_at__lt=Now() - NOT_LEFT)
    disputed = Dispute.objects.filter(payment=OuterRef("payment_id"), status=Dispute.Status.OPEN)
    return asked.filter(Q(reference=None) | Q(created_at__lt=Now() - NOT_DONE), ~Exists(disputed))


def _stuck(order: Order | None) -> Iterator[Item]:
    stuck = _not_out() | _to_be_released()
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
    for refund in stuck.select_related("payment__order", "requested_by").order_by("created_at")[:LIMIT]:
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


def _open_disputes() -> QuerySet[Dispute]:
    return Dispute.objects.filter(status=Dispute.Status.OPEN)


def _disputes(order: Order | None) -> Iterator[Item]:
    disputes = _open_disputes().select_related("payment__order")
    if order:
        disputes = disputes.filter(payment__order=order)
    text = _("Order %(number)s: %(amount)s are disputed (%(reason)s). Answer at %(provider)s; send nothing meanwhile.")
    for dispute in disputes.order_by("due_at")[:LIMIT]:
        facts = {
            "number": dispute.payment.order.number,
            "amount": dispute.payment.printed(dispute.amount),
            "reason": dispute.told_reason,
            "provider": dispute.payment.get_provider_display(),
        }
        yield Item("dispute", text % facts, dispute.payment.order, dispute.due_at)


def _lost_and_back() -> tuple[QuerySet[Dispute], QuerySet[Dispute]]:
    """Orders that are not sent yet and whose money a bank took back: once, however often it was told of. And money that
    is here again though its order was written off.

    PayPal tells of one twice, as a dispute and as a reversal: who has set one aside has decided about the other too,
    unless that takes more.
    """
    unsent = Q(payment__order__status=Order.Status.EFFECTIVE, payment__order__shipped_at=None)
    lost = Dispute.objects.filter(unsent, status=Dispute.Status.LOST, payment__settles=True)
    same = Dispute.objects.filter(payment=OuterRef("payment_id"), amount__gte=OuterRef("amount"))
    lost = lost.filter(~Exists(same.filter(_set_aside(SetAside.Kind.LOST), status=Dispute.Status.LOST)))
    closed = Dispute.objects.filter(payment__order__cancel_reason=Order.CancelReason.DISPUTED, payment__settles=True)
    disputed = Dispute.objects.filter(payment=OuterRef("payment_id"), status=Dispute.Status.OPEN)
    return lost, closed.filter(~Exists(disputed), payment__received_amount__gt=_gone("payment_id", GOING))


def _after_disputes(order: Order | None) -> Iterator[Item]:
    lost, again = _lost_and_back()
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
    here = received - _gone("payment_id", [Refund.Status.SUCCEEDED])
    for dispute in largest.annotate(here=here, left=received - _gone("payment_id", GOING))[:LIMIT]:
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


def _undecided_for_long() -> QuerySet[Payment]:
    return Payment.objects.filter(status=Payment.Status.STARTED, created_at__lt=Now() - WAITING)


def _waiting(order: Order | None) -> Iterator[Item]:
    text = _("Order %(number)s: the bank has not decided for a week. Ask %(provider)s.")
    for payment in _of(order, _undecided_for_long().select_related("order"))[:LIMIT]:
        facts = {"number": payment.order.number, "provider": payment.get_provider_display()}
        yield Item("waiting", text % facts, payment.order)


def overtime() -> QuerySet[Order]:
    """Pending orders whose time was over long ago and that cannot be ended, for no reason that is told elsewhere: money
    that is here or was seen there, a bank that takes its days, a PSP that is silent altogether."""
    held = Payment.objects.filter(order=OuterRef("pk"), status=Payment.Status.AUTHORISED)
    held = held.filter(received_amount__gt=_gone("pk", [Refund.Status.SUCCEEDED]))
    silent = Channel.objects.filter(provider=OuterRef("provider"), silent_since__lt=Now() - SILENT)
    waiting = Payment.objects.filter(order=OuterRef("pk")).exclude(status=Payment.Status.AUTHORISED)
    asked = Q(status=Payment.Status.STARTED) & (Exists(undecided()) | Exists(silent))
    waiting = waiting.filter(Q(paid_seen_at__isnull=False) | asked)
    over = Order.objects.filter(status=Order.Status.PENDING, expires_at__lt=Now() - OVERTIME)
    return over.filter(~Exists(held), ~Exists(waiting))


def undecided() -> QuerySet[WebhookEvent]:
    """Of a payment in the query around it: the bank's own word that it will decide later."""
    told = WebhookEvent.objects.filter(order=OuterRef("order_id"), received_at__gte=OuterRef("created_at"))
    return told.filter(outcome=WebhookEvent.UNDECIDED)


def _overtime(order: Order | None) -> Iterator[Item]:
    text = _(
        "Order %(number)s: its time was over on %(time)s, but it cannot be ended, and its goods stay set aside. See "
        "the sweep's log and the payment provider's status page; it ends by itself once its page is known to be closed."
    )
    switched_off = _(
        "Order %(number)s: its time was over on %(time)s, but %(provider)s, where it may have been paid, is switched "
        "off in the settings, so that nobody can ask. Put its keys back until the order has ended."
    )
    orders = overtime().filter(pk=order.pk) if order else overtime()
    started = Payment.objects.filter(order=OuterRef("pk"), status=Payment.Status.STARTED)
    for one in orders.annotate(psp=Subquery(started.values("provider"))).order_by("expires_at")[:LIMIT]:
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
    for channel in Channel.objects.filter(silent_since__lt=Now() - SILENT):
        yield Item("silent", text % {"provider": channel.get_provider_display()})


def unapplied() -> QuerySet[WebhookEvent]:
    """Messages that are not applied, but for those that a person has set aside, or that came ahead of their payment,
    which may take its days."""
    ahead = Q(outcome=WebhookEvent.AHEAD, received_at__gt=Now() - AHEAD_AT_MOST)
    events = WebhookEvent.objects.filter(processed_at__isnull=True)
    return events.filter(~ahead, ~_set_aside(SetAside.Kind.UNAPPLIED))


def _to_be_released() -> QuerySet[Refund]:
    return Refund.objects.filter(status=Refund.Status.PROPOSED)


def _late_messages() -> QuerySet[WebhookEvent]:
    return unapplied().filter(received_at__lt=Now() - UNAPPLIED)


def _unapplied(order: Order | None) -> Iterator[Item]:
    events = _late_messages().filter(order=order) if order else _late_messages()
    text = _("A message of %(provider)s cannot be applied (%(type)s %(event)s): %(outcome)s")
    for event in events.select_related("order").order_by("received_at")[:LIMIT]:
        facts = {
            "provider": event.get_provider_display(),
            "type": event.type,
            "event": event.event_id,
            "outcome": event.said,
        }
        yield Item(SetAside.Kind.UNAPPLIED, text % facts, event.order, about=event.pk)


def unsent() -> QuerySet[Letter]:
    """Mails that were tried for days, and that nobody has set aside."""
    letters = Letter.objects.filter(sent_at__isnull=True, tries__gte=Letter.MOST_TRIES)
    return letters.filter(~_set_aside(SetAside.Kind.UNDELIVERED))


def _undelivered(order: Order | None) -> Iterator[Item]:
    letters = (unsent().filter(order=order) if order else unsent()).select_related("order")
    text = _("Order %(number)s: a mail could not be sent (%(kind)s). Check the address and the mail server.")
    for letter in letters[:LIMIT]:
        facts = {"number": letter.order.number, "kind": letter.get_kind_display()}
        yield Item(SetAside.Kind.UNDELIVERED, text % facts, letter.order, about=letter.pk)


def _of(order: Order | None, payments: QuerySet[Payment]) -> QuerySet[Payment]:
    return payments.filter(order=order) if order else payments


def _set_aside(kind: SetAside.Kind, row: str = "pk") -> Exists:
    """Whether a person has closed the item about the row in the query around it."""
    return Exists(SetAside.objects.filter(kind=kind, about=Cast(OuterRef(row), CharField())))


def _gone(payment: str, statuses: list[Refund.Status]) -> CombinedExpression:
    """Centimes of the payment in the query around it that are here no more: refunds in these states, and what a lost
    dispute took."""
    refunds = Refund.objects.filter(payment=OuterRef(payment), status__in=statuses).order_by().values("payment")
    lost = Dispute.objects.filter(payment=OuterRef(payment), status=Dispute.Status.LOST).order_by().values("payment")
    given = Subquery(refunds.annotate(sum=Sum("amount")).values("sum"))
    # PayPal tells of one twice, as a dispute and as a reversal: the larger.
    taken = Subquery(lost.annotate(most=Max("amount")).values("most"))
    return Coalesce(given, 0) + Coalesce(taken, 0)
