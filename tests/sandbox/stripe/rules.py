"""What Stripe checks of a new Checkout Session beyond the shape of its parameters."""

import re
import time
from typing import Any
from urllib.parse import urlsplit

from tests.sandbox.stripe.errors import StripeError, no_such

SHORTEST, LONGEST, SLACK = (
    30 * 60,
    24 * 3600,
    10,
)  # seconds from creation to expires_at; for the call's own time
SMALLEST, LARGEST = 50, 99_999_999  # centimes
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


def check(params: dict[str, Any]) -> None:
    """Raises StripeError for the first rule that is broken."""
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
    check_metadata(params.get("metadata", {}), "metadata")
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


def check_metadata(metadata: dict[str, str], name: str) -> None:
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
    check_metadata(given.get("metadata", {}), "payment_intent_data[metadata]")
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


def one_currency(params: dict[str, Any]) -> str:
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


def total(lines: list[dict[str, Any]], currency: str) -> int:
    """Centimes. Raises StripeError."""
    summed: int = sum(_unit_amount(line, n) * line["quantity"] for n, line in enumerate(lines))
    _check_total(summed, currency)
    return summed


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
