"""A customer's bank asks for the money back. No message of it moves the order; nothing ships while it is open."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext_noop as _

from orders.models import Order, TimelineEntry
from orders.moves import end, hold, tell
from payments import notices, refunds
from payments.attestation import note_change
from payments.gateways.base import DisputeNotice
from payments.letters import due
from payments.models import Dispute, Letter, Payment, Provider, SetAside

CASE = "PP-"
"""So begin PayPal's ids of disputes, and none of Stripe's; a reversal has the id of the transaction that took the
money."""


class NotLost(Exception):
    """There is nothing to write off; the text says why, in English: staff read it at the command line."""


def write_off(order_id: int, by: User, *, goods_back: bool) -> None:
    """EFFECTIVE → CANCELLED, by a member of staff: a lost dispute took the money, and the order is not delivered.

    `goods_back` says whether the goods, as far as they are out, return to the stock. Raises NotLost.
    """
    with transaction.atomic():
        order = hold(pk=order_id)
        settling = order.payments.filter(settles=True).first()
        if order.status != Order.Status.EFFECTIVE or settling is None:
            raise NotLost("it is not effective.")
        if order.shipped_at:
            raise NotLost("it was sent. It stays as it is, and there is nothing to be done about it.")
        if not settling.taken_back():
            raise NotLost("no lost dispute took its money.")
        if settling.holds_money():
            raise NotLost("some of its money is here. Once that has gone back too, the order can be written off.")
        end(order, Order.CancelReason.DISPUTED, TimelineEntry.Actor.STAFF, by.get_username())
        if goods_back:
            refunds.return_what_is_out(order)


def record(order: Order, payment: Payment, notice: DisputeNotice) -> str:
    """Keep what the PSP says of a dispute, in the inbox's transaction; what it says now wins over what it said."""
    state = _state(payment, notice)
    known = Dispute.objects.filter(reference=notice.reference).first()
    amount = notice.amount or payment.amount
    if known and (known.status, known.due_at, known.amount) == (state, notice.due_at, amount):
        return _("This dispute is already here")
    is_news = known is None or known.status != state
    said: dict[str, Any] = {
        "payment": payment,
        "reason": notice.reason[:60],
        "amount": amount,
        "due_at": notice.due_at,
        "status": state,
    }
    if notice.opened_at:
        said["opened_at"] = notice.opened_at
    if is_news:
        said["decided_at"] = None if state == Dispute.Status.OPEN else notice.decided_at or now()
    dispute, _created = Dispute.objects.update_or_create(reference=notice.reference, defaults=said)
    told = _tell(order, dispute, state)
    if is_news:
        due(order, Letter.Kind.TO_STAFF, about=told.pk)
        if notices.is_held_back(order):
            due(order, Letter.Kind.HELD, about=payment.pk)
        # What somebody may have set aside was its end before it was opened again.
        SetAside.objects.filter(kind=SetAside.Kind.LOST, about=dispute.pk).delete()
        if state == Dispute.Status.WON and notice.reference.startswith(CASE):
            _end_reversals(order, dispute)
    if is_news or state == Dispute.Status.LOST:
        note_change(payment)
    return _("The dispute is noted")


def _state(payment: Payment, notice: DisputeNotice) -> Dispute.Status:
    """What the PSP says; but of money that PayPal took for a dispute it tells as of a matter of its own, in a message
    that may overtake the others, and of its return not at all: the dispute brings it back that lay open when it was
    taken, and was won."""
    state = Dispute.Status(notice.state.value)
    is_reversal = payment.provider == Provider.PAYPAL and not notice.reference.startswith(CASE)
    if state == Dispute.Status.LOST and is_reversal:
        won = payment.disputes.filter(status=Dispute.Status.WON, reference__startswith=CASE)
        taken_at = notice.opened_at or now()
        if won.filter(opened_at__lte=taken_at, decided_at__gte=taken_at).exists():
            return Dispute.Status.WON
    return state


def _end_reversals(order: Order, won: Dispute) -> None:
    """A dispute was won: what PayPal had taken while it lay open is here again."""
    lost = won.payment.disputes.filter(status=Dispute.Status.LOST).exclude(reference__startswith=CASE)
    for reversal in lost.filter(opened_at__range=(won.opened_at, won.decided_at)):
        Dispute.objects.filter(pk=reversal.pk).update(status=Dispute.Status.WON, decided_at=won.decided_at)
        _tell(order, reversal, Dispute.Status.WON)
        note_change(won.payment)


def _tell(order: Order, dispute: Dispute, state: Dispute.Status) -> TimelineEntry:
    return tell(
        order,
        TimelineEntry.Kind.DISPUTE,
        TimelineEntry.Actor.BANK,
        dispute.payment.get_provider_display(),
        amount=dispute.printed,
        reason=dispute.said_reason,
        state=state.label,
    )
