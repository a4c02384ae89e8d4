"""Money that goes back: asked for, released by a second person, or turned down."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order
from payments import refunds
from payments.desk.deeds.deed import Deed, Form, NotDone, Offer
from payments.desk.file import OrderFile
from payments.desk.forms import ReasonForm, RefundForm
from payments.models import Dispute, Payment, Refund


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
            data,
            lines=file.lines,
            left=owed,
            printed_left=payment.printed(owed),
            settles=payment.settles,
            is_sent=file.order.shipped_at is not None,
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
                wanted = self.wanted(file, about, form)
                for_goods = bool(wanted.pieces) or self._takes_all(file, about, form)
                facts.append((_("Goods"), _of_the_goods(file.order, back=wanted.goods_back, for_goods=for_goods)))
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
            refund = refunds.ask(self._payment(file, about).pk, self.wanted(file, about, form), by, seen)
        except refunds.NotRefundable as error:
            raise NotDone(error.sentence) from error
        if refund.status == Refund.Status.PROPOSED:
            return _("Proposed: another person has to release the refund of %(amount)s.") % {"amount": refund.printed}
        return _("The refund of %(amount)s is on its way.") % {"amount": refund.printed}

    def refuse(self, file: OrderFile, about: str, form: Form) -> str:
        try:
            refunds.refuse_what_cannot_be(file.order, self._payment(file, about), self.wanted(file, about, form))
        except refunds.NotRefundable as error:
            return error.sentence
        return ""

    def wanted(self, file: OrderFile, about: str, form: Any) -> refunds.Wanted:
        data = form.cleaned_data
        # Of a parcel that is still to leave as it was ordered nothing returns, though the box was ticked beforehand.
        leaves = not file.order.shipped_at and not form.pieces and not self._takes_all(file, about, form)
        back = data.get("goods_back", False) and not leaves
        return refunds.Wanted(form.centimes, data["reason"], form.pieces, back)

    def _takes_all(self, file: OrderFile, about: str, form: Any) -> bool:
        return bool(form.centimes >= self._payment(file, about).refundable())

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

    def wanted(self, file: OrderFile, about: str, form: Any) -> refunds.Wanted:
        return replace(super().wanted(file, about, form), instead_of=UUID(about))

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
        return super().may(by, file, about) and not self.why_not(by, file, about)

    def why_not(self, by: User, file: OrderFile, about: str) -> str:
        refund = file.refund(about)
        is_own = refund is not None and refund.requested_by_id == by.pk
        return _("You proposed this refund: another person has to release it.") if is_own else ""

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


def _can_give(payment: Payment) -> bool:
    disputed = any(one.status == Dispute.Status.OPEN for one in payment.disputes.all())
    return payment.status == Payment.Status.AUTHORISED and payment.refundable() > 0 and not disputed


def _proposals(file: OrderFile) -> list[Refund]:
    return [refund for refund in file.refunds if refund.status == Refund.Status.PROPOSED]


def _facts_of(refund: Refund | None) -> list[tuple[str, str]]:
    if refund is None:
        return []
    payment = refund.payment
    facts = [(_("To be given back"), f"{refund.printed} ({payment.by_what})"), (_("Reason"), refund.told_reason)]
    if payment.settles:
        for_goods = bool(refund.pieces) or not payment.refundable()
        facts.append((_("Goods"), _of_the_goods(payment.order, back=refund.goods_back, for_goods=for_goods)))
    return [*facts, (_("Proposed by"), refund.requested_by.get_username() if refund.requested_by else "–")]


def _of_the_goods(order: Order, *, back: bool, for_goods: bool) -> str:
    """What becomes of them; `for_goods` where pieces, or all, go back for the money."""
    if back:
        return _("They return to the stock.")
    if order.shipped_at:
        return _("They were sent, and do not return to the stock.")
    if for_goods:
        return _("They are not sent, and do not return to the stock: nobody can buy them.")
    return _("They are sent as ordered.")
