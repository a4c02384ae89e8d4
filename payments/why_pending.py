"""Why an order is pending, in one sentence for staff: what is open until when, what was heard last, what comes next."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _

from orders.models import Order
from payments.models import Payment


def why_pending(order: Order) -> str:
    """The sentence, in the language in use; empty for an order that is not pending."""
    if order.status != Order.Status.PENDING:
        return ""
    payments = list(order.payments.order_by("created_at"))
    authorised = [payment for payment in payments if payment.status == Payment.Status.AUTHORISED]
    if any(payment.holds_money() or not payment.received_amount for payment in authorised):
        return _("Money came that does not fit the order: it stands on the list of what needs a person.")
    if unannounced := next((payment for payment in payments if payment.is_unannounced), None):
        facts = {"provider": unannounced.get_provider_display()}
        return (
            _(
                "%(provider)s shows the payment as made, but no message has said so. The order stays until what it "
                "shows is accepted, or the money has gone back."
            )
            % facts
        )
    latest = payments[-1] if payments else None
    return f"{_heard(latest) if latest else _('No payment page was opened yet.')} {_next(order, latest)}"


def _next(order: Order, latest: Payment | None) -> str:
    facts = {"time": _time(order.expires_at), "provider": latest.get_provider_display() if latest else ""}
    if order.expires_at > now() and latest and latest.was_refused:
        return _("The order can still be paid until %(time)s, and ends then if it is not.") % facts
    if order.expires_at > now():
        return _("Without a payment the order ends at %(time)s.") % facts
    if latest and latest.status == Payment.Status.STARTED:
        return (
            _("Its time was over at %(time)s: it ends once %(provider)s says that nothing was paid on its page.")
            % facts
        )
    return _("Its time was over at %(time)s: the sweep ends it.") % facts


def _heard(payment: Payment) -> str:
    facts = {
        "method": payment.get_method_display(),
        "provider": payment.get_provider_display(),
        "until": _time(payment.expires_at),
        "refusal": payment.get_refusal_display(),
    }
    match payment.status:
        case Payment.Status.FAILED:
            return _("The last try (%(method)s) was refused: %(refusal)s.") % facts
        case Payment.Status.AUTHORISED:
            return _("Money that did not fit came (%(method)s), and went back.") % facts
        case Payment.Status.EXPIRED:
            return _("The last page (%(method)s) was closed without a payment.") % facts
    if payment.with_bank_at:
        facts["moment"] = _time(payment.with_bank_at)
        return _("The payment has been with the bank since %(moment)s; %(provider)s has not said how it ended.") % facts
    if payment.claimed_at:
        return _("%(provider)s was asked for the approved money and has not answered yet.") % facts
    if payment.was_refused:
        return (
            _("%(provider)s declined what the customer chose (%(refusal)s); its page is open for another choice.")
            % facts
        )
    if payment.returned_at:
        facts["moment"] = _time(payment.returned_at)
        return _("The customer came back from %(provider)s at %(moment)s; its message has not come yet.") % facts
    if payment.approved_at:
        facts["moment"] = _time(payment.approved_at)
        return _("%(provider)s said at %(moment)s that the customer agreed; the money is about to be taken.") % facts
    if payment.left_at:
        facts["moment"] = _time(payment.left_at)
        return _("The customer left the page (%(method)s) at %(moment)s; it is open until %(until)s.") % facts
    return _("The page (%(method)s) is open until %(until)s; the customer has not come back.") % facts


def _time(moment: datetime) -> str:
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT")
