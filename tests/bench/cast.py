"""Many orders of Claire's at once, each with a payment under way, and Stripe's messages about them."""

import json
from collections.abc import Iterable, Sequence
from uuid import UUID, uuid4

from django.db import connection, transaction

from orders.models import Order, OrderLine
from payments.models import Payment
from tests.bench.callers import request
from tests.shop import goods, placed, started, stripe_event, stripe_signature

OWN = {"id", "number", "token", "checkout_key"}
"""What each order has for itself."""


@transaction.atomic
def payments_under_way(numbers: Iterable[int]) -> list[Payment]:
    """Payments whose pages are open, each of an order of its own, both known by their number."""
    order = placed(goods(stock=1))
    payment = started(order, status=Payment.Status.EXPIRED)
    orders = [Order(id=n, checkout_key=uuid4(), **_copied(order, OWN)) for n in numbers]
    Order.objects.bulk_create(orders)
    for line in order.lines.all():
        OrderLine.objects.bulk_create(OrderLine(order=one, **_copied(line, {"id", "order_id"})) for one in orders)
    facts = _copied(payment, {"id", "order_id", "page_reference", "status"})
    payments = [
        Payment(id=numbered(one.pk), order=one, page_reference=f"cs_test_{one.pk}", status="started", **facts)
        for one in orders
    ]
    return Payment.objects.bulk_create(payments)


def _copied(row: Order | OrderLine | Payment, without: set[str]) -> dict[str, object]:
    names = (field.attname for field in row._meta.concrete_fields)
    return {name: getattr(row, name) for name in names if name not in without}


def numbered(n: int) -> UUID:
    """A payment's id that ends in a number of six digits."""
    return UUID(f"00000000-0000-4000-8000-000000{n:06d}")


def tidy() -> None:
    """What autovacuum would do some time later, in the middle of a measurement."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


def deliveries(host: str, payments: Sequence[Payment]) -> list[bytes]:
    """Stripe's messages that these payments succeeded, as they come over the wire, signed now."""
    return [delivery(host, json.dumps(stripe_event(payment)).encode()) for payment in payments]


def delivery(host: str, body: bytes, signature: str | None = None) -> bytes:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature or stripe_signature(body),
    }
    return request("POST", host, "/webhooks/stripe/", headers, body)
