"""Mails to customers: rows that are due, written with what they tell of, sent at least once."""

import logging
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import override

from orders.models import Order, TimelineEntry
from orders.money import format_chf
from orders.moves import hold, tell
from payments import attestation
from payments.models import Letter, Payment

log = logging.getLogger(__name__)
BACK_OFF = [timedelta(minutes=minutes) for minutes in (2, 5, 15, 30)]
MOST_TRIES = 150
"""About three days of trying; then the staff's list has it."""


def due(order: Order, kind: Letter.Kind, about: object) -> Letter:
    """Write, in the caller's transaction, that a letter is due; one a matter, whatever happens twice."""
    return Letter.objects.create(order=order, kind=kind, about=str(about))


def send(letter_id: int) -> bool:
    """Send a letter that is due, and note it; returns whether this call did.

    The claim is committed before the mail leaves, so that two workers do not both send it. A worker killed between
    sending and noting makes it leave again, with the same Message-ID.
    """
    letter = _claim(letter_id)
    if letter is None:
        return False
    message = compose(letter)
    message.send()
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
    with override(letter.order.language):
        return _confirmation(letter) if letter.kind == Letter.Kind.CONFIRMATION else _link(letter)


def _confirmation(letter: Letter) -> EmailMultiAlternatives:
    order = letter.order
    document = attestation.of(order)
    subject = _("KOOKUT: payment accepted, order %(number)s (%(total)s)")
    message = _message(
        letter,
        subject % {"number": order.number, "total": format_chf(order.total)},
        lines=order.lines.all(),
        payment=Payment.objects.get(order=order, settles=True),
        attestation=document,
    )
    message.attach(attestation.filename(document), attestation.draw(document), "application/pdf")
    return message


def _link(letter: Letter) -> EmailMultiAlternatives:
    """Holds no word that a customer typed: nobody can use it to write to somebody else."""
    return _message(letter, _("KOOKUT: your link to the order"))


def _message(letter: Letter, subject: str, **facts: object) -> EmailMultiAlternatives:
    order = letter.order
    context = facts | {
        "order": order,
        "seller": settings.SELLER,
        "url": settings.SITE_URL + reverse("payments:order", args=[order.token]),
    }
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"emails/{letter.kind}.txt", context),
        to=[order.email],
        reply_to=[settings.SELLER["email"]],
        headers={"Message-ID": message_id(letter), "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string(f"emails/{letter.kind}.html", context), "text/html")
    return message


def message_id(letter: Letter) -> str:
    """The same for every sending of a letter: a mail program shows it once."""
    host = settings.SITE_URL.split("//")[1].split(":")[0]
    return f"<letter-{letter.pk}@{host}>"
