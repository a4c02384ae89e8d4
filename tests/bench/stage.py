"""What is measured, as it runs in production: PostgreSQL that waits for its disk, gunicorn with threads, a PSP."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import django

from tests import children, messages, postgres
from tests.bench.callers import Wrong, request, send_all
from tests.bench.meter import Meter
from tests.ports import free_port_from
from tests.sandbox.process import ROOT, running_sandbox
from tests.waiting import until

FIRST_PORT = 8871
WORKERS, THREADS = 2, 8
SECONDS_TO_START = 60.0


@dataclass(frozen=True)
class Stage:
    """A shop that answers on this port, and its parts."""

    port: int
    web: int
    postgres: int
    database: str
    folder: Path
    """For what lasts as long as the stage."""

    @property
    def meter(self) -> Meter:
        return Meter(self.web, self.postgres)

    @property
    def own_meter(self) -> Meter:
        """For what this process does itself."""
        return Meter(os.getpid(), self.postgres)

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"


@contextmanager
def stage() -> Iterator[Stage]:
    """Start all parts, with Django set up in this process too; stop all of them at the end."""
    port = free_port_from(FIRST_PORT)
    with (
        tempfile.TemporaryDirectory(prefix="kookut-", dir=postgres.NOBODYS) as folder,
        running_sandbox(f"http://localhost:{port}") as sandbox,
    ):
        Path(folder).chmod(0o755)
        with postgres.running(Path(folder, "data"), log=Path(folder, "log"), durable=True) as server:
            os.environ.update(sandbox.environment(f"http://localhost:{port}"))
            os.environ.update(
                DATABASE_URL=server.address,
                DJANGO_SETTINGS_MODULE="kookut.settings",
                MEDIA_ROOT=str(Path(folder, "media")),
            )
            _prepare()
            with _gunicorn(port, Path(folder, "web.log")) as web:
                yield Stage(port, web.pid, server.process.pid, server.address, Path(folder))


def _prepare() -> None:
    """Tables, static files and the demo's goods."""
    messages.compile_catalogues()
    django.setup()
    from django.core.management import call_command

    from tests.demo.catalogue import fill_catalogue

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    fill_catalogue()


@contextmanager
def _gunicorn(port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        server = children.start(
            [
                *(sys.executable, "-m", "gunicorn", "kookut.wsgi", "--bind", f"127.0.0.1:{port}"),
                *("--workers", str(WORKERS), "--threads", str(THREADS), "--preload", "--no-control-socket"),
            ],
            output=output,
            env=os.environ,
            cwd=ROOT,
        )
    try:
        _wait(server, port)
        yield server
    except Wrong as wrong:
        raise Wrong(f"{wrong}\n{_last_lines(log)}") from None
    finally:
        children.stop(server, seconds=10)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    live = request("GET", f"localhost:{port}", "/health/live", {})

    def answers() -> bool:
        if server.poll() is not None:
            raise Wrong("gunicorn did not start")
        with suppress(OSError):
            send_all(port, [live], callers=1, status=200)
            return True
        return False

    until(answers, SECONDS_TO_START, "gunicorn")


def _last_lines(log: Path, count: int = 5) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
