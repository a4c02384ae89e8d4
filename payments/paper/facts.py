"""The facts that the papers state, free of any model: an invoice after LTVA art. 26 and its payment, a refund."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from orders.money import CURRENCY
from payments.gateways.base import PaymentDetails

Method = Literal["card", "twint", "paypal"]


class NoDetails(StrEnum):
    """Why the paper tells nothing of the means of payment."""

    SILENT = "silent"  # the PSP did not answer in time
    NOT_SHOWN = "not_shown"  # it answered that it shows none, or the shop does not speak to it any more


@dataclass(frozen=True)
class Seller:
    """Who sells (LTVA art. 26 al. 2 let. a; LCD art. 3 al. 1 let. s)."""

    name: str
    street: str
    postcode: str
    town: str
    email: str
    uid: str
    """`CHE-123.456.788`, without the suffix of the VAT register; may be empty when not registered."""
    vat_registered: bool
    """When False no VAT at all may be printed: who shows a tax owes it (LTVA art. 27)."""
    statement_name: str
    """What the customer's bank or card statement says."""
    shop: str = ""
    """The name under which the seller trades, which heads the paper; empty where the paper is older than that."""


@dataclass(frozen=True)
class Line:
    name: str
    quantity: int
    unit_price: int
    """Centimes, VAT included."""
    vat_rate: Decimal | None
    """Percent: `Decimal("8.1")`; None for an amount over several rates."""
    sku: str = ""
    refunded: int = 0
    """Pieces of it whose money went back before this paper was drawn."""

    @property
    def total(self) -> int:
        return self.quantity * self.unit_price


@dataclass(frozen=True)
class Shipping:
    name: str
    price: int
    """Centimes, VAT included at the rates of the goods (LTVA art. 19 al. 4)."""


@dataclass(frozen=True)
class Vat:
    """One rate's part of the order: `base` (without the tax) and `tax`, in centimes."""

    rate: Decimal
    base: int
    tax: int


@dataclass(frozen=True)
class Gone:
    """Money that went back, or was taken back, before this paper was drawn: centimes, and when for certain."""

    amount: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What every paper states. Times are aware datetimes; they are printed in Europe/Zurich.

    Raises ValueError when a time has no zone, the parts do not add up to the total to the centime, a tax is shown by
    who is not registered, or money that was for no sale has a tax or is not in CHF where it must be: such a paper
    must not exist.
    """

    number: str
    """`AP-2026-000412`, `AR-2026-000007`."""
    code: str
    """13 letters of Crockford's alphabet, the last one a check."""
    verify_url: str
    """Where anybody may ask whether the paper is authentic; the code stands in it."""
    issued_at: datetime
    language: str
    seller: Seller
    billing_address: tuple[str, ...]
    """The customer's name and address, line by line."""
    initials: str
    """The customer's, for who compares the paper with the page that verifies it."""
    order_number: str
    placed_at: datetime
    lines: tuple[Line, ...]
    vat: tuple[Vat, ...]
    """Every rate that was in the prices; empty when none was, and then the paper shows no VAT at all."""
    total: int
    """Centimes of `currency`."""
    method: Method
    provider: str
    """The PSP's name as customers know it: `Stripe`, `PayPal`."""
    reference: str
    """The PSP's own id of the money."""
    details: PaymentDetails | NoDetails
    """The means of payment, read live."""
    currency: str = CURRENCY

    def __post_init__(self) -> None:
        if any(time.utcoffset() is None for time in self.times()):
            raise ValueError(f"{self.number}: a time has no zone")
        if self.currency != CURRENCY and self.is_of_a_sale():
            raise ValueError(f"{self.number}: the currency is {self.currency}, not {CURRENCY}")
        if self.vat and not (self.seller.vat_registered and self.is_of_a_sale()):
            raise ValueError(f"{self.number}: a tax is shown that nobody owes")
        if self.parts() != self.total:
            raise ValueError(f"{self.number}: the lines do not add up to the total")
        if self.vat and sum(vat.base + vat.tax for vat in self.vat) != self.total:
            raise ValueError(f"{self.number}: the bases and taxes do not add up to the total")

    def times(self) -> tuple[datetime, ...]:
        return (self.issued_at, self.placed_at)

    def is_of_a_sale(self) -> bool:
        """Whether the money was for goods: in CHF, and taxed where the seller was registered."""
        return True

    def parts(self) -> int:
        """Centimes of everything that is listed."""
        return sum(line.total for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class AttestationFacts(Facts):
    """Money that the bank agreed to, for an order: proof of payment and invoice (LTVA art. 26)."""

    agreed_at: datetime
    """When the bank's agreement arrived."""
    delivery_address: tuple[str, ...]
    """Printed only where it differs from the billing address."""
    delivery_by: date
    """The day of the supply (LTVA art. 26 al. 2 let. c) as it was promised, in Switzerland."""
    shipping: Shipping
    shipped_at: datetime | None = None
    """When the goods left; None before."""
    is_held: bool = False
    """Whether they do not leave for now: a bank examines the payment, or all of it is asked back."""
    refunds: tuple[Gone, ...] = ()
    """What went back since, oldest first."""
    taken_back: Gone | None = None
    """What the customer's bank took back since, after a dispute; when that was told."""
    disputed_at: datetime | None = None
    """Since when the payer's bank examines the payment, if it does now."""
    going_back: int = 0
    """Centimes: all that still stays paid, where it is asked back and not confirmed yet."""
    updated_at: datetime | None = None
    """When any of this last changed since the issue, be it that it is listed no more: it tells two prints apart."""

    @property
    def stays(self) -> int:
        """Centimes that stay paid after all that is listed."""
        return max(self.total - sum(gone.amount for gone in self._gone()), 0)

    @property
    def is_still_to_come(self) -> bool:
        """Whether anything is to be supplied: not where all money or all goods went back before they left."""
        return not self.shipped_at and self.stays > 0 and any(line.quantity > line.refunded for line in self.lines)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.vat and not {line.vat_rate for line in self.lines} <= {vat.rate for vat in self.vat}:
            raise ValueError(f"{self.number}: a line's rate is none of those of the taxes")

    def times(self) -> tuple[datetime, ...]:
        some = [at for at in (self.shipped_at, self.disputed_at, self.updated_at) if at]
        return (*super().times(), self.agreed_at, *some, *(gone.at for gone in self._gone()))

    def parts(self) -> int:
        return super().parts() + self.shipping.price

    def _gone(self) -> list[Gone]:
        return [*self.refunds, *([self.taken_back] if self.taken_back else [])]


@dataclass(frozen=True, kw_only=True)
class RefundFacts(Facts):
    """Money that went back: it corrects the invoice that an attestation is (LTVA art. 27 al. 4)."""

    refunded_at: datetime
    attestation: str
    """The number of the attestation that it corrects; empty for money that settled nothing, whatever its currency."""

    def is_of_a_sale(self) -> bool:
        return bool(self.attestation)

    def times(self) -> tuple[datetime, ...]:
        return (*super().times(), self.refunded_at)
