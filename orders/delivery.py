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
    day = _packed_on(ordered_at)
    for _ in range(working_days):
        day = _working_day_from(day + timedelta(days=1))
    return day


def delivery_date_once_paid(promised: date, ordered_at: datetime, paid_at: datetime) -> date:
    """The day by which an order arrives that is paid on a later day than it was placed on: as many working days after
    its packing as were `promised` then. What is paid on the same day keeps its promise."""
    if paid_at.astimezone(ZURICH).date() == ordered_at.astimezone(ZURICH).date():
        return promised
    day, working_days = _packed_on(ordered_at), 0
    while day < promised:
        day = _working_day_from(day + timedelta(days=1))
        working_days += 1
    return delivery_date(working_days, paid_at)


def _packed_on(ordered_at: datetime) -> date:
    local = ordered_at.astimezone(ZURICH)
    after_cut_off = timedelta(days=1) if local.hour >= CUT_OFF_HOUR else timedelta(0)
    return _working_day_from(local.date() + after_cut_off)


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
