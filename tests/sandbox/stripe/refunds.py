"""Refunds: asked for by the shop or at the dashboard, decided at once or later."""

import time
from typing import Any

from tests.sandbox import canaries
from tests.sandbox.books import Books, Document
from tests.sandbox.manner import Manner
from tests.sandbox.names import stripe_id
from tests.sandbox.stripe import balance
from tests.sandbox.stripe.disputes import refundable
from tests.sandbox.stripe.errors import StripeError, no_such
from tests.sandbox.stripe.events import emit
from tests.sandbox.stripe.rules import check_metadata
from tests.sandbox.world import World

KIND = "stripe refund"
STATUSES = ("succeeded", "pending", "failed", "canceled")
NOT_GIVEN = ("failed", "canceled")
TWINT_DAYS = 180  # how long TWINT gives money back (docs.stripe.com/payments/twint)
PLAYED = {"amount", "charge", "expand", "metadata", "payment_intent", "reason"}


def create(world: World, params: dict[str, Any], key: str | None) -> Document:
    """A refund from parameters that the schema has passed. Raises StripeError."""
    _check(params)
    settings = world.dashboard.read()
    with world.books.turn():
        charge = _charge(world.books, params)
        amount = _amount(world.books, charge, params.get("amount"))
        if settings.refunds == "refused":
            raise StripeError(
                "Insufficient funds in your Stripe balance to refund this amount.", code="balance_insufficient"
            )
        refund = _refund(charge, amount, params, settings.refunds)
        _begin(world, charge, refund, settings.of_refunds, key)
    return refund


def give(world: World, intent: str, amount: int | None, status: str, manner: Manner) -> Document:
    """Somebody at the dashboard refunds a payment, in part or what is left of it. Raises StripeError, ValueError."""
    check_status(status)
    with world.books.turn():
        charge = _charge(world.books, {"payment_intent": intent})
        refund = _refund(charge, _amount(world.books, charge, amount), {"reason": "requested_by_customer"}, status)
        _begin(world, charge, refund, manner, None)
    return refund


def settle(world: World, id: str, status: str, reason: str, manner: Manner) -> Document:
    """A refund becomes another thing than it was: a bank may bounce one that succeeded. Raises StripeError, ValueError.

    `reason`: Stripe's `failure_reason`.
    """
    check_status(status)
    with world.books.turn():
        refund = found(world, id)
        if refund["status"] == status:
            raise ValueError(f"this refund is {status} already")
        charge = world.books.get("stripe charge", refund["charge"])
        assert charge
        if refund["status"] in NOT_GIVEN and refund["amount"] > left(charge):
            raise ValueError("that money went back in another refund")
        before = refund["status"] in NOT_GIVEN
        refund |= _outcome(status, reason)
        if before != (status in NOT_GIVEN):
            _book(world.books, refund)
        world.books.put(KIND, id, refund)
        _sum_up(world.books, charge)
        failed = [("refund.failed", refund)] if status == "failed" else []
        emit(world.books, world.courier, [("refund.updated", refund), *failed], manner)
    return refund


def found(world: World, id: str) -> Document:
    """Raises StripeError."""
    refund = world.books.get(KIND, id)
    if refund is None:
        raise no_such("refund", id)
    return refund


def listed(books: Books, params: dict[str, Any]) -> list[Document]:
    """Newest first, as asked."""
    wanted = {name: params[name] for name in ("charge", "payment_intent") if name in params}
    return list(reversed(books.where(KIND, **wanted)))


def left(charge: Document) -> int:
    """Centimes that can still be given back."""
    return int(charge["amount_captured"] - charge["amount_refunded"])


def check_status(status: str) -> None:
    if status not in STATUSES:
        raise ValueError(f"no such state of a refund: {status}")


def _check(params: dict[str, Any]) -> None:
    for name in sorted(params.keys() - PLAYED):
        raise StripeError(f"The sandbox does not play the parameter {name}.", param=name)
    if ("charge" in params) == ("payment_intent" in params):
        raise StripeError("One of the following params should be provided for this request: payment_intent or charge.")
    check_metadata(params.get("metadata") or {}, "metadata")


def _charge(books: Books, params: dict[str, Any]) -> Document:
    """The paid charge that is meant."""
    if "charge" in params:
        charge = books.get("stripe charge", params["charge"])
        if charge is None:
            raise no_such("charge", params["charge"], "charge")
        return charge
    intent = books.get("stripe payment_intent", params["payment_intent"])
    if intent is None:
        raise no_such("payment_intent", params["payment_intent"], "payment_intent")
    charge = books.get("stripe charge", intent["latest_charge"] or "")
    if charge is None or not charge["paid"]:
        raise StripeError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", param="payment_intent"
        )
    return charge


def _amount(books: Books, charge: Document, wanted: int | None) -> int:
    """Centimes to be given back. Raises StripeError where Stripe would refuse."""
    if not refundable(books, charge):
        raise StripeError(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    if not left(charge):
        raise StripeError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if charge["payment_method_details"]["type"] == "twint" and charge["created"] < time.time() - TWINT_DAYS * 86_400:
        raise StripeError(
            f"TWINT payments can be refunded for {TWINT_DAYS} days after the payment only.",
            code="charge_not_refundable",
        )
    if wanted is None:
        return left(charge)
    if wanted < 1:
        raise StripeError("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if wanted > left(charge):
        raise StripeError(
            f"Refund amount ({_spoken(wanted)}) is greater than unrefunded amount on charge ({_spoken(left(charge))})",
            param="amount",
        )
    return wanted


def _spoken(centimes: int) -> str:
    return f"CHF {centimes // 100}.{centimes % 100:02d}"


def _begin(world: World, charge: Document, refund: Document, manner: Manner, key: str | None) -> None:
    balance.book(world.books, "refund", refund, -refund["amount"], id=refund["balance_transaction"])
    failed = refund["status"] in NOT_GIVEN
    if failed:
        _book(world.books, refund)
    world.books.put(KIND, refund["id"], refund)
    _sum_up(world.books, charge)
    then = ("refund.failed", refund) if failed else ("charge.refunded", charge)
    emit(world.books, world.courier, [("refund.created", refund), then], manner, key)


def _book(books: Books, refund: Document) -> None:
    """What was given comes back; or what came back is given all the same."""
    if refund["status"] in NOT_GIVEN:
        back = balance.book(books, "refund_failure", refund, refund["amount"])
        refund["failure_balance_transaction"] = back["id"]
    else:
        balance.book(books, "refund", refund, -refund["amount"])


def _sum_up(books: Books, charge: Document) -> None:
    """Let the charge tell what its refunds come to."""
    refunds = books.where(KIND, charge=charge["id"])
    charge["amount_refunded"] = sum(refund["amount"] for refund in refunds if refund["status"] not in NOT_GIVEN)
    charge["refunded"] = left(charge) == 0
    books.put("stripe charge", charge["id"], charge)


def _refund(charge: Document, amount: int, params: dict[str, Any], status: str) -> Document:
    card = charge["payment_method_details"]["type"] == "card"
    return {
        "id": stripe_id("re_3" if card else "pyr_1"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": stripe_id("txn_3"),
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": charge["currency"],
        "destination_details": _destination(card=card),
        "metadata": params.get("metadata") or {},
        "next_action": None,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "transfer_reversal": None,
        **_outcome(status, "declined"),
    }


def _outcome(status: str, reason: str) -> Document:
    failed = status == "failed"
    return {
        "failure_balance_transaction": None,
        "failure_reason": reason or "unknown" if failed else None,
        "pending_reason": "processing" if status == "pending" else None,
        "status": status,
    }


def _destination(*, card: bool) -> Document:
    if not card:
        return {"type": "twint", "twint": {}}
    reference = {"reference": canaries.CARD_REFUND_REFERENCE, "reference_status": "available"}
    return {
        "type": "card",
        "card": {**reference, "reference_type": "acquirer_reference_number", "type": "refund"},
    }
