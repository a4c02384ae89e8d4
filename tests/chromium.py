"""The Chromium of the journeys: one that is there, else one that gets installed, else a sentence.

`python -m tests.chromium` makes sure that there is one.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium's own sandbox refuses root; the rest keeps it from calling home while it drives our pages.
ARGUMENTS = (
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
MISSING = (
    "The journeys need a Chromium, and none was found or could be installed (see above). Install Chromium or Chrome, "
    "or name one: KOOKUT_CHROMIUM=/path/to/chromium make test"
)


def find() -> Path | None:
    """The browser named by KOOKUT_CHROMIUM, one on the PATH, or Playwright's own; None when there is none."""
    if named := os.environ.get("KOOKUT_CHROMIUM"):
        return Path(named) if Path(named).is_file() else None
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


def install() -> None:
    """Try the way that works on this machine: Debian's package for root, Playwright's own browser otherwise."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Debian's chromium for the journeys …", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
            env=quiet,
            stdout=subprocess.DEVNULL,
            check=False,
        )
    if find() is None:
        print("Installing Playwright's chromium for the journeys …", flush=True)
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> str | None:
    if find() is None and "KOOKUT_CHROMIUM" not in os.environ:
        install()
    return None if find() else MISSING


if __name__ == "__main__":
    sys.exit(main())
