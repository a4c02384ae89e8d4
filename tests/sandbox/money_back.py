"""Money that goes back, at both PSPs: refunds made or changed at the dashboard, disputes, reversals, old payments."""

import time
from datetime import UTC, datetime, timedelta

from tests.sandbox.books import Document
from tests.sandbox.manner import Manner
from tests.sandbox.paypal import disputes as paypal_disputes
from tests.sandbox.paypal import orders
from tests.sandbox.paypal import refunds as paypal_refunds
from tests.sandbox.statement import REFUND_STATES
from tests.sandbox.stripe import disputes as stripe_disputes
from tests.sandbox.stripe import refunds as stripe_refunds
from tests.sandbox.stripe import sessions
from tests.sandbox.world import World

PAYPAL_STATES = {ours: theirs for theirs, ours in REFUND_STATES.items()}
DAY = 86_400  # seconds
DUE_DAYS = 10.0  # that the shop has to answer a dispute, unless it is told otherwise


def refund(world: World, page: str, amount: int | None, status: str, manner: Manner) -> str:
    """Somebody at the dashboard gives money back, without a mark of ours; the refund's id."""
    if _is_stripe(page):
        return str(stripe_refunds.give(world, _intent(world, page), amount, status, manner)["id"])
    return str(paypal_refunds.give(world, _capture(world, page)["id"], amount, _paypal(status), manner)["id"])


def settle_refund(world: World, id: str, status: str, reason: str, manner: Manner) -> None:
    """A refund becomes another thing than it was."""
    if world.books.get(stripe_refunds.KIND, id):
        stripe_refunds.settle(world, id, status, reason, manner)
    else:
        paypal_refunds.settle(world, id, _paypal(status), reason, manner)


def dispute(
    world: World, page: str, amount: int | None, reason: str, status: str, due_days: float, manner: Manner
) -> str:
    """The customer disputes a payment; the dispute's id. Empty words: what is usual at the PSP."""
    due_by = int(time.time() + due_days * DAY)
    if _is_stripe(page):
        opened = stripe_disputes.open_dispute(
            world, _intent(world, page), amount, reason or "fraudulent", status or "needs_response", due_by, manner
        )
        return str(opened["id"])
    opened = paypal_disputes.open_dispute(
        world,
        _capture(world, page),
        amount,
        reason or "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        status or "WAITING_FOR_SELLER_RESPONSE",
        due_by,
        manner,
    )
    return str(opened["dispute_id"])


def move_dispute(world: World, id: str, status: str, outcome: str, manner: Manner) -> None:
    """A dispute goes on, or ends. At PayPal an end in the buyer's favour takes the money back."""
    if world.books.get(stripe_disputes.KIND, id):
        stripe_disputes.move(world, id, status, manner)
        return
    with world.books.turn():
        moved = paypal_disputes.move(world, id, status, outcome or None, manner)
        if outcome in paypal_disputes.FOR_THE_BUYER:
            amount = int(moved["dispute_amount"]["value"].replace(".", ""))
            paypal_refunds.reverse(world, moved["_capture"], amount, manner)


def reverse(world: World, page: str, amount: int | None, manner: Manner) -> str:
    """PayPal takes money back by itself; the reversal's id."""
    return str(paypal_refunds.reverse(world, _capture(world, page)["id"], amount, manner)["id"])


def age(world: World, page: str, days: float) -> None:
    """Let a payment be older than it is."""
    with world.books.turn():
        if _is_stripe(page):
            intent = world.books.get("stripe payment_intent", _intent(world, page))
            charge = world.books.get("stripe charge", (intent or {}).get("latest_charge") or "")
            if charge is None:
                raise ValueError(f"no money came with {page}")
            world.books.put("stripe charge", charge["id"], charge | {"created": int(charge["created"] - days * DAY)})
        else:
            capture = _capture(world, page)
            made = datetime.fromisoformat(capture["create_time"]).astimezone(UTC) - timedelta(days=days)
            orders.keep_capture(world, capture | {"create_time": made.strftime("%Y-%m-%dT%H:%M:%SZ")})


def _is_stripe(page: str) -> bool:
    return page.startswith("cs_")


def _intent(world: World, page: str) -> str:
    intent = sessions.found(world, page)["payment_intent"]
    if intent is None:
        raise ValueError(f"no money came with {page}")
    return str(intent)


def _capture(world: World, page: str) -> Document:
    captures = orders.found(world, page)["purchase_units"][0].get("payments", {}).get("captures")
    if not captures:
        raise ValueError(f"no money came with {page}")
    return orders.capture_found(world, captures[0]["id"])


def _paypal(status: str) -> str:
    if status not in PAYPAL_STATES:
        raise ValueError(f"no such state of a refund: {status}")
    return PAYPAL_STATES[status]
