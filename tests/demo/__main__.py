"""`make run`: the whole shop on this machine, with our own PSPs and a mailbox. Ctrl-C ends all of it.

What it keeps (database, pictures, the sandbox's books, logs, the staff password and its second factor) lies in .local/.
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
from urllib.parse import urlsplit

from tests import messages, postgres
from tests.demo import code
from tests.demo.parts import Ended, Parts
from tests.environment import sandbox_environment
from tests.ports import free_port_from

STAFF_NAME = "demo"
PREPARE = "import django; django.setup(); from tests.demo.prepare import main; main()"
SECONDS_TO_ANSWER = 60.0
SECONDS_BETWEEN_SWEEPS = 60.0
SECONDS_BETWEEN_LOOKS = 0.25
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Place:
    """Where a run listens, and where it keeps what lasts."""

    local: Path
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

    @property
    def staff_password(self) -> Path:
        return self.local / "staff-password"

    @property
    def staff_second_factor(self) -> Path:
        return self.local / code.FILE

    @property
    def note(self) -> Path:
        return self.local / "env"

    @property
    def environment(self) -> dict[str, str]:
        sandbox = sandbox_environment(
            shop_url=self.shop_url,
            sandbox_port=self.sandbox,
            smtp_port=self.mail,
            state=self.local / "sandbox",
        )
        return sandbox | {
            "DJANGO_SETTINGS_MODULE": "kookut.settings",
            "MEDIA_ROOT": str(self.local.absolute() / "media"),
        }


class Stopped(Exception):
    """Somebody ended the run."""


def main() -> str | None:
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description="Run the whole shop on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="the shop's, or the next free one")
    parser.add_argument("--sandbox-port", type=int, default=8801, help="the sandbox's, or the next free one")
    parser.add_argument("--local", type=Path, default=Path(".local"), help="the folder of what lasts")
    given = parser.parse_args()
    for ending in ENDINGS:
        signal.signal(ending, _end)
    os.umask(0o077)
    given.local.mkdir(exist_ok=True)
    try:
        with only_one(given.local), ExitStack() as stack:
            run(choose_place(given.local, given.port, given.sandbox_port), stack)
    except (Ended, OSError, postgres.NotStarted) as error:
        return f"kookut: {error}"
    except Stopped:
        print("Everything is stopped.")
    return None


@contextmanager
def only_one(local: Path) -> Iterator[None]:
    """Refuse a second run in the same folder: two servers would fight over one database."""
    with (local / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Ended("the shop is already running from this folder (Ctrl-C there ends it).") from None
        yield


def choose_place(local: Path, shop: int, sandbox: int) -> Place:
    place = Place(local, free_port_from(shop), first := free_port_from(sandbox), free_port_from(first + 1))
    for wanted, got, what in ((shop, place.shop, "the shop"), (sandbox, place.sandbox, "the sandbox")):
        if wanted != got:
            print(f"Port {wanted} is taken: {what} uses {got}.", flush=True)
    return place


def run(place: Place, stack: ExitStack) -> NoReturn:
    """Start all parts, say where they are, and watch them until one dies or somebody ends it."""
    started = time.monotonic()
    messages.compile_catalogues()
    parts = Parts(place.local, place.environment)
    start_database(parts, place, stack)
    leave_note(parts, place, stack)
    stack.enter_context(parts.stopped_at_the_end())
    start_sandbox(parts, place)
    parts.finish("prepare", sys.executable, "-c", PREPARE, STAFF_NAME, place.staff_password, place.staff_second_factor)
    wait_for(parts, "sandbox", f"{place.sandbox_url}/control/ready")
    start_shop(parts, place)
    wait_for(parts, "web", f"{place.shop_url}/")
    print(table(place, time.monotonic() - started), flush=True)
    watch(parts)


def start_database(parts: Parts, place: Place, stack: ExitStack) -> None:
    """Take the database that DATABASE_URL names, or the one that stays here."""
    if os.environ.get("DATABASE_URL"):
        return
    log = place.local / "postgres.log"
    folder = postgres.lasting_folder(place.local)
    server = stack.enter_context(postgres.running(folder, log=log, durable=True))
    parts.adopt("postgres", server.process, log, postgres.FAREWELL)
    parts.env["DATABASE_URL"] = server.address


def leave_note(parts: Parts, place: Place, stack: ExitStack) -> None:
    """Write the shop's settings where `ENV_FILE=… manage.py` finds them, for as long as the shop runs."""
    names = [*place.environment, "DATABASE_URL"]
    place.note.write_text("".join(f'{name}="{parts.env[name]}"\n' for name in names if name != "ENV_FILE"))
    stack.callback(place.note.unlink)


def start_sandbox(parts: Parts, place: Place) -> None:
    parts.start(
        "sandbox",
        *(sys.executable, "-m", "tests.sandbox", "--port", str(place.sandbox), "--smtp-port", str(place.mail)),
        *("--state", place.local / "sandbox", "--shop-url", place.shop_url),
    )


def start_shop(parts: Parts, place: Place) -> None:
    parts.start(
        "web",
        *(sys.executable, "-m", "gunicorn", "kookut.wsgi", "--bind", f"127.0.0.1:{place.shop}"),
        *("--workers", "2", "--threads", "8", "--preload", "--no-control-socket"),
    )
    parts.start("worker", sys.executable, "manage.py", "db_worker", "--no-startup-delay")


def wait_for(parts: Parts, name: str, url: str) -> None:
    """Wait until a part answers a page of its own. Raises Ended when it does not, or with an error."""
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while (status := status_of(url)) is None:
        parts.check()
        if time.monotonic() > deadline:
            raise Ended(f"{name} did not answer within {SECONDS_TO_ANSWER:.0f} s: see {parts.logs}/{name}.log")
        time.sleep(SECONDS_BETWEEN_LOOKS / 5)
    parts.check()
    if status != http.client.OK:
        raise Ended(f"{url} answers {status}: see {parts.logs}/{name}.log")


def status_of(url: str) -> int | None:
    """The HTTP status of a page on this machine, None while nobody listens."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=10)
    try:
        connection.request("GET", address.path, headers={"Host": address.netloc})
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def table(place: Place, seconds: float) -> str:
    password = place.staff_password.read_text()
    python = os.path.relpath(sys.executable)
    return f"""
  The shop is open, after {seconds:.0f} s. Nothing here costs money. Ctrl-C ends it.

  Shop           {place.shop_url}/
  Staff          {place.shop_url}/admin/      {STAFF_NAME} / {password}
  Its code       {python} -m tests.demo.code {place.local}
                 the six digits that the login then asks for; or give an app this key:
                 {place.staff_second_factor.read_text()}
  Sandbox PSPs   {place.sandbox_url}/           what the bank does and says
  Mailbox        {place.sandbox_url}/mail/      the mails that the shop sends
  Logs           {place.local.absolute()}/*.log
  By hand        ENV_FILE={place.note} {python} manage.py …
"""


def watch(parts: Parts) -> NoReturn:
    """Show what goes wrong and sweep every minute. Raises Ended when a part dies."""
    next_sweep = time.monotonic()
    while True:
        parts.check()
        if time.monotonic() >= next_sweep:
            next_sweep += SECONDS_BETWEEN_SWEEPS
            if not parts.is_running("sweep"):
                parts.start("sweep", sys.executable, "manage.py", "sweep", lasting=False)
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _end(*_: object) -> NoReturn:
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)  # a second Ctrl-C must not disturb the stopping
    print("\nStopping …", flush=True)
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
