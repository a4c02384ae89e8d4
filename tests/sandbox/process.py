"""The sandbox as a child process, for tests: free ports, books of its own, gone at the end."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests import children
from tests.environment import sandbox_environment
from tests.ports import free_ports
from tests.sandbox.client import Sandbox

ROOT = Path(__file__).resolve().parents[2]
START = 20.0  # seconds that a start may take


@dataclass(frozen=True)
class Running:
    """One sandbox that answers."""

    port: int
    smtp_port: int
    state: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> Sandbox:
        return Sandbox(self.url)

    def environment(self, shop_url: str) -> dict[str, str]:
        """The environment of a shop that uses this sandbox."""
        return sandbox_environment(
            shop_url=shop_url, sandbox_port=self.port, smtp_port=self.smtp_port, state=self.state
        )


@contextmanager
def running_sandbox(shop_url: str = "http://localhost:8000", state: Path | None = None) -> Iterator[Running]:
    """Start a sandbox, and stop it at the end; its books are thrown away unless `state` is given."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as temporary:
        sandbox = start(shop_url, state or Path(temporary))
        try:
            yield sandbox
        finally:
            stop(sandbox)


def start(shop_url: str, state: Path, *, port: int | None = None, smtp_port: int | None = None) -> Running:
    """Start one and wait until it answers. Raises RuntimeError with its own words if it does not."""
    first, second = free_ports(2)
    port, smtp_port = port or first, smtp_port or second
    state.mkdir(parents=True, exist_ok=True)
    words = state / "sandbox.log"
    command = [sys.executable, "-m", "tests.sandbox", "--port", str(port), "--smtp-port", str(smtp_port)]
    command += ["--state", str(state), "--shop-url", shop_url]
    with words.open("wb") as log:
        process = children.start(command, output=log, cwd=ROOT)
    sandbox = Running(port, smtp_port, state, process)
    if not _ready(sandbox):
        stop(sandbox)
        raise RuntimeError(f"the sandbox did not start:\n{words.read_text()}")
    return sandbox


def stop(sandbox: Running) -> None:
    children.stop(sandbox.process, seconds=10)


def _ready(sandbox: Running) -> bool:
    until = time.monotonic() + START
    while time.monotonic() < until and sandbox.process.poll() is None:
        try:
            if requests.get(f"{sandbox.url}/control/ready", timeout=1).ok:
                return True
        except requests.RequestException:
            time.sleep(0.05)
    return False
