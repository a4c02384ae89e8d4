"""Tables: rows that are read as they are written, and what their columns hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from django.utils.text import slugify
from django.utils.timezone import get_default_timezone

UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


class Kind(Enum):
    """What a cell holds; None is an empty one."""

    TEXT = "text"
    MONEY = "money"  # an integer of centimes
    RATE = "rate"  # a Decimal, per cent
    NUMBER = "number"  # an integer
    DAY = "day"  # a date, or a moment of which the shop's day counts
    MOMENT = "moment"  # a moment, to the minute, in the shop's time


@dataclass(frozen=True)
class Column:
    label: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class Table:
    """`title` is that of the sheet."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]


def file_name(title: str, days: Iterable[date]) -> str:
    """What a file is called, in letters that every system takes: `verkaeufe-2026-10-01-2026-10-31`."""
    return "-".join([slugify(title.translate(UMLAUTS)), *map(str, days)])


def francs(centimes: int) -> str:
    """As programs read it: `-1250.50`."""
    whole, rest = divmod(abs(centimes), 100)
    return f"{'-' if centimes < 0 else ''}{whole}.{rest:02d}"


def in_zurich(at: datetime) -> datetime:
    return at.astimezone(get_default_timezone())


def day_of(at: date) -> date:
    """The shop's day."""
    return in_zurich(at).date() if isinstance(at, datetime) else at
