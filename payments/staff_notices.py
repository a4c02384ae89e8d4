"""What the shop writes to its staff: the facts of an order that needs a person, and what is to be done."""

from django.conf import settings
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from orders import days
from orders.models import Order, TimelineEntry
from orders.money import format_chf
from orders.moves import words
from payments import attention
from payments.models import Letter, Payment
from payments.notices import Words


def of(letter: Letter) -> Words:
    """The mail's words, in the language in use."""
    order = letter.order
    # Of what no message has told yet the timeline has no line.
    told = order.timeline.filter(pk=letter.about).first() if letter.about.isdecimal() else None
    to_do = [item.sentence for item in attention.items(order=order)]
    return Words(
        _subject(order, told),
        _("To be looked at"),
        [
            *([told.sentence] if told else []),
            *(to_do or [_("Nothing is left to be done about it.")]),
        ],
        _("Open the order"),
        _facts(order),
    )


def _subject(order: Order, told: TimelineEntry | None) -> str:
    facts = {"shop": settings.SELLER["shop"], "number": order.number, "total": format_chf(order.total)}
    if told is None:
        return _("[%(shop)s] To be looked at: %(number)s") % facts
    if told.data.get("why") == words(why=Payment.WhyNot.MISMATCH.label)["why"]:
        facts["amount"] = told.data["amount"]
        return _("[%(shop)s] To be looked at: %(number)s, received %(amount)s instead of %(total)s") % facts
    facts["news"] = told.sentence.rstrip(".")
    return _("[%(shop)s] To be looked at: %(number)s. %(news)s") % facts


def _facts(order: Order) -> list[tuple[str, str]]:
    return [
        (_("Order"), order.number),
        (_("Placed on"), days.moment(order.created_at)),
        (_("Status"), order.get_status_display()),
        (_("Total"), format_chf(order.total)),
        *[_payment(payment) for payment in order.payments.order_by("created_at")],
    ]


def _payment(payment: Payment) -> tuple[str, str]:
    what = f"{payment.get_method_display()}, {payment.get_provider_display()}"
    state = payment.get_status_display()
    if payment.authorised_at is None:
        return what, state
    came = payment.printed(payment.received_amount or 0)
    return what, f"{state}, {came}, {date_format(localtime(payment.authorised_at), 'SHORT_DATETIME_FORMAT')}"
