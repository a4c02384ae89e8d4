"""The shop in a browser: a real server on a real database, our PSPs on another site, the production's headers."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from tests.journeys.customer import Customer
from tests.journeys.watch import Watch
from tests.sandbox.client import Sandbox
from tests.shop import delivery, goods

expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "shop" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def shop(live_server: LiveServer, sandbox: Sandbox, settings: Settings) -> Iterator[str]:
    """The shop's address. It sends its mails to the sandbox's mailbox."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    yield live_server.url
    # No message of this test may reach the shop of the next one.
    sandbox.reset()
    sandbox.flush()


@pytest.fixture
def script() -> bool:
    """Whether the visitor's browser runs scripts. Nothing in the shop needs them: mostly it does not."""
    return False


@pytest.fixture
def context(shop: str, browser: Browser, script: bool) -> Iterator[BrowserContext]:
    """A fresh visitor's browser, with no memory of other visits."""
    context = browser.new_context(
        locale="fr-CH",
        timezone_id="Europe/Zurich",
        viewport={"width": 1280, "height": 900},
        java_script_enabled=script,
    )
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def watch(context: BrowserContext, shop: str) -> Iterator[Watch]:
    """Whatever a journey does, the shop's pages load nothing from elsewhere and Chromium has nothing to complain of."""
    watch = Watch(context, shop)
    yield watch
    watch.assert_quiet()


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Page:
    return context.new_page()


@pytest.fixture
def claire(page: Page, shop: str) -> Customer:
    """A customer; two articles stand in the shop: « Bol … » for CHF 29.00 and « Casserole … » for CHF 5’480.00."""
    goods(names={"fr": "Bol en grès"})
    goods(names={"fr": "Batterie de casseroles"}, price=548_000)
    delivery()
    return Customer(page, shop)
