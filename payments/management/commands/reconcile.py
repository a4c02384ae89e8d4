"""`manage.py reconcile --from 2026-11-01 --to 2026-11-30 [--provider stripe]`: the balance of the money, for accounts.

Exit code 0 when the PSPs and the shop agree, 1 on a difference, 2 when a PSP could not be asked.
"""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations
from django.utils.timezone import localdate, localtime

from orders.money import format_money
from payments import findings, reconciliation
from payments.findings import Balance, Both, Payout
from payments.gateways import configured
from payments.gateways.base import Unreachable
from payments.models import Provider

DIFFERS, NOT_ASKED = 1, 2


def day(text: str) -> date:
    """Raises ArgumentTypeError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day: give for example 2026-11-01") from None


class Command(BaseCommand):
    help = (
        "Compare what each PSP says it took, gave back and paid out with what the shop says, payment by payment. The "
        "exit code is 1 when something differs, 2 when a PSP could not be asked. It changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", type=day, required=True, help="the first day, in Zurich")
        parser.add_argument("--to", dest="last", type=day, required=True, help="the last day, included")
        parser.add_argument("--provider", choices=Provider.values, help="one PSP only")

    @no_translations
    def handle(self, *args: Any, first: date, last: date, provider: str | None, **options: Any) -> None:
        if last < first:
            raise CommandError("The last day is before the first.", returncode=NOT_ASKED)
        if last > localdate():
            raise CommandError("The last day is still to come: nobody has booked anything.", returncode=NOT_ASKED)
        found = [self._compare(Provider(name), first, last) for name in ([provider] if provider else configured())]
        if None in found:
            sys.exit(NOT_ASKED)
        if any(one.number_of_differences for one in found if one):
            sys.exit(DIFFERS)

    def _compare(self, provider: Provider, first: date, last: date) -> Balance | None:
        """None when the PSP could not be asked."""
        try:
            balance = reconciliation.balance(provider, first, last, self.stderr.write)
        except Unreachable as error:
            self.stderr.write(findings.why_not_asked(provider, error))
            return None
        self._print(balance)
        return balance

    def _print(self, balance: Balance) -> None:
        psp = balance.provider.label
        self.stdout.write(f"{psp}, {balance.first} to {balance.last}")
        if localtime(balance.complete_until).date() <= balance.last:
            self.stdout.write(f"  its list is complete up to {localtime(balance.complete_until):%Y-%m-%d %H:%M}")
        for (day, currency), both in sorted(balance.days.items()):
            self.stdout.write(f"  {day}  {_sums(both, currency)}")
        for currency, both in balance.totals().items():
            self.stdout.write(f"  all days    {_sums(both, currency)}")
            apart = format_money(balance.apart[currency], currency)
            explained = format_money(balance.explained_apart[currency], currency)
            self.stdout.write(f"  {psp} less shop: differences {apart}, explained {explained}")
        for payout in balance.payouts:
            self.stdout.write(f"  {_payout(payout)}")
        for one in balance.explained:
            order = one.order_number or "-"
            there, here = format_money(one.there, one.currency), format_money(one.here, one.currency)
            self.stdout.write(
                f"  {one.day}  {one.move}  {one.reference}  {order}  {psp} {there}, shop {here}: {one.reason.label}"
            )
        for difference in balance.differences:
            about = f"{difference.day}  {difference.move}  {difference.reference}  {difference.order_number or '-'}"
            self.stdout.write(f"DIFFERENCE  {about}\n  {difference.sentence}")
        more = balance.number_of_differences - len(balance.differences)
        if more:
            self.stdout.write(f"and {more} more differences")
        self.stdout.write(f"{psp}: differences: {balance.number_of_differences or 'none'}")


def _sums(both: Both, currency: str) -> str:
    """What the PSP says; and what the shop says, where it is another."""
    shop, parts = vars(both.shop), []
    for name, amount in vars(both.psp).items():
        said = shop[name]
        if amount or said:
            other = f" (shop {format_money(said, currency)})" if name in findings.OF_THE_SHOP else ""
            parts.append(f"{findings.SUMS[name]} {format_money(amount, currency)}{other if said != amount else ''}")
    return ", ".join(parts)


def _payout(payout: Payout) -> str:
    when = f", at the bank {localtime(payout.arrives_at).date()}" if payout.arrives_at else ""
    holds = "what it holds is not told"
    if payout.holds:
        sums = _sums(Both(payout.holds, payout.holds), payout.currency)
        holds = f"entries: {payout.entries}, {'matching' if payout.matches else 'NOT matching'}: {sums}"
    amount = format_money(payout.amount, payout.currency)
    return f"payout {payout.reference} of {localtime(payout.at).date()}{when}: {amount}, {holds}"
