"""PostgreSQL reads the staff's list and the health of the lines by index: neither grows with the number of orders."""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate, now

from orders.models import Order
from payments import attention, health, shipping, unresolved
from payments.exports.books import Entry, came, went_back
from payments.models import Attestation, Channel, Dispute, Letter, Payment, Refund, WebhookEvent
from tests.shop import placed

pytestmark = pytest.mark.django_db
MANY = 200
SMALL = {Channel._meta.db_table, User._meta.db_table}
"""Tables of a few rows."""
READINGS: dict[str, Callable[[], object]] = {
    "the list": attention.items,
    "an order's list": lambda: attention.items(Order(pk=1)),
    "the orders of the list": unresolved.orders,
    "of some orders those of the list": lambda: unresolved.among([1, 2]),
    "health": health.channels,
    "what is held back": shipping.held_back,
}


@pytest.fixture
def years_of_trade() -> None:
    """Many orders, all of them over, and PostgreSQL knows of them. Of what is asked for there is next to nothing, not
    even deliveries: then an index that is not made for it would be read to its end."""
    first = placed()
    same = {field.attname: getattr(first, field.attname) for field in Order._meta.concrete_fields}
    own = {"id", "number", "token", "checkout_key", "status", "effective_at"}
    frozen = {name: value for name, value in same.items() if name not in own}
    at = now() - timedelta(days=30)
    orders = Order.objects.bulk_create(
        Order(**frozen, checkout_key=uuid4(), status="effective", effective_at=at) for _ in range(MANY)
    )
    events = WebhookEvent.objects.bulk_create(
        WebhookEvent(
            provider="stripe",
            event_id=f"evt_{n}",
            livemode=False,
            source="fetched",
            order=order,
            received_at=at,
            processed_at=at,
        )
        for n, order in enumerate(orders)
    )
    payments = Payment.objects.bulk_create(
        Payment(
            order=event.order,
            method="card",
            provider="stripe",
            status="authorised",
            settles=True,
            amount=first.total,
            received_amount=first.total,
            received_currency="CHF",
            expires_at=at,
            authorised_at=at,
            authorised_by=event,
        )
        for event in events
    )
    refunds = Refund.objects.bulk_create(
        Refund(payment=payment, amount=100, status="succeeded") for payment in payments
    )
    papers = [Attestation(series="AP", year=2026, n=n, seller={}, order=order) for n, order in enumerate(orders)]
    papers += [Attestation(series="AR", year=2026, n=n, seller={}, refund=refund) for n, refund in enumerate(refunds)]
    Attestation.objects.bulk_create(papers)
    Dispute.objects.bulk_create(
        Dispute(payment=payment, reference=str(n), reason="fraudulent", amount=100, status="won", decided_at=now())
        for n, payment in enumerate(payments)
    )
    Letter.objects.bulk_create(Letter(order=order, kind="confirmation", about="x", sent_at=at) for order in orders)
    with connection.cursor() as cursor:
        for model in (Order, WebhookEvent, Payment, Refund, Attestation, Dispute, Letter):
            cursor.execute(f"ANALYZE {model._meta.db_table}")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def partial_indexes() -> set[str]:
    """Those that hold a few of their table's rows, and may be read from end to end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL")
        return {name for (name,) in cursor.fetchall()}


def plan_of(statement: str) -> dict[str, Any]:
    """How PostgreSQL reads it as if its tables were larger still: by index where there is one, and what belongs to a
    row once it has the row."""
    with connection.cursor() as cursor:
        for way in ("seqscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        (found,) = cursor.fetchone()
    plans = json.loads(found) if isinstance(found, str) else found
    return dict(plans[0]["Plan"])


def whole_tables(statement: str) -> list[str]:
    """The tables that a statement reads from end to end, were there something to be found, or most of whose rows it
    drops one by one."""
    few = partial_indexes()
    found = []
    for node in nodes(plan_of(statement)):
        table, index = node.get("Relation Name", ""), node.get("Index Name", "")
        is_whole = index not in few and "Index Cond" not in node if index else node["Node Type"] == "Seq Scan"
        rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        if (is_whole or (index and rows > MANY / 10)) and table not in SMALL:
            found.append(f"{table} {index}".strip())
    return found


@pytest.mark.usefixtures("years_of_trade")
@pytest.mark.parametrize("read", READINGS.values(), ids=READINGS.keys())
def test_no_table_is_read_from_end_to_end(read: Callable[[], object]) -> None:
    with CaptureQueriesContext(connection) as statements:
        read()
    asked = [one["sql"] for one in statements.captured_queries if one["sql"].lstrip("(").startswith("SELECT")]
    assert asked

    assert {statement: tables for statement in asked if (tables := whole_tables(statement))} == {}


@pytest.mark.usefixtures("years_of_trade")
def test_a_table_that_is_read_from_end_to_end_is_noticed() -> None:
    assert whole_tables("SELECT * FROM payments_payment WHERE refusal = 'funds'") == ["payments_payment"]
    assert whole_tables("SELECT id FROM payments_payment ORDER BY id") == ["payments_payment payments_payment_pkey"]
    of_stripe = "SELECT api_version FROM payments_webhookevent WHERE provider = 'stripe' AND api_version = 'x'"
    assert len(whole_tables(of_stripe)) == 1


@pytest.mark.usefixtures("years_of_trade")
@pytest.mark.parametrize("journal", [came, went_back])
def test_a_day_of_the_books_is_found_by_index(journal: Callable[[date, date], Iterator[Entry]]) -> None:
    with CaptureQueriesContext(connection) as statements:
        assert list(journal(localdate(), localdate())) == []
    (declared,) = [one["sql"] for one in statements.captured_queries if one["sql"].startswith("DECLARE")]
    assert whole_tables(declared.partition(" FOR ")[2]) == []
