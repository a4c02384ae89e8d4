"""One sandbox for all tests here, and an eye on every request that goes to Stripe."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.gateways import stripe_schema
from tests.sandbox.process import Running, running_sandbox

pytest.register_assert_rewrite(
    "tests.gateways.contract",
    "tests.gateways.money_back_contract",
    "tests.gateways.channel_contract",
    "tests.gateways.balance_contract",
)


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(running: Running) -> Running:
    """A sandbox with empty books, whose messages are collected by the test."""
    running.client.reset()
    running.client.mend()
    running.client.change(hold_webhooks=True)
    return running


@pytest.fixture(autouse=True)
def _only_what_stripe_allows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Checks every request to Stripe against the schema of the installed package."""
    wrong: list[str] = []
    send = requests.Session.send

    def checked(session: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        if "Stripe-Version" in request.headers:
            body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
            wrong.extend(stripe_schema.violations(str(request.method), str(request.url), body))
        return send(session, request, **kwargs)

    monkeypatch.setattr(requests.Session, "send", checked)
    yield
    assert wrong == []
