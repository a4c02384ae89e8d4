"""PayPal's messages and objects: what is kept of them, and what it says in the shop's words."""

import re
from typing import Any

from payments.gateways.allowed import Form, as_uuid, each, flag, kept, our_id, our_order, reference, word
from payments.gateways.base import Facts, Kind, Notice, PageState, Unreachable

AMOUNT = re.compile(r"[0-9]{1,7}\.[0-9]{2}", re.ASCII)

# How PayPal's events are read. Those that are not here change nothing; two of them by decision:
# CHECKOUT.ORDER.COMPLETED tells of a capture whose own event comes too, and COMPLETED is not always paid;
# CHECKOUT.PAYMENT-APPROVAL.REVERSED exists for wallets that we do not offer: with PayPal's own, the capture says so.
KINDS: dict[str, Kind] = {
    "CHECKOUT.ORDER.APPROVED": Kind.APPROVED,
    "PAYMENT.CAPTURE.COMPLETED": Kind.PAID,
    "PAYMENT.CAPTURE.PENDING": Kind.PENDING,
    "PAYMENT.CAPTURE.DENIED": Kind.FAILED,
    "PAYMENT.CAPTURE.DECLINED": Kind.FAILED,
}
CAPTURES: dict[str, PageState] = {
    "COMPLETED": PageState.PAID,
    "PENDING": PageState.PENDING,
    "DECLINED": PageState.DEAD,
    "FAILED": PageState.DEAD,
    # The money came, all the same.
    "PARTIALLY_REFUNDED": PageState.PAID,
    "REFUNDED": PageState.PAID,
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
CAPTURED: dict[str, Form] = {"purchase_units": each({"payments": {"captures": each({"status": word})}})}
CAPTURE_EVENTS = "PAYMENT.CAPTURE."


def allowed_for(type: str) -> dict[str, Form]:
    """What is kept of an event's resource; of a type that changes nothing here nothing is."""
    if type not in KINDS:
        return {}
    return CAPTURE if type.startswith(CAPTURE_EVENTS) else ORDER


def notice_of(facts: Facts) -> Notice:
    """What an event says by itself: a hint."""
    kind = KINDS.get(facts.type, Kind.OTHER)
    if facts.type.startswith(CAPTURE_EVENTS):
        return _capture_notice(kind, facts.object)
    return _order_notice(kind, facts.object)


def live_capture(capture: dict[str, Any]) -> Notice:
    """What a capture says now. Raises Unreachable for a state unknown here."""
    kinds = {PageState.PAID: Kind.PAID, PageState.PENDING: Kind.PENDING, PageState.DEAD: Kind.FAILED}
    return _capture_notice(kinds[_state_of_capture(capture)], kept(capture, CAPTURE))


def live_order(order: dict[str, Any]) -> Notice:
    """What an order says now: of its approval and its end. Of money its captures tell."""
    kinds = {"APPROVED": Kind.APPROVED, "VOIDED": Kind.EXPIRED}
    said = kept(order, ORDER)
    return _order_notice(kinds.get(said.get("status", ""), Kind.OTHER), said)


def state_of(order: dict[str, Any]) -> PageState:
    """The state of the page of an order, by its captures if it has any. Raises Unreachable for one unknown here.

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
        raise Unreachable("PayPal's order is in a state unknown here")
    return ORDERS[status]


def charged(order: dict[str, Any]) -> tuple[int | None, str | None]:
    """The amount in centimes and the currency that the customer is asked for."""
    return _money(_unit(kept(order, ORDER)))


def page_of(order: dict[str, Any]) -> str:
    """The address where the customer agrees; empty when there is none."""
    links = order.get("links")
    found = {str(link.get("rel")): link.get("href") for link in links or [] if isinstance(link, dict)}
    return str(found.get("payer-action") or found.get("approve") or "")


def _state_of_capture(capture: dict[str, Any]) -> PageState:
    status = word(capture.get("status")) or ""
    if status not in CAPTURES:
        raise Unreachable("PayPal's capture is in a state unknown here")
    return CAPTURES[status]


def _capture_notice(kind: Kind, capture: dict[str, Any]) -> Notice:
    amount, currency = _money(capture)
    if capture.get("status") == "REFUNDED":
        amount = 0  # all of it went back: what is left must be seen to differ
    return Notice(
        kind,
        payment_id=as_uuid(capture.get("custom_id")),
        page_reference=capture.get("supplementary_data", {}).get("related_ids", {}).get("order_id"),
        money_reference=capture.get("id"),
        amount=amount,
        currency=currency,
        refusal="paypal" if kind == Kind.FAILED else "",
    )


def _order_notice(kind: Kind, order: dict[str, Any]) -> Notice:
    unit = _unit(order)
    amount, currency = _money(unit)
    return Notice(
        kind,
        payment_id=as_uuid(unit.get("custom_id")),
        page_reference=order.get("id"),
        amount=amount,
        currency=currency,
    )


def _unit(order: dict[str, Any]) -> dict[str, Any]:
    """The one purchase unit of an allow-listed order."""
    units: list[dict[str, Any]] = order.get("purchase_units", [])
    return units[0] if units else {}


def _money(thing: dict[str, Any]) -> tuple[int | None, str | None]:
    """The amount of an allow-listed object; None for all but plain decimals with two places (`1E+2`, `10.0`, `NaN`)."""
    money = thing.get("amount", {})
    value = money.get("value", "")
    return (int(value.replace(".", "")) if AMOUNT.fullmatch(value) else None), money.get("currency_code")
