"""An order's file: everything about it, read once, as the staff's page shows it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from orders.models import Order, OrderLine, TimelineEntry
from orders.money import format_chf
from payments import attention
from payments.desk.links import at_psp
from payments.models import Dispute, Letter, Payment, Refund, WebhookEvent

Status = Order.Status
Reason = Order.CancelReason
SEE = "orders.view_order"


def with_payments(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Orders with their payments, refunds and disputes, in three statements more, however many they are."""
    refunds = Refund.objects.select_related("requested_by", "released_by").order_by("created_at")
    payments = Payment.objects.order_by("created_at").prefetch_related(Prefetch("refunds", refunds), "disputes")
    return orders.prefetch_related(Prefetch("payments", payments))


def file_for(request: HttpRequest, pk: int) -> "OrderFile":
    """An order's file for a page of staff who may see it."""
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    try:
        return OrderFile.of(pk)
    except Order.DoesNotExist:
        raise Http404 from None


@dataclass(frozen=True)
class Badge:
    """An order's state in a word; its colour only says the same again."""

    kind: str
    label: str


def badges(order: Order) -> list[Badge]:
    """What an order's state is called, of one that `with_payments` has read."""
    first = _badge(order)
    return [first, Badge("shipped", _("Sent"))] if order.shipped_at else [first]


def _badge(order: Order) -> Badge:
    payments = list(order.payments.all())
    if order.status == Status.PENDING and payments and payments[-1].was_refused:
        return Badge("refused", _("Refused"))
    return badge_of(order, given_back=given_back(order))


def badge_of(order: Order, *, given_back: int) -> Badge:
    """By the order's own row, and how many centimes of its money went back."""
    if order.status == Status.PENDING:
        return Badge("pending", _("Waiting"))
    if order.status == Status.EFFECTIVE:
        return Badge("refunded", _("Refunded in part")) if given_back else Badge("paid", _("Paid"))
    named = {
        Reason.REFUNDED: Badge("refunded", _("Refunded in full")),
        Reason.EXPIRED: Badge("expired", _("Expired, not paid")),
        Reason.DISPUTED: Badge("disputed", _("Taken back")),
    }
    return named.get(Reason(order.cancel_reason), Badge("cancelled", _("Cancelled")))


def settling(order: Order) -> Payment | None:
    return next((payment for payment in order.payments.all() if payment.settles), None)


def given_back(order: Order) -> int:
    """Centimes of the order's own money that went back for certain."""
    paid = settling(order)
    return paid.refunded() if paid else 0


@dataclass(frozen=True)
class Told:
    """A line of the order's history: of its timeline, or a message of its bank."""

    at: datetime
    actor: str
    name: str
    text: str
    data: str = ""
    """JSON, for who wants to know exactly."""
    link: str = ""


@dataclass(frozen=True)
class Money:
    """A payment as the page shows it."""

    payment: Payment
    page_link: str
    money_link: str
    received: str
    left: str
    """What may still be given back, where a part of it went or is on its way; else empty."""


@dataclass
class OrderFile:
    order: Order
    lines: list[OrderLine] = field(default_factory=list)

    @classmethod
    def of(cls, pk: int) -> "OrderFile":
        """Raises Order.DoesNotExist."""
        order = with_payments(Order.objects.filter(pk=pk)).get()
        return cls(order, list(order.lines.all()))

    @cached_property
    def payments(self) -> list[Payment]:
        payments = list(self.order.payments.all())
        for payment in payments:
            payment.order = self.order
        return payments

    @cached_property
    def refunds(self) -> list[Refund]:
        found = [refund for payment in self.payments for refund in self._refunds_of(payment)]
        return sorted(found, key=lambda refund: refund.created_at)

    @staticmethod
    def _refunds_of(payment: Payment) -> Iterable[Refund]:
        for refund in payment.refunds.all():
            refund.payment = payment
            yield refund

    @property
    def linked_refunds(self) -> list[tuple[Refund, str]]:
        """Each with its place at the PSP."""
        return [(one, at_psp(one.payment.provider, one.reference)) for one in self.refunds]

    @cached_property
    def disputes(self) -> list[tuple[Dispute, str]]:
        """Each with its place at the PSP."""
        return [
            (one, at_psp(payment.provider, one.reference))
            for payment in self.payments
            for one in payment.disputes.all()
        ]

    @cached_property
    def settling(self) -> Payment | None:
        return settling(self.order)

    @cached_property
    def money(self) -> list[Money]:
        return [
            Money(
                payment,
                at_psp(payment.provider, payment.page_reference),
                at_psp(payment.provider, payment.money_reference),
                payment.printed_received,
                payment.printed(left) if (left := payment.refundable()) != (payment.received_amount or 0) else "",
            )
            for payment in self.payments
        ]

    @cached_property
    def items(self) -> list[attention.Item]:
        return attention.items(self.order)

    @cached_property
    def letters(self) -> list[Letter]:
        return list(self.order.letters.all())

    @cached_property
    def events(self) -> list[WebhookEvent]:
        return list(self.order.events.order_by("received_at"))

    @property
    def terms(self) -> str:
        """Which terms were agreed to: those of a day."""
        try:
            return _("of %(day)s") % {"day": date_format(date.fromisoformat(self.order.terms_version), "DATE_FORMAT")}
        except ValueError:
            return self.order.terms_version

    @cached_property
    def history(self) -> list[Told]:
        """Oldest first: the timeline, and between its lines the bank's messages as they came."""
        told = [_line(entry) for entry in self.order.timeline.all()]
        return sorted([*told, *map(self._message, self.events)], key=lambda line: line.at)

    def _message(self, event: WebhookEvent) -> Told:
        outcome = event.said or _("not applied yet")
        if event.source == WebhookEvent.Source.READ:
            text = _("No message came; the team read the payment at the provider and accepted it: %(outcome)s.")
        else:
            text = _("Message %(type)s (%(how)s, proven): %(outcome)s.")
        text %= {"type": event.type, "how": event.get_source_display(), "outcome": outcome}
        if seconds := self._seconds_waited(event):
            text += " " + _("%(seconds)s s after the customer came back.") % {"seconds": seconds}
        link = at_psp(event.provider, event.event_id)
        data = {"event": event.event_id, "facts": event.facts, "sha256": event.body_sha256}
        return Told(event.received_at, _("Bank"), event.get_provider_display(), text, _json(data), link)

    def _seconds_waited(self, event: WebhookEvent) -> int:
        """How long the customer who was back waited for this message, where it is the one that brought the money."""
        back = [one.returned_at for one in self.payments if one.authorised_by_id == event.pk and one.returned_at]
        return round((event.received_at - back[0]).total_seconds()) if back and back[0] < event.received_at else 0

    def since(self, seen: str) -> list[Told]:
        """What the timeline tells since its last line was the one with this hash; all of it where there is none."""
        entries = list(self.order.timeline.all())
        hashes = [entry.hash for entry in entries]
        start = hashes.index(seen) + 1 if seen in hashes else 0
        return [_line(entry) for entry in entries[start:]]

    @property
    def paid_facts(self) -> list[tuple[str, str]]:
        """What every page about it restates: the amount, how it was paid, who ordered."""
        order, paid = self.order, self.settling
        facts = [(_("Order"), order.number), (_("Customer"), f"{order.delivery_name}, {order.email}")]
        facts.append((_("Total"), format_chf(order.total)))
        if paid:
            facts.append((_("Paid"), f"{paid.printed(paid.received_amount or 0)} ({paid.by_what})"))
            if back := given_back(order):
                facts.append((_("Refunded"), paid.printed(back)))
        if order.shipped_at:
            sent = date_format(localtime(order.shipped_at), "SHORT_DATETIME_FORMAT")
            facts.append((_("Delivery"), _("Sent on %(day)s") % {"day": sent}))
        return facts

    def payment(self, pk: str) -> Payment | None:
        return next((one for one in self.payments if str(one.pk) == pk), None)

    def refund(self, pk: str | UUID) -> Refund | None:
        return next((one for one in self.refunds if str(one.pk) == str(pk)), None)


def _line(entry: TimelineEntry) -> Told:
    data = _json(entry.data) if entry.data else ""
    return Told(entry.at, entry.get_actor_display(), entry.actor_name, entry.sentence, data)


def _json(data: object) -> str:
    return json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
