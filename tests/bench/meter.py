"""CPU time of process trees: the one figure that says the same on a busy machine and on a calm one."""

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
    return sum(sum(process.cpu_times()[:4]) for process in (parent, *parent.children(recursive=True)))
