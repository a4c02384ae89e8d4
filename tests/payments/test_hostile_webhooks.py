"""Messages that are not the PSP's: refused with an empty 400, no row, nothing of the body in the logs."""

import json
import logging
import time
from typing import Any

import pytest
from django.test import Client

from orders.models import TimelineEntry
from payments import tally
from payments.models import Payment, WebhookEvent
from tests.shop import deliver, placed, started, stripe_event, stripe_signature

pytestmark = pytest.mark.django_db
CANARY = "canary-7f3q"


def body_of(payment: Payment) -> bytes:
    return json.dumps(stripe_event(payment, customer_email=CANARY)).encode()


NOW = int(time.time())
SIGNATURES = {
    "none": lambda body: "",
    "garbage": lambda body: "garbage",
    "only the old scheme": lambda body: stripe_signature(body).replace("v1=", "v0="),
    "wrong secret": lambda body: stripe_signature(body, secret="whsec_other"),
    "empty secret": lambda body: stripe_signature(body, secret=" "),
    "of another body": lambda body: stripe_signature(body + b" "),
    "301 seconds old": lambda body: stripe_signature(body, at=int(time.time()) - 301),
    "302 seconds ahead": lambda body: stripe_signature(body, at=int(time.time()) + 302),
    "a day ahead": lambda body: stripe_signature(body, at=int(time.time()) + 86_400),
    "year zero": lambda body: stripe_signature(body, at=0),
    "non-ASCII": lambda body: f"t={NOW},v1=é" + "0" * 63,
    "no time": lambda body: "t=,v1=" + "0" * 64,
    "time that is no number": lambda body: "t=soon,v1=" + "0" * 64,
}


@pytest.mark.parametrize("forge", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_case_15_a_message_with_such_a_signature_is_refused(forge: Any, caplog: pytest.LogCaptureFixture) -> None:
    payment = started(placed())
    body = body_of(payment)

    with caplog.at_level(logging.DEBUG):
        answer = deliver(body, forge(body))

    assert (answer.status_code, answer.content) == (400, b"")
    assert not WebhookEvent.objects.exists()
    assert not TimelineEntry.objects.exists()
    payment.refresh_from_db()
    assert payment.status == "started"
    assert CANARY not in caplog.text
    assert tally.today("rejected-stripe")


BODIES = {
    "empty": b"",
    "not UTF-8": b"\xff\xfe{}",
    "not JSON": b"pay me",
    "not an object": b"[]",
    "a number": b"17",
    "null": b"null",
    "deep": b"[" * 100_000,
    "no data": b'{"id": "evt_1", "type": "checkout.session.completed", "livemode": false}',
    "object is a list": b'{"id": "evt_1", "object": "event", "type": "checkout.session.completed", '
    b'"livemode": false, "data": {"object": []}}',
    "a thin event": b'{"id": "evt_1", "object": "v2.core.event", "type": "v1.checkout.session.completed"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_case_16_a_body_like_that_is_refused_even_where_it_is_signed(provider: str, body: bytes) -> None:
    answer = Client().post(
        f"/webhooks/{provider}/",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": stripe_signature(body)},
    )

    assert answer.status_code == 400
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_case_55_a_body_of_a_megabyte_is_refused(provider: str) -> None:
    body = b" " * 1_000_001
    answer = Client(raise_request_exception=False).post(f"/webhooks/{provider}/", body, content_type="application/json")
    assert answer.status_code == 400


def test_case_55_an_oversized_body_is_refused_before_its_signature_is_looked_at() -> None:
    payment = started(placed())
    body = body_of(payment)
    refused = tally.today("rejected-stripe")

    assert deliver(body + b" " * 262_144).status_code == 400

    payment.refresh_from_db()
    assert (payment.status, tally.today("rejected-stripe")) == ("started", refused)
    assert deliver(body + b" " * 200_000).content == b"The order is effective"


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options", "patch"])
def test_a_webhook_takes_nothing_but_post(method: str) -> None:
    assert getattr(Client(), method)("/webhooks/stripe/").status_code == 405


def test_a_compressed_body_is_refused() -> None:
    answer = Client().post(
        "/webhooks/stripe/", b"x", content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415
