"""Checkout Sessions: opened, looked at, expired."""

import re
import time
from typing import Any
from urllib.parse import urlsplit

from tests.sandbox.books import Books, Document
from tests.sandbox.names import stripe_id
from tests.sandbox.stripe.errors import StripeError, no_such
from tests.sandbox.stripe.events import emit
from tests.sandbox.webhooks import Manner
from tests.sandbox.world import World

KIND = "stripe session"
SHORTEST, LONGEST, SLACK = (
    30 * 60,
    24 * 3600,
    10,
)  # seconds from creation to expires_at; for the call's own time
SMALLEST, LARGEST = 50, 99_999_999  # centimes
TWINT_LARGEST = 500_000  # centimes
# What of Stripe's parameters our Stripe plays; the others exist, and are refused with a sentence that says so.
PLAYED = {
    "adaptive_pricing",
    "allowed_payment_method_types",
    "cancel_url",
    "client_reference_id",
    "currency",
    "customer_email",
    "expand",
    "expires_at",
    "line_items",
    "locale",
    "metadata",
    "mode",
    "payment_intent_data",
    "payment_method_options",
    "submit_type",
    "success_url",
    "ui_mode",
    "wallet_options",
}


def create(world: World, params: dict[str, Any], key: str | None) -> Document:
    """Open a session from parameters that the schema has passed. Raises StripeError."""
    _check(params)
    lines = params["line_items"]
    currency = _one_currency(params)
    total = sum(_unit_amount(line, n) * line["quantity"] for n, line in enumerate(lines))
    _check_total(total, currency)
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


def _check(params: dict[str, Any]) -> None:
    for name in sorted(params.keys() - PLAYED):
        raise StripeError(f"The sandbox does not play the parameter {name}.", param=name)
    for name, only in (("mode", "payment"), ("ui_mode", "hosted_page")):
        if params.get(name, only) != only:
            raise StripeError(f"The sandbox plays {name}={only} only.", param=name)
    for name in ("mode", "success_url", "line_items"):
        if not params.get(name):
            raise StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    for name in ("success_url", "cancel_url"):
        if name in params:
            _check_url(params[name], name)
    if "customer_email" in params and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", params["customer_email"]):
        raise StripeError(
            f"Invalid email address: {params['customer_email']}", code="email_invalid", param="customer_email"
        )
    _check_length(params.get("client_reference_id", ""), 200, "client_reference_id")
    _check_metadata(params.get("metadata", {}), "metadata")
    _check_payment_intent(params.get("payment_intent_data", {}))
    _check_expiry(params.get("expires_at"))
    if len(params["line_items"]) > 100:
        raise StripeError("Invalid array: at most 100 line items.", param="line_items")


def _check_url(url: str, name: str) -> None:
    parts = urlsplit(url.replace("{CHECKOUT_SESSION_ID}", "x"))
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
        raise StripeError("Not a valid URL", code="url_invalid", param=name)
    _check_length(url, 5000, name)


def _check_length(text: str, longest: int, name: str) -> None:
    if len(text) > longest:
        raise StripeError(
            f"Invalid string: {text[:20]}...; must be at most {longest} characters",
            code="parameter_invalid_string",
            param=name,
        )


def _check_metadata(metadata: dict[str, str], name: str) -> None:
    if len(metadata) > 50:
        raise StripeError("Metadata can have at most 50 keys.", param=name)
    for key, value in metadata.items():
        _check_length(key, 40, f"{name}[{key}]")
        _check_length(value, 500, f"{name}[{key}]")


def _check_payment_intent(given: dict[str, Any]) -> None:
    unplayed = given.keys() - {"metadata", "description", "receipt_email", "statement_descriptor_suffix"}
    if "statement_descriptor" in unplayed:
        raise StripeError(
            "You cannot use `statement_descriptor` for card charges. Use `statement_descriptor_suffix` instead.",
            param="payment_intent_data[statement_descriptor]",
        )
    for name in sorted(unplayed):
        raise StripeError(f"The sandbox does not play payment_intent_data[{name}].", param="payment_intent_data")
    _check_metadata(given.get("metadata", {}), "payment_intent_data[metadata]")
    _check_length(given.get("statement_descriptor_suffix", ""), 22, "payment_intent_data[statement_descriptor_suffix]")
    _check_length(given.get("description", ""), 1000, "payment_intent_data[description]")


def _check_expiry(expires_at: int | None) -> None:
    if expires_at is None:
        return
    ahead = expires_at - int(time.time())
    if ahead < SHORTEST - SLACK:
        rule = "at least 30 minutes"
    elif ahead > LONGEST + SLACK:
        rule = "less than 24 hours"
    else:
        return
    raise StripeError(f"The `expires_at` timestamp must be {rule} from Checkout Session creation.", param="expires_at")


def _one_currency(params: dict[str, Any]) -> str:
    named: set[str] = set()
    for n, line in enumerate(params["line_items"]):
        if "price" in line:
            raise no_such("price", line["price"], f"line_items[{n}][price]")
        for name in ("quantity", "price_data"):
            if name not in line:
                full = f"line_items[{n}][{name}]"
                raise StripeError(f"Missing required param: {full}.", code="parameter_missing", param=full)
        named.add(line["price_data"]["currency"].lower())
    if len(named | {params.get("currency", next(iter(named)))}) != 1:
        raise StripeError("All line items must have the same currency.", param="line_items")
    currency = named.pop()
    if currency not in ("chf", "eur", "usd", "gbp"):
        raise StripeError(f"Invalid currency: {currency}.", param="line_items[0][price_data][currency]")
    return currency


def _unit_amount(line: dict[str, Any], n: int) -> int:
    data, path = line["price_data"], f"line_items[{n}][price_data]"
    if "unit_amount" not in data:
        raise StripeError(
            f"Missing required param: {path}[unit_amount].",
            code="parameter_missing",
            param=f"{path}[unit_amount]",
        )
    if "product" in data or not data.get("product_data", {}).get("name"):
        raise StripeError(f"The sandbox plays {path}[product_data][name] only.", param=path)
    if data["unit_amount"] < 0 or line["quantity"] < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=path
        )
    return int(data["unit_amount"])


def _check_total(total: int, currency: str) -> None:
    if total < SMALLEST:
        raise StripeError(
            f"The Checkout Session's total amount must convert to at least 50 cents. {total} {currency} is too small.",
            code="amount_too_small",
        )
    if total > LARGEST:
        raise StripeError(
            "The Checkout Session's total amount due must be no more than 999,999.99.",
            code="amount_too_large",
        )


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
