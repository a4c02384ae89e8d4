"""PayPal's messages and objects: what is kept of them, and what it says in the shop's words."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from payments.gateways.allowed import (
    Form,
    as_datetime,
    as_uuid,
    digits,
    each,
    flag,
    kept,
    masked,
    moment,
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

AMOUNT = re.compile(r"[0-9]{1,7}\.[0-9]{2}", re.ASCII)
UP = re.compile(r"/v2/payments/captures/([A-Za-z0-9_-]{1,100})$")

# How PayPal's events are read. Those that are not here change nothing; two of them by decision:
# CHECKOUT.ORDER.COMPLETED tells of a capture whose own event comes too, and COMPLETED is not always paid;
# CHECKOUT.PAYMENT-APPROVAL.REVERSED exists for wallets that we do not offer: with PayPal's own, the capture says so.
KINDS: dict[str, Kind] = {
    "CHECKOUT.ORDER.APPROVED": Kind.APPROVED,
    "PAYMENT.CAPTURE.COMPLETED": Kind.PAID,
    "PAYMENT.CAPTURE.PENDING": Kind.PENDING,
    "PAYMENT.CAPTURE.DENIED": Kind.FAILED,
    "PAYMENT.CAPTURE.DECLINED": Kind.FAILED,
    "PAYMENT.CAPTURE.REFUNDED": Kind.REFUND,
    "PAYMENT.REFUND.PENDING": Kind.REFUND,
    "PAYMENT.REFUND.FAILED": Kind.REFUND,
    # PayPal took the money back, and the shop did not give it: what a lost dispute does, with or without one.
    "PAYMENT.CAPTURE.REVERSED": Kind.DISPUTE,
    "CUSTOMER.DISPUTE.CREATED": Kind.DISPUTE,
    "CUSTOMER.DISPUTE.UPDATED": Kind.DISPUTE,
    "CUSTOMER.DISPUTE.RESOLVED": Kind.DISPUTE,
}
HANDLED = tuple(KINDS)
REVERSED = "PAYMENT.CAPTURE.REVERSED"
CAPTURES: dict[str, PageState] = {
    "COMPLETED": PageState.PAID,
    "PENDING": PageState.PENDING,
    "DECLINED": PageState.DEAD,
    "FAILED": PageState.DEAD,
    # The money came, all the same.
    "PARTIALLY_REFUNDED": PageState.PAID,
    "REFUNDED": PageState.PAID,
}
REFUNDS: dict[str, RefundState] = {
    "COMPLETED": RefundState.SUCCEEDED,
    "PENDING": RefundState.PENDING,
    "FAILED": RefundState.FAILED,
    "CANCELLED": RefundState.FAILED,
}
# A reversal has the shape and the states of a refund.
REVERSALS: dict[RefundState, DisputeState] = {
    RefundState.SUCCEEDED: DisputeState.LOST,
    RefundState.PENDING: DisputeState.OPEN,
    RefundState.FAILED: DisputeState.CLOSED,
}
TAKEN_BACK = ("BUYER_COMPLAINT", "CHARGEBACK")
DISPUTES = ("OPEN", "WAITING_FOR_BUYER_RESPONSE", "WAITING_FOR_SELLER_RESPONSE", "UNDER_REVIEW", "OTHER", "RESOLVED")
# How a dispute ended. The others end it without saying who paid: a reversal has its own event.
OUTCOMES: dict[str, DisputeState] = {
    "RESOLVED_SELLER_FAVOUR": DisputeState.WON,
    "RESOLVED_BUYER_FAVOUR": DisputeState.LOST,
    "ACCEPTED": DisputeState.LOST,
}
ORDERS: dict[str, PageState] = {
    "CREATED": PageState.OPEN,
    "SAVED": PageState.OPEN,
    "PAYER_ACTION_REQUIRED": PageState.OPEN,
    "APPROVED": PageState.APPROVED,
    "VOIDED": PageState.DEAD,
}
MONEY: dict[str, Form] = {"value": word, "currency_code": word}
CAPTURE: dict[str, Form] = {
    "id": reference,
    "status": word,
    "status_details": {"reason": word},
    "final_capture": flag,
    "amount": MONEY,
    "custom_id": our_id,
    "invoice_id": our_order,
    "supplementary_data": {"related_ids": {"order_id": reference}},
}
ORDER: dict[str, Form] = {
    "id": reference,
    "status": word,
    "intent": word,
    "purchase_units": each({"custom_id": our_id, "invoice_id": our_order, "amount": MONEY}),
}
OUR_REFUND = "refund-"
"""Before our refund's id: a refund made at PayPal's dashboard may carry the mark of its capture, a payment's id."""


def our_mark(value: object) -> str | None:
    """The mark of a payment, or of a refund of ours."""
    text = value if isinstance(value, str) else ""
    return text if our_id(text.removeprefix(OUR_REFUND)) else None


def _capture_above(links: object) -> str | None:
    """The id of the capture to which a refund belongs, which only an address tells; nothing else of the links."""
    found = UP.search(links_of({"links": links}).get("up", ""))
    return found[1] if found else None


REFUND: dict[str, Form] = {
    "id": reference,
    "status": word,
    "status_details": {"reason": word},
    "amount": MONEY,
    "custom_id": our_mark,
    "invoice_id": our_order,
    "links": _capture_above,
    "create_time": moment,
}
DISPUTE: dict[str, Form] = {
    "dispute_id": reference,
    "create_time": moment,
    "update_time": moment,
    "reason": word,
    "status": word,
    "dispute_amount": MONEY,
    "dispute_outcome": {"outcome_code": word},
    "seller_response_due_date": moment,
    "disputed_transactions": each({"seller_transaction_id": reference, "custom": our_id}),
}
CAPTURED: dict[str, Form] = {
    "purchase_units": each({"payments": {"captures": each({"status": word}), "refunds": each({"id": reference})}})
}
# Shown on the customer's paper and kept nowhere.
SHOWN: dict[str, Form] = {
    "payment_source": {"paypal": {"email_address": masked}, "card": {"brand": word, "last_digits": digits}}
}
CAPTURE_EVENTS = "PAYMENT.CAPTURE."
DISPUTE_EVENTS = "CUSTOMER.DISPUTE."


def allowed_for(type: str) -> dict[str, Form]:
    """What is kept of an event's resource; of a type that changes nothing here nothing is."""
    if type not in KINDS:
        return {}
    if type.startswith(DISPUTE_EVENTS):
        return DISPUTE
    if type == REVERSED or KINDS[type] == Kind.REFUND:
        return REFUND
    return CAPTURE if type.startswith(CAPTURE_EVENTS) else ORDER


def notice_of(facts: Facts) -> Notice:
    """What an event says by itself: a hint. A status unknown here is one that is not decided yet."""
    kind, thing = KINDS.get(facts.type, Kind.OTHER), facts.object
    if kind == Kind.OTHER:
        return Notice(kind)
    if facts.type.startswith(DISPUTE_EVENTS):
        return _dispute_notice(thing)
    if facts.type == REVERSED:
        return _reversal_notice(thing, REFUNDS.get(thing.get("status", ""), RefundState.SUCCEEDED))
    if kind == Kind.REFUND:
        return _refund_notice(thing, REFUNDS.get(thing.get("status", ""), RefundState.PENDING))
    if facts.type.startswith(CAPTURE_EVENTS):
        return _capture_notice(kind, thing)
    return _order_notice(kind, thing)


def live_capture(capture: dict[str, Any]) -> Notice:
    """What a capture says now. Raises Unclear for a state unknown here.

    Its money came, even if it has gone back since: `refunded` says so when all of it did.
    """
    kinds = {PageState.PAID: Kind.PAID, PageState.PENDING: Kind.PENDING, PageState.DEAD: Kind.FAILED}
    notice = _capture_notice(kinds[_state_of_capture(capture)], kept(capture, CAPTURE))
    return replace(notice, refunded=(notice.amount or 0) if capture.get("status") == "REFUNDED" else 0)


def live_refund(refund: dict[str, Any]) -> Notice:
    """What a refund says now. Raises Unclear for a state unknown here."""
    return _refund_notice(kept(refund, REFUND), refund_state(refund))


def live_reversal(refund: dict[str, Any]) -> Notice:
    """What PayPal took back, or gave back after all. One that has our refund's mark is our refund."""
    notice = live_refund(refund)
    if notice.refund and notice.refund.refund_id:
        return notice
    return _reversal_notice(kept(refund, REFUND), refund_state(refund))


def reversed_capture(capture: dict[str, Any]) -> Notice:
    """What a capture says now of whose reversal PayPal shows no more. Raises Unclear if it says nothing of it."""
    said = kept(capture, CAPTURE)
    status, reason = said.get("status"), said.get("status_details", {}).get("reason", "")
    if status not in ("REFUNDED", "PARTIALLY_REFUNDED") and reason not in TAKEN_BACK:
        raise Unclear("PayPal's capture says nothing of a reversal")
    amount, currency = _money(said.get("amount")) if status != "PARTIALLY_REFUNDED" else (None, None)
    told = DisputeNotice(said.get("id", ""), DisputeState.LOST, reason or REVERSED, amount, currency=currency)
    return Notice(Kind.DISPUTE, money_reference=said.get("id"), dispute=told)


def live_dispute(dispute: dict[str, Any]) -> Notice:
    """What a dispute says now. Raises Unclear for a state unknown here."""
    if dispute.get("status") not in DISPUTES:
        raise Unclear("PayPal's dispute is in a state unknown here")
    return _dispute_notice(kept(dispute, DISPUTE))


def of_capture(notice: Notice, capture: dict[str, Any] | None) -> Notice:
    """The notice with the names of the payment that its capture, read live, has."""
    if capture is None:
        return notice
    named = _capture_notice(notice.kind, kept(capture, CAPTURE))
    return replace(
        notice,
        payment_id=named.payment_id,
        page_reference=named.page_reference,
        money_reference=named.money_reference,
        stranger=named.payment_id is None,
    )


def refund_state(refund: dict[str, Any]) -> RefundState:
    """The state of a refund. Raises Unclear for one unknown here."""
    status = word(refund.get("status")) or ""
    if status not in REFUNDS:
        raise Unclear("PayPal's refund is in a state unknown here")
    return REFUNDS[status]


def our_refund(refund: dict[str, Any]) -> UUID | None:
    """Our own id of a refund; None for one that was made at the dashboard."""
    mark = kept(refund, REFUND).get("custom_id", "")
    return as_uuid(mark.removeprefix(OUR_REFUND)) if mark.startswith(OUR_REFUND) else None


def refunds_in(order: dict[str, Any]) -> list[str]:
    """The ids of the refunds that an order lists. Raises Unclear when its captures know of more."""
    payments = [unit.get("payments", {}) for unit in kept(order, CAPTURED).get("purchase_units", [])]
    ids = [refund["id"] for one in payments for refund in one.get("refunds", []) if "id" in refund]
    captures = [capture.get("status", "") for one in payments for capture in one.get("captures", [])]
    if not captures or (not ids and any(status in ("REFUNDED", "PARTIALLY_REFUNDED") for status in captures)):
        raise Unclear("PayPal's order does not list its refunds")
    return ids


def live_order(order: dict[str, Any]) -> Notice:
    """What an order says now: of its approval and its end. Of money its captures tell."""
    kinds = {"APPROVED": Kind.APPROVED, "VOIDED": Kind.EXPIRED}
    said = kept(order, ORDER)
    return _order_notice(kinds.get(said.get("status", ""), Kind.OTHER), said)


def state_of(order: dict[str, Any]) -> PageState:
    """The state of the page of an order, by its captures if it has any. Raises Unclear for one unknown here.

    COMPLETED is not always paid: PayPal says so too when the capture was declined.
    """
    units = kept(order, CAPTURED).get("purchase_units", [])
    captures = [capture for unit in units for capture in unit.get("payments", {}).get("captures", [])]
    states = [_state_of_capture(capture) for capture in captures]
    for state in (PageState.PAID, PageState.PENDING):
        if state in states:
            return state
    status = word(order.get("status")) or ""
    if status == "COMPLETED" and states:
        return PageState.DEAD
    if status not in ORDERS:
        raise Unclear("PayPal's order is in a state unknown here")
    return ORDERS[status]


def charged(order: dict[str, Any]) -> tuple[int | None, str | None]:
    """The amount in centimes and the currency that the customer is asked for."""
    return _money(_unit(kept(order, ORDER)).get("amount"))


def details_of(order: dict[str, Any]) -> PaymentDetails:
    """Whose account paid, for the customer's paper; or the card, where somebody paid at PayPal without an account."""
    source = kept(order, SHOWN).get("payment_source", {})
    card = source.get("card", {})
    return PaymentDetails(
        brand=card.get("brand", "").lower(),
        last_digits=card.get("last_digits", ""),
        account=source.get("paypal", {}).get("email_address", ""),
    )


def page_of(order: dict[str, Any]) -> str:
    """The address where the customer agrees; empty when there is none."""
    links = links_of(order)
    return links.get("payer-action") or links.get("approve") or ""


def links_of(thing: Mapping[str, Any]) -> dict[str, str]:
    """Where an answer leads, by relation."""
    links = thing.get("links")
    found = [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    return {str(link.get("rel")): str(link.get("href") or "") for link in found}


def _state_of_capture(capture: dict[str, Any]) -> PageState:
    status = word(capture.get("status")) or ""
    if status not in CAPTURES:
        raise Unclear("PayPal's capture is in a state unknown here")
    return CAPTURES[status]


def _capture_notice(kind: Kind, capture: dict[str, Any]) -> Notice:
    amount, currency = _money(capture.get("amount"))
    return Notice(
        kind,
        payment_id=_our_payment(capture),
        page_reference=capture.get("supplementary_data", {}).get("related_ids", {}).get("order_id"),
        money_reference=capture.get("id"),
        amount=amount,
        currency=currency,
        refusal="paypal" if kind == Kind.FAILED else "",
    )


def _order_notice(kind: Kind, order: dict[str, Any]) -> Notice:
    unit = _unit(order)
    amount, currency = _money(unit.get("amount"))
    return Notice(
        kind,
        payment_id=_our_payment(unit),
        page_reference=order.get("id"),
        amount=amount,
        currency=currency,
    )


def _refund_notice(refund: dict[str, Any], state: RefundState) -> Notice:
    amount, currency = _money(refund.get("amount"))
    told = RefundNotice(refund.get("id", ""), state, amount, currency, our_refund(refund))
    return Notice(Kind.REFUND, as_uuid(refund.get("custom_id")), money_reference=refund.get("links"), refund=told)


def _reversal_notice(refund: dict[str, Any], state: RefundState) -> Notice:
    amount, currency = _money(refund.get("amount"))
    reason = refund.get("status_details", {}).get("reason", REVERSED)
    at = _second(refund.get("create_time"))
    told = DisputeNotice(refund.get("id", ""), REVERSALS[state], reason, amount, None, currency, at, at)
    # Without a capture above it the resource is the capture itself.
    money = refund.get("links") or refund.get("id")
    return Notice(Kind.DISPUTE, as_uuid(refund.get("custom_id")), money_reference=money, dispute=told)


def _dispute_notice(dispute: dict[str, Any]) -> Notice:
    amount, currency = _money(dispute.get("dispute_amount"))
    outcome = dispute.get("dispute_outcome", {}).get("outcome_code", "")
    over = dispute.get("status") == "RESOLVED"
    told = DisputeNotice(
        dispute.get("dispute_id", ""),
        OUTCOMES.get(outcome, DisputeState.CLOSED) if over else DisputeState.OPEN,
        dispute.get("reason", ""),
        amount,
        as_datetime(dispute.get("seller_response_due_date")),
        currency,
        _second(dispute.get("create_time")),
        as_datetime(dispute.get("update_time")) if over else None,
    )
    disputed = dispute.get("disputed_transactions") or [{}]
    return Notice(
        Kind.DISPUTE,
        as_uuid(disputed[0].get("custom")),
        money_reference=disputed[0].get("seller_transaction_id"),
        dispute=told,
    )


def _second(value: object) -> datetime | None:
    """A time to the second: of disputes PayPal tells the thousandths too, of what it takes back it does not."""
    at = as_datetime(value)
    return at and at.replace(microsecond=0)


def _our_payment(thing: dict[str, Any]) -> UUID | None:
    """Our payment's id, where our order's number stands beside it: other shops' ids may look like it."""
    return as_uuid(thing.get("custom_id")) if "invoice_id" in thing else None


def _unit(order: dict[str, Any]) -> dict[str, Any]:
    """The one purchase unit of an allow-listed order."""
    units: list[dict[str, Any]] = order.get("purchase_units", [])
    return units[0] if units else {}


def _money(money: dict[str, str] | None) -> tuple[int | None, str | None]:
    """An allow-listed amount; None for all but plain decimals with two places (`1E+2`, `10.0`, `NaN`)."""
    value = (money or {}).get("value", "")
    return (int(value.replace(".", "")) if AMOUNT.fullmatch(value) else None), (money or {}).get("currency_code")
