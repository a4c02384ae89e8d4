"""The control page."""

import requests
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox_itself.conftest import PayPal, Shop
from tests.sandbox_itself.sessions import params


def act(sandbox: Sandbox, name: str, **form: str) -> str:
    return requests.post(f"{sandbox.url}/act/{name}", data=form, timeout=20).text


def test_it_lists_payments_and_messages(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    session = stripe_client.v1.checkout.sessions.create(params=params())
    page = requests.get(sandbox.url, timeout=10).text
    assert session.url is not None and session.url in page
    sandbox.pay_by_card(session.id)
    sandbox.flush()
    page = requests.get(sandbox.url, timeout=10).text
    assert "checkout.session.completed" in page
    assert 'class="state delivered"' in page


def test_its_buttons_work(stripe_client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> None:
    id = stripe_client.v1.checkout.sessions.create(params=params()).id
    assert 'class="state expired"' in act(sandbox, "expire", page=id)
    event = sandbox.events()[0]["id"]
    act(sandbox, "resend", event=event)
    act(sandbox, "hurry")
    assert [message.path for message in shop.messages] == ["/webhooks/stripe/"] * 2
    act(sandbox, "settings", card="on")
    refused = stripe_client.v1.checkout.sessions.create(params=params("card", "twint"))
    assert refused.payment_method_types == ["card"]


def test_a_button_pressed_too_late_says_so(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    id = stripe_client.v1.checkout.sessions.create(params=params()).id
    act(sandbox, "expire", page=id)
    assert "n’existe pas, ou plus" in act(sandbox, "expire", page=id)


def test_a_pending_capture_is_decided_there(paypal: PayPal, sandbox: Sandbox) -> None:
    id = paypal.create().json()["id"]
    sandbox.approve_paypal(id, capture="pending")
    paypal.capture(id)
    page = requests.get(sandbox.url, timeout=10).text
    assert "/act/settle" in page
    act(sandbox, "settle", page=id, answer="pay")
    assert sandbox.payment(id)["state"] == "paid"
