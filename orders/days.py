"""Days and moments as people say and write them, in the language in use."""

from datetime import date, datetime

from django.utils.dateformat import format as format_date
from django.utils.formats import get_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, pgettext

FIRST = {"fr": r"\1\e\r", "it": r"\1°"}
"""The first of a month, where it has a name of its own, in the letters of Django's date filter."""


def day(value: date) -> str:
    """« jeudi 26 novembre »: the weekday, the day and the month; the last two stay together on a line."""
    pattern = pgettext("a weekday with its date, in the letters of Django's date filter", "l j F")
    return "\u00a0".join(_printed(value, pattern).rsplit(" ", 1))


def dated(at: datetime) -> str:
    """« 26 novembre 2026 », in Swiss time."""
    return _printed(localtime(at), get_format("DATE_FORMAT"))


def moment(at: datetime) -> str:
    """« 26 novembre 2026 à 14 h 05 », in Swiss time."""
    return _printed(localtime(at), get_format("DATETIME_FORMAT"))


def _printed(value: date, pattern: str) -> str:
    first = FIRST.get((get_language() or "")[:2])
    return format_date(value, pattern.replace("j", first, 1) if first and value.day == 1 else pattern)
