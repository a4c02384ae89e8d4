"""The shop in a browser: a real server on a real database, our PSPs on another site, the production's headers."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
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


@pytest.fixture(params=[False, True], ids=["no script", "script"])
def script(request: pytest.FixtureRequest) -> bool:
    """Whether the visitor's browser runs scripts: every journey is made twice, for nothing in the shop needs them."""
    return bool(request.param)


@pytest.fixture(scope="session")
def windows(live_server: LiveServer, browser: Browser) -> Iterator[Callable[[bool], Watch]]:
    """Two browsers' windows for all visitors of a run, one that runs scripts and one that does not: a browser of one's
    own for each journey would cost as much as the journey."""
    opened: dict[bool, Watch] = {}

    def window(script: bool) -> Watch:
        if script not in opened:
            context = browser.new_context(locale="fr-CH", timezone_id="Europe/Zurich", java_script_enabled=script)
            context.set_default_timeout(10_000)
            context.new_page()
            opened[script] = Watch(context, live_server.url)
        return opened[script]

    yield window
    for watch in opened.values():
        watch.context.close()


@pytest.fixture
def watch(shop: str, script: bool, windows: Callable[[bool], Watch]) -> Iterator[Watch]:
    """Whatever a journey does, the shop's pages load nothing from elsewhere and Chromium has nothing to complain of."""
    watch = windows(script)
    watch.context.clear_cookies()
    watch.forget()
    yield watch
    # Not the same page, emptied: one that waits for its bank may just be loading itself again.
    left, _fresh = list(watch.context.pages), watch.context.new_page()
    for page in left:
        page.close()
    watch.assert_quiet()


@pytest.fixture
def page(watch: Watch) -> Page:
    """The window as a visitor finds it who was never here."""
    page = watch.context.pages[0]
    page.emulate_media(reduced_motion="no-preference", forced_colors="none", color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})
    return page


@pytest.fixture
def first_visit(shop: str, browser: Browser) -> Iterator[Page]:
    """A window of one's own, where nothing is kept of any page yet."""
    page = browser.new_page(locale="fr-CH", timezone_id="Europe/Zurich")
    page.set_default_timeout(10_000)
    yield page
    page.close()


@pytest.fixture
def claire(page: Page, shop: str) -> Customer:
    """A customer; two articles stand in the shop: « Bol … » for CHF 29.00 and « Casserole … » for CHF 5’480.00."""
    goods(names={"fr": "Bol en grès"})
    goods(names={"fr": "Batterie de casseroles"}, price=548_000)
    delivery()
    return Customer(page, shop)
