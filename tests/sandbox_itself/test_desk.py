"""The control page."""

from typing import get_args

import pytest
import requests
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.faults import Kind
from tests.sandbox.manner import FAULTS
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


def paid(client: stripe.StripeClient, sandbox: Sandbox) -> str:
    page = client.v1.checkout.sessions.create(params=params()).id
    sandbox.pay_by_card(page)
    return page


def test_refunds_are_made_and_decided_there(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page = paid(stripe_client, sandbox)
    assert 'class="state pending"' in act(sandbox, "refund", page=page, amount="10,50", status="pending")
    [refund] = sandbox.payment(page)["refunds"]
    assert (refund["amount"], refund["status"]) == (1050, "pending")
    assert "échoue" in act(sandbox, "settle-refund", refund=refund["id"], status="succeeded")
    act(sandbox, "settle-refund", refund=refund["id"], status="failed")
    assert sandbox.payment(page)["refunds"][0]["status"] == "failed"
    assert "greater than unrefunded" in act(sandbox, "refund", page=page, amount="1000", status="succeeded")


def test_disputes_are_opened_and_closed_there(
    stripe_client: stripe.StripeClient, paypal: PayPal, sandbox: Sandbox
) -> None:
    page = paid(stripe_client, sandbox)
    assert "warning_needs_response" in act(sandbox, "dispute", page=page, kind="inquiry")
    [inquiry] = sandbox.payment(page)["disputes"]
    assert "gagné" in act(sandbox, "move-dispute", dispute=inquiry["id"], to="needs_response")
    act(sandbox, "move-dispute", dispute=inquiry["id"], to="won")
    assert sandbox.payment(page)["disputes"][0]["status"] == "won"
    order = paypal.create().json()["id"]
    sandbox.approve_paypal(order)
    paypal.capture(order)
    act(sandbox, "dispute", page=order, kind="dispute", amount="5")
    [complaint] = sandbox.payment(order)["disputes"]
    act(sandbox, "move-dispute", dispute=complaint["id"], to="RESOLVED RESOLVED_BUYER_FAVOUR")
    assert sandbox.payment(order)["disputed"] == 500
    act(sandbox, "reverse", page=order)
    assert sandbox.payment(order)["disputed"] == 4990


def test_what_comes_of_refunds_is_set_there(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page = paid(stripe_client, sandbox)
    act(sandbox, "settings", card="on", refunds="pending", refund_webhook="lost")
    intent = sandbox.payment(page)["money"]
    assert stripe_client.v1.refunds.create(params={"payment_intent": intent}).status == "pending"
    assert {d["type"] for d in sandbox.deliveries() if d["state"] == "lost"} == {"refund.created", "charge.refunded"}


def test_psps_are_broken_and_mended_there(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    broken = {"path": "/stripe/v1/*", "calls": "5", "seconds": "0"}
    assert "Tout réparer" in act(sandbox, "break", fault="429", **broken)
    with pytest.raises(stripe.RateLimitError):
        stripe_client.v1.events.list()
    assert "encore 4" in requests.get(sandbox.url, timeout=10).text
    act(sandbox, "mend")
    stripe_client.v1.events.list()
    assert "no such fault" in act(sandbox, "break", fault="flood", **broken)


def test_every_fault_has_its_button(sandbox: Sandbox) -> None:
    page = requests.get(sandbox.url, timeout=10).text
    assert all(f'name="fault" value="{fault}"' in page for fault in get_args(Kind))
    assert all(f'<option value="{manner}"' in page for manner in FAULTS)


def test_an_old_payment_is_made_there(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page = stripe_client.v1.checkout.sessions.create(params=params("twint")).id
    sandbox.pay_by_twint(page)
    act(sandbox, "age", page=page)
    assert "180 days" in act(sandbox, "refund", page=page, status="succeeded")
