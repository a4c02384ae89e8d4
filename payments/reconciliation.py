"""The balance of the money: what a PSP says it took, gave back and paid out, against what the shop's rows say.

Each payment, refund and dispute is compared, by the PSP's reference, not one sum with another. Whatever the two sides
say differently is a difference to be looked at, or has a reason (another day, on its way); so that always

    the PSP's sums − the shop's sums = the differences + what is explained.

Everything is computed anew each time and nothing of it is stored but how many differences a night found: the PSP's
account is the PSP's, and can be read for years.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.utils.timezone import get_default_timezone, localtime

from payments.booked import Line, batches, contents, lines
from payments.claims import About, Claim, Key, claimed, of_disputes_by_payment, of_payment, of_refund
from payments.findings import SUM_OF, Balance, Both, Difference, Explained, Kind, Payout, Reason, Sums
from payments.gateways import gateway
from payments.gateways.base import Gateway, Move
from payments.models import Payment, Provider

WEEK = timedelta(days=7)
"""What is in memory at once: the payments, refunds and disputes of a week."""
MOST_OPEN = 5_000
"""So many that do not agree are held; then they are judged, and the reading goes on."""
MOST_NAMED = 500
"""So many differences are named one by one; all are counted and summed."""
AROUND = timedelta(minutes=1)
"""Of a moment at which the PSP is known to have booked something: no window is empty."""
COMPARED = (Move.PAYMENT, Move.REFUND, Move.DISPUTE)


def balance(
    provider: Provider, first: date, last: date, tell: Callable[[str], object] = lambda sentence: None
) -> Balance:
    """Compare these days, both included. `tell` hears how far it is.

    Several calls to the PSP, a page of its list each; `deadline.at_most` limits them all. Raises Unreachable, and of
    it NotPermitted and NotConfigured.
    """
    psp = gateway(provider)
    comparison = _Comparison(psp, Balance(provider, first, last, psp.listed_until()))
    for since, until in _weeks(first, last):
        comparison.read(since, until)
        tell(f"{provider.label}: read up to {_day(until - timedelta(seconds=1))}")
    comparison.close()
    comparison.match_payouts(tell)
    return comparison.result


def midnight(day: date) -> datetime:
    """When a day of the shop's begins."""
    return datetime(day.year, day.month, day.day, tzinfo=get_default_timezone())


def _weeks(first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    start, end = first, last + timedelta(days=1)
    while start < end:
        stop = min(start + WEEK, end)
        yield midnight(start), midnight(stop)
        start = stop


# Comparing ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Case:
    """One thing that moved: what the PSP has booked and the shop says within the days that were read."""

    reference: str = ""
    there: int = 0
    here: int = 0
    first: datetime | None = None
    """When the PSP booked its first line, and its last."""
    last: datetime | None = None
    about: About | None = None
    claim: Claim | None = None

    def book(self, line: Line) -> None:
        at = line.entry.at
        self.there += line.entry.amount
        self.first = min(self.first or at, at)
        self.last = max(self.last or at, at)

    def add(self, other: "_Case") -> None:
        """The same thing on other days."""
        self.reference = self.reference or other.reference
        self.there += other.there
        self.here += other.here
        self.first = min(filter(None, (self.first, other.first)), default=None)
        self.last = max(filter(None, (self.last, other.last)), default=None)
        self.about = self.about or other.about
        self.claim = self.claim or other.claim

    def windows(self) -> list[tuple[datetime, datetime]]:
        """When the PSP has, or may have booked it; nothing where no row says more than the PSP."""
        if self.claim is None:
            return []
        seen = [(at - AROUND, at + AROUND) for at in (self.first, self.last) if at]
        return self.claim.windows() + seen

    @property
    def day(self) -> date | None:
        at = self.first or (self.claim.at if self.claim else None)
        return _day(at) if at else None


class _Comparison:
    """One reading of a PSP's account beside the shop's rows."""

    def __init__(self, psp: Gateway, result: Balance) -> None:
        self.result = result
        self._psp = psp
        self._open: dict[Key, _Case] = {}
        self._whole_from = self._whole_until = midnight(result.first)
        """Between them all that does not agree is in `_open`."""

    def read(self, since: datetime, until: datetime) -> None:
        """Both sides of some days. Raises Unreachable."""
        cases = self._booked(since, until)
        for key, case in cases.items():
            if case.claim and case.claim.currency == key[2]:
                case.here = case.claim.in_days(since, until)
                self._say(key, case)
            self._keep(key, case)
        for key, claim in claimed(self.result.provider, since, until):
            if key not in cases:
                case = _Case(claim.reference, here=claim.amount, about=claim.about, claim=claim)
                self._say(key, case)
                self._keep(key, case)
        self._whole_until = until
        if len(self._open) > MOST_OPEN:
            self.close()
            self._whole_from = until

    def close(self) -> None:
        """Judge what does not agree, by all that the PSP has booked of it whenever that was. Raises Unreachable."""
        cases = {key: case for key, case in self._open.items() if case.there != case.here}
        self._open = {}
        totals = self._totals(cases)
        other = [key for key, case in cases.items() if case.claim and case.claim.currency != key[2] and totals[key]]
        for key in other:
            self._differ(key, cases[key], totals[key], Kind.CURRENCY)
        named = {key[:2] for key in other}
        for key, case in cases.items():
            if key[:2] not in named:
                self._judge(key, case, totals[key])
            elif key not in other:
                # The shop's side of what was booked in another currency.
                self.result.apart[key[2]] += case.there - case.here

    def match_payouts(self, tell: Callable[[str], object]) -> None:
        """What each payout of the PSP's schedule holds. Raises Unreachable."""
        result = self.result
        for n, payout in enumerate(result.payouts):
            if not payout.automatic or payout.amount < 0:
                continue
            holds, number = Sums(), 0
            for line in contents(result.provider, payout.reference):
                number += 1
                _add(holds, line)
            if not number:
                continue
            result.payouts[n] = found = replace(payout, holds=holds, entries=number)
            tell(f"{result.provider.label}: payout {found.reference}, entries: {number}")
            if not found.matches:
                money = (found.amount, found.currency, holds.change, found.currency)
                day = _day(found.at)
                self._name(Difference(result.provider, Move.PAYOUT, Kind.AMOUNT, found.reference, *money, day))

    def _booked(self, since: datetime, until: datetime) -> dict[Key, _Case]:
        """What the PSP has booked in these days, with what the shop says of each thing."""
        cases: dict[Key, _Case] = {}
        disputed: dict[UUID, Payment] = {}
        for line in self._lines(since, until):
            self._count(line)
            key = _key(line)
            if key is None:
                continue
            if key not in cases:
                about = About.of(line.payment, line.refund) if line.payment else None
                cases[key] = _Case(_reference(line), about=about, claim=_claim_of(line))
            cases[key].book(line)
            if key[0] == Move.DISPUTE and line.payment:
                disputed[line.payment.pk] = line.payment
        for batch in batches(disputed.values()):
            claims = of_disputes_by_payment(batch)
            for (move, row, _currency), case in cases.items():
                if move == Move.DISPUTE and isinstance(row, UUID) and row in claims:
                    case.claim = claims[row]
        return cases

    def _lines(self, since: datetime, until: datetime) -> Iterator[Line]:
        """What the PSP has booked, if its list goes so far."""
        if since < self.result.complete_until:
            yield from lines(self.result.provider, self._psp.statement(since, until))

    def _count(self, line: Line) -> None:
        entry = line.entry
        _add(self._both(_day(entry.at), entry.currency).psp, line)
        if entry.move == Move.PAYOUT:
            money = (-entry.amount, entry.currency, entry.automatic)
            self.result.payouts.append(Payout(entry.reference or entry.id, entry.at, entry.arrives_at, *money))

    def _say(self, key: Key, case: _Case) -> None:
        """Add the shop's side to its day."""
        if case.here and case.claim and case.claim.at:
            shop = self._both(_day(case.claim.at), key[2]).shop
            setattr(shop, SUM_OF[key[0]], getattr(shop, SUM_OF[key[0]]) + case.here)

    def _both(self, day: date, currency: str) -> Both:
        return self.result.days.setdefault((day, currency), Both())

    def _keep(self, key: Key, case: _Case) -> None:
        if case.there != case.here:
            self._open.setdefault(key, _Case()).add(case)

    def _totals(self, cases: dict[Key, _Case]) -> dict[Key, int]:
        """All that the PSP has booked of each, read where it was not read yet."""
        totals = {key: case.there for key, case in cases.items()}
        elsewhere = {key: case.windows() for key, case in cases.items() if not self._is_whole(case)}
        totals |= dict.fromkeys(elsewhere, 0)
        for since, until in _merged(window for windows in elsewhere.values() for window in windows):
            for line in self._lines(since, until):
                if (key := _key(line)) and key in elsewhere:
                    totals[key] += line.entry.amount
                    cases[key].reference = cases[key].reference or _reference(line)
        return totals

    def _is_whole(self, case: _Case) -> bool:
        return all(self._whole_from <= since and until <= self._whole_until for since, until in case.windows())

    def _judge(self, key: Key, case: _Case, total: int) -> None:
        claim = case.claim
        if claim and claim.least <= total <= claim.amount:
            self._explain(key, case, claim.reason)
        elif claim and claim.at and claim.at > self.result.complete_until and not total:
            self._explain(key, case, Reason.FRESH)
        elif not claim or not claim.amount:
            self._differ(key, case, total, Kind.ONLY_THERE)
        else:
            self._differ(key, case, total, Kind.AMOUNT if total else Kind.ONLY_HERE)

    def _explain(self, key: Key, case: _Case, reason: Reason) -> None:
        result, (move, _row, currency), about = self.result, key, case.about
        result.number_explained += 1
        result.explained_apart[currency] += case.there - case.here
        if len(result.explained) < MOST_NAMED:
            order = (about.order_id, about.order_number) if about else (None, "")
            money = (case.there, case.here, currency)
            result.explained.append(Explained(move, reason, case.reference, *money, case.day, *order))

    def _differ(self, key: Key, case: _Case, total: int, kind: Kind) -> None:
        (move, _row, currency), claim, about = key, case.claim, case.about
        self.result.apart[currency] += case.there - case.here
        ours = (claim.amount, claim.currency) if claim else (0, currency)
        rows = (about.order_id, about.order_number, about.payment_id, about.refund_id) if about else ()
        self._name(
            Difference(self.result.provider, move, kind, case.reference, total, currency, *ours, case.day, *rows)
        )

    def _name(self, difference: Difference) -> None:
        self.result.number_of_differences += 1
        if len(self.result.differences) < MOST_NAMED:
            self.result.differences.append(difference)


def _key(line: Line) -> Key | None:
    """What a line is part of; None for what is not compared."""
    entry = line.entry
    if entry.move not in COMPARED or not line.is_ours:
        return None
    row = line.refund if entry.move == Move.REFUND else line.payment
    return entry.move, row.pk if row else _reference(line), entry.currency


def _reference(line: Line) -> str:
    """The PSP's own id of what moved."""
    entry = line.entry
    own = entry.money_reference if entry.move == Move.PAYMENT else entry.reference
    return own or entry.id


def _claim_of(line: Line) -> Claim | None:
    """What the shop says of a payment or refund; of disputes it is asked for many at once."""
    if line.entry.move == Move.REFUND:
        return of_refund(line.refund) if line.refund else None
    return of_payment(line.payment) if line.entry.move == Move.PAYMENT and line.payment else None


def _add(sums: Sums, line: Line) -> None:
    entry = line.entry
    if entry.move in COMPARED and not line.is_ours:
        sums.foreign += entry.net
        return
    name = SUM_OF[entry.move]
    setattr(sums, name, getattr(sums, name) + entry.amount)
    sums.fees -= entry.fee


def _day(at: datetime) -> date:
    return localtime(at, get_default_timezone()).date()


def _merged(windows: Iterable[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """The same times, none twice."""
    start = end = None
    for since, until in sorted(windows):
        if start is None or end is None:
            start, end = since, until
        elif since <= end:
            end = max(end, until)
        else:
            yield start, end
            start, end = since, until
    if start is not None and end is not None:
        yield start, end
