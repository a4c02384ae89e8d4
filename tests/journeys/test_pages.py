"""What holds on every page and in every state of it, on a phone and at a desk."""

import gzip
import os
import re
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Page, Response, expect
from pypdf import PdfReader

from orders.models import Order
from tests.journeys.customer import text_of
from tests.journeys.scenes import SCENES, Stage
from tests.journeys.watch import Watch
from tests.sandbox.client import Sandbox

PHONE, DESK, SMALLEST = 390, 1280, 320
MONEY = re.compile(r"CHF\u00a0\d{1,3}(’\d{3})*\.\d{2}")
PICTURES = os.environ.get("KOOKUT_PICTURES")
"""A folder: then every page is also photographed there, to be looked at."""
MOST_STYLE_AND_SCRIPT = 20_000  # bytes, compressed
MOST_FONT = 36_000
MOST_REQUESTS = 10
MOST_FIRST_VISIT = 100 * 1024
OBSERVE_SHIFTS = """
window.shifts = 0;
new PerformanceObserver(list => { for (const shift of list.getEntries()) window.shifts += shift.value })
  .observe({type: "layout-shift", buffered: true});
"""


@pytest.fixture
def script() -> bool:
    """axe is a script."""
    return True


@pytest.mark.parametrize("name", SCENES)
def test_the_page_is_sound(page: Page, shop: str, sandbox: Sandbox, watch: Watch, name: str) -> None:
    SCENES[name](Stage(page, shop, sandbox))
    page.mouse.move(0, 0)

    assert page.locator("[autocomplete^=cc-], [name*=card], [name*=cvc]").count() == 0
    if not name.startswith("admin"):
        expect(page.locator("h1")).to_have_count(1)
        expect(page).to_have_title(re.compile(r".+ – KOOKUT$"))
        amounts = page.locator(".money:not(:has(.money))").all_inner_texts()
        assert [amount for amount in amounts if not MONEY.fullmatch(amount.strip(" "))] == []
        assert page.locator("button[disabled], [placeholder], [required]").count() == 0

    watch.assert_quiet()
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        photograph(page, f"{name}-{width}")
        assert violations(page) == []
    page.set_viewport_size({"width": SMALLEST, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALLEST
    watch.complaints.clear()  # axe's own, which the policy rightly refuses


def violations(page: Page) -> list[str]:
    """What axe's rules, all of them, have against the page."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found]


def photograph(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def test_every_state_of_an_order_has_its_own_title(page: Page, shop: str, sandbox: Sandbox) -> None:
    names = ["open", "left", "waiting", "waiting-long", "waiting-very-long", "accepted", "under-review", "expired"]
    names += ["refused-funds", "cancelled-expired", "paid-too-late", "paid-too-late-and-accepted"]
    names += ["payment-going-back", "refunded", "refund-bounced"]
    titles = set()
    for name in names:
        SCENES[f"order-{name}"](Stage(page, shop, sandbox))
        titles.add(re.sub("KK-....-....", "", page.title()))
    assert len(titles) == len(names)


def test_a_first_visit_is_light(page: Page, shop: str, sandbox: Sandbox) -> None:
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


@pytest.mark.parametrize("name", ["catalogue", "product"])
def test_the_first_visit_of_the_shop_window_is_light_and_nothing_moves(
    page: Page, shop: str, sandbox: Sandbox, name: str
) -> None:
    page.set_viewport_size({"width": PHONE, "height": 844})
    loaded: list[Response] = []

    def keep(answer: Response) -> None:
        loaded.append(answer)

    page.on("response", keep)
    page.add_init_script(OBSERVE_SHIFTS)
    SCENES[name](Stage(page, shop, sandbox))
    page.wait_for_load_state("networkidle")

    seen = {answer.url: answer.body() for answer in loaded}
    pictures = [url for url in seen if "/media/" in url]
    assert pictures and all(url.endswith(".avif") for url in pictures)
    texts = (".css", ".svg", "/")  # these go compressed
    weight = sum(len(gzip.compress(body) if url.endswith(texts) else body) for url, body in seen.items())
    assert weight <= MOST_FIRST_VISIT, {url: len(body) for url, body in seen.items()}
    # Chromium fetches pictures up to two screens before they come into view: those weigh, and hold up nothing.
    early = page.locator("img[loading=lazy]").evaluate_all("pictures => pictures.map(one => one.currentSrc)")
    assert len(set(seen) - set(early)) <= MOST_REQUESTS, sorted(seen)
    assert page.evaluate("shifts") == 0


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
