"""`{{ order.delivery_by|day }}` prints a day as people say it: « jeudi 26 novembre »."""

from datetime import date

from django import template
from django.utils.dateformat import format as format_date
from django.utils.translation import get_language, pgettext

register = template.Library()


@register.filter
def day(value: date) -> str:
    """The weekday, the day and the month, in the language in use; the last two stay together on a line."""
    pattern = pgettext("a weekday with its date, in the letters of Django's date filter", "l j F")
    text = format_date(value, pattern)
    if value.day == 1 and (get_language() or "").startswith("fr"):
        text = text.replace(" 1 ", " 1er ")
    return "\u00a0".join(text.rsplit(" ", 1))
