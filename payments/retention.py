"""What is kept for how long: what the books need for ten years, all other personal data much shorter (LPD art. 6).

Nothing that the books need is deleted: an order's row, its money and its timeline stay; the person in it goes.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import Enum
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils.timezone import get_current_timezone, localtime, now
from django.utils.translation import override
from django_tasks_db.models import DBTaskResult

from orders import details
from orders.models import Order, TimelineEntry, new_token
from orders.moves import hold, tell
from payments.models import Attestation, Dispute, Letter, Payment, Refund, WebhookEvent

log = logging.getLogger(__name__)
UNPAID = timedelta(days=30)
"""After its end, for an order that no money ever came for."""
CONTACT = timedelta(days=60)
"""After an order was sent or ended, for the telephone number, which is there for the carrier only."""
MESSAGES = timedelta(days=395)
"""For messages of the PSPs that are about no order of ours."""
TASKS = timedelta(days=2)
"""For what a worker has done: the arguments of some name a customer's e-mail address."""
BOOKS_YEARS = 10
"""After the end of the business year, for the books and what they rest on (CO art. 958f al. 1)."""
AT_NIGHT = time(3, 0), time(4, 0)
"""When the sweep does it, in Switzerland: so often as it comes by then, on as many machines as there are."""
OF_A_SWEEP = 1000
"""Rows that a sweep forgets by each rule: what else it has to do comes soon again, however much is due."""
PERSON = (
    "email",
    "phone",
    "delivery_name",
    "delivery_organisation",
    "delivery_extra",
    "delivery_street",
    "delivery_postcode",
    "delivery_town",
    "billing_name",
    "billing_organisation",
    "billing_extra",
    "billing_street",
    "billing_postcode",
    "billing_town",
)
Actor = TimelineEntry.Actor


class Reach(Enum):
    """How much of a person's data in an order is erased on request. What staff wrote into its journal stays in each
    case: whoever could change a line of it could change the books."""

    ALL = (
        "name, addresses, e-mail and telephone are erased; notes, the reasons of refunds and the parcel's number stay "
        "in its journal: look whether one of them names the person"
    )
    CONTACT = "e-mail and telephone are erased; the books keep name, addresses and journal until they are closed"
    NOTHING = "under way: nothing is erased before it is over"


@dataclass(frozen=True)
class Rule:
    """What is due to be forgotten, in words for staff, and how."""

    what: str
    due: QuerySet[Any]
    forget: Callable[[Any], object]


def at_night() -> int:
    """What the sweep does: some of what is due, each time that it comes by in an hour of the night. Returns how much it
    was."""
    begins, ends = AT_NIGHT
    return sum(purge(OF_A_SWEEP).values()) if begins <= localtime().time() < ends else 0


def due() -> dict[str, int]:
    """How much `purge` would do now, by its rules."""
    return {rule.what: rule.due.count() for rule in _rules(now())}


def purge(most: int | None = None) -> dict[str, int]:
    """Forget all that is due, or so many rows of each rule; returns how much, by rule. Each row is a transaction of its
    own. Run twice it changes nothing the second time."""
    return {rule.what: sum(_done(rule, row) for row in _rows(rule.due, most)) for rule in _rules(now())}


def _rules(at: datetime) -> list[Rule]:
    year = localtime(at).year - BOOKS_YEARS
    books_end = datetime(year, 1, 1, tzinfo=get_current_timezone())
    money = Payment.objects.filter(order=OuterRef("pk"), received_amount__isnull=False)
    later = Refund.objects.filter(payment__order=OuterRef("pk"), settled_at__gte=books_end)
    known = Order.objects.filter(forgotten_at__isnull=True)
    return [
        Rule(
            "orders that were never paid",
            known.filter(~Exists(money), status=Order.Status.CANCELLED, cancelled_at__lt=at - UNPAID),
            lambda order: forget(order, Actor.SYSTEM),
        ),
        Rule(
            "orders whose books are closed for ten years",
            known.filter(~Exists(later), created_at__lt=books_end)
            .exclude(status=Order.Status.PENDING)
            .exclude(effective_at__gte=books_end),
            lambda order: forget(order, Actor.SYSTEM),
        ),
        Rule(
            "telephone numbers of orders that were sent or ended",
            known.filter(Q(shipped_at__lt=at - CONTACT) | Q(cancelled_at__lt=at - CONTACT)).exclude(phone=""),
            lambda order: Order.objects.filter(pk=order.pk).update(phone=""),
        ),
        Rule(
            "messages of the payment providers about no order",
            WebhookEvent.objects.filter(order=None, processed_at__isnull=False, received_at__lt=at - MESSAGES),
            lambda event: event.delete(),
        ),
        Rule(
            "finished tasks",
            DBTaskResult.objects.finished().filter(finished_at__lt=at - TASKS),
            lambda task: task.delete(),
        ),
        Rule("sessions that are over", Session.objects.filter(expire_date__lt=at), lambda session: session.delete()),
    ]


def _rows(due: QuerySet[Any], most: int | None) -> Iterator[Model]:
    # In its own order, not the model's: the index of what is due serves.
    yield from due.order_by()[:most].iterator(500)


def _done(rule: Rule, row: Model) -> bool:
    try:
        rule.forget(row)
    except Exception:
        log.exception("Could not be purged: %s %s", rule.what, row.pk)
        return False
    return True


@transaction.atomic
def forget(order: Order, actor: Actor, actor_name: str = "") -> None:
    """Take the person out of an order: name, addresses, e-mail, telephone. Its link leads nowhere from then on."""
    held = hold(pk=order.pk)
    if held.forgotten_at is None:
        blank = dict.fromkeys(PERSON, "")
        Order.objects.filter(pk=held.pk).update(forgotten_at=now(), token=new_token(), **blank)
        tell(held, TimelineEntry.Kind.FORGOTTEN, actor, actor_name)


# One person, on request (LPD art. 25 and 32) ----------------------------------------------------------------------


def orders_of(email: str) -> QuerySet[Order]:
    return Order.objects.filter(email__iexact=email.strip()).exclude(email="").order_by("created_at")


def order_called(number: str) -> QuerySet[Order]:
    """For who knows the order: its e-mail address may be erased, and the books keep the rest of the person."""
    return Order.objects.filter(number=number.strip().upper())


def reach(order: Order) -> Reach:
    """How much of it `erase` would erase now."""
    if _is_under_way(order):
        return Reach.NOTHING
    has_books = order.payments.filter(received_amount__isnull=False).exists()
    return Reach.CONTACT if has_books and order.forgotten_at is None else Reach.ALL


def erase(order: Order, by: str) -> None:
    """Erase what `reach` says of the person, on her request."""
    match reach(order):
        case Reach.ALL:
            forget(order, Actor.STAFF, by)
        case Reach.CONTACT:
            with transaction.atomic():
                held = hold(pk=order.pk)
                Order.objects.filter(pk=held.pk).update(email="", phone="", token=new_token())
                tell(held, TimelineEntry.Kind.CONTACT_FORGOTTEN, Actor.STAFF, by)


def erase_sessions(email: str) -> int:
    """End the sessions in which this e-mail address was typed and no order placed; returns how many."""
    ended = 0
    for session in Session.objects.filter(expire_date__gt=now()).iterator(500):
        typed = session.get_decoded().get(details.SESSION_KEY, {}).get("email", "")
        if str(typed).strip().lower() == email.strip().lower():
            session.delete()
            ended += 1
    return ended


def _is_under_way(order: Order) -> bool:
    """Whether somebody may still have to write to the customer or send her something."""
    if order.status == Order.Status.PENDING or Letter.objects.filter(order=order, sent_at__isnull=True).exists():
        return True
    if order.status == Order.Status.EFFECTIVE and order.shipped_at is None:
        return True
    going = Q(refunds__status__in=["proposed", "requested"]) | Q(disputes__status="open")
    return order.payments.filter(going).exists()


def told(order: Order) -> dict[str, Any]:
    """All that is kept about a person with an order, for her to read, in her language. Amounts in centimes, times in
    UTC."""
    person = {name: getattr(order, name) for name in (*PERSON, "delivery_country", "billing_country", "language")}
    lines = order.lines.values("sku", "name", "quantity", "unit_price")
    payments = order.payments.values(
        *("method", "provider", "status", "amount", "currency", "created_at", "authorised_at"),
        *("money_reference", "received_amount", "received_currency"),
    )
    refunds = [
        {"amount": refund.amount, "reason": refund.reason, "status": refund.status, "at": refund.created_at}
        for payment in order.payments.all()
        for refund in payment.refunds.all()
    ]
    disputes = Dispute.objects.filter(payment__order=order).values("reference", "amount", "reason", "status", "due_at")
    papers = Attestation.objects.filter(Q(order=order) | Q(refund__payment__order=order)).order_by("id")
    with override(order.language):
        timeline = [{"at": line.at, "what": line.sentence} for line in order.timeline.all()]
    return {
        "order": order.number,
        "placed_at": order.created_at,
        "status": order.status,
        "total": order.total,
        "shipped_at": order.shipped_at,
        "tracking": order.tracking,
        "person": {name: value for name, value in person.items() if value},
        "lines": list(lines),
        "payments": list(payments),
        "refunds": refunds,
        "disputes": list(disputes),
        "papers": [{"number": paper.number, "code": paper.code, "issued_at": paper.issued_at} for paper in papers],
        "letters": [{"kind": letter.kind, "sent_at": letter.sent_at} for letter in order.letters.all()],
        "timeline": timeline,
    }
