"""A sandbox of our own, and a shop that only notes what it is told."""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import stripe

from tests import environment
from tests.sandbox.client import Sandbox
from tests.sandbox.process import Running, running_sandbox

Json = dict[str, Any]


@dataclass(frozen=True)
class Message:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Shop:
    """What answers to webhooks here, while it is `awake`: 200, or the next of `answers`."""

    url: str = ""
    messages: list[Message] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    awake: threading.Event = field(default_factory=threading.Event)

    def note(self, message: Message) -> int:
        self.messages.append(message)
        self.awake.wait(10)
        return self.answers.popleft() if self.answers else 200


@pytest.fixture(scope="package")
def listening_shop() -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = shop.note(Message(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield shop
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="package")
def running(listening_shop: Shop) -> Iterator[Running]:
    with running_sandbox(listening_shop.url) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Running) -> Sandbox:
    """Empty books, quick retries."""
    running.client.reset()
    running.client.change(retry_base_seconds=0.05)
    return running.client


@pytest.fixture
def shop(sandbox: Sandbox, listening_shop: Shop) -> Shop:
    listening_shop.awake.set()
    sandbox.flush()
    listening_shop.messages.clear()
    listening_shop.answers.clear()
    return listening_shop


@pytest.fixture
def stripe_client(sandbox: Sandbox) -> stripe.StripeClient:
    return stripe.StripeClient(
        environment.STRIPE_KEY,
        stripe_version=environment.STRIPE_API_VERSION,
        base_addresses={"api": f"{sandbox.url}/stripe"},
    )


class PayPal:
    """PayPal's API as a bare client sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""

    def call(self, method: str, path: str, body: Json | None = None, **headers: str) -> requests.Response:
        """Keyword names are headers: `PayPal_Request_Id="1"`."""
        if not self.token:
            self.token = self.sign_in().json()["access_token"]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        bearer = {"Authorization": f"Bearer {self.token}", **named}
        return requests.request(method, self.url + path, json=body, headers=bearer, timeout=10)

    def sign_in(self, secret: str = environment.PAYPAL_CLIENT_SECRET) -> requests.Response:
        return requests.post(
            f"{self.url}/v1/oauth2/token",
            auth=(environment.PAYPAL_CLIENT_ID, secret),
            data={"grant_type": "client_credentials"},
            timeout=10,
        )

    def create(self, body: Json | None = None, key: str = "create-1") -> requests.Response:
        return self.call("POST", "/v2/checkout/orders", body or order_body(), PayPal_Request_Id=key)

    def capture(self, id: str, key: str = "capture-1") -> requests.Response:
        path = f"/v2/checkout/orders/{id}/capture"
        return self.call("POST", path, {}, PayPal_Request_Id=key, Prefer="return=representation")


@pytest.fixture
def paypal(sandbox: Sandbox) -> PayPal:
    return PayPal(f"{sandbox.url}/paypal")


def order_body(value: str = "49.90", invoice: str = "KK-1-1") -> Json:
    experience = {
        "locale": "fr-CH",
        "shipping_preference": "NO_SHIPPING",
        "user_action": "PAY_NOW",
        "return_url": "http://localhost:8000/retour?p=1",
        "cancel_url": "http://localhost:8000/abandon",
    }
    unit = {"custom_id": "payment-1", "invoice_id": invoice, "amount": {"currency_code": "CHF", "value": value}}
    return {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": experience}},
    }
