"""Payment intents and charges in Stripe's shape, with all the bank data that Stripe tells."""

import time

from tests.sandbox import canaries
from tests.sandbox.books import Document
from tests.sandbox.names import stripe_id
from tests.sandbox.stripe.cards import Card, Decline


def payment_intent(session: Document, *, amount: int) -> Document:
    given = session["_payment_intent_data"]
    id = stripe_id("pi_3")
    return {
        "id": id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{id}_secret_{stripe_id('', 25)}",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": session["currency"],
        "customer": None,
        "description": given.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": session["payment_method_options"],
        "payment_method_types": session["payment_method_types"],
        "processing": None,
        "receipt_email": given.get("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": given.get("statement_descriptor"),
        "statement_descriptor_suffix": given.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def card_details(card: Card, *, brand: str | None = None, wallet: str | None = None) -> Document:
    return {
        "type": "card",
        "card": {
            "amount_authorized": None,
            "authorization_code": canaries.CARD_AUTHORISATION if card.decline is None else None,
            "brand": brand or card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "fail" if card.decline and card.decline.code == "incorrect_cvc" else "pass",
            },
            "country": "CH",
            "exp_month": 12,
            "exp_year": 2034,
            "extended_authorization": {"status": "disabled"},
            "fingerprint": canaries.CARD_FINGERPRINT,
            "funding": "credit",
            "iin": card.number[:6],
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "issuer": canaries.CARD_IIN_BANK,
            "last4": card.last4,
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": brand or card.brand,
            "network_token": {"used": False},
            "network_transaction_id": canaries.CARD_NETWORK_TRANSACTION,
            "overcapture": {"maximum_amount_capturable": 0, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": {
                "authentication_flow": "challenge",
                "result": "authenticated",
                "version": "2.2.0",
            }
            if card.asks
            else None,
            "wallet": wallet and {"type": wallet, wallet: {}, "dynamic_last4": None},
        },
    }


TWINT_DETAILS: Document = {"type": "twint", "twint": {"mandate": None}}


def charge(
    intent: Document,
    details: Document,
    *,
    decline: Decline | None = None,
    network_status: str = "approved_by_network",
    holder: str,
    email: str | None,
) -> Document:
    card = details["type"] == "card"
    paid = decline is None
    amount = intent["amount"]
    return {
        "id": stripe_id("ch_3" if card else "py_3"),
        "object": "charge",
        "amount": amount,
        "amount_captured": amount if paid else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "authorization_code": details["card"]["authorization_code"] if card else None,
        "balance_transaction": stripe_id("txn_3") if paid else None,
        "billing_details": {
            "address": {
                "city": None,
                "country": "CH",
                "line1": None,
                "line2": None,
                "postal_code": None,
                "state": None,
            },
            "email": email,
            "name": holder,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "KOOKUT" if card else None,
        "captured": paid,
        "created": int(time.time()),
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": _outcome(decline, network_status, card=card),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": stripe_id("pm_1"),
        "payment_method_details": details,
        "presentment_details": None,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded" if paid else "failed",
        "transfer_data": None,
        "transfer_group": None,
    }


def _outcome(decline: Decline | None, network_status: str, *, card: bool) -> Document:
    if decline:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": "51" if decline.decline_code == "insufficient_funds" else "05",
            "network_status": "declined_by_network",
            "reason": decline.decline_code,
            "risk_level": "normal" if card else "not_assessed",
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        }
    blocked = network_status == "reversed_after_approval"
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": network_status,
        "reason": "highest_risk_level" if blocked else None,
        "risk_level": "highest" if blocked else "normal" if card else "not_assessed",
        "seller_message": "Stripe blocked this payment as too risky." if blocked else "Payment complete.",
        "type": "blocked" if blocked else "authorized",
    }


def payment_error(decline: Decline, failed: Document | None, *, method: str) -> Document:
    return {
        "charge": failed["id"] if failed else None,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "message": decline.message,
        "type": "card_error" if method == "card" else "invalid_request_error",
    }
