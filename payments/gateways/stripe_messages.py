"""Stripe's messages: what is kept of them, and what it says in the shop's words."""

from typing import Any
from uuid import UUID

from payments.gateways.allowed import Form, as_uuid, flag, kept, number, our_id, our_order, reference, word
from payments.gateways.base import Facts, Kind, Notice, PageState, Unreachable
from payments.gateways.stripe_refusals import refusal, refusal_of

# How Stripe's events are read. The types that are not here change nothing.
KINDS: dict[str, Kind] = {
    "checkout.session.completed": Kind.PAID,  # if its payment_status says so
    "checkout.session.async_payment_succeeded": Kind.PAID,  # the same
    "checkout.session.async_payment_failed": Kind.FAILED,
    "checkout.session.expired": Kind.EXPIRED,
    "payment_intent.payment_failed": Kind.OTHER,  # a decline on a page that stays open: the customer tries again there
    "charge.failed": Kind.OTHER,  # the same decline, seen from below
}

MARKS: dict[str, Form] = {"payment": our_id, "order": our_order}
# What is kept of an event's object, by the kind of object; of others nothing.
KEPT: dict[str, dict[str, Form]] = {
    "checkout.session": {
        "object": word,
        "id": reference,
        "payment_intent": reference,
        "payment_status": word,
        "status": word,
        "amount_total": number,
        "currency": word,
        "presentment_details": {"presentment_amount": number, "presentment_currency": word},
        "client_reference_id": our_id,
        "metadata": MARKS,
        "livemode": flag,
        "expires_at": number,
    },
    "payment_intent": {
        "object": word,
        "id": reference,
        "amount_received": number,
        "currency": word,
        "status": word,
        "latest_charge": reference,
        "metadata": MARKS,
        "livemode": flag,
        "last_payment_error": refusal,
    },
    "charge": {
        "object": word,
        "id": reference,
        "payment_intent": reference,
        "amount": number,
        "amount_refunded": number,
        "currency": word,
        "paid": flag,
        "captured": flag,
        "refunded": flag,
        "disputed": flag,
        "metadata": MARKS,
        "livemode": flag,
        "failure_code": refusal_of,
    },
}


def notice_of(facts: Facts) -> Notice:
    """What an event says by itself."""
    kind = KINDS.get(facts.type, Kind.OTHER)
    thing = facts.object
    if thing.get("object") != "checkout.session":
        refused = thing.get("last_payment_error") or thing.get("failure_code") or ""
        intent = thing.get("payment_intent") or thing.get("id")
        return Notice(kind, our_payment(thing), money_reference=intent, refusal=refused)
    if kind == Kind.PAID and thing.get("payment_status") not in ("paid", "no_payment_required"):
        kind = Kind.PENDING
    return session_notice(kind, thing)


def live_notice(session: dict[str, Any]) -> Notice:
    """What a session says that was read with its payment intent. Raises Unreachable as `state_of` does."""
    kinds = {
        PageState.OPEN: Kind.OTHER,
        PageState.PENDING: Kind.PENDING,
        PageState.PAID: Kind.PAID,
        PageState.DEAD: Kind.EXPIRED if session.get("status") == "expired" else Kind.FAILED,
    }
    return session_notice(kinds[state_of(session)], kept(session, KEPT["checkout.session"]))


def state_of(session: dict[str, Any]) -> PageState:
    """The state of a page whose session was read with its payment intent. Raises Unreachable for one unknown here."""
    match session.get("status"), session.get("payment_status"):
        case "open", _:
            return PageState.OPEN
        case "expired", _:
            return PageState.DEAD
        case "complete", "paid" | "no_payment_required":
            return PageState.PAID
        case "complete", "unpaid":
            intent = session.get("payment_intent")
            status = intent.get("status") if isinstance(intent, dict) else None
            failed = status in ("requires_payment_method", "canceled")
            return PageState.DEAD if failed else PageState.PENDING
        case _:
            raise Unreachable("Stripe's session is in a state unknown here")


def session_notice(kind: Kind, session: dict[str, Any]) -> Notice:
    """What the allowed fields of a session say. What the customer was charged counts, in whatever currency that was."""
    charged = session.get("presentment_details", {})
    amount = charged.get("presentment_amount", session.get("amount_total"))
    if session.get("payment_status") == "no_payment_required":
        amount = 0  # never asked for: it must be seen to differ
    return Notice(
        kind,
        payment_id=our_payment(session),
        page_reference=session.get("id"),
        money_reference=session.get("payment_intent"),
        amount=amount,
        currency=charged.get("presentment_currency", session.get("currency", "")).upper() or None,
        refusal="generic" if kind == Kind.FAILED else "",
    )


def our_payment(thing: dict[str, Any]) -> UUID | None:
    return as_uuid(thing.get("client_reference_id") or thing.get("metadata", {}).get("payment"))
