"""What Stripe has booked on our balance: its balance transactions (docs.stripe.com/api/balance_transactions)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import stripe
from stripe.params import BalanceTransactionListParams

from payments.gateways.allowed import Form, as_datetime, as_uuid, flag, kept, number, reference, word
from payments.gateways.base import Entry, Move, Unreachable
from payments.gateways.stripe_messages import MARKS, our_payment
from payments.gateways.stripe_transport import shown

PAGE = 100  # the most that Stripe gives at once
BOOKED_LATE = timedelta(hours=1)
"""After a payment its line may be missing for so long (docs.stripe.com/payments/payment-intents/asynchronous-capture).
"""
# By `reporting_category`, which Stripe recommends for accounts: its `type` tells cards from other means, and calls
# disputes, bounced refunds and corrections all `adjustment` (docs.stripe.com/reports/reporting-categories).
MOVES: dict[str, Move] = {
    "charge": Move.PAYMENT,
    "charge_failure": Move.PAYMENT,
    "partial_capture_reversal": Move.PAYMENT,
    "refund": Move.REFUND,
    "refund_failure": Move.REFUND,
    "dispute": Move.DISPUTE,
    "dispute_reversal": Move.DISPUTE,
    "fee": Move.FEE,
    "network_cost": Move.FEE,
    "tax": Move.FEE,
    "payout": Move.PAYOUT,
    "payout_reversal": Move.PAYOUT,
}
BOOKED: dict[str, Form] = {
    "id": reference,
    "amount": number,
    "fee": number,
    "currency": word,
    "created": number,
    "reporting_category": word,
    # A charge, refund, dispute or payout: of their bank data nothing.
    "source": {
        "object": word,
        "id": reference,
        "payment_intent": reference,
        "metadata": MARKS,
        "automatic": flag,
        "arrival_date": number,
    },
}


def entries(client: stripe.StripeClient, wanted: BalanceTransactionListParams) -> Iterator[Entry]:
    """The lines that are wanted, newest first, of which one page at a time is kept. Raises Unreachable."""
    params: BalanceTransactionListParams = {"limit": PAGE, "expand": ["data.source"], **wanted}
    page = _page(client, params)
    while lines := page["data"]:
        for line in lines:
            yield _entry(kept(line, BOOKED))
        if page.get("has_more") is not True:
            return
        page = _page(client, {**params, "starting_after": lines[-1]["id"]})


def _page(client: stripe.StripeClient, params: BalanceTransactionListParams) -> dict[str, Any]:
    answer = shown("its balance", lambda: client.v1.balance_transactions.list(params))
    lines = answer.get("data")
    if not isinstance(lines, list) or not all(isinstance(line, dict) and reference(line) for line in lines):
        raise Unreachable("Stripe's list of balance transactions is none")
    return answer


def _entry(line: dict[str, Any]) -> Entry:
    at, source = as_datetime(line.get("created")), line.get("source", {})
    if at is None or not {"amount", "currency"} <= set(line):
        raise Unreachable("Stripe's balance transaction has no amount or no date")
    move = MOVES.get(line.get("reporting_category", ""), Move.OTHER)
    is_its_own = move in (Move.REFUND, Move.DISPUTE, Move.PAYOUT)
    return Entry(
        id=line["id"],
        move=move,
        at=at,
        amount=line["amount"],
        currency=line["currency"].upper(),
        fee=line.get("fee", 0),
        money_reference=source.get("payment_intent"),
        reference=source.get("id") if is_its_own else None,
        payment_id=our_payment(source),
        refund_id=as_uuid(source.get("metadata", {}).get("refund")),
        automatic=source.get("automatic", False),
        arrives_at=as_datetime(source.get("arrival_date")),
    )
