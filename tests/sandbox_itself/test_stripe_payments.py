from typing import Any

import pytest
import stripe

from tests.sandbox import canaries
from tests.sandbox.client import (
    AMEX,
    DECLINED,
    DISCOVER,
    EXPIRED_CARD,
    INSUFFICIENT_FUNDS,
    MASTERCARD,
    PROCESSING_ERROR,
    THREE_D_SECURE,
    VISA,
    WRONG_CVC,
    Sandbox,
    SandboxRefused,
)
from tests.sandbox_itself.sessions import params

WHOLE = {"expand": ["payment_intent.latest_charge.balance_transaction"]}


def types(sandbox: Sandbox) -> list[str]:
    return [event["type"] for event in sandbox.events()]


def opened(client: stripe.StripeClient, *methods: str, **more: Any) -> str:
    return client.v1.checkout.sessions.create(params=params(*methods, **more)).id


@pytest.mark.parametrize(("number", "brand"), [(VISA, "visa"), (MASTERCARD, "mastercard")])
def test_a_good_card_pays(stripe_client: stripe.StripeClient, sandbox: Sandbox, number: str, brand: str) -> None:
    id = opened(stripe_client)
    result = sandbox.pay_by_card(id, number)
    assert (result.outcome, result.url) == ("paid", f"http://localhost:8000/retour?s={id}")
    session = stripe_client.v1.checkout.sessions.retrieve(id, params={"expand": WHOLE["expand"]})
    intent = session.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.payment_method_details is not None and charge.payment_method_details.card is not None
    card = charge.payment_method_details.card
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert (intent.status, intent.amount_received, intent.metadata["payment"]) == ("succeeded", 4990, "payment-1")
    assert (card.brand, card.last4) == (brand, number[-4:])
    assert charge["payment_method_details"]["card"]["authorization_code"] == canaries.CARD_AUTHORISATION
    assert charge.outcome is not None and charge.outcome.network_status == "approved_by_network"
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert types(sandbox) == [
        "payment_intent.created",
        "charge.succeeded",
        "checkout.session.completed",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(
    ("number", "code", "why"),
    [
        (INSUFFICIENT_FUNDS, "card_declined", "insufficient_funds"),
        (DECLINED, "card_declined", "generic_decline"),
        (EXPIRED_CARD, "expired_card", "expired_card"),
        (WRONG_CVC, "incorrect_cvc", "incorrect_cvc"),
        (PROCESSING_ERROR, "processing_error", "processing_error"),
    ],
)
def test_a_declined_card_leaves_the_session_open(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, number: str, code: str, why: str
) -> None:
    id = opened(stripe_client)
    assert sandbox.pay_by_card(id, number).decline_code == why
    session = stripe_client.v1.checkout.sessions.retrieve(id, params={"expand": ["payment_intent.latest_charge"]})
    intent = session.payment_intent
    assert isinstance(intent, stripe.PaymentIntent) and intent.last_payment_error is not None
    assert (session.status, session.payment_status, intent.status) == ("open", "unpaid", "requires_payment_method")
    assert (intent.last_payment_error.code, intent.last_payment_error.decline_code) == (code, why)
    assert types(sandbox) == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    assert sandbox.payment(id)["received"] == 0


def test_after_a_decline_another_card_pays_with_the_same_intent(
    stripe_client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    id = opened(stripe_client)
    sandbox.pay_by_card(id, DECLINED)
    before = stripe_client.v1.checkout.sessions.retrieve(id).payment_intent
    assert sandbox.pay_by_card(id).outcome == "paid"
    assert stripe_client.v1.checkout.sessions.retrieve(id).payment_intent == before
    assert types(sandbox).count("payment_intent.created") == 1


def test_three_d_secure_can_be_refused_and_then_confirmed(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = opened(stripe_client)
    assert sandbox.pay_by_card(id, THREE_D_SECURE, confirm=False).outcome == "declined"
    assert types(sandbox) == ["payment_intent.created", "payment_intent.payment_failed"]
    assert sandbox.pay_by_card(id, THREE_D_SECURE).outcome == "paid"


@pytest.mark.parametrize("number", [AMEX, DISCOVER])
def test_a_blocked_brand_is_not_taken_and_nothing_happens(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, number: str
) -> None:
    id = opened(stripe_client)
    with pytest.raises(SandboxRefused, match="ne sont pas acceptées"):
        sandbox.pay_by_card(id, number)
    assert types(sandbox) == []


def test_a_brand_that_is_not_blocked_is_taken(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = opened(stripe_client, payment_method_options=None)
    assert sandbox.pay_by_card(id, AMEX).outcome == "paid"


def test_twint_pays_and_says_nothing_of_the_payer(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = opened(stripe_client, "twint")
    assert sandbox.pay_by_twint(id).outcome == "paid"
    session = stripe_client.v1.checkout.sessions.retrieve(id, params={"expand": ["payment_intent.latest_charge"]})
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    charge = session.payment_intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.id.startswith("py_")
    assert charge["payment_method_details"].to_dict() == {"type": "twint", "twint": {"mandate": None}}


def test_a_refused_twint_leaves_the_session_open(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = opened(stripe_client, "twint")
    assert sandbox.pay_by_twint(id, confirm=False).outcome == "declined"
    assert stripe_client.v1.checkout.sessions.retrieve(id).status == "open"


@pytest.mark.parametrize(("paid", "status", "word"), [(True, "paid", "succeeded"), (False, "unpaid", "failed")])
def test_money_can_be_decided_after_the_return(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, paid: bool, status: str, word: str
) -> None:
    id = opened(stripe_client, "twint")
    assert sandbox.pay_by_twint(id, pending=True).outcome == "pending"
    session = stripe_client.v1.checkout.sessions.retrieve(id)
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    sandbox.settle_session(id, paid=paid)
    assert stripe_client.v1.checkout.sessions.retrieve(id).payment_status == status
    assert types(sandbox)[2:5:2] == ["checkout.session.completed", f"checkout.session.async_payment_{word}"]
    assert sandbox.payment(id)["state"] == ("paid" if paid else "declined")
    with pytest.raises(SandboxRefused):
        sandbox.settle_session(id)


@pytest.mark.parametrize(("allowed", "tried"), [("card", "twint"), ("twint", "card")])
def test_a_page_takes_only_what_it_offers(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, allowed: str, tried: str
) -> None:
    id = opened(stripe_client, allowed)
    with pytest.raises(SandboxRefused):
        sandbox.pay_by_card(id) if tried == "card" else sandbox.pay_by_twint(id)


def test_a_page_is_paid_only_once(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = opened(stripe_client)
    sandbox.pay_by_card(id)
    with pytest.raises(SandboxRefused, match="complete"):
        sandbox.pay_by_card(id)
    with pytest.raises(stripe.InvalidRequestError, match="complete"):
        stripe_client.v1.checkout.sessions.expire(id)


def test_an_expired_page_takes_nothing(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = opened(stripe_client)
    sandbox.expire(id)
    with pytest.raises(SandboxRefused, match="expired"):
        sandbox.pay_by_card(id)
    assert types(sandbox) == ["checkout.session.expired"]


def test_another_amount_is_told_everywhere(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = opened(stripe_client)
    sandbox.pay_by_card(id, webhook="wrong_amount")
    session = stripe_client.v1.checkout.sessions.retrieve(id, params={"expand": ["payment_intent.latest_charge"]})
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    assert isinstance(session.payment_intent.latest_charge, stripe.Charge)
    completed = next(e for e in sandbox.events() if e["type"] == "checkout.session.completed")
    assert session.amount_total == completed["data"]["object"]["amount_total"] == 5090
    assert session.payment_intent.latest_charge.amount_captured == sandbox.payment(id)["received"] == 5090


def test_a_live_charge_can_be_odd(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = opened(stripe_client)
    sandbox.pay_by_card(id, brand="amex", network_status="reversed_after_approval")
    session = stripe_client.v1.checkout.sessions.retrieve(id, params={"expand": ["payment_intent.latest_charge"]})
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    charge = session.payment_intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge["payment_method_details"]["card"]["brand"] == "amex"
    assert charge["outcome"]["network_status"] == "reversed_after_approval"
