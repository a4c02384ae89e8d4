"""Tables: rows that are read as they are written, and what their columns hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from django.utils.timezone import get_default_timezone


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
    """`name` is that of the file, `title` that of the sheet."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]


def francs(centimes: int) -> str:
    """As programs read it: `-1250.50`."""
    whole, rest = divmod(abs(centimes), 100)
    return f"{'-' if centimes < 0 else ''}{whole}.{rest:02d}"


def in_zurich(at: datetime) -> datetime:
    return at.astimezone(get_default_timezone())


def day_of(at: date) -> date:
    """The shop's day."""
    return in_zurich(at).date() if isinstance(at, datetime) else at
