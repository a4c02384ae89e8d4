"""PSPs that do not answer, or badly."""

import time

import pytest
import requests
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox_itself.conftest import PayPal
from tests.sandbox_itself.sessions import params

SESSIONS = "/stripe/v1/checkout/sessions"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("down", stripe.APIConnectionError),
        ("500", stripe.APIError),
        ("429", stripe.RateLimitError),
        ("html", stripe.APIError),
    ],
)
def test_a_broken_call_has_no_effect(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, fault: str, error: type[Exception]
) -> None:
    sandbox.break_calls(fault, SESSIONS)
    with pytest.raises(error):
        stripe_client.v1.checkout.sessions.create(params=params())
    assert sandbox.payments() == []
    stripe_client.v1.checkout.sessions.create(params=params())


def test_a_lost_answer_had_its_effect(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.break_calls("lost", SESSIONS)
    with pytest.raises(stripe.APIConnectionError):
        stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    session = stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    assert [row["page"] for row in sandbox.payments()] == [session.id]


def test_a_500_after_the_effect_is_what_the_key_replays(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.break_calls("late_500", SESSIONS)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    assert len(sandbox.payments()) == 1


def test_a_slow_call_takes_its_time(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.break_calls("slow", "/stripe/v1/events", seconds=0.5)
    started = time.monotonic()
    stripe_client.v1.events.list()
    assert time.monotonic() - started >= 0.5


def test_a_fault_counts_matching_calls_only(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.break_calls("500", SESSIONS, method="POST", calls=2)
    stripe_client.v1.events.list()
    stripe_client.v1.checkout.sessions.list()
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            stripe_client.v1.checkout.sessions.create(params=params())
    stripe_client.v1.checkout.sessions.create(params=params())


def test_faults_can_be_mended(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.break_calls("down", calls=100)
    sandbox.mend()
    stripe_client.v1.events.list()


def test_paypal_breaks_too(paypal: PayPal, sandbox: Sandbox) -> None:
    id = paypal.create().json()["id"]
    sandbox.approve_paypal(id)
    sandbox.break_calls("lost", "/paypal/v2/*/capture")
    with pytest.raises(requests.ConnectionError):
        paypal.capture(id, "cap-1")
    assert sandbox.payment(id)["received"] == 4990
    assert paypal.capture(id, "cap-1").status_code == 200


def test_calls_are_noted_with_what_they_said(
    stripe_client: stripe.StripeClient, paypal: PayPal, sandbox: Sandbox
) -> None:
    stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    paypal.create()
    [opened] = sandbox.requests("/checkout/sessions")
    assert (opened["method"], opened["path"], opened["key"], opened["status"]) == (
        "POST",
        "/v1/checkout/sessions",
        "k",
        200,
    )
    assert opened["params"]["line_items"][0]["price_data"]["unit_amount"] == "4990"
    [created] = sandbox.requests("/checkout/orders")
    assert (created["key"], created["params"]["intent"]) == ("create-1", "CAPTURE")
    sandbox.forget_requests()
    assert sandbox.requests() == []


def test_a_silent_psp_says_nothing_and_does_nothing(paypal: PayPal, sandbox: Sandbox) -> None:
    paypal.token = paypal.sign_in().json()["access_token"]
    sandbox.break_calls("silent", "/paypal/v2/checkout/orders", seconds=0.5)
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        paypal.create()
    assert time.monotonic() - started >= 0.5
    assert sandbox.payments() == []


def test_a_refund_whose_answer_is_lost_is_found_again(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page = stripe_client.v1.checkout.sessions.create(params=params()).id
    sandbox.pay_by_card(page)
    intent = sandbox.payment(page)["money"]
    sandbox.break_calls("lost", "/stripe/v1/refunds", method="POST")
    with pytest.raises(stripe.APIConnectionError):
        stripe_client.v1.refunds.create(params={"payment_intent": intent}, options={"idempotency_key": "r"})
    again = stripe_client.v1.refunds.create(params={"payment_intent": intent}, options={"idempotency_key": "r"})
    assert [one.id for one in stripe_client.v1.refunds.list(params={"payment_intent": intent})] == [again.id]


def test_a_failure_without_an_effect_is_repeated_for_its_key_alone(
    stripe_client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    sandbox.break_calls("kept_500", "/stripe/v1/checkout/sessions", method="POST")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "first"})
    assert sandbox.payments() == []
    assert stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "second"}).id


def test_paypal_keeps_no_failure(paypal: PayPal, sandbox: Sandbox) -> None:
    sandbox.break_calls("kept_500", "/paypal/v2/checkout/orders", method="POST")
    assert paypal.create(key="one").status_code == 500
    assert sandbox.payments() == []
    assert paypal.create(key="one").status_code == 201
