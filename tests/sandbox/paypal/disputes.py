"""Disputes: a buyer complains at PayPal, which asks, decides, and may take the money back."""

from datetime import UTC, datetime, timedelta

from tests.sandbox import canaries
from tests.sandbox.books import Books, Document
from tests.sandbox.manner import Manner
from tests.sandbox.names import paypal_id
from tests.sandbox.paypal import shapes
from tests.sandbox.paypal.errors import not_found
from tests.sandbox.paypal.events import emit
from tests.sandbox.world import World

KIND = "paypal dispute"
STATES = {  # dispute_state, by status
    "OPEN": "OPEN_INQUIRIES",
    "WAITING_FOR_BUYER_RESPONSE": "REQUIRED_OTHER_PARTY_ACTION",
    "WAITING_FOR_SELLER_RESPONSE": "REQUIRED_ACTION",
    "UNDER_REVIEW": "UNDER_PAYPAL_REVIEW",
    "RESOLVED": "RESOLVED",
    "OTHER": "OTHER",
}
FOR_THE_BUYER = ("RESOLVED_BUYER_FAVOUR", "ACCEPTED")
OUTCOMES = (
    *FOR_THE_BUYER,
    "RESOLVED_SELLER_FAVOUR",
    "RESOLVED_WITH_PAYOUT",
    "CANCELED_BY_BUYER",
    "DENIED",
    "NONE",
)


def open_dispute(
    world: World, capture: Document, amount: int | None, reason: str, status: str, due_by: int, manner: Manner
) -> Document:
    """A buyer complains about a capture. `due_by`: Unix seconds. Raises ValueError."""
    _check(status, None)
    currency = capture["amount"]["currency_code"]
    disputed = capture["amount"] if amount is None else shapes.money(amount, currency)
    with world.books.turn():
        dispute = _dispute(world, capture, disputed, reason, status, due_by)
        world.books.put(KIND, dispute["dispute_id"], dispute)
        emit(world, [("CUSTOMER.DISPUTE.CREATED", dispute)], manner)
    return dispute


def move(world: World, id: str, status: str, outcome: str | None, manner: Manner) -> Document:
    """A dispute goes on, or ends (RESOLVED, with its outcome). Raises PayPalError, ValueError."""
    _check(status, outcome)
    with world.books.turn():
        dispute = found(world, id)
        if dispute["status"] == "RESOLVED":
            raise ValueError("this dispute is resolved already")
        dispute |= {"status": status, "dispute_state": STATES[status], "update_time": _now()}
        if outcome:
            refunded = dispute["dispute_amount"] if outcome in FOR_THE_BUYER else shapes.money(0, _currency(dispute))
            dispute["dispute_outcome"] = {"outcome_code": outcome, "amount_refunded": refunded}
            dispute.pop("seller_response_due_date", None)
        world.books.put(KIND, id, dispute)
        emit(world, [(f"CUSTOMER.DISPUTE.{'RESOLVED' if outcome else 'UPDATED'}", dispute)], manner)
    return dispute


def found(world: World, id: str) -> Document:
    """Raises PayPalError."""
    dispute = world.books.get(KIND, id)
    if dispute is None:
        raise not_found()
    return dispute


def listed(world: World, transaction: str | None) -> list[Document]:
    """Newest first; all, or those about one capture."""
    wanted = {"_capture": transaction} if transaction else {}
    return list(reversed(world.books.where(KIND, **wanted)))


def is_open(books: Books, capture: Document) -> bool:
    """Whether a capture is disputed now."""
    return any(dispute["status"] != "RESOLVED" for dispute in books.where(KIND, _capture=capture["id"]))


def _check(status: str, outcome: str | None) -> None:
    if status not in STATES:
        raise ValueError(f"no such state of a dispute: {status}")
    if (status == "RESOLVED") != (outcome is not None) or outcome not in (*OUTCOMES, None):
        raise ValueError(f"no such outcome of a dispute that is {status}: {outcome}")


def _currency(dispute: Document) -> str:
    return str(dispute["dispute_amount"]["currency_code"])


def _now() -> str:
    return _stamp(datetime.now(UTC))


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _dispute(world: World, capture: Document, disputed: Document, reason: str, status: str, due_by: int) -> Document:
    id = f"PP-R-{paypal_id(3)}-{paypal_id(8)}"
    transaction = {
        "buyer_transaction_id": paypal_id(),
        "seller_transaction_id": capture["id"],
        "create_time": capture["create_time"],
        "transaction_status": "COMPLETED",
        "gross_amount": capture["amount"],
        "buyer": {"name": canaries.PAYPAL_NAME},
        "seller": {**shapes.MERCHANT, "name": "KOOKUT"},
        "seller_protection_eligible": True,
    }
    transaction |= {
        name: capture[mark]
        for name, mark in (("custom", "custom_id"), ("invoice_number", "invoice_id"))
        if mark in capture
    }
    started = datetime.now(UTC)
    href = f"{world.url}/paypal/v1/customer/disputes/{id}"
    return {
        "dispute_id": id,
        "create_time": _stamp(started),
        "update_time": _stamp(started),
        "disputed_transactions": [transaction],
        "reason": reason,
        "status": status,
        "dispute_state": STATES[status],
        "dispute_amount": disputed,
        "dispute_life_cycle_stage": "INQUIRY",
        "dispute_channel": "INTERNAL",
        "messages": [{"posted_by": "BUYER", "time_posted": _stamp(started), "content": canaries.PAYPAL_COMPLAINT}],
        "buyer_response_due_date": _stamp(started + timedelta(days=20)),
        "seller_response_due_date": _stamp(datetime.fromtimestamp(due_by, UTC)),
        "links": [{"href": href, "rel": "self", "method": "GET"}],
        "_capture": capture["id"],
    }
