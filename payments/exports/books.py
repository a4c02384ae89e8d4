"""What came in, what went back, and the VAT in both: the journals that the shop's accounts are written from.

They hold what the shop's rows say now. So a refund that bounced afterwards is missing from the day on which it had
gone, as it is from the balance of the money; sales and refunds of some days come to what the balance counts as taken
and given back on them.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from payments.exports.tables import Column, Kind, Table
from payments.models import DISPUTE_REASONS, Attestation, Dispute, Method, Payment, Provider, Refund
from payments.reconciliation import midnight

BATCH = 2000
"""Rows that are in memory at once."""


class Entry(NamedTuple):
    """A line of a journal: one thing that moved, or its part at one VAT rate. Centimes; what went back is below zero.

    `rate` is None where there was no supply to be taxed (LTVA art. 18), or the seller was not in the register.
    """

    at: datetime
    order: str
    document: str
    client: str
    country: str
    method: str
    provider: str
    currency: str
    reference: str
    remark: str
    gross: int
    rate: Decimal | None = None
    tax: int = 0
    net: int = 0


class Sums(NamedTuple):
    """What came in and went back at one rate in a quarter, in centimes, with the tax in both."""

    came: int = 0
    came_tax: int = 0
    went: int = 0
    went_tax: int = 0

    def with_entry(self, entry: Entry, *, came: bool) -> "Sums":
        if came:
            return self._replace(came=self.came + entry.gross, came_tax=self.came_tax + entry.tax)
        return self._replace(went=self.went + entry.gross, went_tax=self.went_tax + entry.tax)


def sales(first: date, last: date) -> Table:
    """All money that came on these days, both included, oldest first; a line a VAT rate."""
    return Table(_("Sales"), _columns(_("Paid on"), _("Attestation")), came(first, last))


def refunds(first: date, last: date) -> Table:
    """All money that went back, on the day on which it went, below zero."""
    return Table(_("Refunds"), _columns(_("Refunded on"), _("Refund notice")), went_back(first, last))


def vat(first: date, last: date) -> Table:
    """What came in less what went back, by quarter, currency and rate."""
    columns = [
        Column(_("Quarter")),
        Column(_("First day"), Kind.DAY),
        Column(_("Last day"), Kind.DAY),
        Column(_("VAT rate (%)"), Kind.RATE),
        Column(_("Sales, VAT included"), Kind.MONEY),
        Column(_("VAT on sales"), Kind.MONEY),
        Column(_("Refunds, VAT included"), Kind.MONEY),
        Column(_("VAT on refunds"), Kind.MONEY),
        Column(_("Turnover, VAT included"), Kind.MONEY),
        Column(_("VAT owed"), Kind.MONEY),
        Column(_("Turnover without VAT"), Kind.MONEY),
        Column(_("Currency")),
        Column(_("Remark")),
    ]
    return Table(_("VAT by quarter"), columns, _by_quarter(first, last))


def disputes(first: date, last: date) -> Table:
    """The disputes that were opened on these days."""
    columns = [
        Column(_("Opened on"), Kind.DAY),
        Column(_("Order")),
        Column(_("Attestation")),
        Column(_("Client")),
        Column(_("Method")),
        Column(_("Provider")),
        Column(_("Amount"), Kind.MONEY),
        Column(_("Currency")),
        Column(_("State")),
        Column(_("Decided on"), Kind.DAY),
        Column(_("Answer until"), Kind.DAY),
        Column(_("Reason")),
        Column(_("Dispute at the provider")),
        Column(_("Payment at the provider")),
    ]
    return Table(_("Disputes"), columns, _disputed(first, last))


def came(first: date, last: date) -> Iterator[Entry]:
    """Also what settled no order: it is there, and no supply."""
    rows = Payment.objects.filter(
        status=Payment.Status.AUTHORISED,
        authorised_at__gte=midnight(first),
        authorised_at__lt=midnight(last + timedelta(days=1)),
    ).order_by("authorised_at", "id")
    fields = ["authorised_at", "settles", "why_not", "received_amount", "money_reference", "order__vat"]
    paper = ["order__attestation__year", "order__attestation__n"]
    for row in rows.values(*fields, *paper, *_of_payment("")).iterator(BATCH):
        settles = row["settles"]
        number = _number(Attestation.Series.ATTESTATION, row, "order__attestation__") if settles else ""
        why = _label(Payment.WhyNot, row["why_not"]) if row["why_not"] else ""
        whole = _whole(row, "", row["authorised_at"], row["received_amount"] or 0, number)
        whole = whole._replace(reference=row["money_reference"] or "", remark=why)
        yield from _by_rate(whole, row["order__vat"] if settles and _is_registered(row, "") else [])


def went_back(first: date, last: date) -> Iterator[Entry]:
    rows = Refund.objects.filter(
        status=Refund.Status.SUCCEEDED,
        settled_at__gte=midnight(first),
        settled_at__lt=midnight(last + timedelta(days=1)),
    ).order_by("settled_at", "id")
    fields = ["settled_at", "amount", "vat", "reference", "reason", "notice__year", "notice__n", "payment__why_not"]
    for row in rows.values(*fields, *_of_payment("payment__")).iterator(BATCH):
        number = _number(Attestation.Series.REFUND_NOTICE, row, "notice__")
        whole = _whole(row, "payment__", row["settled_at"], -row["amount"], number)
        # The shop's own reason is why the money settled nothing, as a message id.
        why, reason = row["payment__why_not"], row["reason"] and _(row["reason"])
        apart = _label(Payment.WhyNot, why) if why else ""
        remark = reason if reason == apart else " – ".join(filter(None, [apart, reason]))
        whole = whole._replace(reference=row["reference"] or "", remark=remark)
        yield from _by_rate(whole, row["vat"] if _is_registered(row, "payment__") else [])


def quarters(first: date, last: date) -> Iterator[tuple[str, date, date]]:
    """The quarters of these days, each with its first and last one of them."""
    while first <= last:
        number = (first.month + 2) // 3
        following = date(first.year + (number == 4), number % 4 * 3 + 1, 1)
        yield f"{first.year}-Q{number}", first, min(following - timedelta(days=1), last)
        first = following


def _columns(at: str, document: str) -> list[Column]:
    """As the fields of an entry."""
    return [
        Column(at, Kind.DAY),
        Column(_("Order")),
        Column(document),
        Column(_("Client")),
        Column(_("Country")),
        Column(_("Method")),
        Column(_("Provider")),
        Column(_("Currency")),
        Column(_("At the provider")),
        Column(_("Remark")),
        Column(_("Amount, VAT included"), Kind.MONEY),
        Column(_("VAT rate (%)"), Kind.RATE),
        Column(_("VAT"), Kind.MONEY),
        Column(_("Amount without VAT"), Kind.MONEY),
    ]


NAMES = ("billing_organisation", "billing_name", "delivery_organisation", "delivery_name")
"""What the client is called by: the first that an order has."""


def _of_payment(way: str) -> list[str]:
    """What is read of a payment and its order, from the row in question on."""
    own = ["method", "provider", "currency", "received_currency"]
    order = ["number", *NAMES, "delivery_country"]
    register = f"{way}order__attestation__seller__vat_registered"
    return [*(f"{way}{name}" for name in own), *(f"{way}order__{name}" for name in order), register]


def _whole(row: Mapping[str, Any], way: str, at: datetime, amount: int, document: str) -> Entry:
    """The entry of all of an amount, from the row in question and the way from it to its payment."""
    order = f"{way}order__"
    names = (row[f"{order}{name}"] for name in NAMES)
    return Entry(
        at=at,
        order=row[f"{order}number"],
        document=document,
        client=next(filter(None, names), ""),
        country=row[f"{order}delivery_country"],
        method=_label(Method, row[f"{way}method"]),
        provider=_label(Provider, row[f"{way}provider"]),
        currency=row[f"{way}received_currency"] or row[f"{way}currency"],
        reference="",
        remark="",
        gross=amount,
        net=amount,
    )


def _label(choices: Any, value: str) -> str:
    return str(choices(value).label)


def _number(series: Attestation.Series, row: Mapping[str, Any], way: str) -> str:
    year, n = row[f"{way}year"], row[f"{way}n"]
    return Attestation(series=series, year=year, n=n).number if n else ""


def _is_registered(row: Mapping[str, Any], way: str) -> bool:
    """Whether the seller was in the VAT register, as the attestation says; as the settings do where there is none."""
    said = row[f"{way}order__attestation__seller__vat_registered"]
    return bool(settings.SELLER["vat_registered"] if said is None else said)


def _by_rate(whole: Entry, vat: list[dict[str, Any]]) -> Iterator[Entry]:
    """An entry a rate; what no rate has, if anything, is one without."""
    sign, left = (-1 if whole.gross < 0 else 1), whole.gross
    for share in vat:
        base, tax = sign * share["base"], sign * share["tax"]
        left -= base + tax
        yield whole._replace(gross=base + tax, rate=Decimal(share["rate"]), tax=tax, net=base)
    if left or not vat:
        yield whole._replace(gross=left, net=left)


def _by_quarter(first: date, last: date) -> Iterator[tuple[Any, ...]]:
    for name, start, end in quarters(first, last):
        found: dict[tuple[str, Decimal | None], Sums] = {}
        for is_sale, entries in ((True, came(start, end)), (False, went_back(start, end))):
            for entry in entries:
                key = (entry.currency, entry.rate)
                found[key] = found.get(key, Sums()).with_entry(entry, came=is_sale)
        for (currency, rate), sums in sorted(found.items(), key=lambda each: (each[0][0], -(each[0][1] or 0))):
            gross, tax = sums.came + sums.went, sums.came_tax + sums.went_tax
            remark = (
                _("Nothing was supplied for it, or the seller was outside the VAT register") if rate is None else ""
            )
            yield (name, start, end, rate, *sums, gross, tax, gross - tax, currency, remark)


def _said(reason: str) -> str:
    """As Dispute.said_reason, of a row that is no object."""
    return DISPUTE_REASONS.get(reason, reason)


def _disputed(first: date, last: date) -> Iterator[tuple[Any, ...]]:
    rows = Dispute.objects.filter(
        opened_at__gte=midnight(first), opened_at__lt=midnight(last + timedelta(days=1))
    ).order_by("opened_at", "id")
    fields = ["opened_at", "amount", "status", "decided_at", "due_at", "reason", "reference", "payment__settles"]
    paper = ["payment__money_reference", "payment__order__attestation__year", "payment__order__attestation__n"]
    for row in rows.values(*fields, *paper, *_of_payment("payment__")).iterator(BATCH):
        number = _number(Attestation.Series.ATTESTATION, row, "payment__order__attestation__")
        one = _whole(row, "payment__", row["opened_at"], row["amount"], number if row["payment__settles"] else "")
        yield (
            *(one.at, one.order, one.document, one.client, one.method, one.provider, one.gross, one.currency),
            _label(Dispute.Status, row["status"]),
            *(row["decided_at"], row["due_at"], row["reason"] and _(_said(row["reason"])), row["reference"]),
            row["payment__money_reference"] or "",
        )
