"""Where messages go, as both PSPs keep it for `register_webhooks`."""

from typing import Literal, cast

import pytest
import stripe
from stripe.params import WebhookEndpointUpdateParams

from tests.sandbox.client import Sandbox
from tests.sandbox_itself.conftest import Json, PayPal

VERSION: Literal["2026-10-28.endive"] = "2026-10-28.endive"
HOOKS = "/v1/notifications/webhooks"
EVENTS: list[Json] = [{"name": "PAYMENT.CAPTURE.COMPLETED"}, {"name": "CUSTOMER.DISPUTE.CREATED"}]


def body(url: str = "https://shop.example/webhooks/paypal/") -> Json:
    return {"url": url, "event_types": EVENTS}


def test_stripe_tells_a_secret_once(stripe_client: stripe.StripeClient) -> None:
    made = stripe_client.v1.webhook_endpoints.create(
        params={
            "url": "https://shop.example/webhooks/stripe/",
            "enabled_events": ["checkout.session.completed"],
            "api_version": VERSION,
        }
    )
    assert made.secret is not None and made.secret.startswith("whsec_")
    [listed] = stripe_client.v1.webhook_endpoints.list().data
    assert (listed.id, listed.api_version, listed.status) == (made.id, VERSION, "enabled")
    assert "secret" not in listed


def test_stripe_changes_events_but_not_the_version(stripe_client: stripe.StripeClient) -> None:
    made = stripe_client.v1.webhook_endpoints.create(
        params={"url": "https://shop.example/", "enabled_events": ["refund.created"]}
    )
    stripe_client.v1.webhook_endpoints.update(made.id, params={"enabled_events": ["refund.updated"], "disabled": True})
    live = stripe_client.v1.webhook_endpoints.retrieve(made.id)
    assert (live.enabled_events, live.status, live.url) == (["refund.updated"], "disabled", "https://shop.example/")
    with pytest.raises(stripe.InvalidRequestError, match="api_version"):
        stripe_client.v1.webhook_endpoints.update(
            made.id, params=cast(WebhookEndpointUpdateParams, {"api_version": VERSION})
        )
    stripe_client.v1.webhook_endpoints.delete(made.id)
    assert stripe_client.v1.webhook_endpoints.list().data == []


def test_stripe_refuses_unknown_events_and_addresses(stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="enabled_events"):
        stripe_client.v1.webhook_endpoints.create(
            params={"url": "https://shop.example/", "enabled_events": ["order.blessed"]}  # type: ignore[list-item]
        )
    with pytest.raises(stripe.InvalidRequestError, match="Invalid URL"):
        stripe_client.v1.webhook_endpoints.create(params={"url": "shop", "enabled_events": ["*"]})


def test_paypal_keeps_webhooks_with_their_events(paypal: PayPal) -> None:
    made = paypal.call("POST", HOOKS, body())
    assert made.status_code == 201
    id = made.json()["id"]
    [listed] = paypal.call("GET", HOOKS).json()["webhooks"]
    assert (listed["id"], listed["url"]) == (id, "https://shop.example/webhooks/paypal/")
    assert [one["name"] for one in listed["event_types"]] == [one["name"] for one in EVENTS]
    assert paypal.call("GET", f"{HOOKS}/{id}").json() == listed


def test_paypal_changes_a_webhook_by_patch(paypal: PayPal) -> None:
    id = paypal.call("POST", HOOKS, body()).json()["id"]
    patch = [
        {"op": "replace", "path": "/event_types", "value": [{"name": "PAYMENT.CAPTURE.REFUNDED"}]},
        {"op": "replace", "path": "/url", "value": "https://other.example/"},
    ]
    answer = paypal.call("PATCH", f"{HOOKS}/{id}", patch)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["url"]) == (200, "https://other.example/")
    assert [one["name"] for one in answer.json()["event_types"]] == ["PAYMENT.CAPTURE.REFUNDED"]
    assert paypal.call("DELETE", f"{HOOKS}/{id}").status_code == 204
    assert paypal.call("GET", HOOKS).json()["webhooks"] == []


def test_paypal_refuses_a_second_webhook_of_one_address(paypal: PayPal) -> None:
    paypal.call("POST", HOOKS, body())
    again = paypal.call("POST", HOOKS, body())
    assert (again.status_code, again.json()["name"]) == (400, "WEBHOOK_URL_ALREADY_EXISTS")
    plain = paypal.call("POST", HOOKS, body("http://shop.example/"))
    assert (plain.status_code, plain.json()["name"]) == (400, "VALIDATION_ERROR")
    for n in range(9):
        paypal.call("POST", HOOKS, body(f"https://shop.example/{n}"))
    assert paypal.call("POST", HOOKS, body("https://eleventh.example/")).json()["name"] == (
        "WEBHOOK_NUMBER_LIMIT_EXCEEDED"
    )


def test_messages_can_be_signed_with_a_rolled_secret(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.change(stripe_secret="whsec_rolled")
    header = sandbox.sign("stripe", b"{}")["Stripe-Signature"]
    assert stripe.WebhookSignature.verify_header("{}", header, "whsec_rolled", 300)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header("{}", header, "whsec_sandbox", 300)
