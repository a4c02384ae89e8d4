"""A parcel leaves: a fact on an effective order, told to its customer."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from orders.models import Order, TimelineEntry
from orders.moves import hold_as_seen, tell
from payments import unresolved
from payments.attestation import note_change
from payments.letters import due
from payments.models import Dispute, Letter, Payment, Refund


class NotToBeSent(Exception):
    """The order may not leave; the text says why, in the language in use."""


def ship(order_id: int, by: User, tracking: str = "", seen: str | None = None) -> None:
    """Note that the parcel left, and write to the customer. `tracking` is the carrier's number, where it has one.

    Raises NotToBeSent, Meanwhile.
    """
    with transaction.atomic():
        order = hold_as_seen(order_id, seen)
        payment = order.payments.filter(settles=True).first()
        if why := why_not(order, payment):
            raise NotToBeSent(why)
        assert payment is not None  # noqa: S101 - else it is not effective
        Order.objects.filter(pk=order.pk, shipped_at__isnull=True).update(shipped_at=now(), tracking=tracking)
        told = f" ({tracking})" if tracking else ""
        tell(order, TimelineEntry.Kind.SHIPPED, TimelineEntry.Actor.STAFF, by.get_username(), tracking=told)
        note_change(payment)
        due(order, Letter.Kind.SHIPPED, about=order.pk)


def why_not(order: Order, settling: Payment | None) -> str:
    """Why the order's parcel may not leave, in the language in use; empty when it may."""
    if order.status != Order.Status.EFFECTIVE or settling is None:
        return _("The order is not effective.")
    if order.shipped_at:
        return _("The parcel was sent already.")
    disputes = {dispute.status for dispute in settling.disputes.all()}
    if Dispute.Status.OPEN in disputes:
        return _("The payment is disputed: nothing is sent meanwhile.")
    if Dispute.Status.LOST in disputes and not settling.holds_money():
        return _("A lost dispute took the order’s money.")
    if not settling.refundable():
        return _("All of the order’s money is going back, or its refund is proposed.")
    return ""


def held_back() -> set[int]:
    """The effective orders whose parcel has not left and may not, for what happens to their money."""
    unsent = Q(payment__settles=True, payment__order__status=Order.Status.EFFECTIVE, payment__order__shipped_at=None)
    all_goes = unsent & Q(payment__received_amount__lte=unresolved.gone("payment_id", unresolved.GOING))
    # One for each state: so each is found by its partial index.
    rows: list[QuerySet[Any, Any]] = [
        Dispute.objects.filter(unsent, status=Dispute.Status.OPEN),
        Dispute.objects.filter(all_goes, status=Dispute.Status.LOST),
        Refund.objects.filter(all_goes, status=Refund.Status.PROPOSED),
        Refund.objects.filter(all_goes, status=Refund.Status.REQUESTED),
    ]
    first, *others = [one.order_by().values_list("payment__order_id", flat=True) for one in rows]
    return set(first.union(*others))
