"""`make visits`: what a first visit of each page costs a customer with a telephone, and what Lighthouse says of it.

A telephone of 390 px on a slow line (1.6 Mb/s, 150 ms) with a quarter of this machine's speed, in the installed
Chromium, before the shop as it runs in production. Lighthouse comes from npm and runs where Node is there. Each figure
has an aim; what misses it is marked, and the command then ends with 1.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from playwright.sync_api import Browser, CDPSession, ViewportSize, sync_playwright

from tests import chromium, postgres
from tests.bench.stage import Stage, stage

LIGHTHOUSE = "lighthouse@13.5.0"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
BEST = 95
RATED = ("catalogue, 12 goods", "product", "cart, three goods", "review and pay", "order's page, effective")
INDEXED = RATED[:2]
"""The others are noindex on purpose, which Lighthouse holds against them."""
TRIES = 3
"""A busy machine makes Lighthouse lose the beginning of its own recording (NO_NAVSTART): it asks to be run again."""
MOST_BYTES, MOST_REQUESTS = 100 * 1024, 10
MOST_SECONDS, MOST_SHIFT = 2.5, 0.05
TELEPHONE: ViewportSize = {"width": 390, "height": 844}
LINE = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
SLOWER = 4
# Largest contentful paint in ms, and the layout's shifts in all, as Chromium tells the page itself.
WATCH = """
window.kookut = {paint: 0, shift: 0};
new PerformanceObserver(list => { for (const entry of list.getEntries()) kookut.paint = entry.startTime; })
    .observe({type: "largest-contentful-paint", buffered: true});
new PerformanceObserver(list => { for (const entry of list.getEntries()) kookut.shift += entry.value; })
    .observe({type: "layout-shift", buffered: true});
"""

Cookie: TypeAlias = tuple[str, str]


@dataclass
class Visit:
    """One page, for who sees the shop for the first time."""

    name: str
    requests: int = 0
    bytes: int = 0
    """Over the line: compressed, with headers."""
    seconds: float = 0.0
    """Until the largest thing of it is painted."""
    shift: float = 0.0

    def misses(self) -> bool:
        heavy = self.requests > MOST_REQUESTS or self.bytes > MOST_BYTES
        return heavy or self.seconds > MOST_SECONDS or self.shift > MOST_SHIFT


def main() -> str | None:
    if not (browser := chromium.find()):
        return f"kookut: {chromium.MISSING}"
    try:
        with stage() as shop:
            # It needs Django, which the stage has set up by now.
            from tests.bench.pages import lay

            way = lay()
            visits = _visit(shop, way.cookie, dict(way.pages))
            print(_table(visits), flush=True)
            scores = _rate(shop, way.cookie, {name: way.pages[name] for name in RATED}, browser)
    except (postgres.NotStarted, RuntimeError) as error:
        return f"kookut: {error}"
    missed = [visit.name for visit in visits if visit.misses()] + _below(scores)
    return f"kookut: not as it should be: {', '.join(missed)}" if missed else None


def _visit(shop: Stage, cookie: Cookie, pages: dict[str, str]) -> list[Visit]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=list(chromium.ARGUMENTS))
        return [_first_visit(browser, shop, cookie, name, path) for name, path in pages.items()]


def _first_visit(browser: Browser, shop: Stage, cookie: Cookie, name: str, path: str) -> Visit:
    visit = Visit(name)
    context = browser.new_context(viewport=TELEPHONE, device_scale_factor=2, is_mobile=True, locale="fr-CH")
    context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": f"http://{shop.host}"}])
    page = context.new_page()
    page.add_init_script(WATCH)
    _slow_down(context.new_cdp_session(page), visit)
    page.goto(f"http://{shop.host}{path}", wait_until="networkidle")
    told: dict[str, float] = page.evaluate("kookut")
    visit.seconds, visit.shift = told["paint"] / 1000, told["shift"]
    context.close()
    return visit


def _slow_down(chrome: CDPSession, visit: Visit) -> None:
    """Make line and processor those of a telephone, and count what comes over the line."""

    def loaded(event: dict[str, Any]) -> None:
        visit.requests += 1
        visit.bytes += int(event["encodedDataLength"])

    chrome.on("Network.loadingFinished", loaded)
    chrome.send("Network.enable")
    chrome.send("Network.emulateNetworkConditions", LINE)
    chrome.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})


def _table(visits: list[Visit]) -> str:
    head = f"{'A first visit with a telephone':34}requests      KiB   painted after   shift"
    rows = [
        f"{visit.name:34}{visit.requests:8}{visit.bytes / 1024:9.1f}{visit.seconds:14.2f} s{visit.shift:8.4f}"
        f"{'   missed' if visit.misses() else ''}"
        for visit in visits
    ]
    aim = f"{'aim: at most':34}{MOST_REQUESTS:8}{MOST_BYTES / 1024:9.1f}{MOST_SECONDS:14.2f} s{MOST_SHIFT:8.4f}"
    return "\n".join([head, *rows, aim, ""])


def _rate(shop: Stage, cookie: Cookie, pages: dict[str, str], browser: Path) -> dict[str, dict[str, int]]:
    """Lighthouse's scores of each page, printed as they come; none where there is no Node."""
    npx = shutil.which("npx")
    if not npx:
        print("There is no Node here (npx): Lighthouse was not asked.")
        return {}
    print(f"{f'Lighthouse ({LIGHTHOUSE}), a telephone':34}{''.join(f'{name:>16}' for name in CATEGORIES)}", flush=True)
    scores = {}
    for name, path in pages.items():
        scores[name] = _score(npx, f"http://{shop.host}{path}", cookie, browser)
        print(f"{name:34}{''.join(f'{scores[name][category]:16}' for category in CATEGORIES)}", flush=True)
    return scores


def _score(npx: str, address: str, cookie: Cookie, browser: Path) -> dict[str, int]:
    """Raises RuntimeError with what Lighthouse has to say when it does not end well."""
    with tempfile.TemporaryDirectory(prefix="kookut-") as folder:
        headers = Path(folder, "headers.json")
        headers.write_text(json.dumps({"Cookie": "=".join(cookie)}))
        report = Path(folder, "report.json")
        flags = ["--headless=new", *chromium.ARGUMENTS]
        command = [
            *(npx, "--yes", LIGHTHOUSE, address, "--quiet", "--output=json", f"--output-path={report}"),
            *(f"--only-categories={','.join(CATEGORIES)}", f"--extra-headers={headers}"),
            *("--chrome-flags=" + " ".join(flags), "--no-enable-error-reporting"),
        ]
        for _ in range(TRIES):
            done = subprocess.run(
                command, env={**os.environ, "CHROME_PATH": str(browser)}, capture_output=True, text=True, check=False
            )
            if not done.returncode:
                break
        else:
            raise RuntimeError(f"Lighthouse did not end well: {done.stderr.strip()[-500:]}")
        told = json.loads(report.read_text())["categories"]
    return {category: round(100 * (told[category]["score"] or 0)) for category in CATEGORIES}


def _below(scores: dict[str, dict[str, int]]) -> list[str]:
    return [
        f"{category} of {name}"
        for name, rated in scores.items()
        for category, score in rated.items()
        if score < BEST and (category != "seo" or name in INDEXED)
    ]


if __name__ == "__main__":
    sys.exit(main())
