"""Looks over a browser's shoulder: what the shop's pages load, and what Chromium complains about."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response


class Watch:
    """Everything that one visitor's browser asked for and complained about, on the shop's own pages."""

    def __init__(self, context: BrowserContext, shop_url: str) -> None:
        self.context = context
        self.shop = urlsplit(shop_url).netloc
        self.requests: list[str] = []
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        self._refused: set[str] = set()
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def forget(self) -> None:
        """Begin anew, for another visitor in the same browser."""
        for seen in (self.requests, self.elsewhere, self.complaints, self._refused):
            seen.clear()

    def assert_quiet(self) -> None:
        assert not self.elsewhere, f"asked of other hosts: {self.elsewhere}"
        assert not self.complaints, f"Chromium complains: {self.complaints}"

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        host = urlsplit(request.url).netloc
        if host == self.shop or request.is_navigation_request():
            return
        if urlsplit(request.headers.get("referer", "")).netloc == self.shop or self._shows_shop(request):
            self.elsewhere.append(request.url)

    def _shows_shop(self, request: Request) -> bool:
        return urlsplit(request.frame.url).netloc == self.shop

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and response.request.is_navigation_request():
            self._refused.add(response.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        """Chromium says of a page with a status of 400 or more that it failed to load: that is no complaint here."""
        address = message.location.get("url", "")
        if address in self._refused and message.text.startswith("Failed to load resource"):
            return
        if message.page and urlsplit(message.page.url).netloc == self.shop:
            self.complaints.append(f"{message.type}: {message.text} ({address})")
