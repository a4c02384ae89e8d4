"""The sandbox without a network, as a machine with hundreds of histories uses it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import stripe

from tests import environment
from tests.sandbox.client import Sandbox
from tests.sandbox.in_process import sandbox_in_process
from tests.sandbox_itself.conftest import PayPal
from tests.sandbox_itself.sessions import params

URL = "http://127.0.0.1:1"  # nobody listens there


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox_in_process(tmp_path, url=URL) as sandbox:
        yield sandbox


@pytest.fixture
def client(here: Sandbox) -> stripe.StripeClient:
    base, version = {"api": f"{URL}/stripe"}, environment.STRIPE_API_VERSION
    return stripe.StripeClient(environment.STRIPE_KEY, stripe_version=version, base_addresses=base)  # type: ignore[arg-type]


def test_a_payment_and_its_refund_need_no_network(here: Sandbox, client: stripe.StripeClient) -> None:
    page = client.v1.checkout.sessions.create(params=params())
    here.pay_by_card(str(page.url))
    client.v1.refunds.create(params={"payment_intent": here.payment(page.id)["money"], "amount": 100})
    assert here.books() == {
        "payment-1": {"currency": "CHF", "taken": 4990, "refunded": 100, "refunding": 0, "disputed": 0}
    }


def test_messages_wait_to_be_collected(here: Sandbox, client: stripe.StripeClient) -> None:
    here.pay_by_card(client.v1.checkout.sessions.create(params=params()).id)
    first = here.collect()
    assert [webhook.type for webhook in first][2] == "checkout.session.completed"
    here.reset()
    here.pay_by_card(client.v1.checkout.sessions.create(params=params()).id)
    assert len(here.collect()) == 4
    assert stripe.WebhookSignature.verify_header(
        first[0].body.decode(), first[0].headers["Stripe-Signature"], environment.STRIPE_WEBHOOK_SECRET, 300
    )


def test_paypal_is_there_too(here: Sandbox) -> None:
    paypal = PayPal(f"{URL}/paypal")
    order = paypal.create().json()["id"]
    here.approve_paypal(order)
    paypal.capture(order)
    assert here.payment(order)["received"] == 4990
    assert [webhook.psp for webhook in here.collect()] == ["paypal"] * 3


@pytest.mark.parametrize(
    ("fault", "error", "pages"),
    [
        ("down", requests.ConnectionError, 0),
        ("silent", requests.ReadTimeout, 0),
        ("lost", requests.ConnectionError, 1),
    ],
)
def test_an_answer_may_be_missing(here: Sandbox, fault: str, error: type[Exception], pages: int) -> None:
    paypal = PayPal(f"{URL}/paypal")
    paypal.token = paypal.sign_in().json()["access_token"]
    here.break_calls(fault, "/paypal/v2/*")
    with pytest.raises(error):
        paypal.create()
    assert len(here.payments()) == pages


def test_another_address_is_still_the_network(here: Sandbox) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:2/", timeout=1)


def test_a_history_is_cheap(here: Sandbox, client: stripe.StripeClient) -> None:
    started = time.monotonic()
    for _ in range(20):
        here.reset()
        page = client.v1.checkout.sessions.create(params=params())
        here.pay_by_card(page.id)
        assert len(here.collect()) == 4
        assert here.payment(page.id)["received"] == 4990
    assert time.monotonic() - started < 20  # some 0.4 s on the machine where it was written
