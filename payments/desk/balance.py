"""The page on which accounting compares what the PSPs booked with what the shop says, day by day to the centime.

Asking is a read and changes nothing: its address says what was asked, and can be kept and sent to a colleague.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from orders.money import format_money
from payments import findings, reconciliation
from payments.desk.links import at_psp
from payments.desk.periods import BalanceForm
from payments.findings import Balance, Both, Difference, Explained
from payments.gateways.base import Unreachable
from payments.gateways.deadline import at_most
from payments.models import Provider

PERMISSION = "payments.view_balance"
SECONDS = 20.0
"""That a PSP has, all its pages together; the thread that waits for it serves others then."""


def page(request: HttpRequest) -> HttpResponse:
    """What was asked for, and its answer where something was."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    asked = bool(request.GET)
    form = BalanceForm(request.GET if asked else None)
    sheets = []
    if asked and form.is_valid():
        sheets = [Sheet.of(psp, form.cleaned_data["first"], form.cleaned_data["last"]) for psp in form.providers]
    context = {**admin.site.each_context(request), "title": _("Money balance"), "form": form, "sheets": sheets}
    return TemplateResponse(request, "admin/balance.html", context, status=422 if form.errors else 200)


@dataclass(frozen=True)
class Sum:
    """A line of the sums: what the PSP says, what the shop says, where it has its own, and what is between them."""

    label: str
    there: str
    here: str = ""
    between: str = ""
    differs: bool = False


@dataclass(frozen=True)
class Sums:
    """In one currency."""

    currency: str
    lines: list[Sum]
    change: str
    """Of the balance at the PSP."""
    apart: str
    explained: str


@dataclass(frozen=True)
class Found:
    """A difference, or what explains one: with its order and its place at the PSP."""

    one: Difference | Explained
    label: str
    text: str
    there: str
    here: str
    order_link: str
    psp_link: str


@dataclass(frozen=True)
class Paid:
    """A payout."""

    reference: str
    link: str
    at: date
    arrives: date | None
    amount: str
    holds: list[Sum]
    entries: int
    matches: bool | None


@dataclass(frozen=True)
class Day:
    """What moved on a day, by the columns of its sheet."""

    day: date
    cells: list[Sum]


@dataclass(frozen=True)
class Sheet:
    """What one PSP answered; `why` it did not, where it has not."""

    provider: Provider
    balance: Balance | None = None
    why: str = ""

    @classmethod
    def of(cls, provider: Provider, first: date, last: date) -> "Sheet":
        try:
            with at_most(SECONDS):
                return cls(provider, reconciliation.balance(provider, first, last))
        except Unreachable as error:
            return cls(provider, why=findings.why_not_asked(provider, error))

    @cached_property
    def _found(self) -> Balance:
        assert self.balance  # noqa: S101 - asked by a page that has one
        return self.balance

    @property
    def complete_until(self) -> datetime | None:
        """Until when the PSP's list goes, where that is not to the end of the days."""
        end = reconciliation.midnight(self._found.last + timedelta(days=1))
        return self._found.complete_until if self._found.complete_until < end else None

    @property
    def sums(self) -> Iterator[Sums]:
        for currency, both in self._found.totals().items():
            yield Sums(
                currency,
                _lines(both, currency),
                format_money(both.psp.change, currency),
                format_money(self._found.apart[currency], currency),
                format_money(self._found.explained_apart[currency], currency),
            )

    @cached_property
    def _moved(self) -> list[str]:
        """The sums that are not all zero."""
        moved = [vars(side) for both in self._found.days.values() for side in (both.psp, both.shop)]
        return [name for name in findings.SUMS if any(sums[name] for sums in moved)]

    @property
    def columns(self) -> list[str]:
        return [str(findings.SUMS[name]) for name in self._moved]

    @property
    def days(self) -> Iterator[Day]:
        for (day, currency), both in sorted(self._found.days.items()):
            yield Day(day, [_sum(name, both, currency) for name in self._moved])

    @property
    def differences(self) -> list[Found]:
        return [
            self._shown(one, one.sentence, one.currency_there, one.currency_here) for one in self._found.differences
        ]

    @property
    def explained(self) -> list[Found]:
        return [self._shown(one, one.reason.label, one.currency, one.currency) for one in self._found.explained]

    @property
    def not_named(self) -> int:
        return self._found.number_of_differences - len(self._found.differences)

    @property
    def payouts(self) -> Iterator[Paid]:
        for one in self._found.payouts:
            holds = _lines(Both(one.holds), one.currency) if one.holds else []
            yield Paid(
                one.reference,
                at_psp(self.provider, one.reference),
                localtime(one.at).date(),
                localtime(one.arrives_at).date() if one.arrives_at else None,
                format_money(one.amount, one.currency),
                holds,
                one.entries,
                one.matches,
            )

    def _shown(self, one: Difference | Explained, text: str, currency_there: str, currency_here: str) -> Found:
        return Found(
            one,
            str(findings.MOVES[one.move]),
            text,
            format_money(one.there, currency_there),
            format_money(one.here, currency_here),
            reverse("admin:orders_order_change", args=[one.order_id]) if one.order_id else "",
            at_psp(self.provider, one.reference),
        )


def _lines(both: Both, currency: str) -> list[Sum]:
    """Of what moved, each sum once."""
    moved = [name for name in findings.SUMS if getattr(both.psp, name) or getattr(both.shop, name)]
    return [_sum(name, both, currency) for name in moved]


def _sum(name: str, both: Both, currency: str) -> Sum:
    label, there, here = str(findings.SUMS[name]), getattr(both.psp, name), getattr(both.shop, name)
    if name not in findings.OF_THE_SHOP:
        return Sum(label, format_money(there, currency))
    between = format_money(there - here, currency)
    return Sum(label, format_money(there, currency), format_money(here, currency), between, there != here)
