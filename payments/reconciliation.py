"""The balance of the money: what a PSP says it took, gave back and paid out, against what the shop's rows say.

Each payment, refund and dispute is compared, by the PSP's reference, not one sum with another. Whatever the two sides
say differently is a difference to be looked at, or has a reason (another day, on its way); so that always

    the PSP's sums − the shop's sums = the differences + what is explained.

Everything is computed anew each time and nothing of it is stored: the PSP's account is the PSP's, and can be read for
years.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from django.utils.timezone import get_default_timezone, localtime
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from orders.money import format_money
from payments.booked import BATCH, Line, batches, contents, lines
from payments.disputes import CASE
from payments.gateways import gateway
from payments.gateways.base import Gateway, Move, NotPermitted, Unreachable
from payments.models import Dispute, Payment, Provider, Refund

WEEK = timedelta(days=7)
"""What is in memory at once: the payments, refunds and disputes of a week."""
MOST_OPEN = 5_000
"""So many that do not agree are held; then they are judged, and the reading goes on."""
MOST_NAMED = 500
"""So many differences are named one by one; all are counted and summed."""
HEARD_LATE = timedelta(days=4)
"""How long after the PSP the shop may have noted what it did: the PSPs' messages come for three days."""
BOOKED_LATE = timedelta(days=1)
AROUND = timedelta(minutes=1)
LONGEST_LOOK = timedelta(days=31)
"""What lies further apart is looked for at its two ends."""

Key: TypeAlias = tuple[Move, object, str]
"""Why it moved, our key of the row (else the PSP's reference), the currency."""
COMPARED = (Move.PAYMENT, Move.REFUND, Move.DISPUTE)


class Kind(StrEnum):
    """What is different."""

    ONLY_THERE = "only_there"  # the PSP has booked it, the shop says that nothing moved
    ONLY_HERE = "only_here"  # the shop says it moved, the PSP has not booked it
    AMOUNT = "amount"
    CURRENCY = "currency"


class Reason(StrEnum):
    """Why the two sides say otherwise of these days, and agree all the same."""

    OTHER_DAY = "other_day"
    ON_ITS_WAY = "on_its_way"
    HELD = "held"
    FRESH = "fresh"

    @property
    def label(self) -> str:
        return str(REASONS[self])


REASONS = {
    Reason.OTHER_DAY: _("booked on another day"),
    Reason.ON_ITS_WAY: _("refund on its way"),
    Reason.HELD: _("held for an open dispute"),
    Reason.FRESH: _("too recent for the provider’s list"),
}
# What a difference is, and what to do.
WORDS: dict[tuple[Move, Kind], str] = {
    (Move.PAYMENT, Kind.ONLY_THERE): gettext_noop(
        "%(psp)s took %(there)s that the shop does not count as paid. Check the payment with the provider from its "
        "order; without an order, look it up at the provider and give it back there."
    ),
    (Move.PAYMENT, Kind.ONLY_HERE): gettext_noop(
        "The shop counts %(here)s as paid, and %(psp)s has not booked it. Send nothing before you have found the "
        "payment at the provider."
    ),
    (Move.REFUND, Kind.ONLY_THERE): gettext_noop(
        "%(psp)s gave back %(there)s of which the shop does not know, or which it holds for failed. Let the "
        "provider’s list be read again (manage.py recover), then look at the order’s refunds."
    ),
    (Move.REFUND, Kind.ONLY_HERE): gettext_noop(
        "The shop counts %(here)s as given back, and %(psp)s has not booked it, or it came back. Ask the provider; if "
        "the customer does not have the money, refund it at the provider."
    ),
    (Move.DISPUTE, Kind.ONLY_THERE): gettext_noop(
        "%(psp)s took back %(there)s, and the shop knows of no dispute that would explain it. Look at the payment at "
        "the provider, and answer there if it can still be answered."
    ),
    (Move.DISPUTE, Kind.ONLY_HERE): gettext_noop(
        "The shop counts %(here)s as taken by a lost dispute, and %(psp)s has not taken it. Look at the dispute at the "
        "provider."
    ),
    (Move.PAYOUT, Kind.AMOUNT): gettext_noop(
        "%(psp)s paid out %(there)s, and what the payout is said to hold comes to %(here)s. Ask the provider."
    ),
}
OTHERWISE = {
    Kind.AMOUNT: gettext_noop(
        "%(psp)s has booked %(there)s, the shop says %(here)s. Compare the two at the provider; what is too much goes "
        "back, what is missing is claimed there."
    ),
    Kind.CURRENCY: gettext_noop(
        "%(psp)s has booked %(there)s, the shop says %(here)s: another currency. Look at the provider’s settings for "
        "currencies, then at the order."
    ),
}
NOT_PERMITTED = {
    Provider.STRIPE: gettext_noop(
        "Stripe does not let our key read our balance. Allow the key at Stripe’s dashboard to read balance "
        "transactions."
    ),
    Provider.PAYPAL: gettext_noop(
        "PayPal does not let our app search transactions. Switch Transaction Search on for the app at PayPal’s "
        "dashboard; it may take nine hours until it works."
    ),
}


@dataclass
class Sums:
    """Centimes by which a balance changed, each with its sign: what left is below zero."""

    took: int = 0
    gave_back: int = 0
    disputed: int = 0
    fees: int = 0
    paid_out: int = 0
    other: int = 0
    """Reserves, conversions, corrections."""
    foreign: int = 0
    """Of other shops on the same account, after their fees."""

    @property
    def change(self) -> int:
        return sum(vars(self).values())

    def add(self, other: "Sums") -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


SUM_OF = {
    Move.PAYMENT: "took",
    Move.REFUND: "gave_back",
    Move.DISPUTE: "disputed",
    Move.FEE: "fees",
    Move.PAYOUT: "paid_out",
    Move.OTHER: "other",
}


@dataclass
class Both:
    """The PSP's sums and the shop's, which knows neither fees nor payouts."""

    psp: Sums = field(default_factory=Sums)
    shop: Sums = field(default_factory=Sums)


@dataclass(frozen=True)
class Difference:
    """One thing of which the PSP and the shop say not the same, in centimes with their sign and currency."""

    provider: Provider
    move: Move
    kind: Kind
    reference: str
    """The PSP's own id of it."""
    there: int
    currency_there: str
    here: int
    currency_here: str
    day: date | None
    order_id: int | None = None
    order_number: str = ""
    payment_id: UUID | None = None
    refund_id: UUID | None = None

    @property
    def sentence(self) -> str:
        """What is different and what to do, in the language in use."""
        text = WORDS.get((self.move, self.kind)) or OTHERWISE[self.kind]
        return gettext(text) % {
            "psp": self.provider.label,
            "there": format_money(abs(self.there), self.currency_there),
            "here": format_money(abs(self.here), self.currency_here),
        }


@dataclass(frozen=True)
class Explained:
    """One thing that only seems different in these days."""

    move: Move
    reason: Reason
    reference: str
    there: int
    here: int
    currency: str
    day: date | None
    order_id: int | None = None
    order_number: str = ""


@dataclass(frozen=True)
class Payout:
    """What went to the shop's bank, above zero; below, what came back."""

    reference: str
    at: datetime
    arrives_at: datetime | None
    amount: int
    currency: str
    automatic: bool
    """Made by the PSP's own schedule: of one by hand no PSP says what it holds."""
    holds: Sums | None = None
    """What it is made of; None where the PSP does not tell, or not yet."""
    entries: int = 0

    @property
    def matches(self) -> bool | None:
        """Whether what it holds comes to what was paid out; None when that is not known."""
        return None if self.holds is None else self.holds.change == self.amount


@dataclass
class Balance:
    """What was compared, from the first day to the last (Zurich), and what came of it."""

    provider: Provider
    first: date
    last: date
    complete_until: datetime
    """Up to when the PSP's list was complete."""
    days: dict[tuple[date, str], Both] = field(default_factory=dict)
    """By day and currency; days on which nothing moved are left out."""
    differences: list[Difference] = field(default_factory=list)
    number_of_differences: int = 0
    apart: Counter[str] = field(default_factory=Counter)
    """What the differences come to, by currency: the PSP's side less the shop's."""
    explained: list[Explained] = field(default_factory=list)
    number_explained: int = 0
    explained_apart: Counter[str] = field(default_factory=Counter)
    payouts: list[Payout] = field(default_factory=list)

    def totals(self) -> dict[str, Both]:
        """The sums of all days, by currency."""
        found: dict[str, Both] = {}
        for (_day, currency), both in sorted(self.days.items()):
            total = found.setdefault(currency, Both())
            total.psp.add(both.psp)
            total.shop.add(both.shop)
        return found


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


def why_not_asked(provider: Provider, error: Unreachable) -> str:
    """Why there is no balance, and what to do, in the language in use."""
    if isinstance(error, NotPermitted):
        return gettext(NOT_PERMITTED[provider])
    text = gettext("%(psp)s could not be asked (%(error)s). Try again later.")
    return text % {"psp": provider.label, "error": error}


def midnight(day: date) -> datetime:
    """When a day of the shop's begins."""
    return datetime(day.year, day.month, day.day, tzinfo=get_default_timezone())


def _weeks(first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    start, end = first, last + timedelta(days=1)
    while start < end:
        stop = min(start + WEEK, end)
        yield midnight(start), midnight(stop)
        start = stop


# What the shop says ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _About:
    """The rows of ours that a thing belongs to."""

    order_id: int
    order_number: str
    payment_id: UUID
    refund_id: UUID | None = None

    @classmethod
    def of(cls, payment: Payment, refund: Refund | None = None) -> "_About":
        """`payment` has its order."""
        return cls(payment.order_id, payment.order.number, payment.pk, refund.pk if refund else None)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the shop says now of one payment, one refund, or of all disputes of a payment."""

    about: _About
    reference: str
    """The PSP's id of it, as far as the shop knows it."""
    amount: int
    """What moved for good, with its sign."""
    currency: str
    at: datetime | None
    """The moment that it gives to it."""
    known_from: datetime
    known_until: datetime
    least: int
    """What the PSP may have booked at least, and at most `amount`, without being wrong."""
    reason: Reason = Reason.OTHER_DAY

    def in_days(self, since: datetime, until: datetime) -> int:
        return self.amount if self.at and since <= self.at < until else 0

    def windows(self) -> list[tuple[datetime, datetime]]:
        """When the PSP may have booked it."""
        start, end = self.known_from - HEARD_LATE, self.known_until + BOOKED_LATE
        if end - start <= LONGEST_LOOK:
            return [(start, end)]
        return [(start, self.known_from + HEARD_LATE), (self.known_until - HEARD_LATE, end)]


def _of_payment(payment: Payment) -> _Claim:
    came = (payment.received_amount or 0) if payment.status == Payment.Status.AUTHORISED else 0
    at, reference = payment.authorised_at, payment.money_reference or ""
    known = (_About.of(payment), reference, came, payment.came_in)
    return _Claim(*known, at, payment.created_at, at or payment.created_at, came)


def _of_refund(refund: Refund) -> _Claim:
    payment, at = refund.payment, refund.settled_at
    gone = -refund.amount if refund.status == Refund.Status.SUCCEEDED else 0
    known = (_About.of(payment, refund), refund.reference or "", gone, payment.came_in)
    claim = _Claim(*known, at, refund.created_at, at or refund.created_at, gone)
    if refund.status == Refund.Status.REQUESTED:
        return replace(claim, least=-refund.amount, reason=Reason.ON_ITS_WAY)
    return claim


def _of_disputes(disputes: list[Dispute], payment: Payment) -> _Claim:
    """The largest lost one took the money (Payment.taken_back); an open one may hold it."""
    # Of the two that PayPal tells of one matter, the reversal has the moment at which the money went.
    lost = [(one.amount, not one.reference.startswith(CASE), one.opened_at) for one in disputes if _is_lost(one)]
    taken, _is_the_money, at = max(lost, default=(0, False, None))
    held = sum(one.amount for one in disputes if one.status == Dispute.Status.OPEN)
    first = min(one.opened_at for one in disputes)
    last = max(one.decided_at or one.opened_at for one in disputes)
    reason = Reason.HELD if held else Reason.OTHER_DAY
    known = (_About.of(payment), disputes[0].reference, -taken, payment.came_in)
    return _Claim(*known, at, first, last, -taken - held, reason)


def _is_lost(dispute: Dispute) -> bool:
    return dispute.status == Dispute.Status.LOST


def _disputes_of(payments: Iterable[Payment]) -> dict[UUID, _Claim]:
    """By payment, of those that have any. They have their orders."""
    known = {payment.pk: payment for payment in payments}
    found: dict[UUID, list[Dispute]] = {}
    for dispute in Dispute.objects.filter(payment__in=known):
        found.setdefault(dispute.payment_id, []).append(dispute)
    return {id: _of_disputes(disputes, known[id]) for id, disputes in found.items()}


def _claimed(provider: Provider, since: datetime, until: datetime) -> Iterator[tuple[Key, _Claim]]:
    """Everything to which the shop gives a moment from `since` to before `until`."""
    payments = Payment.objects.filter(
        provider=provider, status=Payment.Status.AUTHORISED, authorised_at__gte=since, authorised_at__lt=until
    )
    for payment in payments.select_related("order").order_by().iterator(BATCH):
        yield (Move.PAYMENT, payment.pk, payment.came_in), _of_payment(payment)
    refunds = Refund.objects.filter(
        payment__provider=provider, status=Refund.Status.SUCCEEDED, settled_at__gte=since, settled_at__lt=until
    )
    for refund in refunds.select_related("payment__order").order_by().iterator(BATCH):
        yield (Move.REFUND, refund.pk, refund.payment.came_in), _of_refund(refund)
    lost = Dispute.objects.filter(status=Dispute.Status.LOST, opened_at__gte=since, opened_at__lt=until)
    taken = Payment.objects.filter(provider=provider, pk__in=lost.values("payment")).select_related("order").order_by()
    for batch in batches(taken.iterator(BATCH)):
        for id, claim in _disputes_of(batch).items():
            if claim.in_days(since, until):
                yield (Move.DISPUTE, id, claim.currency), claim


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
    about: _About | None = None
    claim: _Claim | None = None

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
        for key, claim in _claimed(self.result.provider, since, until):
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
            tell(f"{result.provider.label}: payout {found.reference}, {number} entries")
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
                about = _About.of(line.payment, line.refund) if line.payment else None
                cases[key] = _Case(_reference(line), about=about, claim=_claim_of(line))
            cases[key].book(line)
            if key[0] == Move.DISPUTE and line.payment:
                disputed[line.payment.pk] = line.payment
        for batch in batches(disputed.values()):
            claims = _disputes_of(batch)
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


def _claim_of(line: Line) -> _Claim | None:
    """What the shop says of a payment or refund; of disputes it is asked for many at once."""
    if line.entry.move == Move.REFUND:
        return _of_refund(line.refund) if line.refund else None
    return _of_payment(line.payment) if line.entry.move == Move.PAYMENT and line.payment else None


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
