"""Exports at a million orders, over HTTP: when the first byte comes and the last, and what memory the server takes.

`python -m tests.bench exports` measures them alone.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import psutil
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils.crypto import get_random_string
from django.utils.timezone import localdate

from payments.models import Export
from tests.bench.callers import Wrong
from tests.bench.stage import Stage
from tests.staff import sign_in

PIECE = 65_536
MOST_SECONDS = 600


@dataclass
class File:
    """One download. Seconds, `cpu` those of processor time; megabytes, `memory` by how much the server grew at most."""

    name: str
    rows: int
    first_byte: float
    seconds: float
    cpu: float
    size: float
    memory: float


def measure(stage: Stage) -> Iterator[File]:
    """Raises Wrong when a file is not whole. The million orders are there already."""
    who = sign_in(Client(SERVER_NAME="localhost"), User.objects.create_superuser("books"))
    cookie = who.session.session_key or ""
    days = {"first": localdate() - timedelta(days=1200), "last": localdate()}
    a_year = {"first": localdate() - timedelta(days=365)}
    wanted: list[tuple[str, str, dict[str, Any]]] = [
        ("sales, CSV", "/admin/exports/", {"what": "sales", "format": "csv", **days}),
        ("sales, XLSX", "/admin/exports/", {"what": "sales", "format": "xlsx", **days}),
        ("VAT of a year, CSV", "/admin/exports/", {"what": "vat", "format": "csv", **days | a_year}),
        ("all orders, CSV", "/admin/orders/order/export/", {"format": "csv"}),
    ]
    for one in wanted:
        yield _download(stage, cookie, *one)


def _download(stage: Stage, session: str, name: str, address: str, form: Mapping[str, Any]) -> File:
    token = get_random_string(32)
    headers = {
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={token}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Host": stage.host,
    }
    before = most = _memory(stage)
    spent = stage.meter.read()
    server = HTTPConnection("127.0.0.1", stage.port, timeout=MOST_SECONDS)
    began = time.monotonic()
    server.request("POST", address, urlencode({"csrfmiddlewaretoken": token, **form}), headers)
    answer = server.getresponse()
    if answer.status != 200 or "attachment" not in (answer.headers["Content-Disposition"] or ""):
        raise Wrong(f"{name}: {answer.status}")
    size, first_byte = len(answer.read(1)), time.monotonic() - began
    while piece := answer.read(PIECE):
        size += len(piece)
        most = max(most, _memory(stage))
    seconds = time.monotonic() - began
    server.close()
    used = stage.meter.read() - spent
    made = Export.objects.latest("id")
    if not made.finished_at:
        raise Wrong(f"{name}: not whole")
    return File(name, made.rows, first_byte, seconds, used.web + used.postgres, size / 1e6, (most - before) / 1e6)


def _memory(stage: Stage) -> int:
    """Bytes that the server and its workers hold."""
    server = psutil.Process(stage.web)
    return sum(process.memory_info().rss for process in [server, *server.children(recursive=True)])


def head_of_exports() -> str:
    return f"{'Exports over HTTP':32}     rows   first byte    all  CPU s   rows a CPU s     MB   memory"


def of_export(file: File) -> str:
    """A line of what is printed."""
    return (
        f"{file.name:32}{file.rows:9}{file.first_byte:10.1f} s{file.seconds:6.0f} s{file.cpu:7.0f}"
        f"{file.rows / file.cpu:15.0f}{file.size:7.0f}{file.memory:6.0f} MB"
    )
