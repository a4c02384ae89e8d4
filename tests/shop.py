"""The fixed cast: goods, a customer, an order that Claire placed, a payment of hers, and Stripe's messages about it."""

import hashlib
import hmac
import itertools
import json
import time
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils.timezone import now

from orders.models import Order, OrderLine, Product, ShippingMethod
from orders.moves import take_stock
from orders.vat import shares
from payments.handoff import PAGE_LIFE, PROVIDERS
from payments.models import Method, Payment
from tests.environment import STRIPE_WEBHOOK_SECRET

_serial = itertools.count(1)


def goods(**changes: Any) -> Product:
    """A bowl for CHF 29.00, ten in stock."""
    n = next(_serial)
    return Product.objects.create(
        **{"sku": f"BOL-{n}", "slug": f"bol-{n}", "names": {"fr": f"Bol {n}"}, "price": 2900, "stock": 10} | changes
    )


def delivery() -> ShippingMethod:
    return ShippingMethod.objects.create(
        names={"fr": "PostPac Priority"}, price=900, delivery_days=1, countries=["CH", "LI"]
    )


def placed(*products: Product, quantity: int = 1, **changes: Any) -> Order:
    """Claire's pending order, its goods taken from the stock as `place` does it."""
    products = products or (goods(),)
    total = sum(product.price * quantity for product in products)
    order = Order.objects.create(
        **{
            "checkout_key": uuid4(),
            "cart": uuid4(),
            "language": "fr",
            "email": "claire@exemple.ch",
            "delivery_name": "Claire Dufour",
            "delivery_street": "Rue de Carouge 12",
            "delivery_postcode": "1205",
            "delivery_town": "Genève",
            "delivery_country": "CH",
            "shipping_method": delivery(),
            "shipping_name": "PostPac Priority",
            "delivery_by": date(2026, 11, 26),
            "vat": [
                {"rate": str(share.rate), "base": share.base, "tax": share.tax}
                for share in shares({Decimal("8.1"): total}, 900)
            ],
            "goods_total": total,
            "shipping_total": 900,
            "total": total + 900,
            "terms_version": "2026-11",
            "expires_at": now() + timedelta(minutes=45),
            "holds_stock": True,
        }
        | changes
    )
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            product=product,
            sku=product.sku,
            name=product.name,
            unit_price=product.price,
            vat_rate=Decimal("8.1"),
            quantity=quantity,
        )
        for product in products
    )
    assert take_stock({product.pk: quantity for product in products})
    return order


def started(order: Order, method: str = "card", **changes: Any) -> Payment:
    """A payment whose page is open at the PSP."""
    return Payment.objects.create(
        **{
            "order": order,
            "method": method,
            "provider": PROVIDERS[Method(method)],
            "amount": order.total,
            "expires_at": now() + PAGE_LIFE,
            "page_reference": f"cs_test_{next(_serial)}",
        }
        | changes
    )


def stripe_event(payment: Payment, type: str = "checkout.session.completed", /, **object: Any) -> dict[str, Any]:
    """What Stripe says of a payment's session: paid in full unless `object` says otherwise."""
    expired = type == "checkout.session.expired"
    session = {
        "id": payment.page_reference,
        "object": "checkout.session",
        "amount_total": payment.amount,
        "client_reference_id": str(payment.pk),
        "currency": "chf",
        "customer_details": {"email": "claire@exemple.ch", "name": "CLAIRE DUFOUR"},
        "expires_at": int(payment.expires_at.timestamp()),
        "livemode": False,
        "metadata": {"payment": str(payment.pk), "order": payment.order.number},
        "mode": "payment",
        "payment_intent": None if expired else f"pi_{payment.pk.hex}",
        "payment_method_types": [payment.method],
        "payment_status": "unpaid" if expired else "paid",
        "status": "expired" if expired else "complete",
        "url": None,
    }
    return {
        "id": f"evt_{next(_serial)}_{payment.pk.hex[:8]}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": session | object},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type,
    }


def stripe_signature(body: bytes, at: int | None = None, secret: str | None = None) -> str:
    """Stripe's real algorithm (docs.stripe.com/webhooks/signature)."""
    at = int(time.time()) if at is None else at
    key = secret or STRIPE_WEBHOOK_SECRET
    digest = hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def deliver(event: dict[str, Any] | bytes, signature: str | None = None, client: Client | None = None) -> Any:
    """POST a message as Stripe does; signed truly unless another signature is given."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return (client or Client()).post(
        "/webhooks/stripe/",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": stripe_signature(body) if signature is None else signature},
    )


DETAILS = {
    "email": "claire@exemple.ch",
    "delivery_name": "Claire Dufour",
    "delivery_extra": "",
    "delivery_street": "Rue de Carouge 12",
    "delivery_postcode": "1205",
    "delivery_town": "Genève",
    "delivery_country": "CH",
    "phone": "",
}


def fill_cart(client: Client, *products: Product, quantity: int = 1) -> None:
    """Claire puts goods into her cart and gives her address: the review page is next."""
    if not ShippingMethod.objects.exists():
        delivery()
    for product in products or (goods(),):
        assert client.post(f"/articles/{product.slug}/", {"quantity": str(quantity)}).status_code == 303
    assert client.post("/coordonnees/", DETAILS).status_code == 303


def order_and_pay(client: Client, method: str) -> Any:
    """Press « Commander et payer » on the review page."""
    form = client.get("/paiement/").context["form"]
    return client.post("/paiement/", {**form.initial, "method": method})
