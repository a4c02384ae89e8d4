"""`<h1{{ product.names|lang }}>` says in which language the text is, where it is not the page's (WCAG 3.1.2)."""

from django import template
from django.utils.html import format_html

from orders.models import language_of

register = template.Library()


@register.filter
def lang(texts: dict[str, str] | None) -> str:
    """The attribute for one of these texts by language as the page shows it; nothing where it is in its own."""
    language = language_of(texts or {})
    return format_html(' lang="{}"', language) if language else ""
