"""What the tests of the balance do, and what holds of every balance."""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate

from orders.models import Order
from payments.findings import Balance, Difference
from payments.models import Provider, Refund
from payments.reconciliation import balance
from payments.refunds import Wanted, ask, carry_out
from tests.payments.histories.clock import Clock
from tests.sandbox.client import Sandbox

TOTAL = 3800
"""What Claire's order costs."""
METHODS = ("card", "twint", "paypal")
BOTH = pytest.mark.parametrize("method", ["card", "paypal"])
WON = {"card": {"status": "won"}, "paypal": {"status": "RESOLVED", "outcome": "RESOLVED_SELLER_FAVOUR"}}
LOST = {"card": {"status": "lost"}, "paypal": {"status": "RESOLVED", "outcome": "RESOLVED_BUYER_FAVOUR"}}


def provider_of(method: str) -> Provider:
    return Provider.PAYPAL if method == "paypal" else Provider.STRIPE


def compared(clock: Clock, method: str = "card", *, before: int = 0, after: int = 0) -> Balance:
    """Today, and so many days around it, once the PSPs' lists are complete."""
    clock.move(timedelta(hours=4))
    today = localdate(clock.now)
    found = balance(provider_of(method), today - timedelta(days=before), today + timedelta(days=after))
    assert_adds_up(found)
    return found


def assert_adds_up(found: Balance) -> None:
    """The PSP's sums less the shop's are the differences and what is explained."""
    for currency, both in found.totals().items():
        there = both.psp.took + both.psp.gave_back + both.psp.disputed
        here = both.shop.took + both.shop.gave_back + both.shop.disputed
        assert there - here == found.apart[currency] + found.explained_apart[currency]


def only(found: Balance) -> Difference:
    (difference,) = found.differences
    assert found.number_of_differences == 1
    return difference


def lines(psps: Sandbox, *codes: str) -> list[str]:
    """The PSPs' lines of these codes, oldest first."""
    return [line["id"] for line in psps.ledger() if line["code"] in codes]


def given_back(order: Order, amount: int) -> Refund:
    """A refund that the shop asked for, and the PSP has."""
    refund = ask(order.payments.get().pk, Wanted(amount, "Retour"))
    carry_out(refund.pk)
    return refund


def loses(psps: Sandbox, page: str, amount: int, method: str = "card") -> str:
    dispute = psps.dispute(page, amount)
    psps.move_dispute(dispute, **LOST[method])  # type: ignore[arg-type]
    return dispute
