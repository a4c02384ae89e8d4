"""Mails to customers: rows that are due, written with what they tell of, sent at least once."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import override
from django_tasks import task

from orders.models import Order, TimelineEntry
from orders.money import format_chf
from orders.moves import hold, hold_as_seen, tell, words
from payments import attestation, notices, parcel, staff_notices
from payments.models import Attestation, Letter, Method, Payment, Refund
from payments.statement import name_on_statement

log = logging.getLogger(__name__)
AGAIN_AFTER = timedelta(minutes=1)
"""Not so often that a button pressed twice sends two letters."""
BACK_OFF = [timedelta(minutes=minutes) for minutes in (2, 5, 15, 30)]


class NotSent(Exception):
    """The mail server refused a letter. What it said may name the address, which no log or task may hold."""


def due(order: Order, kind: Letter.Kind, about: object, after: timedelta = timedelta(0)) -> None:
    """Write, in the caller's transaction, that a letter is due; one a matter, whatever happens twice."""
    letter = Letter(order=order, kind=kind, about=str(about), due_at=now() + after)
    Letter.objects.bulk_create([letter], ignore_conflicts=True)
    send_soon.using(run_after=letter.due_at if after else None).enqueue(order.pk)


@dataclass(frozen=True)
class Sendable:
    """A letter that staff may have sent again."""

    kind: Letter.Kind
    refund: Refund | None = None

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.refund.pk}" if self.refund else str(self.kind)

    @property
    def label(self) -> str:
        return f"{self.kind.label}, {self.refund.printed}" if self.refund else str(self.kind.label)

    @property
    def about(self) -> str:
        """Another letter than the first one: mail programs show a Message-ID once."""
        again = f"again {now():%Y%m%d%H%M%S}"
        return f"{self.refund.pk} {again}" if self.refund else again


def sendable_again(order: Order) -> list[Sendable]:
    """What staff may have sent again: the link, every refund's notice, the attestation while its mail says what is."""
    refunds = Refund.objects.filter(payment__order=order, status=Refund.Status.SUCCEEDED).order_by("settled_at")
    attested = [Sendable(Letter.Kind.CONFIRMATION)] if order.status == Order.Status.EFFECTIVE else []
    return [*attested, Sendable(Letter.Kind.LINK), *(Sendable(Letter.Kind.REFUNDED, refund) for refund in refunds)]


@transaction.atomic
def send_again(order_id: int, key: str, by: User, seen: str | None = None) -> bool:
    """Let a letter leave once more, on a staff member's word; False when that was asked less than a minute ago.

    Raises ValueError when the order has no such letter, and Meanwhile.
    """
    order = hold_as_seen(order_id, seen)
    letter = next((one for one in sendable_again(order) if one.key == key), None)
    if letter is None:
        raise ValueError(key)
    told, what = TimelineEntry.Kind.LETTER_AGAIN, {"letter": letter.kind.label, "key": letter.key}
    if order.timeline.filter(kind=told, at__gt=now() - AGAIN_AFTER, data=words(**what)).exists():
        return False
    tell(order, told, TimelineEntry.Actor.STAFF, by.get_username(), **what)
    due(order, letter.kind, letter.about)
    return True


@task()
def send_soon(order: int) -> int:
    """Send what is due for an order, by a worker: the sweep does it too, later. Returns how many letters left."""
    waiting = Letter.objects.filter(order=order, sent_at__isnull=True, due_at__lte=Now())
    return sum(send(letter) for letter in waiting.values_list("pk", flat=True))


def send(letter_id: int) -> bool:
    """Send a letter that is due, and note it; returns whether this call did.

    The claim is committed before the mail leaves, so that two workers do not both send it. A worker killed between
    sending and noting makes it leave again, with the same Message-ID. Raises NotSent.
    """
    letter = _claim(letter_id)
    if letter is None:
        return False
    if notices.is_moot(letter):
        letter.delete()
        return False
    message = compose(letter)
    try:
        message.send()
    except SMTPException as error:
        raise NotSent(type(error).__name__) from None
    with transaction.atomic():
        order = hold(pk=letter.order_id)
        if Letter.objects.filter(pk=letter.pk, sent_at__isnull=True).update(sent_at=now()):
            tell(order, TimelineEntry.Kind.LETTER_SENT, TimelineEntry.Actor.SYSTEM, subject=message.subject)
    return True


def _claim(letter_id: int) -> Letter | None:
    letter = Letter.objects.select_related("order").get(pk=letter_id)
    wait = BACK_OFF[min(letter.tries, len(BACK_OFF) - 1)]
    claimed = Letter.objects.filter(pk=letter_id, sent_at__isnull=True, due_at__lte=Now(), tries=letter.tries).update(
        due_at=Now() + wait, tries=F("tries") + 1
    )
    return letter if claimed else None


def compose(letter: Letter) -> EmailMultiAlternatives:
    """The mail, in the order's language, with the documents that belong to it."""
    if letter.kind == Letter.Kind.TO_STAFF:
        with override(settings.LANGUAGE_CODE):
            return _to_staff(letter)
    with override(letter.order.language):
        if letter.kind == Letter.Kind.CONFIRMATION:
            return _confirmation(letter)
        return _notice(letter)


def _confirmation(letter: Letter) -> EmailMultiAlternatives:
    order = letter.order
    document = attestation.of(order)
    payment = Payment.objects.get(order=order, settles=True)
    refunds, lines = list(payment.refunds.all()), list(order.lines.all())
    went_back = [refund for refund in refunds if refund.status == Refund.Status.SUCCEEDED]
    is_to_come = not order.shipped_at and parcel.will_be_sent(order, payment, refunds, payment.disputes.all())
    facts = {"shop": settings.SELLER["shop"], "number": order.number, "total": format_chf(order.total)}
    subject = _("%(shop)s: payment accepted, order %(number)s (%(total)s)")
    message = _message(
        letter,
        "confirmation",
        subject % facts,
        name=" ".join(order.delivery_name.split()),
        lines=parcel.listed(order, lines, went_back),
        payment=payment,
        by=_("by card")
        if payment.method == Method.CARD
        else _("with %(method)s") % {"method": payment.get_method_display()},
        on_statement=name_on_statement(payment.method, settings.SELLER["statement_name"]),
        is_promised=is_to_come and order.delivery_is_ahead,
        attestation=document,
        taxes=attestation.taxes_shown(order, document),
    )
    _attach(message, document)
    return message


def _attach(message: EmailMultiAlternatives, document: Attestation) -> None:
    message.attach(attestation.filename(document), attestation.draw(document), "application/pdf")


def _notice(letter: Letter) -> EmailMultiAlternatives:
    """A few sentences of ours. Until money has come they hold no word that a customer typed: nobody can use the shop to
    write to somebody else."""
    words = notices.of(letter)
    message = _message(letter, "notice", words.subject, words=words, name=notices.greeted(letter.order))
    if letter.kind == Letter.Kind.REFUNDED:
        _attach(message, attestation.of_refund(notices.refund_of(letter)))
    return message


def _to_staff(letter: Letter) -> EmailMultiAlternatives:
    """What happened, what staff must do about the order, and the way to it."""
    words = staff_notices.of(letter)
    way = reverse("admin:orders_order_change", args=[letter.order_id])
    message = _message(letter, "notice", words.subject, words=words, to_staff=True, url=settings.SITE_URL + way)
    message.to, message.reply_to = settings.STAFF_MAIL, []
    return message


def _message(letter: Letter, template: str, subject: str, **facts: object) -> EmailMultiAlternatives:
    order = letter.order
    context = {
        "subject": subject,
        "order": order,
        "seller": settings.SELLER,
        "url": settings.SITE_URL + reverse("payments:order", args=[order.token]),
    } | facts
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"emails/{template}.txt", context).strip() + "\n",
        to=[order.email],
        reply_to=[settings.SELLER["email"]],
        headers={"Message-ID": message_id(letter), "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string(f"emails/{template}.html", context), "text/html")
    return message


def message_id(letter: Letter) -> str:
    """The same for every sending of a letter: a mail program shows it once."""
    host = settings.SITE_URL.split("//")[1].split(":")[0]
    return f"<letter-{letter.pk}@{host}>"
