"""What the shop's short mails say, one function a kind; and when one of them has become moot."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from orders.models import Order
from orders.money import format_chf
from payments.models import Letter, Payment, Refund


@dataclass(frozen=True)
class Words:
    """A mail's own words, in the language in use; `action` is the text of the link to the order's page."""

    subject: str
    paragraphs: list[str]
    action: str


def of(letter: Letter) -> Words:
    return WORDS[Letter.Kind(letter.kind)](letter)


def is_moot(letter: Letter) -> bool:
    """Whether what the letter would tell is no longer so."""
    order = letter.order
    if letter.kind == Letter.Kind.REFUSED:
        newest = order.payments.order_by("created_at").last()
        return order.status != Order.Status.PENDING or newest is None or str(newest.pk) != letter.about
    if letter.kind == Letter.Kind.EXPIRED:
        return order.status != Order.Status.CANCELLED
    if letter.kind == Letter.Kind.REFUNDED:
        # It bounced before the mail left: there is no notice of it, and staff have it on their list.
        return not Refund.objects.filter(pk=letter.about, status=Refund.Status.SUCCEEDED).exists()
    return False


def _link(letter: Letter) -> Words:
    return Words(
        _("KOOKUT: your link to the order"),
        [
            _("Here is the link to your order %(number)s: its state, its detail and its attestation of payment.")
            % {"number": letter.order.number},
            _("If you did not ask for it, you need not do anything."),
        ],
        _("See my order"),
    )


def _refused(letter: Letter) -> Words:
    until = {"time": date_format(localtime(letter.order.expires_at), "TIME_FORMAT")}
    return Words(
        _("KOOKUT: the payment did not go through, your basket is kept"),
        [
            _("The payment of your order %(number)s did not go through.") % {"number": letter.order.number},
            _("Nothing was debited by KOOKUT."),
            _("The goods are set aside for you until %(time)s.") % until,
        ],
        _("Take up the payment again"),
    )


def _expired(letter: Letter) -> Words:
    return Words(
        _("KOOKUT: the time to pay is over, order %(number)s") % {"number": letter.order.number},
        [
            _("The payment page was closed without a debit, and the goods are no longer set aside."),
            _("If an amount appears on your account all the same, please answer this mail."),
        ],
        _("Order again"),
    )


def _late_refunded(letter: Letter) -> Words:
    amount = {"amount": _received(letter)}
    return Words(
        _("KOOKUT: payment arrived after the deadline, %(amount)s go back") % amount,
        [
            _("Your payment for order %(number)s arrived when the order was already cancelled.")
            % {"number": letter.order.number},
            _("We send %(amount)s back to the means of payment that you used. You have nothing to do.") % amount,
            _("Depending on the bank, the amount appears within 5 to 10 working days."),
        ],
        _("See my order"),
    )


def _surplus_refunded(letter: Letter) -> Words:
    amount = {"amount": _received(letter)}
    return Words(
        _("KOOKUT: two payments received, %(amount)s go back") % amount,
        [
            _("We have received two payments for order %(number)s. We keep the first one.")
            % {"number": letter.order.number},
            _("We send %(amount)s back to the means of payment that you used. You have nothing to do.") % amount,
            _("Depending on the bank, the amount appears within 5 to 10 working days."),
        ],
        _("See my order"),
    )


def _review(letter: Letter) -> Words:
    return Words(
        _("KOOKUT: we are checking your payment, order %(number)s") % {"number": letter.order.number},
        [
            _("A payment has reached us that does not fit this order."),
            _("You have nothing to do: we will write to you by the next working day. Please don’t pay again."),
        ],
        _("See my order"),
    )


def _refunded(letter: Letter) -> Words:
    refund = Refund.objects.select_related("payment").get(pk=letter.about)
    facts = {"amount": format_chf(refund.amount), "number": letter.order.number}
    return Words(
        _("KOOKUT: refund of %(amount)s, order %(number)s") % facts,
        [
            _("We have sent %(amount)s back to the means of payment that you used.") % facts,
            _("Depending on the bank, the amount appears within 5 to 10 working days."),
            _("The refund notice is attached (PDF). KOOKUT keeps no bank data: please save or print it."),
        ],
        _("See my order"),
    )


def _received(letter: Letter) -> str:
    return format_chf(Payment.objects.get(pk=letter.about).received_amount or 0)


WORDS: dict[Letter.Kind, Callable[[Letter], Words]] = {
    Letter.Kind.LINK: _link,
    Letter.Kind.REFUSED: _refused,
    Letter.Kind.EXPIRED: _expired,
    Letter.Kind.LATE_REFUNDED: _late_refunded,
    Letter.Kind.SURPLUS_REFUNDED: _surplus_refunded,
    Letter.Kind.REVIEW: _review,
    Letter.Kind.REFUNDED: _refunded,
}
