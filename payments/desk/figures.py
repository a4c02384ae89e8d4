"""What the first page of the back office counts: each figure by an index, however many orders there are.

Amounts are centimes. Days are days of the shop, hours are UTC.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Count, DurationField, F, Min, Q, Sum
from django.db.models.functions import Greatest, TruncDate, TruncHour
from django.utils.timezone import localdate, now

from orders.models import Order
from orders.money import CURRENCY
from payments import health, tally
from payments.desk.filters import between, start_of
from payments.models import Method, Payment, Provider, Refund, WebhookEvent

DAYS = 30
HOURS = 48
Status = Payment.Status
Source = WebhookEvent.Source


@dataclass
class Sold:
    """Orders and what was paid for them."""

    count: int = 0
    centimes: int = 0


@dataclass
class Day:
    """What was paid on a day, by method; and how long customers who had come back waited for the bank's message, in
    seconds: half of them at most `half`, 19 in 20 at most `most`; None on a day on which nobody did."""

    sold: dict[str, Sold] = field(default_factory=lambda: {method: Sold() for method in Method.values})
    half: float | None = None
    most: float | None = None

    @property
    def all(self) -> Sold:
        return Sold(sum(one.count for one in self.sold.values()), sum(one.centimes for one in self.sold.values()))


@dataclass
class Hour:
    """The messages of an hour."""

    delivered: int = 0
    fetched: int = 0
    unapplied: int = 0
    refused: int = 0


class Percentile(Aggregate):
    """Of times: that which such a share of them does not exceed."""

    function = "PERCENTILE_DISC"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


def sold_today() -> Sold:
    paid = between("effective_at", localdate(), localdate())
    found = Order.objects.filter(paid).aggregate(count=Count("pk"), centimes=Sum("total", default=0))
    return Sold(**found)


def waiting() -> tuple[int, datetime | None]:
    """How many orders are pending, and since when the oldest is."""
    found = Order.objects.filter(status=Order.Status.PENDING).aggregate(count=Count("pk"), oldest=Min("created_at"))
    return found["count"], found["oldest"]


def given_back() -> tuple[Sold, Sold]:
    """Of how many orders money went back this month, and how much: of what had settled them, which is what sales
    count; and, counted by refunds, of other money that had come in francs."""
    this_month = between("settled_at", localdate().replace(day=1), localdate())
    of_sales = Q(payment__settles=True)
    francs = Q(payment__received_currency=CURRENCY)
    found = Refund.objects.filter(this_month, status=Refund.Status.SUCCEEDED).aggregate(
        orders=Count("payment__order", distinct=True, filter=of_sales),
        centimes=Sum("amount", filter=of_sales, default=0),
        others=Count("pk", filter=~of_sales),
        of_others=Sum("amount", filter=~of_sales & francs, default=0),
    )
    return Sold(found["orders"], found["centimes"]), Sold(found["others"], found["of_others"])


def days() -> list[date]:
    """The last DAYS days, the oldest first."""
    today = localdate()
    return [today - timedelta(days=n) for n in reversed(range(DAYS))]


def by_day() -> dict[date, Day]:
    """What was paid on each of the last days."""
    start = start_of(days()[0])
    waited = Greatest(F("authorised_at") - F("returned_at"), timedelta(0), output_field=DurationField())
    came_back = Q(returned_at__isnull=False)
    rows: Iterable[Any] = (
        Payment.objects.filter(status=Status.AUTHORISED, settles=True, authorised_at__gte=start)
        .order_by()
        .values(day=TruncDate("authorised_at"))
        .annotate(
            half=Percentile(waited, share=0.5, filter=came_back),
            most=Percentile(waited, share=0.95, filter=came_back),
            **{f"{method}_n": Count("pk", filter=Q(method=method)) for method in Method.values},
            **{f"{method}_sum": Sum("amount", filter=Q(method=method), default=0) for method in Method.values},
        )
    )
    found = {day: Day() for day in days()}
    for row in rows:
        found[row["day"]] = Day(
            {method: Sold(row[f"{method}_n"], row[f"{method}_sum"]) for method in Method.values},
            *(None if row[name] is None else row[name].total_seconds() for name in ("half", "most")),
        )
    return found


def tries() -> dict[date, Counter[tuple[str, str]]]:
    """How many payments were begun on each of the last days, by method and what became of them."""
    start = start_of(days()[0])
    rows = (
        Payment.objects.filter(created_at__gte=start)
        .order_by()
        .values_list(TruncDate("created_at"), "method", "status")
        .annotate(Count("pk"))
    )
    found: dict[date, Counter[tuple[str, str]]] = {day: Counter() for day in days()}
    for day, method, status, count in rows:
        found.setdefault(day, Counter())[method, status] = count
    return found


def hours() -> list[datetime]:
    """The last HOURS hours and the one that is running, the oldest first."""
    return tally.hours(now() - timedelta(hours=HOURS), now())


def by_hour() -> dict[datetime, Hour]:
    """The messages of each of the last hours. What was refused left no row: of it there may be no count."""
    found = {hour: Hour() for hour in hours()}
    rows = (
        WebhookEvent.objects.filter(received_at__gte=hours()[0])
        .order_by()
        .values_list(TruncHour("received_at", tzinfo=UTC))
        .annotate(
            delivered=Count("pk", filter=Q(source=Source.DELIVERED)),
            fetched=Count("pk", filter=~Q(source=Source.DELIVERED)),
            unapplied=Count("pk", filter=Q(processed_at__isnull=True)),
        )
    )
    found |= {hour: Hour(*counts) for hour, *counts in rows}
    refused = tally.by_hour([f"rejected-{provider}" for provider in Provider.values], list(found))
    for one, count in zip(found.values(), refused or [], strict=False):
        one.refused = count
    return found


def last_delivered() -> dict[str, datetime]:
    """When each PSP last delivered a message, if it ever did."""
    delivered = WebhookEvent.objects.filter(source=Source.DELIVERED).order_by("-received_at")
    newest = [delivered.filter(provider=one).values_list("provider", "received_at")[:1] for one in Provider.values]
    return dict(newest[0].union(*newest[1:]))


def waiting_since() -> dict[str, datetime]:
    """By PSP, since when a customer who came back waits for its message; the one who waits for longest."""
    return dict(health.back_and_waiting().order_by().values_list("provider").annotate(Min("returned_at")))
