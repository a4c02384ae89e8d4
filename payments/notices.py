"""What the shop's short mails say, one function a kind; and when one of them has become moot."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from orders import days
from orders.models import Order
from orders.money import format_chf
from payments import attestation, refusals
from payments.models import Dispute, Letter, Payment, Refund


@dataclass(frozen=True)
class Words:
    """A mail's own words, in the language in use."""

    subject: str
    heading: str
    paragraphs: list[str]
    action: str
    """The text of the link that leads on."""
    facts: list[tuple[str, str]] = field(default_factory=list)
    """What to compare with an account's statement: what it is, and its value."""


def of(letter: Letter) -> Words:
    return WORDS[Letter.Kind(letter.kind)](letter)


def greeted(order: Order) -> str:
    """The customer's name, on one line, once money has come for the order. Before that empty: a stranger may have typed
    it, who has the shop write to somebody else."""
    return " ".join(order.delivery_name.split()) if _money_came(order) else ""


def is_moot(letter: Letter) -> bool:
    """Whether what the letter would tell is no longer so."""
    order = letter.order
    if letter.kind == Letter.Kind.CONFIRMATION:
        # The money has gone back meanwhile, all of it: the mail of the refund tells.
        return order.status != Order.Status.EFFECTIVE
    if letter.kind == Letter.Kind.REFUSED:
        payments = list(order.payments.order_by("created_at"))
        newest = payments[-1]
        refused = newest.is_refused and str(newest.pk) == letter.about
        came = any(one.holds_money() or one.is_unannounced for one in payments)
        return order.status != Order.Status.PENDING or not refused or came
    if letter.kind == Letter.Kind.TO_STAFF and letter.about.startswith("unannounced "):
        # The PSP's own list has explained it meanwhile.
        unseen = order.payments.filter(paid_seen_at__isnull=False, pk=letter.about.removeprefix("unannounced "))
        return not unseen.exclude(status=Payment.Status.AUTHORISED).exists()
    if letter.kind == Letter.Kind.EXPIRED:
        # Of money that came since, other letters tell.
        expired = order.cancel_reason == Order.CancelReason.EXPIRED
        return not expired or order.payments.filter(authorised_at__gte=order.cancelled_at).exists()
    if letter.kind == Letter.Kind.REVIEW:
        # What came of it meanwhile, other letters tell.
        payment = Payment.objects.get(pk=letter.about)
        return bool(payment.received_amount) and not payment.holds_money()
    if letter.kind == Letter.Kind.HELD:
        return not is_held_back(order)
    if letter.kind in (Letter.Kind.LATE_REFUNDED, Letter.Kind.SURPLUS_REFUNDED):
        # It could not be given back: staff have it on their list, and write.
        return refund_of(letter).status == Refund.Status.FAILED
    if letter.kind == Letter.Kind.REFUNDED:
        # It bounced before the mail left: there is no notice of it, and staff have it on their list.
        return refund_of(letter).status != Refund.Status.SUCCEEDED
    return False


def is_held_back(order: Order) -> bool:
    """Whether a parcel that was promised does not leave because a bank examines its payment."""
    is_to_come = order.status == Order.Status.EFFECTIVE and not order.shipped_at
    open_now = Dispute.objects.filter(payment__order=order, payment__settles=True, status=Dispute.Status.OPEN)
    return is_to_come and open_now.exists()


def refund_of(letter: Letter) -> Refund:
    """The refund that a letter tells of, sent for the first time or again."""
    return Refund.objects.select_related("payment").get(pk=letter.about.split()[0])


def _link(letter: Letter) -> Words:
    way = _("Here is the link to your order %(number)s: its state and its detail.")
    if letter.order.effective_at:
        way = _("Here is the link to your order %(number)s: its state, its detail and its attestation of payment.")
    return Words(
        _("%(shop)s: your link to the order") % _shop(),
        _("Order %(number)s") % {"number": letter.order.number},
        [
            way % {"number": letter.order.number},
            _("If you did not ask for it, you need not do anything."),
        ],
        _("See my order"),
    )


def _refused(letter: Letter) -> Words:
    payment = Payment.objects.get(pk=letter.about)
    until = {"time": date_format(localtime(letter.order.expires_at), "TIME_FORMAT")}
    return Words(
        _("%(shop)s: the payment did not go through, your basket is kept") % _shop(),
        _("The payment did not go through"),
        [
            _("The payment of your order %(number)s did not go through.") % {"number": letter.order.number},
            refusals.sentence(payment),
            *([] if _money_came(letter.order) else [_("%(shop)s has not charged you.") % _shop()]),
            _("The goods are set aside for you until %(time)s.") % until,
        ],
        _("Take up the payment again"),
        [*_order(letter.order), (_("To be paid"), format_chf(letter.order.total)), _means(payment)],
    )


def _expired(letter: Letter) -> Words:
    closed = _("The payment page was closed without a debit, and the goods are no longer set aside.")
    if _money_came(letter.order):
        closed = _("The payment page was closed, and the goods are no longer set aside.")
    return Words(
        _("%(shop)s: the time to pay has run out, order %(number)s") % _shop(number=letter.order.number),
        _("The time to pay is over"),
        [
            closed,
            _("Your basket is kept: you can order the same goods again as long as they are in stock."),
            _("If an amount appears on your account all the same, please answer this mail."),
        ],
        _("Order again"),
        [*_order(letter.order), (_("Total"), format_chf(letter.order.total))],
    )


def _late_refunded(letter: Letter) -> Words:
    refund = refund_of(letter)
    amount = _shop(amount=refund.printed)
    subject = _("%(shop)s: payment arrived after the cancellation, %(amount)s refunded") % amount
    if letter.order.cancel_reason == Order.CancelReason.EXPIRED:
        subject = _("%(shop)s: payment arrived after the deadline, %(amount)s refunded") % amount
    came = _("Your payment for order %(number)s arrived when the order was already cancelled.")
    return Words(
        subject,
        _("Your payment arrived too late"),
        [came % {"number": letter.order.number}, *_goes_back(amount)],
        _("See my order"),
        [*_order(letter.order), (_("Goes back"), refund.printed), _means(refund.payment)],
    )


def _surplus_refunded(letter: Letter) -> Words:
    refund = refund_of(letter)
    amount = _shop(amount=refund.printed)
    came = _("We have received two payments for order %(number)s. We keep the first one.")
    if letter.order.status == Order.Status.CANCELLED:
        came = _("Another payment for order %(number)s arrived when the order was already closed.")
    return Words(
        _("%(shop)s: two payments received, %(amount)s refunded") % amount,
        _("We have received two payments"),
        [came % {"number": letter.order.number}, *_goes_back(amount)],
        _("See my order"),
        [*_order(letter.order), (_("Goes back"), refund.printed), _means(refund.payment)],
    )


def _goes_back(amount: dict[str, str]) -> list[str]:
    return [
        _("We send %(amount)s back to the means of payment that you used. You have nothing to do.") % amount,
        _("Depending on the bank, the amount appears within 5 to 10 working days."),
    ]


def _review(letter: Letter) -> Words:
    order, payment = letter.order, Payment.objects.get(pk=letter.about)
    received = payment.printed(payment.received_amount or 0)
    facts = _shop(number=order.number, received=received, total=format_chf(order.total))
    came = _("A payment for your order %(number)s was reported to us that does not fit it.")
    if payment.received_amount:
        came = _("A payment of %(received)s has reached us that does not fit your order %(number)s.")
    if payment.received_amount and payment.why_not == Payment.WhyNot.MISMATCH:
        came = _("We have received %(received)s for your order %(number)s, whose total is %(total)s.")
    came_in = [(_("Received"), received)] if payment.received_amount else []
    return Words(
        _("%(shop)s: we are checking your payment, order %(number)s") % facts,
        _("We are checking your payment"),
        [
            came % facts,
            _("You have nothing to do: we will write to you by the next working day. Please don’t pay again."),
        ],
        _("See my order"),
        [*_order(order), *came_in, (_("Total of the order"), facts["total"]), _means(payment)],
    )


def _refunded(letter: Letter) -> Words:
    refund = refund_of(letter)
    payment = refund.payment
    order, asked_back = letter.order, payment.asked_back()
    # As on the page and the papers, a part that is only asked back stays paid until it has left.
    stays = payment.stays() if payment.settles and payment.stays() > asked_back else 0
    facts = _shop(
        amount=refund.printed,
        number=letter.order.number,
        day=days.dated(refund.settled_at or refund.created_at),
        left=payment.printed(stays),
        asked_back=payment.printed(asked_back),
        reason=" ".join(refund.reason.split()),
    )
    told = [_("On %(day)s we sent %(amount)s back to the means of payment that you used.") % facts]
    if refund.requested_by_id and facts["reason"]:
        told.append(_("Reason: %(reason)s") % facts)
    if stays:
        told.append(_("Of your order %(left)s stay paid.") % facts)
    if asked_back:
        told.append(
            _("A further refund of %(asked_back)s has been requested already; we will write to you about it, too.")
            % facts
        )
    if payment.settles and not stays:
        told += filter(None, [_nothing_more(order)])
    return Words(
        _("%(shop)s: refund of %(amount)s, order %(number)s") % facts,
        _("Part of your payment was refunded") if stays or asked_back else _("Your payment was refunded"),
        [
            *told,
            _("Depending on the bank, the amount appears within 5 to 10 working days."),
            _("The refund notice is attached (PDF). Please save or print this document: %(shop)s keeps no bank data.")
            % facts,
        ],
        _("See my order"),
        [
            *_order(letter.order),
            (_("Refund notice"), attestation.of_refund(refund).number),
            (_("Amount refunded"), refund.printed),
            _means(payment),
            (_("Refunded on"), facts["day"]),
            *([(_("Refund requested"), facts["asked_back"])] if asked_back else []),
            *([(_("Stays paid"), facts["left"])] if stays else []),
        ],
    )


def _nothing_more(order: Order) -> str:
    """What becomes of an order of which nothing stays paid."""
    if order.status != Order.Status.CANCELLED:
        return "" if order.shipped_at else _("Nothing will be sent.")
    return _("This order is closed.") if order.shipped_at else _("This order is closed: nothing will be sent.")


def _shipped(letter: Letter) -> Words:
    order = letter.order
    tracked = [(_("Tracking number"), order.tracking)] if order.tracking else []
    return Words(
        _("%(shop)s: your parcel is on its way, order %(number)s") % _shop(number=order.number),
        _("Your parcel is on its way"),
        [_("The parcel of your order %(number)s has left us.") % {"number": order.number}],
        _("See my order"),
        [*_order(order), (_("Delivery"), order.shipping_name), *tracked],
    )


def _held(letter: Letter) -> Words:
    order, payment = letter.order, Payment.objects.get(pk=letter.about)
    facts = _shop(number=order.number)
    return Words(
        _("%(shop)s: your payment is disputed, order %(number)s") % facts,
        _("Your payment is disputed"),
        [
            _("The payment of your order %(number)s is disputed. We send nothing until that is decided.") % facts,
            _("The day of delivery that we named does therefore no longer hold."),
            _("If you know nothing of a dispute, please reply to this e-mail."),
        ],
        _("See my order"),
        [*_order(order), (_("Total"), format_chf(order.total)), _means(payment)],
    )


def _shop(**facts: str) -> dict[str, str]:
    """What a sentence tells of, with the name of the shop."""
    return {"shop": settings.SELLER["shop"], **facts}


def _order(order: Order) -> list[tuple[str, str]]:
    return [(_("Order"), order.number), (_("Placed on"), days.moment(order.created_at))]


def _means(payment: Payment) -> tuple[str, str]:
    return _("Means of payment"), payment.get_method_display()


def _money_came(order: Order) -> bool:
    """Whether the PSP held money for this order at any time, wherever it is now."""
    return order.payments.filter(status=Payment.Status.AUTHORISED).exists()


WORDS: dict[Letter.Kind, Callable[[Letter], Words]] = {
    Letter.Kind.LINK: _link,
    Letter.Kind.REFUSED: _refused,
    Letter.Kind.EXPIRED: _expired,
    Letter.Kind.LATE_REFUNDED: _late_refunded,
    Letter.Kind.SURPLUS_REFUNDED: _surplus_refunded,
    Letter.Kind.REVIEW: _review,
    Letter.Kind.REFUNDED: _refunded,
    Letter.Kind.SHIPPED: _shipped,
    Letter.Kind.HELD: _held,
}
