"""What each payout is made of, as its PSP tells: for the line on the bank's statement, and the fees.

The shop stores neither fees nor payouts: the PSP is asked.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from payments.booked import Line, contents
from payments.exports.tables import Column, Kind, Table
from payments.findings import MOVES, why_not_asked
from payments.gateways import configured, gateway
from payments.gateways.base import Entry, Move, Unreachable
from payments.models import Provider
from payments.reconciliation import midnight


class NotTold(Exception):
    """A PSP did not tell; the text says why and what to do, in the language in use."""


def payouts(first: date, last: date) -> Table:
    """The payouts that left on these days, with what they hold; all of them read before it returns.

    The lines of a payout whose contents are told come to zero with it. Several calls to each PSP, which
    `deadline.at_most` limits. Raises NotTold.
    """
    columns = [
        Column(_("Provider")),
        Column(_("Payout")),
        Column(_("Paid out on"), Kind.DAY),
        Column(_("At the bank on"), Kind.DAY),
        Column(_("What")),
        Column(_("Booked on"), Kind.DAY),
        Column(_("Order")),
        Column(_("Amount"), Kind.MONEY),
        Column(_("Fee"), Kind.MONEY),
        Column(_("Net"), Kind.MONEY),
        Column(_("Currency")),
        Column(_("At the provider")),
        Column(_("Remark")),
    ]
    rows: list[tuple[Any, ...]] = []
    for provider in map(Provider, configured()):
        try:
            rows += _of(provider, first, last)
        except Unreachable as error:
            raise NotTold(why_not_asked(provider, error)) from error
    return Table(_("Payouts"), columns, rows)


def _of(provider: Provider, first: date, last: date) -> Iterator[tuple[Any, ...]]:
    psp, since, until = gateway(provider), midnight(first), midnight(last + timedelta(days=1))
    if since >= psp.listed_until():
        return
    booked = [entry for entry in psp.statement(since, until) if entry.move == Move.PAYOUT]
    for payout in sorted(booked, key=lambda entry: entry.at):
        held = list(_held(provider, payout))
        yield _row(provider, payout, Line(payout), "" if held else _("The provider does not tell what it holds."))
        for line in held:
            yield _row(provider, payout, line, "" if line.is_ours or line.payment else _of_none(line))


def _held(provider: Provider, payout: Entry) -> Iterator[Line]:
    if payout.automatic and payout.amount < 0:
        yield from contents(provider, payout.reference or payout.id)


def _of_none(line: Line) -> str:
    """Why a line that belongs to no order does not."""
    of_customers = (Move.PAYMENT, Move.REFUND, Move.DISPUTE)
    return _("Of another shop on the same account") if line.entry.move in of_customers else ""


def _row(provider: Provider, payout: Entry, line: Line, remark: str) -> tuple[Any, ...]:
    entry = line.entry
    return (
        *(provider.label, payout.reference or payout.id, payout.at, payout.arrives_at, str(MOVES[entry.move])),
        *(entry.at, line.payment.order.number if line.payment else "", entry.amount, entry.fee, entry.net),
        *(entry.currency, entry.reference or entry.money_reference or entry.id, remark),
    )
