"""When a parcel will be there: a date that can be promised, not a duration."""

from collections import Counter
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
from django.conf import settings

ZURICH = ZoneInfo("Europe/Zurich")
CANTONS = frozenset(name for name in holidays.country_holidays("CH").subdivisions if len(name) == 2)


def delivery_date(working_days: int, ordered_at: datetime) -> date:
    """The day by which an order of `ordered_at` arrives, `working_days` after the day on which it is packed."""
    day = _packed_on(ordered_at)
    for _ in range(working_days):
        day = _working_day_from(day + timedelta(days=1))
    return day


def delivery_date_once_paid(promised: date, ordered_at: datetime, paid_at: datetime) -> date:
    """The day by which an order arrives that is packed on a later day than it would have been when it was placed: as
    many working days after its packing as were `promised` then. What is packed on that day keeps its promise."""
    if not is_packed_later(ordered_at, paid_at):
        return promised
    day, working_days = _packed_on(ordered_at), 0
    while day < promised:
        day = _working_day_from(day + timedelta(days=1))
        working_days += 1
    return delivery_date(working_days, paid_at)


def is_packed_later(ordered_at: datetime, paid_at: datetime) -> bool:
    """Whether an order was paid too late for the day on which it would have been packed when it was placed."""
    return _packed_on(paid_at) > _packed_on(ordered_at)


def _packed_on(ordered_at: datetime) -> date:
    """The first working day, at the seller's too, that is not over."""
    local = ordered_at.astimezone(ZURICH)
    after_cut_off = timedelta(days=1) if local.hour >= settings.CUT_OFF_HOUR else timedelta(0)
    day = _working_day_from(local.date() + after_cut_off)
    while day in _sellers_days_off(settings.SELLER_CANTON, day.year):
        day = _working_day_from(day + timedelta(days=1))
    return day


def _working_day_from(day: date) -> date:
    while day.weekday() >= 5 or day in _days_off(day.year):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=4)
def _days_off(year: int) -> frozenset[date]:
    """On which nothing is carried: the public holidays of at least half of the cantons.

    Only 1 August is a holiday of the Confederation; a parcel goes through several cantons, and a day too many keeps
    a promise that a day too few breaks.
    """
    resting = Counter(day for canton in CANTONS for day in holidays.country_holidays("CH", subdiv=canton, years=year))
    return frozenset(day for day, count in resting.items() if count * 2 >= len(CANTONS))


@lru_cache(maxsize=4)
def _sellers_days_off(canton: str, year: int) -> frozenset[date]:
    """On which nothing is packed: the public holidays of the seller's canton, if it is known."""
    return frozenset(holidays.country_holidays("CH", subdiv=canton, years=year)) if canton else frozenset()
