"""The payments that the gateways are given: they know no model."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from payments.gateways.base import Urls

URLS = Urls("http://localhost:8000/commande/j3ton/retour/1/", "http://localhost:8000/commande/j3ton/abandon/1/")


@dataclass(frozen=True)
class AnOrder:
    number: str = "KK-7F3Q-20AB"
    email: str = "claire.dufour@example.ch"
    language: str = "fr"


@dataclass
class APayment:
    method: str = "card"
    amount: int = 12850
    currency: str = "CHF"
    received_currency: str = ""
    page_reference: str | None = None
    money_reference: str | None = None
    id: UUID = field(default_factory=uuid4)
    expires_at: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(minutes=41))
    order: AnOrder = field(default_factory=AnOrder)

    def on(self, page: str) -> "APayment":
        """The same payment once its page is known."""
        return replace(self, page_reference=page)

    def of(self, money: str) -> "APayment":
        """The same payment once its money is known."""
        return replace(self, money_reference=money)


@dataclass
class ARefund:
    payment: APayment
    amount: int = 12850
    reference: str | None = None
    id: UUID = field(default_factory=uuid4)
