"""Counts of what leaves no row, by day, in the shared cache."""

from django.core.cache import cache
from django.utils.timezone import localdate

DAYS = 8 * 24 * 3600


def count(what: str) -> None:
    key = _key(what)
    cache.add(key, 0, DAYS)
    cache.incr(key)


def today(what: str) -> int:
    return int(cache.get(_key(what), 0))


def _key(what: str) -> str:
    return f"tally-{what}-{localdate():%Y%m%d}"
