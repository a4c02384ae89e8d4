"""Stripe's messages: what is kept of them, and what it says in the shop's words."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from payments.gateways.allowed import (
    Form,
    as_datetime,
    as_uuid,
    code,
    digits,
    flag,
    kept,
    number,
    our_id,
    our_order,
    reference,
    word,
)
from payments.gateways.base import (
    DisputeNotice,
    DisputeState,
    Facts,
    Kind,
    Notice,
    PageState,
    PaymentDetails,
    RefundNotice,
    RefundState,
    Unclear,
)
from payments.gateways.stripe_refusals import refusal

# How Stripe's events are read. The types that are not here change nothing; three of them by decision:
# charge.refunded says what a charge's refunds come to, not which: each of them has its own events;
# charge.failed is the decline of payment_intent.payment_failed seen from below, where less is known of its cause;
# payment_intent.succeeded is the money of checkout.session.completed.
KINDS: dict[str, Kind] = {
    "checkout.session.completed": Kind.PAID,  # if its payment_status says so
    "checkout.session.async_payment_succeeded": Kind.PAID,  # the same
    "checkout.session.async_payment_failed": Kind.FAILED,
    "checkout.session.expired": Kind.EXPIRED,
    "payment_intent.payment_failed": Kind.DECLINED,  # the page stays open: the customer tries again there
    "refund.created": Kind.REFUND,
    "refund.updated": Kind.REFUND,
    "refund.failed": Kind.REFUND,
    "charge.refund.updated": Kind.REFUND,  # an older name, still used for some means of payment
    "charge.dispute.created": Kind.DISPUTE,
    "charge.dispute.updated": Kind.DISPUTE,
    "charge.dispute.funds_withdrawn": Kind.DISPUTE,
    "charge.dispute.funds_reinstated": Kind.DISPUTE,
    "charge.dispute.closed": Kind.DISPUTE,
}
HANDLED = tuple(KINDS)
REFUNDS: dict[str, RefundState] = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
DISPUTES: dict[str, DisputeState] = {
    "warning_needs_response": DisputeState.OPEN,
    "warning_under_review": DisputeState.OPEN,
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    "appeal_needs_response": DisputeState.OPEN,
    "appeal_under_review": DisputeState.OPEN,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
    # No money moved: an inquiry that came to nothing, a chargeback that was warded off.
    "warning_closed": DisputeState.CLOSED,
    "prevented": DisputeState.CLOSED,
}

MARKS: dict[str, Form] = {"payment": our_id, "order": our_order, "refund": our_id}
BRANDS = ("visa", "mastercard")
"""The cards that this shop takes. Others are blocked on the page, as far as Stripe can tell them there."""
MONEY_IS_THERE = ("paid", "no_payment_required")
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
        "presentment_details": {"presentment_currency": word},
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
    "refund": {
        "object": word,
        "id": reference,
        "amount": number,
        "currency": word,
        "status": word,
        "charge": reference,
        "payment_intent": reference,
        "failure_reason": word,
        "metadata": MARKS,
    },
    "dispute": {
        "object": word,
        "id": reference,
        "amount": number,
        "currency": word,
        "status": word,
        "reason": word,
        "charge": reference,
        "payment_intent": reference,
        "evidence_details": {"due_by": number},
        "livemode": flag,
    },
}
CHARGED: dict[str, Form] = {
    "payment_intent": {
        "latest_charge": {
            "outcome": {"network_status": word},
            "payment_method_details": {"type": word, "card": {"brand": word}},
        }
    }
}
# Shown on the customer's paper and kept nowhere.
SHOWN: dict[str, Form] = {
    "payment_intent": {
        "latest_charge": {
            "payment_method_details": {
                "card": {"brand": word, "last4": digits, "wallet": {"type": word}, "authorization_code": code}
            }
        }
    }
}
REFUNDED: dict[str, Form] = {"payment_intent": {"latest_charge": {"amount_refunded": number}}}


def allowed_for(type: str, object: str) -> dict[str, Form]:
    """What is kept of an event's object; of a type that changes nothing here nothing is."""
    return KEPT.get(object, {}) if type in KINDS else {}


def notice_of(facts: Facts) -> Notice:
    """What an event says by itself. A status unknown here is one that is not decided yet."""
    thing = facts.object
    match KINDS.get(facts.type), thing:
        case Kind.DECLINED, {"object": "payment_intent", "id": _}:
            return _decline_notice(thing)
        case Kind.REFUND, {"object": "refund", "id": _}:
            return _refund_notice(thing, REFUNDS.get(thing.get("status", ""), RefundState.PENDING))
        case Kind.DISPUTE, {"object": "dispute", "id": _}:
            return _dispute_notice(thing, DISPUTES.get(thing.get("status", ""), DisputeState.OPEN))
        case Kind.PAID, {"object": "checkout.session"} if thing.get("payment_status") not in MONEY_IS_THERE:
            return session_notice(Kind.PENDING, thing)
        case Kind.PAID | Kind.FAILED | Kind.EXPIRED as kind, {"object": "checkout.session"}:
            return session_notice(kind, thing)
        case _:
            return Notice(Kind.OTHER)


def live_session(session: dict[str, Any]) -> Notice:
    """What a session says that was read with its intent and charge. Raises Unclear as `state_of` does."""
    kinds = {
        PageState.OPEN: Kind.OTHER,
        PageState.PENDING: Kind.PENDING,
        PageState.PAID: Kind.PAID,
        PageState.DEAD: Kind.EXPIRED if session.get("status") == "expired" else Kind.FAILED,
    }
    charge = kept(session, REFUNDED).get("payment_intent", {}).get("latest_charge", {})
    notice = session_notice(kinds[state_of(session)], kept(session, KEPT["checkout.session"]))
    return replace(notice, refunded=charge.get("amount_refunded", 0), doubt=doubt_of(session))


def doubt_of(session: dict[str, Any]) -> str:
    """What speaks against the card with which a session was paid that was read with its charge; nothing of it is kept.

    `network`: the bank agreed, and the agreement was withdrawn (docs.stripe.com/declines#blocked-payments).
    """
    charge = kept(session, CHARGED).get("payment_intent", {}).get("latest_charge", {})
    if charge.get("outcome", {}).get("network_status") == "reversed_after_approval":
        return "network"
    means = charge.get("payment_method_details", {})
    return "brand" if means.get("type") == "card" and means.get("card", {}).get("brand") not in BRANDS else ""


def details_of(session: dict[str, Any]) -> PaymentDetails:
    """The card, for the customer's paper, of a session that was read with its charge; TWINT tells of nothing."""
    means = kept(session, SHOWN).get("payment_intent", {}).get("latest_charge", {}).get("payment_method_details", {})
    card = means.get("card", {})
    return PaymentDetails(
        brand=card.get("brand", ""),
        last_digits=card.get("last4", ""),
        wallet=card.get("wallet", {}).get("type", ""),
        authorisation=card.get("authorization_code", ""),
    )


def live_intent(intent: dict[str, Any]) -> Notice:
    """What a payment intent says now: of its last decline, for as long as nothing better followed."""
    said = kept(intent, KEPT["payment_intent"])
    declined = said.get("status") == "requires_payment_method" and "last_payment_error" in said
    return _decline_notice(said) if declined else Notice(Kind.OTHER)


def live_refund(refund: dict[str, Any]) -> Notice:
    """What a refund says now that was read with its payment intent. Raises Unclear as `refund_state` does."""
    return _marked(_refund_notice(kept(refund, KEPT["refund"]), refund_state(refund)), refund)


def live_dispute(dispute: dict[str, Any]) -> Notice:
    """What a dispute says now that was read with its payment intent. Raises Unclear for a state unknown here."""
    status = word(dispute.get("status")) or ""
    if status not in DISPUTES:
        raise Unclear("Stripe's dispute is in a state unknown here")
    return _marked(_dispute_notice(kept(dispute, KEPT["dispute"]), DISPUTES[status]), dispute)


def refund_state(refund: dict[str, Any]) -> RefundState:
    """The state of a refund. Raises Unclear for one unknown here."""
    status = word(refund.get("status")) or ""
    if status not in REFUNDS:
        raise Unclear("Stripe's refund is in a state unknown here")
    return REFUNDS[status]


def our_refund(refund: dict[str, Any]) -> UUID | None:
    """Our own id of a refund; None for one that was made at the dashboard."""
    return as_uuid(kept(refund, KEPT["refund"]).get("metadata", {}).get("refund"))


def state_of(session: dict[str, Any]) -> PageState:
    """The state of a page whose session was read with its payment intent. Raises Unclear for one unknown here."""
    match session.get("status"), session.get("payment_status"):
        case "open", _:
            return PageState.OPEN
        case "expired", _:
            return PageState.DEAD
        case "complete", status if status in MONEY_IS_THERE:
            return PageState.PAID
        case "complete", "unpaid":
            intent = session.get("payment_intent")
            status = intent.get("status") if isinstance(intent, dict) else None
            failed = status in ("requires_payment_method", "canceled")
            return PageState.DEAD if failed else PageState.PENDING
        case _:
            raise Unclear("Stripe's session is in a state unknown here")


def session_notice(kind: Kind, session: dict[str, Any]) -> Notice:
    """What the allowed fields of a session say."""
    amount, currency = session.get("amount_total"), _currency(session)
    presented = session.get("presentment_details", {}).get("presentment_currency", "").upper()
    if session.get("payment_status") == "no_payment_required":
        amount = 0  # never asked for: it must be seen to differ
    return Notice(
        kind,
        payment_id=our_payment(session),
        page_reference=session.get("id"),
        money_reference=session.get("payment_intent"),
        amount=amount,
        currency=currency,
        presented=presented if presented != currency else "",
        refusal="generic" if kind == Kind.FAILED else "",
    )


def our_payment(thing: dict[str, Any]) -> UUID | None:
    """Our payment's id, where our order's number stands beside it: other shops' ids may look like it."""
    marks = thing.get("metadata", {})
    return as_uuid(thing.get("client_reference_id") or marks.get("payment")) if "order" in marks else None


def _decline_notice(intent: dict[str, Any]) -> Notice:
    refused = intent.get("last_payment_error") or "generic"
    return Notice(Kind.DECLINED, our_payment(intent), money_reference=intent.get("id"), refusal=refused)


def _refund_notice(refund: dict[str, Any], state: RefundState) -> Notice:
    told = RefundNotice(
        refund.get("id", ""),
        state,
        refund.get("amount"),
        _currency(refund),
        as_uuid(refund.get("metadata", {}).get("refund")),
    )
    return Notice(Kind.REFUND, our_payment(refund), money_reference=refund.get("payment_intent"), refund=told)


def _dispute_notice(dispute: dict[str, Any], state: DisputeState) -> Notice:
    told = DisputeNotice(
        dispute.get("id", ""),
        state,
        dispute.get("reason", ""),
        dispute.get("amount"),
        as_datetime(dispute.get("evidence_details", {}).get("due_by")),
        _currency(dispute),
    )
    return Notice(Kind.DISPUTE, money_reference=dispute.get("payment_intent"), dispute=told)


def _marked(notice: Notice, thing: dict[str, Any]) -> Notice:
    """The notice with our payment's id, which a refund or dispute has from its payment intent only."""
    intent = kept(thing.get("payment_intent"), KEPT["payment_intent"])
    payment = notice.payment_id or our_payment(intent)
    return replace(notice, payment_id=payment, stranger="id" in intent and payment is None)


def _currency(thing: dict[str, Any]) -> str | None:
    return thing.get("currency", "").upper() or None
