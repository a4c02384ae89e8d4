"""Orders and captures in PayPal's shape, with all that PayPal tells of the payer."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta

from tests.sandbox import canaries
from tests.sandbox.books import Document
from tests.sandbox.names import paypal_id

MERCHANT = {"email_address": "marchand@kookut.example", "merchant_id": "KOOKUTSANDBOX"}
GIVEN_NAME, _, SURNAME = canaries.PAYPAL_NAME.partition(" ")
PAYER = {
    "name": {"given_name": GIVEN_NAME, "surname": SURNAME},
    "email_address": canaries.PAYPAL_EMAIL,
    "payer_id": canaries.PAYPAL_PAYER_ID,
    "address": {
        "address_line_1": canaries.PAYPAL_STREET,
        "admin_area_2": "Lausanne",
        "postal_code": "1003",
        "country_code": "CH",
    },
}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def money(centimes: int, currency: str) -> Document:
    return {"currency_code": currency, "value": f"{centimes // 100}.{centimes % 100:02d}"}


def centimes(money: Document) -> int:
    """Of an amount that we wrote ourselves."""
    return int(money["value"].replace(".", ""))


def public(thing: Document) -> Document:
    """A resource without what only we know of it."""
    return deepcopy({name: value for name, value in thing.items() if not name.startswith("_")})


def order(body: Document, api: str) -> Document:
    id = paypal_id()
    unit = body["purchase_units"][0]
    return {
        "id": id,
        "intent": "CAPTURE",
        "status": "PAYER_ACTION_REQUIRED",
        "payment_source": {"paypal": {}},
        "purchase_units": [{"reference_id": "default", **unit, "payee": MERCHANT}],
        "create_time": now(),
        "links": [
            _link(f"{api}/v2/checkout/orders/{id}", "self", "GET"),
            _link(f"{api}/checkoutnow?token={id}", "payer-action", "GET"),
        ],
        "_experience": body["payment_source"]["paypal"]["experience_context"],
        "_created": datetime.now(UTC).timestamp(),
    }


def approve(order: Document, api: str) -> None:
    """What the order knows once the payer has agreed."""
    wallet = {"account_id": PAYER["payer_id"], "account_status": "VERIFIED"}
    order |= {
        "status": "APPROVED",
        "payer": PAYER,
        "payment_source": {
            "paypal": {**{n: PAYER[n] for n in ("email_address", "name", "address")}, **wallet},
        },
        "update_time": now(),
        "links": [
            _link(f"{api}/v2/checkout/orders/{order['id']}", "self", "GET"),
            _link(f"{api}/v2/checkout/orders/{order['id']}", "update", "PATCH"),
            _link(f"{api}/v2/checkout/orders/{order['id']}/capture", "capture", "POST"),
        ],
    }


def capture(order: Document, centimes: int, status: str, api: str, reason: str = "PENDING_REVIEW") -> Document:
    unit = order["purchase_units"][0]
    id, currency = paypal_id(), unit["amount"]["currency_code"]
    made: Document = {
        "id": id,
        "amount": money(centimes, currency),
        "final_capture": True,
        "seller_protection": {
            "status": "ELIGIBLE",
            "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"],
        },
        "disbursement_mode": "INSTANT",
        "payee": MERCHANT,
        "supplementary_data": {"related_ids": {"order_id": order["id"]}},
        "create_time": now(),
        "links": [
            _link(f"{api}/v2/payments/captures/{id}", "self", "GET"),
            _link(f"{api}/v2/payments/captures/{id}/refund", "refund", "POST"),
            _link(f"{api}/v2/checkout/orders/{order['id']}", "up", "GET"),
        ],
    }
    made |= {name: unit[name] for name in ("custom_id", "invoice_id") if name in unit}
    settle(made, status, reason)
    return made


def settle(capture: Document, status: str, reason: str = "") -> None:
    """Give a capture its state, and what follows from it. `reason`: why it is pending."""
    capture |= {"status": status, "update_time": now()}
    capture.pop("status_details", None)
    if status == "PENDING":
        capture["status_details"] = {"reason": reason}
    if status == "COMPLETED":
        capture["seller_receivable_breakdown"] = _breakdown(capture["amount"])


def as_part(thing: Document) -> Document:
    """A capture or a refund as it stands inside its order."""
    return {name: value for name, value in public(thing).items() if name not in ("payee", "supplementary_data")}


def refund(capture: Document, amount: int, status: str, body: Document, api: str) -> Document:
    """What is not given has the capture's own marks: only what is given is the refund's."""
    id, currency = paypal_id(), capture["amount"]["currency_code"]
    given: Document = {name: body[name] for name in ("custom_id", "invoice_id", "note_to_payer") if name in body}
    marks: Document = {name: capture[name] for name in ("custom_id", "invoice_id") if name in capture}
    made: Document = {
        "id": id,
        "amount": money(amount, currency),
        "seller_payable_breakdown": {
            "gross_amount": money(amount, currency),
            "paypal_fee": money(0, currency),
            "net_amount": money(amount, currency),
        },
        **marks,
        **given,
        "payer": {"email_address": PAYER["email_address"], "merchant_id": PAYER["payer_id"]},
        "create_time": now(),
        "links": [
            _link(f"{api}/v2/payments/refunds/{id}", "self", "GET"),
            _link(f"{api}/v2/payments/captures/{capture['id']}", "up", "GET"),
        ],
        "_capture": capture["id"],
        "_invoice": body.get("invoice_id"),
    }
    settle_refund(made, status, "ECHECK")
    return made


def settle_refund(refund: Document, status: str, reason: str) -> None:
    """Give a refund its state. `reason`: why it is not done."""
    refund |= {"status": status, "update_time": now()}
    refund.pop("status_details", None)
    if status == "PENDING":
        refund["status_details"] = {"reason": reason or "ECHECK"}


def dies_at(order: Document) -> float:
    """Unix seconds: three hours to open the page, three more to approve and capture."""
    return float(order["_created"] + timedelta(hours=6).total_seconds())


def _breakdown(amount: Document) -> Document:
    gross = centimes(amount)
    fee = 55 + gross * 34 // 1000
    currency = amount["currency_code"]
    return {
        "gross_amount": amount,
        "paypal_fee": money(fee, currency),
        "net_amount": money(max(0, gross - fee), currency),
    }


def _link(href: str, rel: str, method: str) -> Document:
    return {"href": href, "rel": rel, "method": method}
