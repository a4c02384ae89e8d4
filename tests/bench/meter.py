"""CPU time of process trees, and a ruler for what neighbours add to it."""

import copy
import json
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import psutil


@dataclass(frozen=True)
class Spent:
    """CPU seconds, user and system together."""

    web: float
    postgres: float

    def __sub__(self, earlier: Self) -> "Spent":
        return Spent(self.web - earlier.web, self.postgres - earlier.postgres)


@dataclass(frozen=True)
class Meter:
    """Watches the web server and PostgreSQL, each with all its children."""

    web: int
    """Process id of gunicorn's master, or of the process that plays its part."""
    postgres: int

    def read(self) -> Spent:
        return Spent(_seconds(self.web), _seconds(self.postgres))


def _seconds(root: int) -> float:
    """Since the start, the children that have ended included (where the system adds them to their parent's)."""
    parent = psutil.Process(root)
    seconds = 0.0
    for process in (parent, *parent.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it ended since it was listed
            seconds += sum(process.cpu_times()[:4])
    return seconds


class Ruler:
    """One fixed piece of Python, again and again.

    CPU time is not the same everywhere either: two processors are often two threads of one core, and a busy neighbour
    makes each need up to twice the time.
    """

    def __init__(self) -> None:
        self._thing = {f"row {n}": [n, {"text": "…" * 10}] for n in range(60)}
        self._seconds: list[float] = []
        self._quickest = min(self._once() for _ in range(1000))

    def lay(self) -> None:
        self._seconds.append(self._once())
        self._quickest = min(self._quickest, self._seconds[-1])

    @property
    def slowness(self) -> float:
        """How many times longer it took than when it was quickest, on average."""
        return statistics.fmean(self._seconds) / self._quickest

    def _once(self) -> float:
        began = time.thread_time()
        json.loads(json.dumps(copy.deepcopy(self._thing)))
        return time.thread_time() - began
