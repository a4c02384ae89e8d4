"""Looking after an order: ask its PSP, note something, mark what is done with, take what a PSP shows."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import TimelineEntry
from orders.moves import hold_as_seen, tell
from payments import attention, checking, recovery
from payments.desk.deeds.deed import Deed, Form, NoAnswer, NotDone, Offer, asked, still_as_seen
from payments.desk.file import OrderFile
from payments.desk.forms import NoteForm, ReasonForm
from payments.models import SetAside

Actor = TimelineEntry.Actor
IT_LEAVES = gettext_lazy("It leaves the list for good. It moves neither money nor order.")


class Check(Deed):
    name, permission, title = "check", "orders.check_with_psp", gettext_lazy("Check with the payment provider")

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        if any(payment.page_reference for payment in file.payments):
            yield Offer(self, _("Check with the payment provider"))

    def follows(self, file: OrderFile, about: str) -> str:
        return _("The provider is asked about every payment of the order. What it says is applied as its messages are.")

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        found = checking.check(file.order.pk, by, seen)
        if found == checking.NO_ANSWER:
            raise NoAnswer(_("The payment provider does not answer. Try again later; the shop does so by itself."))
        if found == checking.PAID_THERE:
            return _(
                "The payment provider shows the payment as made, but no message has said so. A manager can accept what "
                "it shows."
            )
        if found == checking.NEWS:
            return _("The payment provider had news: see the history.")
        return _("The payment provider says nothing new.")


class Note(Deed):
    name, permission, title = "note", "orders.note_order", gettext_lazy("Add a note")

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        yield Offer(self, _("Add a note"))

    def form(self, file: OrderFile, about: str, data: Any = None) -> Form:
        return NoteForm(data)

    def follows(self, file: OrderFile, about: str) -> str:
        return _("Staff alone read it. It stays as it is written: nobody can change or delete it.")

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        with transaction.atomic():
            order = hold_as_seen(file.order.pk, seen)
            text = form.cleaned_data["text"]
            tell(order, TimelineEntry.Kind.NOTE, Actor.STAFF, by.get_username(), text=text)
        return _("The note is in the history.")


class PutAside(Deed):
    """About an item of the staff's list, `kind:row`."""

    name, permission, title = "set-aside", "payments.set_aside", gettext_lazy("Mark as looked at")
    has_about = True

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        for item in file.items:
            if item.kind in SetAside.Kind.values:
                kind = SetAside.Kind(item.kind).label
                yield Offer(self, _("Mark as looked at: %(item)s") % {"item": kind}, f"{item.kind}:{item.about}")

    def form(self, file: OrderFile, about: str, data: Any = None) -> Form:
        return ReasonForm(data)

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        told = [item.sentence for item in file.items if f"{item.kind}:{item.about}" == about]
        return [(_("To be looked at"), sentence) for sentence in told]

    def follows(self, file: OrderFile, about: str) -> str:
        return str(IT_LEAVES)

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        kind, _colon, row = about.partition(":")
        try:
            attention.set_aside(SetAside.Kind(kind), row, by, form.cleaned_data["reason"], seen)
        except attention.NotListed as error:
            raise NotDone(_("It is not on the list any more: somebody was quicker, or it has ended.")) from error
        return _("It is off the list.")


class Accept(Deed):
    name, permission, title = "accept", "payments.accept_payment", gettext_lazy("Accept the payment")
    has_about = is_grave = True

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        for payment in file.payments:
            if payment.is_unannounced:
                facts = {"amount": payment.printed(payment.amount), "provider": payment.get_provider_display()}
                yield Offer(self, _("Accept the payment that %(provider)s shows") % facts, str(payment.pk))

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        payment = file.payment(about)
        if payment is None:
            return []
        return [(_("Payment"), f"{payment.printed(payment.amount)} ({payment.by_what})")]

    def follows(self, file: OrderFile, about: str) -> str:
        return _("The provider is asked once more. What it shows is compared and applied as a message, in your name.")

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        payment = file.payment(about)
        still_as_seen(file.order, seen)
        if payment is None or not payment.is_unannounced:
            raise NotDone(_("This payment does not wait to be accepted."))
        try:
            return _(asked(lambda: recovery.accept(payment, by)))
        except recovery.NotShown as error:
            raise NotDone(_("The provider does not show this payment as paid now.")) from error
