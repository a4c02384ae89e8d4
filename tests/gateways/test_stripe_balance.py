"""Stripe's balance transactions: its own words for them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from payments.gateways.base import Entry, Move, NotPermitted, Unreachable
from payments.gateways.stripe import StripeGateway
from tests.gateways.server import Answer, as_json, serving
from tests.gateways.stripe import configured
from tests.sandbox.process import Running

OURS = UUID("5f0d1e3a-6f3e-4c40-9c0b-0a1b2c3d4e5f")
DAY = datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
BOOKED_AT = 1_793_620_800


def line(category: str = "charge", source: object = None, **changes: Any) -> dict[str, Any]:
    return {
        "id": "txn_1",
        "object": "balance_transaction",
        "amount": 12850,
        "available_on": BOOKED_AT + 3 * 86_400,
        "created": BOOKED_AT,
        "currency": "chf",
        "description": "Commande KK-7F3Q-20AB, Claire Dufour",
        "exchange_rate": None,
        "fee": 402,
        "net": 12448,
        "reporting_category": category,
        "source": source,
        "status": "pending",
        "type": "adjustment",
        **changes,
    }


def charge(**changes: Any) -> dict[str, Any]:
    marks = {"payment": str(OURS), "order": "KK-7F3Q-20AB"}
    card = {"brand": "visa", "last4": "4242"}
    return {
        "id": "ch_1",
        "object": "charge",
        "payment_intent": "pi_1",
        "metadata": marks,
        "payment_method_details": {"type": "card", "card": card},
        **changes,
    }


def listed(*lines: Any) -> Answer:
    return as_json({"object": "list", "data": [*lines], "has_more": False, "url": "/v1/balance_transactions"})


def read(answer: Answer) -> list[Entry]:
    with serving(lambda request: answer) as server:
        return list(configured(server.url).statement(*DAY))


def test_a_line_is_read_with_what_the_shop_needs_and_nothing_else() -> None:
    (entry,) = read(listed(line(source=charge())))
    at = datetime.fromtimestamp(BOOKED_AT, UTC)
    assert entry == Entry("txn_1", Move.PAYMENT, at, 12850, "CHF", 402, "pi_1", None, OURS)


@pytest.mark.parametrize(
    ("category", "move"),
    [
        ("charge", Move.PAYMENT),
        ("charge_failure", Move.PAYMENT),
        ("partial_capture_reversal", Move.PAYMENT),
        ("refund", Move.REFUND),
        ("refund_failure", Move.REFUND),
        ("dispute", Move.DISPUTE),
        ("dispute_reversal", Move.DISPUTE),
        ("fee", Move.FEE),
        ("network_cost", Move.FEE),
        ("tax", Move.FEE),
        ("payout", Move.PAYOUT),
        ("payout_reversal", Move.PAYOUT),
        ("other_adjustment", Move.OTHER),
        ("risk_reserved_funds", Move.OTHER),
        ("invented_tomorrow", Move.OTHER),
        (None, Move.OTHER),
    ],
)
def test_stripes_categories_are_moves_of_ours(category: Any, move: Move) -> None:
    (entry,) = read(listed(line(category)))
    assert entry.move == move


def test_a_refund_a_dispute_and_a_payout_have_ids_of_their_own() -> None:
    made = {"id": "re_1", "object": "refund", "payment_intent": "pi_1", "metadata": {"refund": str(OURS)}}
    dispute = {"id": "dp_1", "object": "dispute", "payment_intent": "pi_2", "metadata": {}}
    payout = {"id": "po_1", "object": "payout", "automatic": True, "arrival_date": BOOKED_AT, "destination": "ba_1"}
    entries = read(
        listed(line("refund", made), line("dispute", dispute), line("payout", payout), line("fee", None, amount=-200))
    )
    assert [(one.reference, one.money_reference) for one in entries] == [
        ("re_1", "pi_1"),
        ("dp_1", "pi_2"),
        ("po_1", None),
        (None, None),
    ]
    assert entries[0].refund_id == OURS
    assert (entries[2].automatic, entries[2].arrives_at) == (True, datetime.fromtimestamp(BOOKED_AT, UTC))


def test_another_shops_mark_is_none() -> None:
    (entry,) = read(listed(line(source=charge(metadata={"payment": str(OURS), "order": "1042"}))))
    assert (entry.payment_id, entry.money_reference) == (None, "pi_1")


@pytest.mark.parametrize(
    "lines",
    [
        [{"id": "txn_1"}],
        [line(amount=None)],
        [line(amount="12850")],
        [line(created=None)],
        [line(currency=None)],
        [line(id=None)],
        ["txn_1"],
        [None],
    ],
)
def test_nonsense_is_no_statement(lines: list[Any]) -> None:
    with pytest.raises(Unreachable):
        read(listed(*lines))


def test_a_list_that_is_none_is_no_statement() -> None:
    for answer in (as_json({"object": "list", "data": None}), as_json([]), as_json({"error": {}}, 404)):
        with pytest.raises(Unreachable):
            read(answer)


def test_a_key_that_may_not_read_the_balance_says_so() -> None:
    refused = as_json({"error": {"type": "invalid_request_error", "message": "no", "code": "more_permissions"}}, 403)
    with pytest.raises(NotPermitted):
        read(refused)


def test_what_is_asked_for_are_the_days_with_the_things_that_moved() -> None:
    with serving(lambda request: listed()) as server:
        list(configured(server.url).statement(*DAY))
    (request,) = server.requests
    assert request.path.startswith("/v1/balance_transactions?")
    for part in ("limit=100", "expand[0]=data.source", "created[gte]=1793577600", "created[lt]=1793664000"):
        assert part in request.path.replace("%5B", "[").replace("%5D", "]")


class TestPayouts:
    @pytest.fixture
    def gateway(self, sandbox: Running) -> StripeGateway:
        return configured(f"{sandbox.url}/stripe")

    def test_a_payout_of_the_schedule_holds_what_there_was(self, sandbox: Running, gateway: StripeGateway) -> None:
        for amount in (700, 900):
            sandbox.client.take_from_a_stranger("stripe", amount)
        first = sandbox.client.pay_out("stripe")
        sandbox.client.take_from_a_stranger("stripe", 500)
        second = sandbox.client.pay_out("stripe")
        assert sorted(one.amount for one in gateway.contents(first)) == [700, 900]
        assert sum(one.net for one in gateway.contents(first)) == 700 + 900 - 60
        assert [one.amount for one in gateway.contents(second)] == [500]

    def test_a_payout_that_came_back_is_part_of_the_next(self, sandbox: Running, gateway: StripeGateway) -> None:
        sandbox.client.take_from_a_stranger("stripe", 700)
        first = sandbox.client.pay_out("stripe")
        sandbox.client.return_payout(first)
        second = sandbox.client.pay_out("stripe")
        assert [(one.move, one.amount) for one in gateway.contents(second)] == [(Move.PAYOUT, 670)]

    def test_of_a_payout_by_hand_stripe_tells_nothing(self, sandbox: Running, gateway: StripeGateway) -> None:
        sandbox.client.take_from_a_stranger("stripe", 700)
        payout = sandbox.client.pay_out("stripe", automatic=False, amount=100)
        with pytest.raises(Unreachable):
            list(gateway.contents(payout))
