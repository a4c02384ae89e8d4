"""Checkout Sessions: opened, looked at, expired."""

import time
from typing import Any

from tests.sandbox.books import Books, Document
from tests.sandbox.manner import Manner
from tests.sandbox.names import stripe_id
from tests.sandbox.stripe import rules
from tests.sandbox.stripe.errors import StripeError, no_such
from tests.sandbox.stripe.events import emit
from tests.sandbox.world import World

KIND = "stripe session"
LONGEST = 24 * 3600  # seconds that a page lives unless it is told otherwise
TWINT_LARGEST = 500_000  # centimes


def create(world: World, params: dict[str, Any], key: str | None) -> Document:
    """Open a session from parameters that the schema has passed. Raises StripeError."""
    rules.check(params)
    lines = params["line_items"]
    currency = rules.one_currency(params)
    total = rules.total(lines, currency)
    methods = offered(
        world.dashboard.read().stripe_methods, params.get("allowed_payment_method_types"), currency, total
    )
    session = _session(world, params, currency, total, methods)
    with world.books.turn():
        keep(world.books, session)
        world.books.put("stripe line_items", session["id"], _line_items(session["id"], lines, currency))
    return session


def keep(books: Books, session: Document) -> None:
    session["url"] = session["_page"] if session["status"] == "open" else None
    books.put(KIND, session["id"], session, due=session["expires_at"] if session["status"] == "open" else None)


def found(world: World, id: str) -> Document:
    """A session as it is now: one whose time is over is expired first. Raises StripeError."""
    lapse(world)
    session = world.books.get(KIND, id)
    if session is None:
        raise no_such("checkout.session", id)
    return session


def expire(world: World, id: str, manner: Manner, key: str | None = None) -> Document:
    """Close an open session. Raises StripeError for one that is not open any more."""
    with world.books.turn():
        session = found(world, id)
        if session["status"] != "open":
            raise StripeError(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{session['status']}`."
            )
        _expire(world, session, manner, key)
    return session


def reopen(world: World, id: str) -> None:
    """The customer's bank had agreed before the page died, and tells Stripe only now: what is expired can be paid.

    Raises StripeError, ValueError for one that is not expired.
    """
    with world.books.turn():
        session = found(world, id)
        if session["status"] != "expired":
            raise ValueError(f"this session is {session['status']}, not expired")
        keep(world.books, session | {"status": "open", "expires_at": int(time.time()) + LONGEST})


def lapse(world: World) -> None:
    """Expire what is past its time."""
    for session in world.books.due(KIND):
        with world.books.turn():
            current = world.books.get(KIND, session["id"])
            if current and current["status"] == "open":
                _expire(world, current, Manner(), None)


def _expire(world: World, session: Document, manner: Manner, key: str | None) -> None:
    session["status"] = "expired"
    keep(world.books, session)
    emit(world.books, world.courier, [("checkout.session.expired", session)], manner, key)


def listed(world: World, params: dict[str, Any]) -> list[Document]:
    """Newest first, as asked."""
    lapse(world)
    wanted = {name: params[name] for name in ("payment_intent", "status") if name in params}
    return [
        session
        for session in reversed(world.books.all(KIND))
        if all(session[name] == value for name, value in wanted.items())
    ]


def offered(enabled: tuple[str, ...], allowed: list[str] | None, currency: str, total: int) -> list[str]:
    """The methods of the dashboard that fit, filtered in silence. Raises StripeError when none is left."""
    fits = {"card": True, "twint": currency == "chf" and total <= TWINT_LARGEST}
    left = [m for m in enabled if fits.get(m, False) and (allowed is None or m in allowed)]
    if not left:
        raise StripeError(
            "No valid payment method types for this Checkout Session. Please ensure that you have activated payment "
            "methods compatible with your chosen currency in your dashboard "
            "(https://dashboard.stripe.com/settings/payment_methods)."
        )
    return left


def _session(world: World, params: dict[str, Any], currency: str, total: int, methods: list[str]) -> Document:
    now = int(time.time())
    id = stripe_id("cs_test_a1", 56)
    card = {"request_three_d_secure": "automatic", **params.get("payment_method_options", {}).get("card", {})}
    return {
        "id": id,
        "object": "checkout.session",
        "adaptive_pricing": params.get("adaptive_pricing", {"enabled": False}),
        "after_expiration": None,
        "allow_promotion_codes": None,
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {"after_submit": None, "shipping_address": None, "submit": None},
        "customer": None,
        "customer_account": None,
        "customer_creation": "if_required",
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "expires_at": params.get("expires_at", now + LONGEST),
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": {"enabled": False, "invoice_data": {"metadata": {}}},
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": params.get("metadata", {}),
        "mode": "payment",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": {"id": "pmc_sandbox", "parent": None},
        "payment_method_options": {"card": card} if "card" in methods else {},
        "payment_method_types": methods,
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "presentment_details": None,
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": None,
        "wallet_options": params.get("wallet_options"),
        "_payment_intent_data": params.get("payment_intent_data", {}),
        "_page": f"{world.url}/stripe/pay/{id}",
    }


def _line_items(session: str, lines: list[dict[str, Any]], currency: str) -> Document:
    data = []
    for line in lines:
        amount = line["price_data"]["unit_amount"] * line["quantity"]
        data.append(
            {
                "id": stripe_id("li_1"),
                "object": "item",
                "amount_discount": 0,
                "amount_subtotal": amount,
                "amount_tax": 0,
                "amount_total": amount,
                "currency": currency,
                "description": line["price_data"]["product_data"]["name"],
                "quantity": line["quantity"],
            }
        )
    url = f"/v1/checkout/sessions/{session}/line_items"
    return {"object": "list", "data": data, "has_more": False, "url": url}
