"""Counts of what leaves no row, by the hour, in the shared cache."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.utils.timezone import localtime, now

log = logging.getLogger(__name__)
DAYS = 8 * 24 * 3600
"""Seconds for which a count is kept."""
HOUR = timedelta(hours=1)


def count(what: str) -> None:
    """Count one more. A cache that fails costs the count, and nobody's answer."""
    key = _key(what, now())
    try:
        cache.add(key, 0, DAYS)
        cache.incr(key)
        # The database's cache sets the time-out anew, to its own, whenever it counts.
        cache.touch(key, DAYS)
    except Exception:
        log.exception("A tally could not be kept: %s", what)


def today(what: str) -> int | None:
    """The count of today, by the shop's clock; None while the cache does not say."""
    midnight = localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    counts = by_hour([what], hours(midnight, now()))
    return None if counts is None else sum(counts)


def by_hour(several: Sequence[str], asked: Sequence[datetime]) -> list[int] | None:
    """The counts of all these together in each of the hours; None while the cache does not say."""
    try:
        kept = cache.get_many([_key(what, hour) for hour in asked for what in several])
        return [sum(int(kept.get(_key(what, hour), 0)) for what in several) for hour in asked]
    except Exception:
        log.exception("Tallies could not be read: %s", several)
        return None


def hours(first: datetime, last: datetime) -> list[datetime]:
    """The hours from that of one moment to that of another."""
    start = _hour(first)
    return [start + n * HOUR for n in range((_hour(last) - start) // HOUR + 1)]


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _key(what: str, at: datetime) -> str:
    return f"tally-{what}-{_hour(at):%Y%m%d%H}"
