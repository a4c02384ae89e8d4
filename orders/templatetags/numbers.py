"""Numbers and codes with hyphens: whoever reads them aloud or copies them finds each on one line."""

import re

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
NUMBER = re.compile(r"\b(KK-\w{4}-\w{4}|A[PR]-\d{4}-\d{6}|[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5})\b")
"""An order's number, a paper's number, a paper's code."""


@register.filter
def unbroken(text: str) -> SafeString:
    """A text whose numbers and codes do not break at their hyphens. Keeps U+002D, since people copy them."""
    told = NUMBER.split(str(conditional_escape(text)))
    return format_html_join(
        "", "{}", ((_one(part) if place % 2 else SafeString(part),) for place, part in enumerate(told))
    )


def _one(number: str) -> SafeString:
    return format_html('<span class="nowrap">{}</span>', number)
