"""`make run`: the whole shop on this machine, with our own PSPs and a mailbox. Ctrl-C ends all of it.

What it keeps (database, pictures, the sandbox's books, logs, the staff password) lies in .local/.
"""

import argparse
import fcntl
import http.client
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tests import messages, postgres
from tests.demo.parts import Ended, Parts
from tests.environment import sandbox_environment
from tests.ports import free_port_from

LOCAL = Path(".local")
DATABASE_NOTE = LOCAL / "database-url"  # settings read it, so that `manage.py` finds the same database
STAFF_NAME = "demo"
STAFF_PASSWORD = LOCAL / "staff-password"
PREPARE = "import django; django.setup(); from tests.demo.prepare import main; main()"
SECONDS_TO_FIRST_PAGE = 60.0
SECONDS_BETWEEN_SWEEPS = 60.0
SECONDS_BETWEEN_LOOKS = 0.25


@dataclass(frozen=True)
class Ports:
    shop: int
    sandbox: int
    mail: int

    @property
    def shop_url(self) -> str:
        # Shop and sandbox are two sites for the browser, as in real life.
        return f"http://localhost:{self.shop}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox}"


def main() -> str | None:
    arguments = argparse.ArgumentParser(prog="python -m tests.demo")
    arguments.add_argument("--port", type=int, default=8000, help="the shop's, or the next free one")
    arguments.add_argument("--sandbox-port", type=int, default=8801, help="the PSPs', or the next free one")
    given = arguments.parse_args()
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    os.umask(0o077)
    LOCAL.mkdir(exist_ok=True)
    try:
        with ExitStack() as stack:
            stack.enter_context(only_one())
            run(choose_ports(given.port, given.sandbox_port), stack)
    except (Ended, OSError, postgres.NotStarted) as error:
        return f"kookut: {error}"
    except Stopped:
        print("Everything is stopped.")
    return None


def run(ports: Ports, stack: ExitStack) -> NoReturn:
    """Start all parts, say where they are, and watch them until one dies or somebody ends it."""
    started = time.monotonic()
    messages.compile_catalogues()
    environment = sandbox_environment(
        shop_url=ports.shop_url,
        sandbox_port=ports.sandbox,
        smtp_port=ports.mail,
        state=LOCAL / "sandbox",
    )
    environment["DJANGO_SETTINGS_MODULE"] = "kookut.settings"
    parts = Parts(LOCAL, environment)
    start_database(parts, stack)
    stack.enter_context(parts.stopped_at_the_end())
    start_sandbox(parts, ports)
    parts.finish("prepare", sys.executable, "-c", PREPARE, STAFF_NAME, STAFF_PASSWORD)
    wait_for(parts, "sandbox", ports.sandbox)
    start_shop(parts, ports)
    wait_for(parts, "web", ports.shop)
    print(table(ports, time.monotonic() - started), flush=True)
    watch(parts)


def choose_ports(shop: int, sandbox: int) -> Ports:
    ports = Ports(free_port_from(shop), first := free_port_from(sandbox), free_port_from(first + 1))
    for wanted, got, what in ((shop, ports.shop, "the shop"), (sandbox, ports.sandbox, "the sandbox")):
        if wanted != got:
            print(f"Port {wanted} is taken: {what} uses {got}.")
    return ports


@contextmanager
def only_one() -> Iterator[None]:
    """Refuse a second run in the same folder: two servers would fight over one database."""
    with (LOCAL / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Ended("the shop is already running from this folder (Ctrl-C there ends it).") from None
        yield


def start_database(parts: Parts, stack: ExitStack) -> None:
    """Take the database that DATABASE_URL names, or the one that stays in .local/."""
    if given := os.environ.get("DATABASE_URL"):
        parts.env["DATABASE_URL"] = given
        return
    log = LOCAL / "postgres.log"
    server = stack.enter_context(postgres.running(postgres.lasting_folder(LOCAL), log=log, durable=True))
    parts.adopt("postgres", server.process, log, postgres.FAREWELL)
    parts.env["DATABASE_URL"] = server.address
    DATABASE_NOTE.write_text(server.address)
    stack.callback(DATABASE_NOTE.unlink)


def start_sandbox(parts: Parts, ports: Ports) -> None:
    parts.start(
        "sandbox",
        *(sys.executable, "-m", "tests.sandbox", "--port", str(ports.sandbox), "--smtp-port", str(ports.mail)),
        *("--state", LOCAL / "sandbox", "--shop-url", ports.shop_url),
    )


def start_shop(parts: Parts, ports: Ports) -> None:
    python = (sys.executable, "-m")
    server = (*python, "gunicorn", "kookut.wsgi", "--bind", f"127.0.0.1:{ports.shop}", "--no-control-socket")
    parts.start("web", *server, "--workers", "2", "--threads", "8")
    parts.start("worker", sys.executable, "manage.py", "db_worker", "--no-startup-delay")


def wait_for(parts: Parts, name: str, port: int) -> None:
    """Wait until a part answers its first page. Raises Ended when it does not."""
    deadline = time.monotonic() + SECONDS_TO_FIRST_PAGE
    while not answers(port):
        parts.check()
        if time.monotonic() > deadline:
            raise Ended(f"{name} gave no page within {SECONDS_TO_FIRST_PAGE:.0f} s: see {LOCAL}/{name}.log")
        time.sleep(SECONDS_BETWEEN_LOOKS / 5)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def table(ports: Ports, seconds: float) -> str:
    password = STAFF_PASSWORD.read_text()
    return "\n".join(
        [
            "",
            f"  The shop is open, after {seconds:.0f} s. Nothing here costs money. Ctrl-C ends it.",
            "",
            f"  Shop            {ports.shop_url}/",
            f"  Staff           {ports.shop_url}/admin/      {STAFF_NAME} / {password}",
            f"  Sandbox PSPs    {ports.sandbox_url}/           accept, refuse, lose, repeat the bank's messages",
            f"  Mailbox         {ports.sandbox_url}/mail/      the mails that the shop sends",
            f"  Logs            {LOCAL.absolute()}/*.log",
            "",
        ]
    )


def watch(parts: Parts) -> NoReturn:
    next_sweep = time.monotonic()
    while True:
        parts.check()
        if time.monotonic() >= next_sweep:
            next_sweep += SECONDS_BETWEEN_SWEEPS
            if not parts.is_running("sweep"):
                parts.start("sweep", sys.executable, "manage.py", "sweep", lasting=False)
        time.sleep(SECONDS_BETWEEN_LOOKS)


class Stopped(Exception):
    """Somebody ended the run."""


def _end(*_: object) -> NoReturn:
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)  # a second Ctrl-C must not disturb the stopping
    print("\nStopping …", flush=True)
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
