"""What a browser does for its owner: pages, forms with their hidden fields, cookies, redirects, and patience."""

import re
import time
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

TRIES = 12
PAUSE = 0.7  # seconds between two tries; the shop is down for a few
TOKEN = re.compile(r"/commande/([A-Za-z0-9_-]{20,43})/")
LEAVING = re.compile(r'href="([^"]+/abandon/[^"]+)"')
CSRF = "csrfmiddlewaretoken"


class GaveUp(Exception):
    """The shop or the PSP did not answer for so long that the customer went away."""


@dataclass(frozen=True)
class Page:
    url: str
    status: int
    text: str
    location: str = ""
    """Where a redirect leads, in full."""

    @property
    def inputs(self) -> dict[str, str]:
        """Names and values of hidden and typed fields, and of what is checked; the first of each name."""
        fields = _Fields()
        fields.feed(self.text)
        return fields.found

    @property
    def token(self) -> str:
        """Of the order that this page, or the way on from it, is about; empty when it is about none."""
        found = TOKEN.search(self.url) or TOKEN.search(self.location) or TOKEN.search(self.text)
        return found[1] if found else ""

    @property
    def way_back(self) -> str:
        """The PSP page's own link to the shop."""
        found = LEAVING.search(self.text)
        return found[1].replace("&amp;", "&") if found else ""


class Browser:
    """One customer's browser; it follows no redirect by itself, so that its owner may stop anywhere."""

    def __init__(self, shop: str) -> None:
        self.shop = shop
        self._session = requests.Session()

    def get(self, url: str) -> Page:
        return self._patiently("GET", url, {})

    def post(self, url: str, data: dict[str, str]) -> Page:
        return self._patiently("POST", url, data)

    def once(self, url: str, data: dict[str, str]) -> Page | None:
        """A POST without patience: None when nothing came."""
        try:
            return self._ask("POST", url, data)
        except requests.RequestException:
            return None

    def submit(self, page: Page, **typed: str) -> Page:
        """Send the form of a page to the page's own address."""
        return self.post(page.url, page.inputs | typed)

    def close(self) -> None:
        self._session.close()

    def _patiently(self, method: str, url: str, data: dict[str, str]) -> Page:
        for _try in range(TRIES):
            try:
                page = self._ask(method, url, data)
            except requests.RequestException:
                time.sleep(PAUSE)
                continue
            # 503 is an answer of the shop's own: its page tells the way on.
            if page.status < 500 or page.status == 503:
                return page
            time.sleep(PAUSE)
        raise GaveUp(f"{method} {TOKEN.sub('/commande/…/', url)}")

    def _ask(self, method: str, url: str, data: dict[str, str]) -> Page:
        full = urljoin(self.shop, url)
        answer = self._session.request(method, full, data=data or None, timeout=20, allow_redirects=False)
        location = urljoin(full, answer.headers["Location"]) if "Location" in answer.headers else ""
        return Page(full, answer.status_code, answer.text, location)


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name")
        if tag != "input" or not name or name in self.found:
            return
        if given.get("type") in ("radio", "checkbox") and "checked" not in given:
            return
        self.found[name] = given.get("value") or ""
