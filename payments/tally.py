"""Counts of what leaves no row, by day, in the shared cache."""

import logging

from django.core.cache import cache
from django.utils.timezone import localdate

log = logging.getLogger(__name__)
DAYS = 8 * 24 * 3600
"""Seconds for which a count is kept."""


def count(what: str) -> None:
    """Count one more. A cache that fails costs the count, and nobody's answer."""
    key = _key(what)
    try:
        cache.add(key, 0, DAYS)
        cache.incr(key)
        # The database's cache sets the time-out anew, to its own, whenever it counts.
        cache.touch(key, DAYS)
    except Exception:
        log.exception("A tally could not be kept: %s", what)


def today(what: str) -> int | None:
    """The count of today; None while the cache does not say."""
    try:
        return int(cache.get(_key(what), 0))
    except Exception:
        log.exception("A tally could not be read: %s", what)
        return None


def _key(what: str) -> str:
    return f"tally-{what}-{localdate():%Y%m%d}"
