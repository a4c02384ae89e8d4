"""What every test may use."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connections
from django.test import Client, override_settings
from playwright.sync_api import Browser, sync_playwright

from tests import chromium
from tests.sandbox import process
from tests.sandbox.client import Sandbox
from tests.staff import sign_in


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the rows that migrations wrote (VAT rates) back to tests with real transactions, which empty all tables.

    They come last, the longest at the very end: workers get their last tests one by one, so none waits for another.
    """
    for item in items:
        if _has_real_transactions(item):
            given = marker.kwargs if (marker := item.get_closest_marker("django_db")) else {}
            item.add_marker(
                pytest.mark.django_db(**{**given, "transaction": True, "serialized_rollback": True}), append=False
            )
    items.sort(key=lambda item: (_has_real_transactions(item), "histories" in item.path.parts))


def _has_real_transactions(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    fixtures = getattr(item, "fixturenames", ())
    return bool(marker and marker.kwargs.get("transaction")) or bool({"transactional_db", "live_server"} & {*fixtures})


@pytest.fixture(scope="session", autouse=True)
def _quick_settings() -> Iterator[None]:
    """Static files without their manifest, passwords without their cost."""
    static = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with override_settings(
        STORAGES=settings.STORAGES | static,
        WHITENOISE_AUTOREFRESH=True,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our PayPal knows at once what it will ever know."""
    monkeypatch.setattr("payments.gateways.paypal.FRESH_PAUSES", (0.01, 0.01))


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> None:
    """The cache's table is nobody's model: emptying all tables leaves it as it is."""
    if _has_real_transactions(request.node):
        request.getfixturevalue("transactional_db")
        cache.clear()


@pytest.fixture
def admin_client(admin_user: User) -> Client:
    """The back office for a superuser who showed a second factor, too (pytest-django's own has a password only)."""
    return sign_in(Client(), admin_user)


@pytest.fixture(scope="session")
def sandbox_of_the_run() -> Iterator[process.Running]:
    """Our PSPs where the settings expect them."""
    stripe, paypal = settings.PAYMENTS.stripe, settings.PAYMENTS.paypal
    assert stripe
    assert paypal
    assert paypal.certificate_roots
    running = process.start(
        settings.SITE_URL,
        paypal.certificate_roots.parent,
        port=urlsplit(stripe.api).port,
        smtp_port=settings.EMAIL_PORT,
    )
    yield running
    process.stop(running)


@pytest.fixture
def sandbox(sandbox_of_the_run: process.Running) -> Sandbox:
    """Our PSPs with empty books, through their control API."""
    sandbox_of_the_run.client.reset()
    return sandbox_of_the_run.client


@pytest.fixture(scope="session")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """A Chromium without a window. No Chromium is a failure, never a skipped journey."""
    executable = chromium.find()
    if executable is None:
        pytest.fail(chromium.MISSING)
    # Playwright runs an event loop in this thread. Django would refuse the test's own queries there, and would give
    # them another connection, which knows nothing of the rows that migrations wrote.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    ours = connections["default"]
    with sync_playwright() as playwright:
        connections["default"] = ours
        yield playwright.chromium.launch(executable_path=executable, args=chromium.ARGUMENTS)
