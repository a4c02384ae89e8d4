"""Where an order is on its way, for its customer: what has happened, when, and what comes next."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from orders.days import day
from orders.models import Order
from payments.models import Attestation, Dispute
from payments.order_page import OrderPage, State


@dataclass(frozen=True)
class Step:
    what: str
    at: datetime | None
    """When it happened; None of what is still to come."""
    note: str = ""


def checkout_step(order: Order, page: OrderPage) -> int | None:
    """The step of the checkout that the page is: 3 the payment, 4 the confirmation; None once that is behind."""
    if order.status == Order.Status.PENDING:
        return 3
    if page.state != State.ACCEPTED or order.shipped_at:
        return None
    return None if page.is_going_back or page.is_disputed or page.taken_back else 4


def steps(order: Order, page: OrderPage, attestation: Attestation | None) -> list[Step]:
    """Oldest first. Empty while the order waits for its payment, of which the page itself speaks."""
    if order.status == Order.Status.PENDING:
        return []
    done = [
        Step(_("Order placed"), order.created_at),
        *_paid(page, attestation),
        *([Step(_("Parcel sent"), order.shipped_at, _tracking(order))] if order.shipped_at else []),
        *[Step(_("%(amount)s refunded") % {"amount": one.printed}, one.settled_at) for one in page.notices],
        *[Step(_("Refund of %(amount)s requested") % {"amount": it.printed}, it.created_at) for it in page.asked_back],
        *_disputed(page),
        *_ended(order),
    ]
    done.sort(key=lambda step: step.at or order.created_at)
    return [*done, *_to_come(order, page)]


def _paid(page: OrderPage, attestation: Attestation | None) -> list[Step]:
    if page.payment is None or not page.payment.settles:
        return []
    paid = Step(_("Payment accepted"), page.payment.authorised_at, page.payment.get_method_display())
    if attestation is None:
        return [paid]
    return [paid, Step(_("Attestation of payment ready"), attestation.issued_at, attestation.number)]


def _disputed(page: OrderPage) -> list[Step]:
    """What a bank still examines or took, in the words of the page that verifies a paper; PayPal tells of one twice."""
    matter = [one for one in page.disputes if one.status in (Dispute.Status.OPEN, Dispute.Status.LOST)]
    if not matter:
        return []
    undecided = _("not decided yet") if page.is_disputed else ""
    disputed = Step(_("Disputed at the payer’s bank"), matter[0].opened_at, undecided)
    if not page.lost or not page.payment:
        return [disputed]
    taken = min(page.lost, key=lambda one: (-one.amount, one.decided_at or one.opened_at))
    amount = page.payment.printed(taken.amount)
    return [disputed, Step(_("Taken back by the payer’s bank after a dispute"), taken.decided_at, amount)]


def _ended(order: Order) -> list[Step]:
    if order.cancelled_at is None:
        return []
    return [Step(_("Order closed") if order.effective_at else _("Order cancelled"), order.cancelled_at)]


def _tracking(order: Order) -> str:
    return _("Tracking number: %(number)s") % {"number": order.tracking} if order.tracking else ""


def _to_come(order: Order, page: OrderPage) -> list[Step]:
    """The parcel, where nothing speaks against its leaving."""
    if order.shipped_at or not page.will_be_sent:
        return []
    promise = _("Delivered by %(day)s") % {"day": day(order.delivery_by)} if order.delivery_is_ahead else ""
    return [Step(_("Parcel to be sent"), None, promise)]
