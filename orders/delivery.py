"""When a parcel will be there: a date that can be promised, not a duration."""

from collections import Counter
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

CUT_OFF_HOUR = 14
"""What is ordered by then (Zurich) is packed the same day."""
ZURICH = ZoneInfo("Europe/Zurich")
CANTONS = 26


def delivery_date(working_days: int, ordered_at: datetime) -> date:
    """The day by which an order of `ordered_at` arrives, `working_days` after the day on which it is packed."""
    local = ordered_at.astimezone(ZURICH)
    day = local.date()
    if local.hour >= CUT_OFF_HOUR:
        day += timedelta(days=1)
    day = _working_day_from(day)
    for _ in range(working_days):
        day = _working_day_from(day + timedelta(days=1))
    return day


def _working_day_from(day: date) -> date:
    while day.weekday() >= 5 or day in _days_off(day.year):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=4)
def _days_off(year: int) -> frozenset[date]:
    """The public holidays of at least half of the cantons.

    Only 1 August is a holiday of the Confederation; a parcel goes through several cantons, and a day too many keeps
    a promise that a day too few breaks.
    """
    cantons = [name for name in holidays.country_holidays("CH").subdivisions if len(name) == 2]
    resting = Counter(day for canton in cantons for day in holidays.country_holidays("CH", subdiv=canton, years=year))
    return frozenset(day for day, count in resting.items() if count * 2 >= CANTONS)
