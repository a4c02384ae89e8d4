"""What staff may do about an order, one class each: when it is offered, to whom, and how it is done.

Each is carried out by the code that commands and the sweep use; here stands only what a page adds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from orders.models import Order, TimelineEntry
from orders.moves import hold_as_seen, tell
from payments import attention, checking, disputes, expiry, links, recovery, refunds, shipping
from payments.desk.file import OrderFile
from payments.desk.forms import GoodsBackForm, NoteForm, NothingForm, ReasonForm, RefundForm, ShipForm
from payments.gateways.base import Unreachable
from payments.models import Dispute, Payment, Refund, SetAside

Actor = TimelineEntry.Actor
Form = forms.Form


class NotDone(Exception):
    """It could not be done; the text says why, in the language in use."""


@dataclass(frozen=True)
class Offer:
    """A deed that is possible now, about a row of the order (or the order itself), in words."""

    deed: "Deed"
    label: str
    about: str = ""


class Deed:
    name: ClassVar[str]
    """In the address."""
    permission: ClassVar[str]
    title: ClassVar[Any]
    fields: ClassVar[str] = "admin/orders/order/fields.html"
    """The template of what is typed."""
    has_about = False
    """Whether it is about a row of the order's, which the address names."""
    is_grave = False
    """Whether it moves money or ends something."""
    two_steps = False
    """Whether what was typed is restated and confirmed before it is done."""

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        """Where it is possible now."""
        raise NotImplementedError

    def may(self, by: User, file: OrderFile, about: str) -> bool:
        return by.has_perm(self.permission)

    def label(self, by: User, file: OrderFile, offer: Offer) -> str:
        """What the button says that leads there."""
        return offer.label

    def form(self, file: OrderFile, about: str, data: Any = None) -> Form:
        return NothingForm(data)

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        """What the page restates, beside the order's own facts; `form` once it was filled in rightly."""
        return []

    def follows(self, file: OrderFile, about: str) -> str:
        """What will follow from it, in a sentence."""
        return ""

    def refuse(self, file: OrderFile, about: str, form: Form) -> str:
        """Why what was typed cannot be, before it is restated; empty when it can."""
        return ""

    def heading(self, by: User, file: OrderFile, about: str) -> str:
        """What the page is called."""
        return str(self.title)

    def button(self, by: User, file: OrderFile, about: str, form: Form | None) -> str:
        """What the last button says; `form` once it was filled in rightly."""
        return self.heading(by, file, about)

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        """Do it; returns what came of it, in a sentence. Raises NotDone and Meanwhile."""
        raise NotImplementedError


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
            raise NotDone(_("The payment provider does not answer. Try again later; the shop does so by itself."))
        if found == checking.NEWS:
            return _("The payment provider had news: see the history.")
        return _("The payment provider says nothing new.")


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
        _begin(file, seen, by, gettext_noop("to close the payment page"))
        if not _asked(lambda: expiry.shut_page(file.order, Actor.STAFF, by.get_username())):
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
        _begin(file, seen, by, gettext_noop("to cancel the order; its payment page is closed first"))
        reason = Order.CancelReason.STAFF
        if not _asked(lambda: expiry.withdraw(file.order, reason, Actor.STAFF, by.get_username())):
            raise NotDone(_("The order cannot be cancelled: money may be on its way. Check with the provider."))
        return _("The order is cancelled.")


class GiveBack(Deed):
    """A refund of a payment, of which something is left."""

    name, permission, title = "refund", "payments.request_refund", gettext_lazy("Give money back")
    fields = "admin/orders/order/refund_fields.html"
    has_about = is_grave = two_steps = True

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        for payment in file.payments:
            if _can_give(payment):
                text = _("Give money back (%(method)s, %(left)s left)")
                facts = {"method": payment.get_method_display(), "left": payment.printed(payment.refundable())}
                yield Offer(self, text % facts, str(payment.pk))

    def form(self, file: OrderFile, about: str, data: Any = None) -> Form:
        payment, owed = self._payment(file, about), self._owed(file, about)
        return RefundForm(
            data, lines=file.lines, left=owed, printed_left=payment.printed(owed), settles=payment.settles
        )

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        payment = self._payment(file, about)
        # What settled the order is told with every page about it.
        facts = [] if payment.settles else [(_("Payment"), f"{payment.printed_received} ({payment.by_what})")]
        if isinstance(form, RefundForm):
            facts.append((_("To be given back"), payment.printed(form.centimes)))
            names = {line.pk: line.name for line in file.lines}
            facts += [(_("Pieces"), f"{count} × {names[line]}") for line, count in form.pieces.items()]
            if payment.settles:
                back = form.cleaned_data["goods_back"]
                facts.append((_("Goods"), _("They return to the stock.") if back else _("They stay where they are.")))
            facts.append((_("Reason"), form.cleaned_data["reason"]))
            if refunds.needs_two(payment, form.centimes):
                facts.append((_("Two people"), _("Another person has to release it: this proposes it.")))
        return facts

    def button(self, by: User, file: OrderFile, about: str, form: Form | None) -> str:
        two = isinstance(form, RefundForm) and refunds.needs_two(self._payment(file, about), form.centimes)
        return _("Propose the refund") if two else super().button(by, file, about, form)

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        assert isinstance(form, RefundForm)  # noqa: S101 - made above
        try:
            refund = refunds.ask(self._payment(file, about).pk, self.wanted(about, form), by, seen)
        except refunds.NotRefundable as error:
            raise NotDone(error.sentence) from error
        if refund.status == Refund.Status.PROPOSED:
            return _("Proposed: another person has to release the refund of %(amount)s.") % {"amount": refund.printed}
        return _("The refund of %(amount)s is on its way.") % {"amount": refund.printed}

    def refuse(self, file: OrderFile, about: str, form: Form) -> str:
        try:
            refunds.refuse_what_cannot_be(file.order, self._payment(file, about), self.wanted(about, form))
        except refunds.NotRefundable as error:
            return error.sentence
        return ""

    def wanted(self, about: str, form: Any) -> refunds.Wanted:
        data = form.cleaned_data
        return refunds.Wanted(form.centimes, data["reason"], form.pieces, data.get("goods_back", False))

    def _payment(self, file: OrderFile, about: str) -> Payment:
        payment = file.payment(about)
        if payment is None:
            raise NotDone(_("The order has no such payment."))
        return payment

    def _owed(self, file: OrderFile, about: str) -> int:
        return self._payment(file, about).refundable()


class GiveBackAgain(GiveBack):
    """A refund in the place of one that failed."""

    name, title = "refund-again", gettext_lazy("Give money back again")

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        for refund in file.refunds:
            if refund.status == Refund.Status.FAILED and self._is_open(file, refund) and _can_give(refund.payment):
                yield Offer(self, _("Refund %(amount)s again") % {"amount": refund.printed}, str(refund.pk))

    def wanted(self, about: str, form: Any) -> refunds.Wanted:
        data = form.cleaned_data
        back = data.get("goods_back", False)
        return refunds.Wanted(form.centimes, data["reason"], form.pieces, back, UUID(about))

    def _is_open(self, file: OrderFile, refund: Refund) -> bool:
        return any(item.about == refund.pk for item in file.items)

    def _payment(self, file: OrderFile, about: str) -> Payment:
        refund = file.refund(about)
        if refund is None:
            raise NotDone(_("The order has no such refund."))
        return refund.payment

    def _owed(self, file: OrderFile, about: str) -> int:
        refund, left = file.refund(about), super()._owed(file, about)
        return min(refund.amount, left) if refund else left


class Release(Deed):
    name, permission, title = "release", "payments.release_refund", gettext_lazy("Release the refund")
    has_about = is_grave = True

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        for refund in _proposals(file):
            yield Offer(self, _("Release the refund of %(amount)s") % {"amount": refund.printed}, str(refund.pk))

    def may(self, by: User, file: OrderFile, about: str) -> bool:
        """Never who proposed it."""
        refund = file.refund(about)
        return super().may(by, file, about) and not (refund and refund.requested_by_id == by.pk)

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        return _facts_of(file.refund(about))

    def follows(self, file: OrderFile, about: str) -> str:
        return _("The money leaves at once. It cannot be taken back.")

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        try:
            refund = refunds.release(UUID(about), by, seen)
        except refunds.NotRefundable as error:
            raise NotDone(error.sentence) from error
        return _("The refund of %(amount)s is on its way.") % {"amount": refund.printed}


class TurnDown(Deed):
    name, permission, title = "turn-down", "payments.release_refund", gettext_lazy("Turn the refund down")
    has_about = True

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        for refund in _proposals(file):
            yield Offer(self, _("Turn down the refund of %(amount)s") % {"amount": refund.printed}, str(refund.pk))

    def may(self, by: User, file: OrderFile, about: str) -> bool:
        """Who may release it, and who proposed it."""
        own = self._is_own(by, file, about) and by.has_perm("payments.request_refund")
        return own or super().may(by, file, about)

    def heading(self, by: User, file: OrderFile, about: str) -> str:
        return _("Withdraw my proposal") if self._is_own(by, file, about) else super().heading(by, file, about)

    def label(self, by: User, file: OrderFile, offer: Offer) -> str:
        refund = file.refund(offer.about)
        if refund is None or not self._is_own(by, file, offer.about):
            return offer.label
        return _("Withdraw my proposal (%(amount)s)") % {"amount": refund.printed}

    def form(self, file: OrderFile, about: str, data: Any = None) -> Form:
        return ReasonForm(data)

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        return _facts_of(file.refund(about))

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        try:
            refunds.turn_down(UUID(about), by, form.cleaned_data["reason"], seen)
        except refunds.NotRefundable as error:
            raise NotDone(error.sentence) from error
        if self._is_own(by, file, about):
            return _("The proposal is withdrawn.")
        return _("The refund is turned down.")

    @staticmethod
    def _is_own(by: User, file: OrderFile, about: str) -> bool:
        refund = file.refund(about)
        return refund is not None and refund.requested_by_id == by.pk


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
        return _("It leaves the list for good. It moves neither money nor order.")

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        kind, _colon, row = about.partition(":")
        try:
            attention.set_aside(SetAside.Kind(kind), row, by, form.cleaned_data["reason"])
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
        _still_as_seen(file.order, seen)
        if payment is None or not payment.is_unannounced:
            raise NotDone(_("This payment does not wait to be accepted."))
        try:
            return _(_asked(lambda: recovery.accept(payment, by)))
        except recovery.NotShown as error:
            raise NotDone(_("The provider does not show this payment as paid now.")) from error


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
        _still_as_seen(file.order, seen)
        try:
            disputes.write_off(file.order.pk, by, goods_back=form.cleaned_data["goods_back"])
        except disputes.NotLost as error:
            raise NotDone(_("The order cannot be written off now.")) from error
        return _("The order is written off.")


def _still_as_seen(order: Order, seen: str) -> None:
    """For what a PSP is asked about before anything is moved: the move itself is guarded by the state."""
    with transaction.atomic():
        hold_as_seen(order.pk, seen)


def _begin(file: OrderFile, seen: str, by: User, what: str) -> None:
    """As above; and where a page has to be closed, tell of it before its PSP does. `what` is a message id."""
    with transaction.atomic():
        order = hold_as_seen(file.order.pk, seen)
        if any(payment.is_open for payment in file.payments):
            tell(order, TimelineEntry.Kind.ASKED, Actor.STAFF, by.get_username(), what=what)


def _asked(ask: Any) -> Any:
    try:
        return ask()
    except Unreachable as error:
        raise NotDone(_("The payment provider does not answer. Nothing has changed: try again later.")) from error


def _can_give(payment: Payment) -> bool:
    disputed = any(one.status == Dispute.Status.OPEN for one in payment.disputes.all())
    return payment.status == Payment.Status.AUTHORISED and payment.refundable() > 0 and not disputed


def _proposals(file: OrderFile) -> list[Refund]:
    return [refund for refund in file.refunds if refund.status == Refund.Status.PROPOSED]


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


def _facts_of(refund: Refund | None) -> list[tuple[str, str]]:
    if refund is None:
        return []
    goods = _("They return to the stock.") if refund.goods_back else _("They stay where they are.")
    return [
        (_("To be given back"), f"{refund.printed} ({refund.payment.by_what})"),
        (_("Reason"), refund.told_reason),
        (_("Goods"), goods),
        (_("Proposed by"), refund.requested_by.get_username() if refund.requested_by else "–"),
    ]


DEEDS: list[Deed] = [
    Check(),
    Ship(),
    PutAside(),
    Note(),
    Accept(),
    Release(),
    TurnDown(),
    GiveBack(),
    GiveBackAgain(),
    ReplaceLink(),
    ClosePage(),
    Cancel(),
    WriteOff(),
]
"""In the order of their buttons: what goes on first, what moves money or ends something last."""


def offered(file: OrderFile, by: User) -> list[Offer]:
    """What this person may do about the order now."""
    return [
        replace(offer, label=deed.label(by, file, offer))
        for deed in DEEDS
        for offer in deed.offers(file)
        if deed.may(by, file, offer.about)
    ]
