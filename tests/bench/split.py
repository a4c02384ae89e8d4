"""Where a webhook's CPU goes: samples of the stack, which disturb far less than a profiler that counts calls."""

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

from django.test import RequestFactory

from kookut.wsgi import application
from payments.models import Payment
from tests.bench import cast
from tests.bench.callers import Wrong
from tests.bench.measure import Line, in_process
from tests.bench.stage import Stage
from tests.shop import stripe_event, stripe_signature

FIRST = 500_000
WARM_UP, COUNT = 20, 300
SECONDS_BETWEEN_SAMPLES = 0.001
"""Of CPU time; the system's own tick is 1 to 10 ms and may make them fewer."""

# The first of these found from the innermost frame outwards has the sample.
LAYERS = {
    "/payments/gateways/": "signature, JSON, allow-list, notice",
    "/stripe/": "signature, JSON, allow-list, notice",
    "/django/db/backends/": "driver: SQL out, rows in",
    "/django/db/transaction.py": "driver: SQL out, rows in",
    "/django/db/": "ORM: building SQL, making objects",
    "/django_tasks": "queue of tasks, without its SQL",
    "/payments/": "inbox, moves, letter: our own lines",
    "/orders/": "inbox, moves, letter: our own lines",
    "/middleware": "middleware",
    "/csp/": "middleware",
    "/whitenoise/": "middleware",
    "/django_permissions_policy/": "middleware",
    "/kookut/": "middleware",
    "/django/utils/deprecation.py": "middleware",
}
REST = "request, addresses, response: the rest of Django"


@dataclass(frozen=True)
class Split:
    """CPU milliseconds of a webhook in one process, without a web server around it."""

    web_ms: float
    postgres_ms: float
    samples: Counter[str]
    empty_ms: float
    """Of an empty view, likewise."""

    def layers(self) -> Iterator[tuple[str, float]]:
        """Each layer with its milliseconds, the dearest first."""
        for name, count in self.samples.most_common():
            yield name, self.web_ms * count / self.samples.total()


def measure(stage: Stage) -> Split:
    payments = cast.payments_under_way(range(FIRST, FIRST + WARM_UP + COUNT))
    cast.tidy()
    deeds = [partial(_receive, _environ(payment)) for payment in payments]
    for deed in deeds[:WARM_UP]:
        deed()
    line = Line("in one process")
    with _sampled() as samples:
        in_process(line, stage.own_meter, deeds[WARM_UP:])
    live = partial(_ask, RequestFactory(SERVER_NAME="localhost").get("/health/live").environ)
    empty = Line("empty view in one process")
    in_process(empty, stage.own_meter, [live] * COUNT)
    return Split(line.web_ms, line.postgres_ms, samples, empty.web_ms)


def _environ(payment: Payment) -> dict[str, Any]:
    """Stripe's message as gunicorn hands it on."""
    body = json.dumps(stripe_event(payment)).encode()
    request = RequestFactory(SERVER_NAME="localhost").post(
        "/webhooks/stripe/", body, content_type="application/json", headers={"Stripe-Signature": stripe_signature(body)}
    )
    environ: dict[str, Any] = request.environ
    return environ


def _receive(environ: dict[str, Any]) -> None:
    said = _ask(environ)
    if said != b"The order is effective":
        raise Wrong(f"A webhook was answered {said!r}")


def _ask(environ: dict[str, Any]) -> bytes:
    answer = application(environ, _start)
    said = b"".join(answer)
    answer.close()
    return said


def _start(_status: str, _headers: list[tuple[str, str]], _error: object = None, /) -> Callable[[bytes], object]:
    """What WSGI wants to be called with an answer's status."""
    return lambda _part: None


@contextmanager
def _sampled() -> Iterator[Counter[str]]:
    """Counts, by layer, where this thread is whenever it has used up a little more CPU time."""
    samples: Counter[str] = Counter()

    def note(_signal: int, frame: FrameType | None) -> None:
        samples[_layer(frame)] += 1

    before = signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, SECONDS_BETWEEN_SAMPLES, SECONDS_BETWEEN_SAMPLES)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _layer(frame: FrameType | None) -> str:
    while frame:
        for part, layer in LAYERS.items():
            if part in frame.f_code.co_filename:
                return layer
        frame = frame.f_back
    return REST
