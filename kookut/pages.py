"""The fixed pages (secure payment, confidentiality, terms, contact and imprint), and what search engines ask for."""

from collections.abc import Callable
from datetime import date, time
from typing import Any

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import escape_leading_slashes
from django.views.decorators.http import require_safe

from orders.checkout import TIME_TO_PAY
from orders.models import Product, ShippingMethod
from orders.quote import countries_reached
from payments import retention
from payments.handoff import offers, on_statements

DAY = 24 * 3600
CONFIDENTIALITY_OF = date(2026, 11, 23)
"""The day since which the confidentiality page reads as it does: a new one with every change."""
FIXED = ["secure_payment", "confidentiality", "terms", "contact"]


def fixed(name: str) -> Callable[[HttpRequest], HttpResponse]:
    """A view that shows `templates/pages/<name>.html`, with what the pages say of this shop's settings and goods."""

    @require_safe
    def page(request: HttpRequest) -> HttpResponse:
        return render(request, f"pages/{name}.html", _facts())

    return page


def _facts() -> dict[str, Any]:
    return {
        "on_statements": on_statements(offers(0)),
        "deliveries": ShippingMethod.objects.filter(active=True),
        "countries_reached": countries_reached,  # called by the one page that asks
        "cut_off": time(settings.CUT_OFF_HOUR),
        "closed_in_canton": bool(settings.SELLER_CANTON),
        "terms_of": date.fromisoformat(settings.TERMS_VERSION),
        "return_days": settings.RETURN_DAYS,
        "minutes_to_pay": int(TIME_TO_PAY.total_seconds()) // 60,
        "confidentiality_of": CONFIDENTIALITY_OF,
        "processors": settings.DATA_PROCESSORS,
        "session_cookie": settings.SESSION_COOKIE_NAME,
        "session_days": settings.SESSION_COOKIE_AGE // DAY,
        "contact_days": retention.CONTACT.days,
        "unpaid_days": retention.UNPAID.days,
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
    }


@require_safe
def without_prefix(request: HttpRequest) -> HttpResponse:
    """French is at the root: who types its prefix, as for the other languages, is led there for good.

    Two slashes after the prefix lead to no other host.
    """
    rest = request.get_full_path().removeprefix(f"/{settings.LANGUAGE_CODE}")
    return HttpResponsePermanentRedirect(escape_leading_slashes(rest if rest.startswith("/") else f"/{rest}"))


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Pages that no search engine should show say so themselves: forbidden here, they could not."""
    lines = ["User-agent: *", "Disallow: /admin/", f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}"]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain")


class PagesSitemap(Sitemap[str]):
    """The catalogue and the fixed pages, in every language."""

    i18n = True

    def items(self) -> list[str]:
        return ["orders:catalogue", *FIXED]

    def location(self, item: str) -> str:
        return reverse(item)


class GoodsSitemap(Sitemap[Product]):
    """Every product that is on sale, in every language."""

    i18n = True
    limit = 2000

    def items(self) -> Any:
        return Product.objects.filter(active=True).only("slug").order_by("pk")

    def location(self, item: Product) -> str:
        return reverse("orders:product", args=[item.slug])


SITEMAPS = {"pages": PagesSitemap, "goods": GoodsSitemap}
