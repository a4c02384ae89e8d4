"""Idempotency keys (docs.stripe.com/api/idempotent_requests)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from tests import environment
from tests.sandbox.client import Sandbox
from tests.sandbox_itself.sessions import params


def test_the_same_key_gives_the_same_session(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    first = stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    again = stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    assert again.id == first.id
    assert len(sandbox.payments()) == 1
    assert [call["replayed"] for call in sandbox.requests("/sessions")] == [False, True]


def test_a_replay_tells_the_first_answer_not_the_present(stripe_client: stripe.StripeClient) -> None:
    first = stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    stripe_client.v1.checkout.sessions.expire(first.id)
    again = stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    assert again.status == "open"


def test_the_same_key_with_other_parameters_is_an_error(stripe_client: stripe.StripeClient) -> None:
    stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        stripe_client.v1.checkout.sessions.create(params=params(amount=5000), options={"idempotency_key": "k"})


def test_the_same_key_at_another_endpoint_is_an_error(stripe_client: stripe.StripeClient) -> None:
    session = stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        stripe_client.v1.checkout.sessions.expire(session.id, options={"idempotency_key": "k"})


def test_a_refused_request_does_not_use_its_key_up(stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        stripe_client.v1.checkout.sessions.create(params=params(amount=1), options={"idempotency_key": "k"})
    stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})


def test_a_key_in_use_is_a_conflict(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.break_calls("slow", "/stripe/v1/checkout/sessions", seconds=3)

    def create(_: int) -> int:
        body = "mode=payment&success_url=http://localhost/&line_items[0][quantity]=1"
        price = "line_items[0][price_data]"
        body += f"&{price}[currency]=chf&{price}[unit_amount]=500&{price}[product_data][name]=Bol"
        headers = {
            "Authorization": f"Bearer {environment.STRIPE_KEY}",
            "Stripe-Version": environment.STRIPE_API_VERSION,
            "Idempotency-Key": "k",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url = f"{sandbox.url}/stripe/v1/checkout/sessions"
        return requests.post(url, data=body, headers=headers, timeout=10).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(create, range(2))) == [200, 409]
    assert len(sandbox.payments()) == 1


def test_an_old_key_is_forgotten(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    first = stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    sandbox.forget_keys()
    again = stripe_client.v1.checkout.sessions.create(params=params(), options={"idempotency_key": "k"})
    assert again.id != first.id
