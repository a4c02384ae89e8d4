"""What narrows the staff's lists, and the views that are saved."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.timezone import get_current_timezone, localdate, now
from django.utils.translation import gettext_lazy as _

from orders.models import Language, Order
from payments import shipping, unresolved
from payments.desk.periods import EARLIEST, latest
from payments.models import Letter, Method, Payment, Refund

LONG = timedelta(minutes=10)
STATES = {
    "waiting": _("Waiting for payment"),
    "refused": _("Refused, may be paid again"),
    "paid": _("Paid"),
    "to_send": _("Paid, to be sent"),
    "sent": _("Sent"),
    "refunded": _("Refunded in full"),
    "expired": _("Expired, not paid"),
    "cancelled": _("Cancelled"),
    "disputed": _("Taken back after a dispute"),
}


class ChoiceFilter(admin.SimpleListFilter):
    template = "admin/choice_filter.html"
    is_open = False
    """Whether its choices are shown while none is made."""


class StateFilter(ChoiceFilter):
    title = _("status")
    is_open = True
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return STATES.items()

    def queryset(self, request: Any, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return in_state(queryset, self.value() or "")


def in_state(orders: QuerySet[Order], state: str) -> QuerySet[Order]:
    """The orders of a state of STATES; all of them for another word."""
    status, reason = Order.Status, Order.CancelReason
    latest = Payment.objects.filter(order=OuterRef("order")).order_by("-created_at")
    declined = Q(status=Payment.Status.STARTED) & ~Q(refusal="")
    on_a_page = Q(provider="paypal") | Q(returned_at=None, with_bank_at=None)
    refused = Q(status=Payment.Status.FAILED) | declined & on_a_page
    match state:
        case "waiting":
            return orders.filter(status=status.PENDING)
        case "refused":
            failed = Payment.objects.filter(refused, order=OuterRef("pk"), pk=latest.values("pk")[:1])
            return orders.filter(Exists(failed), status=status.PENDING)
        case "paid":
            return orders.filter(status=status.EFFECTIVE)
        case "to_send":
            unsent = orders.filter(status=status.EFFECTIVE, shipped_at__isnull=True)
            return unsent.exclude(pk__in=shipping.held_back())
        case "sent":
            return orders.filter(status=status.EFFECTIVE, shipped_at__isnull=False)
        case "refunded" | "expired" | "disputed":
            return orders.filter(status=status.CANCELLED, cancel_reason=reason(state))
        case "cancelled":
            others = [reason.CUSTOMER, reason.CHANGED_CART, reason.STAFF]
            return orders.filter(status=status.CANCELLED, cancel_reason__in=others)
    return orders


class MethodFilter(ChoiceFilter):
    """By the payment that settled the order, whatever was tried before."""

    title = _("paid with")
    parameter_name = "method"
    is_open = True

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return Method.choices

    def queryset(self, request: Any, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() not in Method.values:
            return queryset
        return queryset.filter(
            Exists(Payment.objects.filter(order=OuterRef("pk"), settles=True, method=self.value())),
            effective_at__isnull=False,
        )


class DoneFilter(admin.EmptyFieldListFilter):
    """By a time that stands there once something was done."""

    def choices(self, changelist: Any) -> Any:
        for choice, label in zip(super().choices(changelist), [_("All"), _("Not yet"), _("Done")], strict=True):
            yield {**choice, "display": label}


class YesFilter(ChoiceFilter):
    """One condition, or none."""

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return [("1", _("Yes"))]


class AttentionFilter(YesFilter):
    title = _("to be looked at")
    parameter_name = "attention"

    def queryset(self, request: Any, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(pk__in=unresolved.orders()) if self.value() else queryset


class WaitingFilter(YesFilter):
    title = _("waiting for more than 10 minutes")
    parameter_name = "waiting"

    def queryset(self, request: Any, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if not self.value():
            return queryset
        return queryset.filter(status=Order.Status.PENDING, created_at__lt=now() - LONG)


class LanguageFilter(ChoiceFilter):
    title = _("language")
    parameter_name = "language"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return Language.choices

    def queryset(self, request: Any, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(language=self.value()) if self.value() else queryset


PERIODS = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "7": _("Past 7 days"),
    "month": _("This month"),
    "last_month": _("Last month"),
    "quarter": _("This quarter"),
}


def period(word: str) -> tuple[date, date] | None:
    """First and last day of a period of PERIODS."""
    today = localdate()
    first = today.replace(day=1)
    match word:
        case "today":
            return today, today
        case "yesterday":
            return today - timedelta(days=1), today - timedelta(days=1)
        case "7":
            return today - timedelta(days=6), today
        case "month":
            return first, today
        case "last_month":
            last = first - timedelta(days=1)
            return last.replace(day=1), last
        case "quarter":
            return first.replace(month=(today.month - 1) // 3 * 3 + 1), today
    return None


def days_of(asked: Mapping[str, Any], word: str) -> tuple[date | None, date | None]:
    """The first and the last day that a list's address asks for, by a period of PERIODS or by the days themselves."""
    if named := period(str(asked.get(word, ""))):
        return named
    return _day(asked.get(f"{word}_from")), _day(asked.get(f"{word}_to"))


def between(column: str, first: date | None, last: date | None) -> Q:
    """From a day to a day, both included; without limit where there is none."""
    wanted = Q()
    if first:
        wanted &= Q(**{f"{column}__gte": start_of(first)})
    if last:
        wanted &= Q(**{f"{column}__lt": start_of(last + timedelta(days=1))})
    return wanted


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), get_current_timezone())


class PeriodFilter(admin.ListFilter):
    """A named period, or from a day to a day, both included; in the shop's time."""

    template = "admin/period_filter.html"
    word: str

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.names:
            if name in params:
                given = params.pop(name)
                self.used_parameters[name] = given[-1] if isinstance(given, list) else given

    def expected_parameters(self) -> list[str | None]:
        return [*self.names]

    @property
    def names(self) -> list[str]:
        return [self.word, f"{self.word}_from", f"{self.word}_to"]

    def has_output(self) -> bool:
        return True

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day asked for."""
        return days_of(self.used_parameters, self.word)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        own = self.names
        chosen = self.used_parameters.get(self.word, "")
        hidden = {name: value for name, value in changelist.get_filters_params().items() if name not in own}
        yield {
            "selected": not any(self.used_parameters.values()),
            "query_string": changelist.get_query_string(remove=own),
            "display": _("All"),
            "form": {
                "name": self.word,
                "from": self.used_parameters.get(f"{self.word}_from", ""),
                "to": self.used_parameters.get(f"{self.word}_to", ""),
                "hidden": [(name, value[-1] if isinstance(value, list) else value) for name, value in hidden.items()],
                "q": changelist.query,
            },
        }
        for word, label in PERIODS.items():
            yield {
                "selected": chosen == word,
                "query_string": changelist.get_query_string({self.word: word}, own[1:]),
                "display": label,
            }

    def limits(self, column: str) -> Q:
        return between(column, *self.days)


def days_named(asked: Mapping[str, Any]) -> list[date]:
    """The days that a list of orders was narrowed to, where it was: of payment first; else today."""
    for word in (PaidFilter.word, PlacedFilter.word, RefundedFilter.word):
        if days := [day for day in days_of(asked, word) if day]:
            return days
    return [localdate()]


class PlacedFilter(PeriodFilter):
    title, word = _("placed"), "placed"

    def queryset(self, request: Any, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(self.limits("created_at"))


class PaidFilter(PeriodFilter):
    title, word = _("paid"), "paid"

    def queryset(self, request: Any, queryset: QuerySet[Order]) -> QuerySet[Order]:
        limits = self.limits("effective_at")
        return queryset.filter(limits, effective_at__isnull=False) if limits else queryset


class RefundedFilter(PeriodFilter):
    """Orders of which money that had settled them went back, in a period or at any time."""

    title, word = _("with a refund"), "refunded"

    def queryset(self, request: Any, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if not any(self.used_parameters.values()):
            return queryset
        succeeded = Refund.objects.filter(self.limits("settled_at"), status=Refund.Status.SUCCEEDED)
        refunds = succeeded.filter(payment__settles=True)
        return queryset.filter(pk__in=refunds.order_by().values("payment__order"))

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield from super().choices(changelist)
        yield {
            "selected": self.used_parameters.get(self.word) == "any",
            "query_string": changelist.get_query_string({self.word: "any"}, self.names[1:]),
            "display": _("At any time"),
        }


def _day(text: Any) -> date | None:
    """A day that somebody typed: one that is too far away stands for the nearest that can be counted with."""
    try:
        return min(max(date.fromisoformat(text or ""), EARLIEST), latest())
    except (TypeError, ValueError):
        return None


DECIDED = (Payment.Status.AUTHORISED, Payment.Status.FAILED)
"""The bank has said yes or no."""


class OutcomeFilter(ChoiceFilter):
    """What became of a payment."""

    title = _("outcome")
    parameter_name = "outcome"
    is_open = True

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return [
            ("accepted", _("Accepted payments")),
            ("refused", _("Refused payments")),
            ("decided", _("Accepted or refused payments")),
            ("expired", _("Payments closed unpaid")),
            ("open", _("Open payments")),
        ]

    def queryset(self, request: Any, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        status = Payment.Status
        wanted = {
            "accepted": [status.AUTHORISED],
            "refused": [status.FAILED],
            "decided": DECIDED,
            "expired": [status.EXPIRED],
            "open": [status.STARTED],
        }.get(self.value() or "")
        return queryset.filter(status__in=wanted) if wanted else queryset


class StartedFilter(PeriodFilter):
    title, word = _("begun"), "started"

    def queryset(self, request: Any, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        return queryset.filter(self.limits("created_at"))


class WentFilter(PeriodFilter):
    """Refunds, by when their money went back."""

    title, word = _("refunded on"), "went"

    def queryset(self, request: Any, queryset: QuerySet[Refund]) -> QuerySet[Refund]:
        limits = self.limits("settled_at")
        return queryset.filter(limits, status=Refund.Status.SUCCEEDED) if limits else queryset


class UnsentFilter(YesFilter):
    title = _("could not be sent")
    parameter_name = "unsent"

    def queryset(self, request: Any, queryset: QuerySet[Letter]) -> QuerySet[Letter]:
        return queryset.filter(pk__in=unresolved.unsent().values("pk")) if self.value() else queryset


NEWEST = ["-created_at", "-id"]
NEWEST_PAID = [F("effective_at").desc(), "-id"]
VIEWS = [
    (_("All"), ""),
    (_("To be sent"), "state=to_send"),
    (_("Waiting for payment"), "state=waiting"),
    (_("To be looked at"), "attention=1"),
    (_("Paid today"), "paid=today"),
    (_("Refunds of the month"), "refunded=month"),
]
"""Saved views: what they are called, and what narrows the list to them."""
