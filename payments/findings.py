"""What a comparison of a PSP's account with the shop's rows finds: sums, differences, and what explains the rest."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from orders.money import format_money
from payments.gateways.base import Move, NotPermitted, OutOfTime, Unreachable
from payments.models import Provider

log = logging.getLogger(__name__)


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
MOVES = {
    Move.PAYMENT: _("payment"),
    Move.REFUND: _("refund"),
    Move.DISPUTE: _("dispute"),
    Move.FEE: _("fee"),
    Move.PAYOUT: _("payout"),
    Move.OTHER: _("correction of the provider"),
}
SUMS = {
    "took": _("taken"),
    "gave_back": _("given back"),
    "disputed": _("disputed"),
    "fees": _("fees"),
    "paid_out": _("paid out"),
    "other": _("other"),
    "foreign": _("of other shops"),
}
"""What each of Sums is called."""
OF_THE_SHOP = ("took", "gave_back", "disputed")
"""The sums of which the shop has its own."""
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


def why_not_asked(provider: Provider, error: Unreachable) -> str:
    """Why there is no balance, and what to do, in the language in use; the PSP's own word goes to the log."""
    log.warning("%s could not be asked: %s", provider.label, error)
    if isinstance(error, NotPermitted):
        return gettext(NOT_PERMITTED[provider])
    if isinstance(error, OutOfTime):
        text = gettext("%(psp)s did not answer in time. Choose fewer days, or try again later.")
        return text % {"psp": provider.label}
    return gettext("%(psp)s does not answer at the moment. Try again later.") % {"psp": provider.label}
