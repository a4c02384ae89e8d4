"""The facts that the papers state, free of any model: an invoice after LTVA art. 26 and its payment, a refund."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from orders.money import CURRENCY
from payments.gateways.base import PaymentDetails

Method = Literal["card", "twint", "paypal"]


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
    """When False no VAT at all is printed: who shows a tax owes it (LTVA art. 27)."""
    statement_name: str
    """What the customer's bank or card statement says."""


@dataclass(frozen=True)
class Line:
    name: str
    quantity: int
    unit_price: int
    """Centimes, VAT included."""
    vat_rate: Decimal | None
    """Percent: `Decimal("8.1")`; None for an amount over several rates."""
    sku: str = ""

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
class Refunded:
    """Money that went back before this paper was drawn: centimes, and when for certain."""

    amount: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What every paper states. Times are aware datetimes; they are printed in Europe/Zurich.

    Raises ValueError when a time has no zone, the currency of an invoice or its correction is not CHF, or the parts do
    not add up to the total to the centime: such a paper must not exist.
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
    order_number: str
    placed_at: datetime
    lines: tuple[Line, ...]
    vat: tuple[Vat, ...]
    """Every rate; not read when the seller is not registered."""
    total: int
    """Centimes."""
    method: Method
    provider: str
    """The PSP's name as customers know it: `Stripe`, `PayPal`."""
    reference: str
    """The PSP's own id of the money."""
    details: PaymentDetails | None
    """The means of payment, read live; None when the PSP did not answer."""
    currency: str = CURRENCY

    def __post_init__(self) -> None:
        if any(time.utcoffset() is None for time in self.times()):
            raise ValueError(f"{self.number}: a time has no zone")
        if self.currency != CURRENCY and self.is_for_a_supply():
            raise ValueError(f"{self.number}: the currency is {self.currency}, not {CURRENCY}")
        if self.parts() != self.total:
            raise ValueError(f"{self.number}: the lines do not add up to the total")
        if self.seller.vat_registered and self.vat and sum(vat.base + vat.tax for vat in self.vat) != self.total:
            raise ValueError(f"{self.number}: the bases and taxes do not add up to the total")

    def times(self) -> tuple[datetime, ...]:
        return (self.issued_at, self.placed_at)

    def is_for_a_supply(self) -> bool:
        """Whether it states what was sold, which is sold in francs."""
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
    shipping: Shipping
    refunds: tuple[Refunded, ...] = ()
    """What went back since, oldest first."""

    def times(self) -> tuple[datetime, ...]:
        return (*super().times(), self.agreed_at, *(refund.at for refund in self.refunds))

    def parts(self) -> int:
        return super().parts() + self.shipping.price


@dataclass(frozen=True, kw_only=True)
class RefundFacts(Facts):
    """Money that went back: it corrects the invoice that an attestation is (LTVA art. 27 al. 4)."""

    refunded_at: datetime
    attestation: str
    """The number of the attestation that it corrects; empty for money that settled nothing."""

    def is_for_a_supply(self) -> bool:
        return bool(self.attestation)

    def times(self) -> tuple[datetime, ...]:
        return (*super().times(), self.refunded_at)
