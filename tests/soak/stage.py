"""The parts of a shop in production, each a process that can be killed and started again: this is its supervisor.

Everything is started by the one thread that watches: the crowd of customers is a process of its own.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from tests import children, postgres
from tests.environment import sandbox_environment
from tests.ports import free_ports
from tests.sandbox.client import Sandbox
from tests.sandbox.process import ROOT
from tests.waiting import until

SECONDS_TO_STOP = 15.0
SECONDS_TO_START = 60.0
DATABASE = "postgres"


class Broken(Exception):
    """The soak itself cannot go on; the text says why."""


@dataclass
class Part:
    """One process that a supervisor keeps alive."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts_again_at: float = 0.0

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Stage:
    """Where everything listens and lies, and what became of its parts."""

    folder: Path
    socket: Path
    shop: int
    sandbox: int
    mail: int
    is_kept: bool = True
    """Whether the folder stays when all is over."""
    parts: dict[str, Part] = field(default_factory=dict)
    kills: list[tuple[float, str]] = field(default_factory=list)
    """Unix time and part."""
    ended_by_themselves: Counter[str] = field(default_factory=Counter)
    _database: ExitStack = field(default_factory=ExitStack)

    @property
    def shop_url(self) -> str:
        return f"http://localhost:{self.shop}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox}"

    @property
    def psps(self) -> Sandbox:
        return Sandbox(self.sandbox_url)

    @property
    def books(self) -> Path:
        return self.folder / "sandbox" / "books.sqlite3"

    @property
    def environment(self) -> Mapping[str, str]:
        state = self.folder / "sandbox"
        return sandbox_environment(
            shop_url=self.shop_url, sandbox_port=self.sandbox, smtp_port=self.mail, state=state
        ) | {
            "DATABASE_URL": f"postgres://{postgres.ROLE}@/{postgres.DATABASE}?host={self.socket}",
            "DJANGO_SETTINGS_MODULE": "kookut.settings",
            "MEDIA_ROOT": str(self.folder / "media"),
        }

    def open(self) -> None:
        """Start what lasts, and wait until it answers."""
        python, gunicorn = sys.executable, ["-m", "gunicorn", "kookut.wsgi", "--bind", f"127.0.0.1:{self.shop}"]
        sandbox = ["--port", str(self.sandbox), "--smtp-port", str(self.mail), "--shop-url", self.shop_url]
        self._keep("sandbox", [python, "-m", "tests.sandbox", *sandbox, "--state", str(self.folder / "sandbox")])
        self._keep("web", [python, *gunicorn, "--workers", "2", "--threads", "8", "--preload", "--no-control-socket"])
        self._keep("worker", [python, "manage.py", "db_worker", "--no-startup-delay"])
        self.wait_until_open()

    def wait_until_open(self) -> None:
        """Raises Broken when a part does not come up again."""
        try:
            until(self._answers, SECONDS_TO_START, "the shop and the sandbox")
        except AssertionError as error:
            raise Broken(f"{error} See the logs in {self.folder}.") from None

    def start_database(self) -> None:
        """Also after it was killed: its children need a moment to notice, and hold its memory until then."""
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            log = self.folder / "postgres.log"
            server = postgres.running(self.folder / "data", log=log, durable=True, socket=self.socket)
            try:
                process = self._database.enter_context(server).process
            except postgres.NotStarted:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                self.parts[DATABASE] = Part(DATABASE, [], log, process)
                return

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start something that ends by itself; what it says goes into a log of its name."""
        with (self.folder / f"{name}.log").open("ab") as output:
            process = children.start(command, output=output, env={**os.environ, **self.environment}, cwd=ROOT)
        self.parts[name] = Part(name, [], self.folder / f"{name}.log", process)
        return process

    def is_running(self, name: str) -> bool:
        return name in self.parts and self.parts[name].is_alive()

    def kill(self, name: str, down: float) -> None:
        """`kill -9` a part with all that it started; it stays down for so many seconds."""
        part = self.parts[name]
        if not part.is_alive() or part.process is None:
            return
        self.kills.append((time.time(), name))
        part.starts_again_at = time.monotonic() + down
        with suppress(ProcessLookupError):
            os.killpg(part.process.pid, signal.SIGKILL)
        part.process.wait()

    def kill_one_process_of(self, name: str) -> None:
        """`kill -9` one process of a part that has several; the part starts it again by itself."""
        part = self.parts[name]
        if part.is_alive() and part.process:
            with suppress(psutil.NoSuchProcess):
                victims = psutil.Process(part.process.pid).children()
                if victims:  # none while the part starts
                    self.kills.append((time.time(), name))
                    victims[int(time.time()) % len(victims)].kill()

    def watch(self) -> None:
        """Start what is down again, once its time has come."""
        for name, part in list(self.parts.items()):
            if part.is_alive() or time.monotonic() < part.starts_again_at:
                continue
            if not part.starts_again_at and (name == DATABASE or part.command):
                self.ended_by_themselves[name] += 1
            part.starts_again_at = 0.0
            if name == DATABASE:
                self._database.close()
                self.start_database()
            elif part.command:
                self._keep(name, part.command)

    def close(self) -> None:
        """Stop everything, the database last."""
        for name, part in reversed(self.parts.items()):
            if name != DATABASE and part.process:
                children.stop(part.process, seconds=SECONDS_TO_STOP)
        self._database.close()

    def _keep(self, name: str, command: list[str]) -> None:
        self.start(name, *command)
        self.parts[name].command = command

    def _answers(self) -> bool:
        self.watch()
        with suppress(requests.RequestException):
            pages = (f"{self.sandbox_url}/control/ready", f"{self.shop_url}/health/ready")
            return all(requests.get(page, timeout=5).ok for page in pages)
        return False


@contextmanager
def staged() -> Iterator[Stage]:
    """A stage with a database, everything in a folder of its own; nothing runs after."""
    folder = Path(tempfile.mkdtemp(prefix="kookut-soak-", dir=postgres.NOBODYS))
    folder.chmod(0o755)
    socket = Path(tempfile.mkdtemp(prefix="kookut-", dir=postgres.SOCKETS))
    shop, sandbox, mail = free_ports(3)
    stage = Stage(folder, socket, shop, sandbox, mail)
    try:
        stage.start_database()
        yield stage
    finally:
        stage.close()
        shutil.rmtree(socket, ignore_errors=True)
        if not stage.is_kept:
            shutil.rmtree(folder)
