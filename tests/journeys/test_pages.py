"""What holds on every page and in every state of it, on a phone and at a desk."""

import gzip
import os
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, Page, Response, ViewportSize, expect
from pypdf import PdfReader

from orders.models import Order
from tests.journeys import eyes
from tests.journeys.customer import text_of
from tests.journeys.office import WALKS
from tests.journeys.scenes import SCENES, Stage
from tests.journeys.watch import Watch
from tests.sandbox.client import Sandbox

SMALLEST, PHONE, TABLET, DESK = 320, 390, 768, 1280
FIRST_SIGHT: ViewportSize = {"width": 360, "height": 640}
"""A small phone: what it shows before anybody scrolls."""
WITHOUT_TOTAL = {"cart-empty", "review-of-another-day"}
TO_PAY = {"open", "left", "expired", "retried-without-a-choice", "waiting-very-long"}
"""Orders. Not those where what happened to a payment is read first: another one is offered below it."""
TOTAL_FIRST = {name for name in SCENES if name.startswith(("cart", "details", "review", "order-refused"))}
TOTAL_FIRST = TOTAL_FIRST - WITHOUT_TOTAL | {f"order-{name}" for name in TO_PAY}
MONEY = re.compile(r"CHF\u00a0\d{1,3}(’\d{3})*\.\d{2}")
PICTURES = os.environ.get("KOOKUT_PICTURES")
"""A folder: then every page is also photographed there, to be looked at."""
MOST_STYLE_AND_SCRIPT = 20_000  # bytes, compressed
MOST_FONT = 36_000
MOST_MOVED = 0.05
AXE = """{resultTypes: ['violations'], rules: Object.fromEntries(axe.getRules().map(rule => [rule.ruleId,
  {enabled: rule.ruleId !== 'color-contrast-enhanced'}]))}"""
"""All rules of axe, also those that it leaves out by itself (the size of targets), but that of level AAA which asks
7 : 1 of every text: that of the body is held by the palette's own test."""
MOST_REQUESTS = 10
MOST_REQUESTS_WITH_ALL_GOODS = 16  # wider windows show them all, and Chromium fetches pictures far below the window
MOST_FIRST_VISIT = 100 * 1024
OTHER_PAGES = [
    "catalogue-of-a-category",
    "details",
    "review",
    "order-waiting",
    "order-accepted",
    "find-order",
    "verify",
]
OTHER_PAGES += ["verified", "secure-payment", "confidentiality", "terms", "contact", "not-found"]


@pytest.fixture
def script() -> bool:
    """axe is a script."""
    return True


@pytest.mark.parametrize("name", SCENES)
def test_the_page_is_sound(page: Page, shop: str, sandbox: Sandbox, watch: Watch, name: str) -> None:
    page.set_viewport_size({"width": PHONE, "height": 900})
    SCENES[name](Stage(page, shop, sandbox))
    is_sound(page, watch, name, is_sound_for_customers)
    page.set_viewport_size(FIRST_SIGHT)
    assert eyes.total_is_in_sight(page) or name not in TOTAL_FIRST


@pytest.mark.parametrize("name", WALKS)
def test_the_back_office_is_sound(page: Page, shop: str, sandbox: Sandbox, watch: Watch, name: str) -> None:
    page.set_viewport_size({"width": PHONE, "height": 900})
    for view in WALKS[name](Stage(page, shop, sandbox)):
        is_sound(page, watch, f"admin-{view}", is_sound_for_staff)
        page.set_viewport_size({"width": PHONE, "height": 900})


def is_sound(page: Page, watch: Watch, name: str, for_its_readers: Callable[[Page], None]) -> None:
    """What holds of every page; starts on a phone, ends at a desk."""
    page.mouse.move(0, 0)

    assert page.locator("[autocomplete^=cc-], [name*=card], [name*=cvc]").count() == 0
    watch.assert_quiet()
    page.evaluate(Axe().axe_script)
    assert violations(page) == [], name
    photograph(page, f"{name}-{PHONE}")
    for_its_readers(page)
    for width in (TABLET, DESK):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == [], name
        photograph(page, f"{name}-{width}")
    watch.complaints.clear()  # axe's own, which the policy rightly refuses


def is_sound_for_staff(page: Page) -> None:
    """What does not fit scrolls in its own frame."""
    for width in (PHONE, TABLET):
        page.set_viewport_size({"width": width, "height": 900})
        assert eyes.reaches_beyond(page) <= 0, page.url


def is_sound_for_customers(page: Page) -> None:
    """What the shop promises its customers beyond axe's rules; starts on a phone, ends at a desk."""
    assert eyes.moved(page) <= MOST_MOVED
    assert eyes.small_targets(page) == []
    expect(page.locator("h1")).to_have_count(1)
    expect(page).to_have_title(re.compile(r".+ – KOOKUT$"))
    amounts = page.locator(".money:not(:has(.money))").all_inner_texts()
    assert [amount for amount in amounts if not MONEY.fullmatch(amount.strip(" "))] == []
    assert page.locator("button[disabled], [placeholder], [required]").count() == 0
    assert page.locator("form:has(input:not([type=hidden])):not([novalidate])").count() == 0

    page.set_viewport_size({"width": SMALLEST, "height": 700})
    assert eyes.reaches_beyond(page) <= 0
    assert eyes.messages_astray(page) == []
    for width in (PHONE, TABLET):
        page.set_viewport_size({"width": width, "height": 900})
        assert eyes.cut_with_large_text(page) == []
        assert eyes.messages_astray(page) == []
    page.set_viewport_size({"width": DESK, "height": 900})
    assert eyes.faults_of_the_frame(page) == []
    assert eyes.messages_astray(page) == []


def violations(page: Page) -> list[str]:
    """What axe's rules have against the page, into which axe was put before."""
    told = "found => found.violations.map(each => `${each.id}: ${each.nodes.map(node => node.target.join(' '))}`)"
    return list(page.evaluate(f"axe.run(document, {AXE}).then({told})"))


def photograph(page: Page, name: str) -> None:
    """Wait until all of the page is there, its style sheet too; keep a picture of it where one is wanted."""
    page.wait_for_load_state()
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def test_every_state_of_an_order_has_its_own_title(page: Page, shop: str, sandbox: Sandbox) -> None:
    names = ["open", "left", "waiting", "waiting-long", "waiting-very-long", "accepted", "under-review", "expired"]
    names += ["refused-funds", "cancelled-expired", "paid-too-late", "paid-too-late-and-accepted"]
    names += ["payment-going-back", "refunded", "refund-bounced", "refunded-in-part", "paid-twice"]
    names += ["sent", "disputed", "dispute-lost-in-part"]
    titles = set()
    for name in names:
        SCENES[f"order-{name}"](Stage(page, shop, sandbox))
        titles.add(re.sub("KK-....-....", "", page.title()))
    assert len(titles) == len(names)


def test_nothing_moves_for_who_wants_no_movement(page: Page, shop: str, sandbox: Sandbox) -> None:
    SCENES["order-waiting"](Stage(page, shop, sandbox))
    running = "document.getAnimations().filter(each => each.playState === 'running').length"
    assert page.evaluate(running) == 1
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(running) == 0


@pytest.mark.parametrize("name", ["details-with-errors", "review-with-a-choice", "order-accepted"])
def test_edges_stay_where_the_reader_chooses_the_colours(page: Page, shop: str, sandbox: Sandbox, name: str) -> None:
    page.emulate_media(forced_colors="active")
    SCENES[name](Stage(page, shop, sandbox))
    photograph(page, f"{name}-forced-colours")
    assert eyes.without_edge(page) == []
    chosen = page.locator(".method:has(:checked)")
    if chosen.count():
        expect(chosen).to_have_css("outline-style", "solid")


def test_a_first_visit_is_light(first_visit: Page, shop: str, sandbox: Sandbox) -> None:
    page = first_visit
    loaded: dict[str, bytes] = {}

    def keep(answer: Response) -> None:
        if "/static/" in answer.url:
            loaded[Path(answer.url).name] = answer.body()

    page.on("response", keep)
    SCENES["order-waiting"](Stage(page, shop, sandbox))
    page.wait_for_load_state("networkidle")

    sheets_and_scripts = [body for name, body in loaded.items() if name.endswith((".css", ".js"))]
    assert len(sheets_and_scripts) == 2
    assert sum(len(gzip.compress(body)) for body in sheets_and_scripts) <= MOST_STYLE_AND_SCRIPT
    (font,) = [body for name, body in loaded.items() if name.endswith(".woff2")]
    assert len(font) <= MOST_FONT


@pytest.mark.parametrize(
    ("name", "width", "most_requests"),
    [
        ("catalogue", PHONE, MOST_REQUESTS),
        ("catalogue", TABLET, MOST_REQUESTS_WITH_ALL_GOODS),
        ("catalogue", DESK, MOST_REQUESTS_WITH_ALL_GOODS),
        ("product", PHONE, MOST_REQUESTS),
        ("cart", PHONE, MOST_REQUESTS),
    ],
)
def test_the_first_visit_of_the_shop_window_is_light_and_nothing_moves(
    first_visit: Page, shop: str, sandbox: Sandbox, name: str, width: int, most_requests: int
) -> None:
    first_visit.set_viewport_size({"width": width, "height": 844})
    seen = visit_lightly(Stage(first_visit, shop, sandbox), name, most_requests)
    pictures = [url for url in seen if "/media/" in url]
    assert pictures and all(url.endswith(".avif") for url in pictures)


def test_a_first_visit_of_any_other_page_is_light_on_a_telephone(browser: Browser, shop: str, sandbox: Sandbox) -> None:
    for name in OTHER_PAGES:
        page = browser.new_page(locale="fr-CH", viewport={"width": PHONE, "height": 844})
        visit_lightly(Stage(page, shop, sandbox), name, MOST_REQUESTS)
        page.close()


def visit_lightly(stage: Stage, name: str, most_requests: int) -> dict[str, bytes]:
    """Whoever was never here loads little for this page, of which nothing moves. Gives what was loaded, by address."""
    loaded: list[Response] = []

    def keep(answer: Response) -> None:
        loaded.append(answer)

    stage.page.on("response", keep)
    SCENES[name](stage)
    stage.page.wait_for_load_state("networkidle")

    seen = {answer.url: answer.body() for answer in loaded}
    texts = (".css", ".js", ".svg", "/")  # these go compressed
    weight = sum(len(gzip.compress(body) if url.endswith(texts) else body) for url, body in seen.items())
    assert weight <= MOST_FIRST_VISIT, {url: len(body) for url, body in seen.items()}
    assert len(seen) <= most_requests, sorted(seen)
    assert eyes.moved(stage.page) < 0.001, name
    return seen


def test_a_telephone_shows_six_goods_and_the_others_when_they_are_asked_for(
    page: Page, shop: str, sandbox: Sandbox
) -> None:
    page.set_viewport_size({"width": PHONE, "height": 844})
    SCENES["catalogue-in-pages"](Stage(page, shop, sandbox))
    shown = page.locator(".good:visible")
    expect(shown).to_have_count(6)
    page.get_by_role("link", name="Afficher la suite").click()
    expect(shown).to_have_count(24)
    expect(shown.nth(6)).to_be_in_viewport()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    page.set_viewport_size({"width": DESK, "height": 844})
    page.go_back()
    expect(shown).to_have_count(24)


@pytest.mark.parametrize("name", ["order-accepted", "order-waiting", "verified"])
def test_a_printed_order_is_one_sheet_without_buttons(page: Page, shop: str, sandbox: Sandbox, name: str) -> None:
    SCENES[name](Stage(page, shop, sandbox))
    printed = page.pdf(prefer_css_page_size=True)
    words = text_of(printed)
    assert len(PdfReader(BytesIO(printed)).pages) == 1
    assert Order.objects.get().token not in words, "who finds the sheet has not found the order's key"
    address = "/commande/" if name == "order-waiting" else "/v/"
    assert urlsplit(settings.SITE_URL).netloc + address in words, "where to see it on the web"
    for button in ["Télécharger", "Vérifier maintenant", "Arrêter", "Paiement sécurisé", "Retrouver ma commande"]:
        assert button not in words, button
