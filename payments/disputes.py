"""A customer's bank asks for the money back. No message of it moves the order; nothing ships while it is open."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop as _

from orders.models import Order, TimelineEntry
from orders.moves import end, hold, tell
from payments import refunds
from payments.gateways.base import DisputeNotice
from payments.letters import due
from payments.models import Dispute, Letter, Payment, Provider, SetAside


class NotLost(Exception):
    """No dispute took the money of this order, or some of it is here: there is nothing to write off."""


def write_off(order_id: int, by: User, *, goods_back: bool) -> None:
    """EFFECTIVE → CANCELLED, by a member of staff: a lost dispute took the money, and the order is not delivered.

    `goods_back` says whether the goods, as far as they are out, return to the stock. Raises NotLost.
    """
    with transaction.atomic():
        order = hold(pk=order_id)
        settling = order.payments.filter(settles=True).first()
        if settling is None or not settling.taken_back() or settling.holds_money():
            raise NotLost
        if not end(order, Order.CancelReason.DISPUTED, TimelineEntry.Actor.STAFF, by.get_username()):
            raise NotLost
        if goods_back:
            refunds.return_what_is_out(order)


def record(order: Order, payment: Payment, notice: DisputeNotice) -> str:
    """Keep what the PSP says of a dispute, in the inbox's transaction; what it says now wins over what it said."""
    state = Dispute.Status(notice.state.value)
    known = Dispute.objects.filter(reference=notice.reference).first()
    amount = notice.amount or payment.amount
    if known and (known.status, known.due_at, known.amount) == (state, notice.due_at, amount):
        return _("This dispute is already here")
    dispute, _created = Dispute.objects.update_or_create(
        reference=notice.reference,
        defaults={
            "payment": payment,
            "reason": notice.reason[:60],
            "amount": amount,
            "due_at": notice.due_at,
            "status": state,
        },
    )
    told = _tell(order, dispute, state)
    if known is None or known.status != state:
        due(order, Letter.Kind.TO_STAFF, about=told.pk)
        # What somebody may have set aside was its end before it was opened again.
        SetAside.objects.filter(kind=SetAside.Kind.LOST, about=dispute.pk).delete()
    if state == Dispute.Status.WON:
        _end_reversals(order, dispute)
    return _("The dispute is noted")


def _end_reversals(order: Order, won: Dispute) -> None:
    """PayPal tells of money that it took during a dispute as of a matter of its own, and of its return not at all."""
    if won.payment.provider != Provider.PAYPAL:
        return
    for reversal in won.payment.disputes.filter(status=Dispute.Status.LOST, opened_at__gte=won.opened_at):
        Dispute.objects.filter(pk=reversal.pk).update(status=Dispute.Status.WON)
        _tell(order, reversal, Dispute.Status.WON)


def _tell(order: Order, dispute: Dispute, state: Dispute.Status) -> TimelineEntry:
    return tell(
        order,
        TimelineEntry.Kind.DISPUTE,
        TimelineEntry.Actor.BANK,
        dispute.payment.get_provider_display(),
        amount=dispute.payment.printed(dispute.amount),
        reason=dispute.reason,
        state=state.label,
    )
