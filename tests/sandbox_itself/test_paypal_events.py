import base64
import json
import zlib

import pytest
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import verification

from tests.environment import PAYPAL_ROOT_FILE, PAYPAL_WEBHOOK_ID
from tests.sandbox.client import Sandbox
from tests.sandbox.process import Running
from tests.sandbox_itself.conftest import Message, PayPal, Shop

NAME = "messageverificationcerts.paypal.com"


def paid(paypal: PayPal, sandbox: Sandbox) -> None:
    id = paypal.create().json()["id"]
    sandbox.approve_paypal(id)
    paypal.capture(id)


def key(message: Message, running: Running) -> rsa.RSAPublicKey:
    """The signing key, once its certificate's chain is proven to the sandbox's root."""
    chain = x509.load_pem_x509_certificates(requests.get(message.headers["paypal-cert-url"], timeout=10).content)
    roots = x509.load_pem_x509_certificates((running.state / PAYPAL_ROOT_FILE).read_bytes())
    policy = verification.PolicyBuilder().store(verification.Store(roots))
    policy.build_server_verifier(x509.DNSName(NAME)).verify(chain[0], chain[1:])
    public = chain[0].public_key()
    assert isinstance(public, rsa.RSAPublicKey) and public.key_size == 2048
    assert chain[0].subject.rfc4514_string() == f"CN={NAME}"
    return public


def verify(message: Message, running: Running, webhook: str) -> None:
    told = message.headers
    parts = (told["paypal-transmission-id"], told["paypal-transmission-time"], webhook, str(zlib.crc32(message.body)))
    signature = base64.b64decode(told["paypal-transmission-sig"])
    assert told["paypal-auth-algo"] == "SHA256withRSA"
    key(message, running).verify(signature, "|".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())


def test_a_webhook_is_signed_as_paypal_signs(paypal: PayPal, sandbox: Sandbox, shop: Shop, running: Running) -> None:
    paid(paypal, sandbox)
    sandbox.flush()
    assert [message.path for message in shop.messages] == ["/webhooks/paypal/"] * 3
    for message in shop.messages:
        verify(message, running, PAYPAL_WEBHOOK_ID)
    with pytest.raises(InvalidSignature):
        verify(shop.messages[0], running, "8WH-OTHER")


def test_each_transmission_has_an_id_of_its_own(paypal: PayPal, sandbox: Sandbox, shop: Shop) -> None:
    shop.answers.extend([500])
    sandbox.approve_paypal(paypal.create().json()["id"])
    sandbox.flush(early=True)
    sandbox.flush(early=True)
    assert len({message.headers["paypal-transmission-id"] for message in shop.messages}) == 2
    assert len({json.loads(message.body)["id"] for message in shop.messages}) == 1


def test_only_its_own_certificate_is_served(paypal: PayPal) -> None:
    answer = requests.get(f"{paypal.url}/v1/notifications/certs/CERT-other", timeout=10)
    assert answer.status_code == 404


def test_events_are_listed_newest_first_and_found(paypal: PayPal, sandbox: Sandbox) -> None:
    paid(paypal, sandbox)
    page = paypal.call("GET", "/v1/notifications/webhooks-events?start_time=2026-01-01T00:00:00Z").json()
    assert [event["event_type"] for event in page["events"]] == [
        "CHECKOUT.ORDER.COMPLETED",
        "PAYMENT.CAPTURE.COMPLETED",
        "CHECKOUT.ORDER.APPROVED",
    ]
    event = page["events"][1]
    assert paypal.call("GET", f"/v1/notifications/webhooks-events/{event['id']}").json() == event
    assert (event["resource_type"], event["resource"]["custom_id"]) == ("capture", "payment-1")


def test_the_list_can_be_filtered_and_paged(paypal: PayPal, sandbox: Sandbox) -> None:
    paid(paypal, sandbox)

    def listed(query: str) -> list[str]:
        answer = paypal.call("GET", f"/v1/notifications/webhooks-events?{query}")
        return [event["event_type"] for event in answer.json()["events"]]

    assert listed("event_type=PAYMENT.CAPTURE.COMPLETED") == ["PAYMENT.CAPTURE.COMPLETED"]
    assert listed("end_time=2020-01-01T00:00:00Z") == []
    first = paypal.call("GET", "/v1/notifications/webhooks-events?page_size=2").json()
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    rest = paypal.call("GET", following.removeprefix(paypal.url)).json()
    assert (len(first["events"]), len(rest["events"])) == (2, 1)
    assert "next" not in [link["rel"] for link in rest["links"]]


@pytest.mark.parametrize("query", ["page_size=0", "page_size=301", "start_time=yesterday", "colour=blue"])
def test_a_query_that_paypal_does_not_know_is_refused(paypal: PayPal, query: str) -> None:
    assert paypal.call("GET", f"/v1/notifications/webhooks-events?{query}").status_code == 400
