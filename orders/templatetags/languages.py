"""In which language a text is, where it is not the page's (WCAG 3.1.2): `<h1{{ product.names|lang }}>` of a whole
element, `{{ product.names|named }}` amid a sentence."""

from django import template
from django.utils.html import format_html

from orders.models import in_language, language_of

register = template.Library()


@register.filter
def lang(texts: dict[str, str] | None) -> str:
    """The attribute for one of these texts by language as the page shows it; nothing where it is in its own."""
    language = language_of(texts or {})
    return format_html(' lang="{}"', language) if language else ""


@register.filter
def named(texts: dict[str, str]) -> str:
    """One of these texts by language as the page shows it, marked where it is not in its own."""
    text, language = in_language(texts), language_of(texts)
    return format_html('<span lang="{}">{}</span>', language, text) if language else text
