"""The rows of which something waits for a person: of what kind each is, and the orders that they belong to. Nothing
else remembers what is open."""

from collections.abc import Collection
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict

from django.db import connection
from django.db.models import CharField, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast, Coalesce, Now

from orders.models import Order
from payments.models import Channel, Dispute, Letter, Payment, Refund, SetAside, WebhookEvent

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

SILENT = timedelta(minutes=30)
UNAPPLIED = timedelta(hours=1)
WAITING = timedelta(days=7)
OVERTIME = timedelta(hours=1)
"""For so long may an order outlive its time: the sweep, which asks its PSP at least every half hour, fails at it."""
NOT_LEFT = timedelta(days=2)
"""For so long may a refund wait to be taken by its PSP: more than a failure of an afternoon, and soon enough for a
customer who expects the money within 5 to 10 working days."""
NOT_DONE = timedelta(days=10)
"""For so long may a PSP have a refund without saying that it was made: as long as its eChecks and banks may take."""
AHEAD_AT_MOST = timedelta(days=3)
"""For so long a refund or a dispute may wait for its payment."""
GOING = [Refund.Status.PROPOSED, Refund.Status.REQUESTED, Refund.Status.SUCCEEDED]
"""The states of a refund that gives its money back, or may."""


class Left(TypedDict):
    left: int
    """Centimes of its payment that are still here."""


def orders() -> set[int]:
    """The orders of which something waits."""
    # Asked by itself: within another query PostgreSQL cannot guess how few they are, and reads all orders beside them.
    return _found("SELECT key FROM ({}) AS waiting (key)")


def among(keys: Collection[int]) -> set[int]:
    """Those of these orders of which something waits; however much waits elsewhere, only theirs is looked for."""
    return _found("SELECT key FROM ({}) AS waiting (key) WHERE key = ANY(%s)", list(keys))


def _found(statement: str, *more: Any) -> set[int]:
    union, facts = _union()
    with connection.cursor() as cursor:
        cursor.execute(statement.format(union), [*facts, *more])
        return {key for (key,) in cursor.fetchall()}


@cache
def _union() -> tuple[str, tuple[Any, ...]]:
    """The keys of the orders of every kind of row, as SQL. Written once: the lists ask it of every page, and writing it
    took a third of their time. The time in it is PostgreSQL's when it is asked."""
    of_orders = [misfits(), unannounced(), doubtful(), undecided_for_long(), late_messages(), unsent()]
    of_payments = [failed_refunds(), refunds_not_out(), refunds_to_be_released(), open_disputes(), *lost_and_back()]
    rows: list[QuerySet[Any, Any]] = [one.order_by().values("order_id") for one in of_orders]
    rows += [one.order_by().values("payment__order_id") for one in of_payments]
    union: tuple[str, tuple[Any, ...]] = overtime().order_by().values("pk").union(*rows).query.sql_with_params()
    return union


def misfits() -> "QuerySet[WithAnnotations[Payment, Left]]":
    """Money that does not settle its order and has neither gone back nor been sent back.

    What had gone back before it was heard of, and did not get there, is told of as a refund that failed.
    """
    nothing_came = Q(received_amount=0, order__status=Order.Status.PENDING)
    here = Payment.objects.exclude(why_not="").annotate(left=F("received_amount") - gone("pk", GOING))
    here = here.filter(Q(left__gt=0) | nothing_came)
    failed = Refund.objects.filter(payment=OuterRef("pk"), status=Refund.Status.FAILED, replacement=None)
    return here.exclude(Exists(failed), why_not=Payment.WhyNot.GONE)


def unannounced() -> QuerySet[Payment]:
    return Payment.objects.filter(paid_seen_at__isnull=False).exclude(status=Payment.Status.AUTHORISED)


def doubtful() -> QuerySet[Payment]:
    """Of effective orders, whose money has not gone back."""
    doubtful = Payment.objects.exclude(doubt="").filter(order__status=Order.Status.EFFECTIVE)
    return doubtful.filter(~_set_aside(SetAside.Kind.DOUBT))


def failed_refunds() -> "QuerySet[WithAnnotations[Refund, Left]]":
    """Refunds that failed, until another is asked for in their place and as long as there is money to be given back.

    Whether another that was given meanwhile stands in the place of one, only who asks for it can say.
    """
    return (
        Refund.objects.filter(status=Refund.Status.FAILED)
        .filter(replacement=None)
        .annotate(left=F("payment__received_amount") - gone("payment_id", GOING))
        .filter(left__gt=0)
        .filter(~_set_aside(SetAside.Kind.REFUND_FAILED))
    )


def refunds_not_out() -> QuerySet[Refund]:
    """Refunds that do not get out, but for those that wait for the end of a dispute."""
    asked = Refund.objects.filter(status=Refund.Status.REQUESTED, created_at__lt=Now() - NOT_LEFT)
    disputed = Dispute.objects.filter(payment=OuterRef("payment_id"), status=Dispute.Status.OPEN)
    return asked.filter(Q(reference=None) | Q(created_at__lt=Now() - NOT_DONE), ~Exists(disputed))


def refunds_to_be_released() -> QuerySet[Refund]:
    return Refund.objects.filter(status=Refund.Status.PROPOSED)


def open_disputes() -> QuerySet[Dispute]:
    return Dispute.objects.filter(status=Dispute.Status.OPEN)


def lost_and_back() -> tuple[QuerySet[Dispute], QuerySet[Dispute]]:
    """Orders that are not sent yet and whose money a bank took back: once, however often it was told of. And money that
    is here again though its order was written off.

    PayPal tells of one twice, as a dispute and as a reversal: who has set one aside has decided about the other too,
    unless that takes more.
    """
    unsent = Q(payment__order__status=Order.Status.EFFECTIVE, payment__order__shipped_at=None)
    lost = Dispute.objects.filter(unsent, status=Dispute.Status.LOST, payment__settles=True)
    same = Dispute.objects.filter(payment=OuterRef("payment_id"), amount__gte=OuterRef("amount"))
    lost = lost.filter(~Exists(same.filter(_set_aside(SetAside.Kind.LOST), status=Dispute.Status.LOST)))
    closed = Dispute.objects.filter(payment__order__cancel_reason=Order.CancelReason.DISPUTED, payment__settles=True)
    disputed = Dispute.objects.filter(payment=OuterRef("payment_id"), status=Dispute.Status.OPEN)
    return lost, closed.filter(~Exists(disputed), payment__received_amount__gt=gone("payment_id", GOING))


def undecided_for_long() -> QuerySet[Payment]:
    return Payment.objects.filter(status=Payment.Status.STARTED, created_at__lt=Now() - WAITING)


def overtime() -> QuerySet[Order]:
    """Pending orders whose time was over long ago and that cannot be ended, for no reason that is told elsewhere: money
    that is here or was seen there, a bank that takes its days, a PSP that is silent altogether."""
    held = Payment.objects.filter(order=OuterRef("pk"), status=Payment.Status.AUTHORISED)
    held = held.filter(received_amount__gt=gone("pk", [Refund.Status.SUCCEEDED]))
    silent = Channel.objects.filter(provider=OuterRef("provider"), silent_since__lt=Now() - SILENT)
    waiting = Payment.objects.filter(order=OuterRef("pk")).exclude(status=Payment.Status.AUTHORISED)
    asked = Q(status=Payment.Status.STARTED) & (Exists(undecided()) | Exists(silent))
    waiting = waiting.filter(Q(paid_seen_at__isnull=False) | asked)
    over = Order.objects.filter(status=Order.Status.PENDING, expires_at__lt=Now() - OVERTIME)
    return over.filter(~Exists(held), ~Exists(waiting))


def undecided() -> QuerySet[WebhookEvent]:
    """Of a payment in the query around it: the bank's own word that it will decide later."""
    told = WebhookEvent.objects.filter(order=OuterRef("order_id"), received_at__gte=OuterRef("created_at"))
    return told.filter(outcome=WebhookEvent.UNDECIDED)


def unapplied() -> QuerySet[WebhookEvent]:
    """Messages that are not applied, but for those that a person has set aside, or that came ahead of their payment,
    which may take its days."""
    ahead = Q(outcome=WebhookEvent.AHEAD, received_at__gt=Now() - AHEAD_AT_MOST)
    events = WebhookEvent.objects.filter(processed_at__isnull=True)
    return events.filter(~ahead, ~_set_aside(SetAside.Kind.UNAPPLIED))


def late_messages() -> QuerySet[WebhookEvent]:
    return unapplied().filter(received_at__lt=Now() - UNAPPLIED)


def unsent() -> QuerySet[Letter]:
    """Mails that were tried for days, and that nobody has set aside."""
    letters = Letter.objects.filter(sent_at__isnull=True, tries__gte=Letter.MOST_TRIES)
    return letters.filter(~_set_aside(SetAside.Kind.UNDELIVERED))


def _set_aside(kind: SetAside.Kind, row: str = "pk") -> Exists:
    """Whether a person has closed the item about the row in the query around it."""
    return Exists(SetAside.objects.filter(kind=kind, about=Cast(OuterRef(row), CharField())))


def gone(payment: str, statuses: list[Refund.Status]) -> CombinedExpression:
    """Centimes of the payment in the query around it that are here no more: refunds in these states, and what a lost
    dispute took."""
    refunds = Refund.objects.filter(payment=OuterRef(payment), status__in=statuses).order_by().values("payment")
    lost = Dispute.objects.filter(payment=OuterRef(payment), status=Dispute.Status.LOST).order_by().values("payment")
    given = Subquery(refunds.annotate(sum=Sum("amount")).values("sum"))
    # PayPal tells of one twice, as a dispute and as a reversal: the larger.
    taken = Subquery(lost.annotate(most=Max("amount")).values("most"))
    return Coalesce(given, 0) + Coalesce(taken, 0)
