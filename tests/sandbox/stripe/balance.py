"""Stripe's balance: a line for all that moves on it, and payouts to the shop's bank."""

import time
from typing import Any

from tests.sandbox import canaries
from tests.sandbox.books import Books, Document
from tests.sandbox.names import stripe_id
from tests.sandbox.stripe.errors import StripeError
from tests.sandbox.world import World

KIND = "stripe balance_transaction"
PAYOUTS = "stripe payout"
DAY = 86_400  # seconds
# By reporting category (docs.stripe.com/reports/reporting-categories): the type for cards and for other means.
TYPES = {
    "charge": ("charge", "payment"),
    "refund": ("refund", "payment_refund"),
    "refund_failure": ("refund_failure", "payment_failure_refund"),
    "dispute": ("adjustment", "adjustment"),
    "dispute_reversal": ("adjustment", "adjustment"),
    "fee": ("stripe_fee", "stripe_fee"),
    "payout": ("payout", "payout"),
    "payout_reversal": ("payout_failure", "payout_failure"),
}
CARDS = ("ch_", "re_", "dp_")


def book(
    books: Books, category: str, source: Document | None, amount: int, *, fee: int = 0, id: str | None = None
) -> Document:
    """Write a line, of what `source` did to the balance."""
    made = int(time.time())
    about = (source or {}).get("id")
    currency = (source or {}).get("currency", "chf")
    line = {
        "id": id or stripe_id("txn_3"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": made + 3 * DAY,
        "balance_type": "payments",
        "created": made,
        "currency": currency,
        "description": (source or {}).get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [_fee(fee, currency)] if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": about,
        "status": "pending",
        "type": TYPES[category][0 if (about or "ch_").startswith(CARDS) else 1],
        "_payout": None,
    }
    books.put(KIND, line["id"], line)
    return line


def listed(books: Books, params: dict[str, Any]) -> list[Document]:
    """Newest first, as asked. Raises StripeError."""
    lines = books.all(KIND)
    for name in ("type", "currency", "source"):
        if name in params:
            lines = [line for line in lines if line[name] == params[name]]
    if "payout" in params:
        payout = books.get(PAYOUTS, params["payout"])
        if payout is None:
            raise StripeError(f"No such payout: '{params['payout']}'", code="resource_missing", param="payout")
        if not payout["automatic"]:
            raise StripeError(
                "Balance transaction history can only be filtered on automatic transfers, not manual.", param="payout"
            )
        lines = [line for line in lines if line["_payout"] == payout["id"]]
    lines.reverse()
    return sorted(lines, key=lambda line: -line["created"])


def pay_out(world: World, *, automatic: bool = True, amount: int | None = None) -> Document:
    """Send to the shop's bank what is there, or by hand a part of it. Raises ValueError when there is nothing."""
    books = world.books
    with books.turn():
        lines = [line for line in books.all(KIND) if line["_payout"] is None]
        there = sum(line["net"] for line in lines)
        sent = there if automatic or amount is None else amount
        if not 0 < sent <= there:
            raise ValueError(f"the balance is {there}")
        payout = _payout(sent, automatic=automatic)
        books.put(PAYOUTS, payout["id"], payout)
        own = book(books, "payout", payout, -sent, id=payout["balance_transaction"])
        for line in [*lines, own] if automatic else []:
            books.put(KIND, line["id"], line | {"_payout": payout["id"]})
    return payout


def return_payout(world: World, id: str) -> None:
    """The shop's bank sends a payout back."""
    with world.books.turn():
        payout = world.books.get(PAYOUTS, id)
        if payout is None:
            raise ValueError(f"no such payout: {id}")
        line = book(world.books, "payout_reversal", payout, payout["amount"])
        failed = {"status": "failed", "failure_balance_transaction": line["id"], "failure_code": "account_closed"}
        world.books.put(PAYOUTS, id, payout | failed)


def take_from_a_stranger(world: World, amount: int) -> Document:
    """Another shop on the same account takes money; the line of it."""
    card = {"id": stripe_id("ch_3"), "object": "charge", "amount": amount, "currency": "chf", "created": time.time()}
    named = {"billing_details": {"name": canaries.CARD_HOLDER}, "metadata": {"order": "1042"}, "description": None}
    charge: Document = {**card, **named, "payment_intent": stripe_id("pi_3")}
    with world.books.turn():
        world.books.put("stripe charge", charge["id"], charge)
        return book(world.books, "charge", charge, amount, fee=30)


def _fee(amount: int, currency: str) -> Document:
    return {
        "amount": amount,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }


def _payout(amount: int, *, automatic: bool) -> Document:
    made = int(time.time())
    return {
        "id": stripe_id("po_1"),
        "object": "payout",
        "amount": amount,
        "arrival_date": made + DAY,
        "automatic": automatic,
        "balance_transaction": stripe_id("txn_1"),
        "created": made,
        "currency": "chf",
        "description": "STRIPE PAYOUT",
        "destination": canaries.SHOP_BANK_ACCOUNT,
        "failure_balance_transaction": None,
        "failure_code": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "supported" if automatic else "unsupported",
        "statement_descriptor": None,
        "status": "paid",
        "type": "bank_account",
    }
