import time
from typing import Any

import pytest
import requests
import stripe

from tests import environment
from tests.sandbox.client import Sandbox, SandboxRefused
from tests.sandbox_itself.sessions import params


def test_a_new_session_is_open_and_unpaid(stripe_client: stripe.StripeClient) -> None:
    session = stripe_client.v1.checkout.sessions.create(params=params())
    assert session.id.startswith("cs_test_")
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency, session.livemode) == (4990, "chf", False)
    assert (session.client_reference_id, session.payment_method_types) == ("payment-1", ["card"])
    assert session.url is not None and session.url.endswith(session.id)


def test_lines_are_summed(stripe_client: stripe.StripeClient) -> None:
    price = {"currency": "chf", "unit_amount": 250, "product_data": {"name": "Bol"}}
    lines = [{"quantity": 3, "price_data": price}, {"quantity": 1, "price_data": price}]
    session = stripe_client.v1.checkout.sessions.create(params=params(line_items=lines, expand=["line_items"]))
    assert session.amount_total == 1000
    assert session.line_items is not None
    assert [line.amount_total for line in session.line_items.data] == [750, 250]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types"),  # removed in 2026-09-30.endive
        ({"no_such_thing": "1"}, "no_such_thing"),
        ({"wallet_options": {"link": {"show": "never"}}}, "wallet_options[link][show]"),
        ({"locale": "fr-CH"}, "locale"),
        ({"ui_mode": "hosted"}, "ui_mode"),
        ({"submit_type": "buy"}, "submit_type"),
        ({"payment_method_options": {"twint": {"capture_method": "manual"}}}, "payment_method_options"),
        ({"allowed_payment_method_types": ["postfinance"]}, "allowed_payment_method_types[0]"),
        ({"success_url": None}, "success_url"),
        ({"success_url": "/retour"}, "success_url"),
        ({"line_items": None}, "line_items"),
        ({"customer_email": "anne"}, "customer_email"),
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
        ({"client_reference_id": ""}, "client_reference_id"),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]"),
        ({"expires_at": 1}, "expires_at"),
        ({"expires_at": int(time.time()) + 29 * 60}, "expires_at"),
        ({"expires_at": int(time.time()) + 25 * 3600}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"payment_intent_data": {"statement_descriptor": "KOOKUT"}}, "payment_intent_data"),
        ({"amount": -1}, "line_items"),
        ({"expand": ["customer_details"]}, "expand"),
    ],
)
def test_it_refuses_what_stripe_would(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, more: dict[str, Any], named: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe_client.v1.checkout.sessions.create(params=params(**more))
    assert refused.value.http_status == 400
    assert refused.value.param is not None and refused.value.param.startswith(named)
    assert sandbox.payments() == []


@pytest.mark.parametrize(("amount", "code"), [(49, "amount_too_small"), (100_000_000, "amount_too_large")])
def test_it_refuses_amounts_out_of_bounds(stripe_client: stripe.StripeClient, amount: int, code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe_client.v1.checkout.sessions.create(params=params(amount=amount))
    assert refused.value.code == code


def test_twint_is_dropped_in_silence_where_it_does_not_fit(
    stripe_client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    def methods(**more: Any) -> list[str]:
        return stripe_client.v1.checkout.sessions.create(params=params("card", "twint", **more)).payment_method_types

    assert methods() == ["card", "twint"]
    assert methods(amount=500_000) == ["card", "twint"]
    assert methods(amount=500_001) == ["card"]
    assert methods(currency="eur") == ["card"]
    sandbox.change(stripe_methods=["card"])
    assert methods() == ["card"]


def test_no_method_left_is_an_error(stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No valid payment method types"):
        stripe_client.v1.checkout.sessions.create(params=params("twint", amount=500_001))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer sk_test_wrong"}, 401),
        ({"Authorization": f"Bearer {environment.STRIPE_KEY}", "Stripe-Version": "2026-02-25.clover"}, 400),
        ({"Authorization": f"Bearer {environment.STRIPE_KEY}"}, 400),
    ],
)
def test_it_knows_key_and_version(sandbox: Sandbox, headers: dict[str, str], status: int) -> None:
    answer = requests.get(f"{sandbox.url}/stripe/v1/events", headers=headers, timeout=10)
    assert answer.status_code == status
    assert "message" in answer.json()["error"]


def test_what_it_does_not_play_is_an_error_in_stripes_shape(stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        stripe_client.v1.customers.create()


def test_an_expired_session_has_no_page(stripe_client: stripe.StripeClient) -> None:
    sessions = stripe_client.v1.checkout.sessions
    session = sessions.create(params=params())
    expired = sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    assert sessions.retrieve(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        sessions.expire(session.id)


def test_an_unknown_session_is_not_found(stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe_client.v1.checkout.sessions.retrieve("cs_test_unknown")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_sessions_are_listed_newest_first_in_pages(stripe_client: stripe.StripeClient) -> None:
    sessions = stripe_client.v1.checkout.sessions
    ids = [sessions.create(params=params()).id for _ in range(5)]
    page = sessions.list(params={"limit": 2})
    assert [session.id for session in page.data] == [ids[4], ids[3]]
    assert page.has_more
    assert [session.id for session in page.auto_paging_iter()] == ids[::-1]
    sessions.expire(ids[1])
    assert [session.id for session in sessions.list(params={"status": "expired"}).data] == [ids[1]]


def test_an_expired_session_can_be_paid_when_its_bank_had_agreed_before(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    session = stripe_client.v1.checkout.sessions.create(params=params())
    with pytest.raises(SandboxRefused, match="not expired"):
        sandbox.reopen(session.id)
    sandbox.expire(session.id)
    sandbox.reopen(session.id)
    assert sandbox.pay_by_card(session.id).outcome == "paid"
