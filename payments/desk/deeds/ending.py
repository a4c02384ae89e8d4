"""What ends: a page, an order."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from orders.models import Order, TimelineEntry
from payments import disputes, expiry
from payments.desk.deeds.deed import Deed, Form, NotDone, Offer, asked, begin, still_as_seen
from payments.desk.file import OrderFile
from payments.desk.forms import GoodsBackForm
from payments.models import Dispute, Payment

Actor = TimelineEntry.Actor


class ClosePage(Deed):
    name, permission, title = "close-page", "orders.close_payment_page", gettext_lazy("Close the payment page")
    is_grave = True

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        if any(payment.may_be_closed for payment in file.payments):
            yield Offer(self, _("Close the payment page"))

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        return _open_pages(file)

    def follows(self, file: OrderFile, about: str) -> str:
        return _("Nobody can pay on this page any more. The order stays: it may be paid on another page.")

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        begin(file, seen, by, gettext_noop("to close the payment page"))
        if not asked(lambda: expiry.shut_page(file.order, Actor.STAFF, by.get_username())):
            raise NotDone(_("The page cannot be closed: money may be on its way there. Check with the provider."))
        return _("The payment page is closed.")


class Cancel(Deed):
    name, permission, title = "cancel", "orders.cancel_order", gettext_lazy("Cancel the order")
    is_grave = True

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        held = any(
            payment.holds_money() or payment.is_unannounced or (payment.is_open and not payment.may_be_closed)
            for payment in file.payments
        )
        if file.order.status == Order.Status.PENDING and not held:
            yield Offer(self, _("Cancel the order"))

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        return _open_pages(file)

    def follows(self, file: OrderFile, about: str) -> str:
        return _("Its payment page is closed first, and its goods can be sold again. It cannot be taken back.")

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        begin(file, seen, by, gettext_noop("to cancel the order; its payment page is closed first"))
        reason = Order.CancelReason.STAFF
        if not asked(lambda: expiry.withdraw(file.order, reason, Actor.STAFF, by.get_username())):
            raise NotDone(_("The order cannot be cancelled: money may be on its way. Check with the provider."))
        return _("The order is cancelled.")


class WriteOff(Deed):
    name, permission, title = "write-off", "payments.write_off_order", gettext_lazy("Write the order off")
    is_grave = True

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        paid = file.settling
        lost = paid and any(one.status == Dispute.Status.LOST for one in paid.disputes.all())
        if (
            paid
            and lost
            and not paid.holds_money()
            and file.order.status == Order.Status.EFFECTIVE
            and not file.order.shipped_at
        ):
            yield Offer(self, _("Write the order off"))

    def form(self, file: OrderFile, about: str, data: Any = None) -> Form:
        return GoodsBackForm(data)

    def follows(self, file: OrderFile, about: str) -> str:
        return _("The order ends: a lost dispute took its money, and it is not sent.")

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        still_as_seen(file.order, seen)
        try:
            disputes.write_off(file.order.pk, by, goods_back=form.cleaned_data["goods_back"])
        except disputes.NotLost as error:
            raise NotDone(_("The order cannot be written off now.")) from error
        return _("The order is written off.")


def _open_pages(file: OrderFile) -> list[tuple[str, str]]:
    text = _("%(means)s, opened on %(time)s")
    return [
        (
            _("Payment page"),
            text
            % {
                "means": payment.by_what,
                "time": date_format(localtime(payment.created_at), "SHORT_DATETIME_FORMAT"),
            },
        )
        for payment in file.payments
        if payment.status == Payment.Status.STARTED
    ]
