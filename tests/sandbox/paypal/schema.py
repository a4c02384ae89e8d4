"""What PayPal accepts for an order: the facts of its Orders v2 schema that a shop like ours can meet."""

import re
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tests.sandbox.paypal.errors import malformed, unprocessable

Schema = dict[str, Any]


def _object(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _text(longest: int, pattern: str | None = None, *, shortest: int = 1) -> Schema:
    schema: Schema = {"type": "string", "minLength": shortest, "maxLength": longest}
    return schema | {"pattern": pattern} if pattern else schema


def _choice(*values: str) -> Schema:
    return {"enum": list(values)}


MONEY = _object(
    ("currency_code", "value"),
    currency_code=_text(3, "^[A-Z]{3}$", shortest=3),
    value=_text(32, r"^((-?[0-9]+)|(-?([0-9]+)?[.][0-9]+))$"),
)
PARTS = ("item_total", "shipping", "handling", "tax_total", "insurance", "shipping_discount", "discount")
AMOUNT = _object(
    ("currency_code", "value"),
    **MONEY["properties"],
    breakdown=_object(**dict.fromkeys(PARTS, MONEY)),
)
ITEM = _object(
    ("name", "quantity", "unit_amount"),
    name=_text(127),
    quantity=_text(10, "^[1-9][0-9]{0,9}$"),
    description=_text(127),
    sku=_text(127),
    category=_choice("DIGITAL_GOODS", "PHYSICAL_GOODS", "DONATION"),
    unit_amount=MONEY,
    tax=MONEY,
)
UNIT = _object(
    ("amount",),
    reference_id=_text(256),
    description=_text(127),
    custom_id=_text(127),
    invoice_id=_text(127),
    soft_descriptor=_text(22),
    items={"type": "array", "items": ITEM},
    amount=AMOUNT,
)
EXPERIENCE = _object(
    brand_name=_text(127),
    locale=_text(10, "^[a-z]{2}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?$", shortest=2),
    shipping_preference=_choice("GET_FROM_FILE", "NO_SHIPPING", "SET_PROVIDED_ADDRESS"),
    contact_preference=_choice("NO_CONTACT_INFO", "UPDATE_CONTACT_INFO", "RETAIN_CONTACT_INFO"),
    return_url=_text(2048, "^https?://"),
    cancel_url=_text(2048, "^https?://"),
    landing_page=_choice("LOGIN", "GUEST_CHECKOUT", "NO_PREFERENCE"),
    user_action=_choice("CONTINUE", "PAY_NOW"),
    payment_method_preference=_choice("UNRESTRICTED", "IMMEDIATE_PAYMENT_REQUIRED"),
)
WALLET = _object(("experience_context",), experience_context=EXPERIENCE, email_address=_text(254, ".+@.+"))
ORDER = Draft202012Validator(
    _object(
        ("intent", "purchase_units", "payment_source"),
        intent=_choice("CAPTURE"),
        purchase_units={"type": "array", "minItems": 1, "maxItems": 1, "items": UNIT},
        payment_source=_object(("paypal",), paypal=WALLET),
    )
)
CAPTURE = Draft202012Validator(_object())
REFUND = Draft202012Validator(
    _object(amount=MONEY, custom_id=_text(127), invoice_id=_text(127), note_to_payer=_text(255))
)
EVENT_TYPES = {"type": "array", "minItems": 1, "items": _object(("name",), name=_text(50, "^([A-Z][A-Z.-]+|[*])$"))}
WEBHOOK = Draft202012Validator(
    _object(("url", "event_types"), url=_text(2048), event_types=EVENT_TYPES),
)
WEBHOOK_PATCH = Draft202012Validator(
    {
        "type": "array",
        "minItems": 1,
        "items": {
            "oneOf": [
                _object(("op", "path", "value"), op=_choice("replace"), path=_choice("/url"), value=_text(2048)),
                _object(
                    ("op", "path", "value"), op=_choice("replace"), path=_choice("/event_types"), value=EVENT_TYPES
                ),
            ]
        },
    }
)
ISSUES = {
    "required": ("MISSING_REQUIRED_PARAMETER", "A required field is missing."),
    "enum": ("INVALID_PARAMETER_VALUE", "The value of a field is invalid."),
    "additionalProperties": ("UNKNOWN_PARAMETER", "The field is not one that the sandbox knows."),
    "pattern": ("INVALID_PARAMETER_SYNTAX", "The value of a field does not conform to the expected format."),
    "maxLength": ("INVALID_STRING_MAX_LENGTH", "The value of a field is too long."),
    "minLength": ("INVALID_STRING_MIN_LENGTH", "The value of a field is too short."),
}
OTHER_ISSUE = ("INVALID_PARAMETER_VALUE", "The value of a field is invalid.")
POSITION = re.compile(r"'([^']+)'")


def check_order(body: Any) -> None:
    """Raises PayPalError for what PayPal would refuse."""
    check(ORDER, body)
    for n, unit in enumerate(body["purchase_units"]):
        _check_amounts(unit, f"/purchase_units/{n}")


def check(schema: Draft202012Validator, body: Any) -> None:
    error: ValidationError | None = next(iter(schema.iter_errors(body)), None)
    if error is None:
        return
    issue, description = ISSUES.get(str(error.validator), OTHER_ISSUE)
    path = "".join(f"/{step}" for step in error.absolute_path)
    named = POSITION.search(error.message) if error.validator in ("required", "additionalProperties") else None
    raise malformed(
        issue, description, f"{path}/{named[1]}" if named else path or "/", None if named else error.instance
    )


def centimes(money: dict[str, str], field: str) -> int:
    """Raises PayPalError for more decimals than the currency has."""
    whole, _, cents = money["value"].partition(".")
    if len(cents) > 2:
        raise unprocessable(
            "DECIMAL_PRECISION", "The value of the field should not be more than two decimal places.", field
        )
    return int(whole or "0") * 100 + int(cents.ljust(2, "0") or "0")


def _check_amounts(unit: dict[str, Any], path: str) -> None:
    amount, field = unit["amount"], f"{path}/amount/value"
    total = centimes(amount, field)
    if total <= 0 or amount["value"].startswith("-"):
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.", field)
    if amount["currency_code"] not in ("CHF", "EUR", "USD", "GBP"):
        raise malformed("INVALID_CURRENCY_CODE", "Currency code is invalid or not supported.", field)
    parts = {name: centimes(money, field) for name, money in amount.get("breakdown", {}).items()}
    if parts and _sum(parts) != total:
        raise unprocessable("AMOUNT_MISMATCH", "Should equal the sum of the breakdown.", field)
    if unit.get("items"):
        _check_items(unit["items"], parts, path)


def _sum(parts: dict[str, int]) -> int:
    return sum(-value if "discount" in name else value for name, value in parts.items())


def _check_items(items: list[dict[str, Any]], parts: dict[str, int], path: str) -> None:
    field = f"{path}/amount/breakdown/item_total"
    if "item_total" not in parts:
        raise unprocessable("ITEM_TOTAL_REQUIRED", "If item details are specified, item_total is required.", field)
    goods = sum(centimes(item["unit_amount"], field) * int(item["quantity"]) for item in items)
    if goods != parts["item_total"]:
        raise unprocessable("ITEM_TOTAL_MISMATCH", "Should equal sum of (unit_amount * quantity).", field)
    tax = sum(centimes(item["tax"], field) * int(item["quantity"]) for item in items if "tax" in item)
    if tax != parts.get("tax_total", 0):
        raise unprocessable("TAX_TOTAL_MISMATCH", "Should equal sum of (tax * quantity).", field)
