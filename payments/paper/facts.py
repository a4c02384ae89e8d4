"""The facts that an attestation states, free of any model: an invoice after LTVA art. 26, and its payment."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from orders.money import CURRENCY

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
    vat_rate: Decimal
    """Percent: `Decimal("8.1")`."""
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
class AttestationFacts:
    """Everything on the paper. Times are aware datetimes; they are printed in Europe/Zurich.

    Raises ValueError when a time has no zone, the currency is not CHF, or the parts do not add up to the total
    to the centime: such a paper must not exist.
    """

    number: str
    """`AP-2026-000412`."""
    code: str
    """13 letters of Crockford's alphabet, the last one a check."""
    issued_at: datetime
    agreed_at: datetime
    """When the bank's agreement arrived."""
    language: str
    seller: Seller
    billing_address: tuple[str, ...]
    """The customer's name and address, line by line."""
    delivery_address: tuple[str, ...]
    """Printed only where it differs from the billing address."""
    order_number: str
    placed_at: datetime
    lines: tuple[Line, ...]
    shipping: Shipping
    vat: tuple[Vat, ...]
    """Every rate of the order; not read when the seller is not registered."""
    total: int
    """Centimes, paid and agreed by the bank."""
    method: Method
    provider: str
    """The PSP's name as customers know it: `Stripe`, `PayPal`."""
    reference: str
    """The PSP's own id of the payment."""
    currency: str = CURRENCY

    def __post_init__(self) -> None:
        if any(time.utcoffset() is None for time in (self.issued_at, self.agreed_at, self.placed_at)):
            raise ValueError(f"{self.number}: a time has no zone")
        if self.currency != CURRENCY:
            raise ValueError(f"{self.number}: the currency is {self.currency}, not {CURRENCY}")
        if sum(line.total for line in self.lines) + self.shipping.price != self.total:
            raise ValueError(f"{self.number}: the lines do not add up to the total")
        if self.seller.vat_registered and sum(vat.base + vat.tax for vat in self.vat) != self.total:
            raise ValueError(f"{self.number}: the bases and taxes do not add up to the total")
