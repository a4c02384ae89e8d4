"""What the customer hears of: the parcel, a letter once more, a new link."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments import letters, links, shipping
from payments.desk.deeds.deed import Deed, Form, NotDone, Offer
from payments.desk.file import OrderFile
from payments.desk.forms import ShipForm
from payments.models import Payment


class Ship(Deed):
    name, permission, title = "ship", "orders.ship_order", gettext_lazy("Mark as sent")

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        if not shipping.why_not(file.order, file.settling):
            yield Offer(self, _("Mark as sent"))

    def form(self, file: OrderFile, about: str, data: Any = None) -> Form:
        return ShipForm(data)

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        return [(_("Delivery"), ", ".join([file.order.shipping_name, *file.order.delivery_address]))]

    def follows(self, file: OrderFile, about: str) -> str:
        return _("The customer gets a mail at once. It cannot be taken back.")

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        try:
            shipping.ship(file.order.pk, by, " ".join(form.cleaned_data["tracking"].split()), seen)
        except shipping.NotToBeSent as error:
            raise NotDone(str(error)) from error
        return _("Marked as sent. The customer is written to.")


class SendAgain(Deed):
    """About a letter, by its key."""

    name, permission, title = "send-again", "orders.send_letters_again", gettext_lazy("Send a letter again")
    has_about = True

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        for letter in letters.sendable_again(file.order) if file.order.email else []:
            yield Offer(self, _("Send the mail “%(letter)s” again") % {"letter": letter.label}, letter.key)

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        return [(_("Letter"), one.label) for one in letters.sendable_again(file.order) if one.key == about]

    def follows(self, file: OrderFile, about: str) -> str:
        return _("It goes to %(email)s at once.") % {"email": file.order.email}

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        if not letters.send_again(file.order.pk, about, by, seen):
            raise NotDone(_("This letter was sent again less than a minute ago."))
        return _("The letter is on its way.")


class ReplaceLink(Deed):
    name, permission, title = "replace-link", "orders.replace_link", gettext_lazy("Replace the link to the order")
    is_grave = True

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        is_open = any(payment.status == Payment.Status.STARTED for payment in file.payments)
        if file.order.email and not is_open:
            yield Offer(self, _("Replace the link to the order"))

    def follows(self, file: OrderFile, about: str) -> str:
        text = _(
            "The link that the customer has leads nowhere from then on. A mail with the new one goes to %(email)s."
        )
        return text % {"email": file.order.email}

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        try:
            links.replace(file.order.pk, by, seen)
        except links.PageIsOpen as error:
            raise NotDone(_("A payment page is open: who pays there would come back to a dead link.")) from error
        return _("The link is a new one. The customer is written to.")
