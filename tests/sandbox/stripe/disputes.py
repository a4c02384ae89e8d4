"""Disputes: the customer's bank asks for the money back, and Stripe tells how it goes on."""

import time
from typing import Any

from tests.sandbox import canaries
from tests.sandbox.books import Books, Document
from tests.sandbox.manner import Manner
from tests.sandbox.names import stripe_id
from tests.sandbox.stripe import balance
from tests.sandbox.stripe.errors import StripeError, no_such
from tests.sandbox.stripe.events import emit, public
from tests.sandbox.world import World

KIND = "stripe dispute"
INQUIRY = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")
CLOSED = ("won", "lost", "warning_closed", "prevented")
STATUSES = (
    *INQUIRY,
    "needs_response",
    "under_review",
    "appeal_needs_response",
    "appeal_under_review",
    "won",
    "lost",
)
FEE = 2000  # centimes that a dispute costs the shop


def open_dispute(
    world: World, intent: str, amount: int | None, reason: str, status: str, due_by: int, manner: Manner
) -> Document:
    """A bank disputes a payment, or only asks (`warning_…`). `due_by`: Unix seconds. Raises StripeError, ValueError."""
    _check_status(status)
    with world.books.turn():
        charge = _paid_charge(world.books, intent)
        dispute = _dispute(charge, amount or charge["amount_captured"], reason, status, due_by)
        happened = [("charge.dispute.created", dispute), *_withdrawn(world.books, dispute)]
        world.books.put(KIND, dispute["id"], dispute)
        world.books.put("stripe charge", charge["id"], charge | {"disputed": True})
        emit(world.books, world.courier, happened, manner)
    return dispute


def move(world: World, id: str, status: str, manner: Manner) -> Document:
    """A dispute goes on, or ends. Raises StripeError, ValueError."""
    _check_status(status)
    with world.books.turn():
        dispute = found(world, id)
        if dispute["status"] == status:
            raise ValueError(f"this dispute is {status} already")
        dispute["status"] = status
        dispute["evidence_details"] |= _submitted(status)
        dispute["is_charge_refundable"] = status in INQUIRY
        told = "closed" if status in CLOSED else "updated"
        happened = [
            (f"charge.dispute.{told}", dispute),
            *_withdrawn(world.books, dispute),
            *_reinstated(world.books, dispute),
        ]
        world.books.put(KIND, id, dispute)
        emit(world.books, world.courier, happened, manner)
    return dispute


def found(world: World, id: str) -> Document:
    """Raises StripeError."""
    dispute = world.books.get(KIND, id)
    if dispute is None:
        raise no_such("dispute", id)
    return dispute


def listed(books: Books, params: dict[str, Any]) -> list[Document]:
    """Newest first, as asked."""
    wanted = {name: params[name] for name in ("charge", "payment_intent") if name in params}
    return list(reversed(books.where(KIND, **wanted)))


def refundable(books: Books, charge: Document) -> bool:
    """Whether no dispute holds this money: an inquiry takes nothing, and what was won can be given back."""
    return all(d["status"] in (*INQUIRY, "won") for d in books.where(KIND, charge=charge["id"]))


def taken(dispute: Document) -> int:
    """Centimes that the bank holds, or keeps."""
    return -sum(int(entry["amount"]) for entry in dispute["balance_transactions"])


def _check_status(status: str) -> None:
    if status not in STATUSES:
        raise ValueError(f"no such state of a dispute: {status}")


def _paid_charge(books: Books, intent: str) -> Document:
    found = books.get("stripe payment_intent", intent)
    charge = books.get("stripe charge", (found or {}).get("latest_charge") or "")
    if charge is None or not charge["paid"]:
        raise StripeError(f"No money came with {intent}.")
    return charge


def _withdrawn(books: Books, dispute: Document) -> list[tuple[str, Document]]:
    """Take the money at the first moment that is more than an inquiry."""
    if dispute["status"] in (*INQUIRY, "won") or dispute["balance_transactions"]:
        return []
    dispute["balance_transactions"].append(_entry(books, dispute, -dispute["amount"]))
    return [("charge.dispute.funds_withdrawn", dispute)]


def _reinstated(books: Books, dispute: Document) -> list[tuple[str, Document]]:
    if dispute["status"] != "won" or not dispute["balance_transactions"]:
        return []
    dispute["balance_transactions"].append(_entry(books, dispute, dispute["amount"]))
    return [("charge.dispute.funds_reinstated", dispute)]


def _entry(books: Books, dispute: Document, amount: int) -> Document:
    category = "dispute" if amount < 0 else "dispute_reversal"
    return public(balance.book(books, category, dispute, amount, fee=FEE if amount < 0 else -FEE))


def _submitted(status: str) -> Document:
    if "under_review" not in status:
        return {}
    return {"has_evidence": True, "submission_count": 1, "submission_method": "manual"}


def _dispute(charge: Document, amount: int, reason: str, status: str, due_by: int) -> Document:
    details = charge["payment_method_details"]
    card = details["type"] == "card"
    return {
        "id": stripe_id("dp_1" if card else "pdp_1"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {
            "customer_email_address": charge["billing_details"]["email"],
            "customer_name": charge["billing_details"]["name"],
            "customer_purchase_ip": canaries.CUSTOMER_IP,
        },
        "evidence_details": {
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": status in INQUIRY,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4" if card else None,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": details["card"]["brand"],
                "case_type": "inquiry" if status in INQUIRY else "chargeback",
                "network_reason_code": "10.4",
            },
        }
        if card
        else None,
        "reason": reason,
        "status": status,
    }
