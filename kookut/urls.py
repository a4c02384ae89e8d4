"""Every address of the site. Pages have a language prefix (none for French); what machines ask for has none."""

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.sitemaps import views as sitemaps
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from kookut import errors, health, pages
from orders.pictures import NAME
from orders.views import picture
from payments import webhooks

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("health/payments", health.payments, name="health_payments"),
    path("webhooks/stripe/", webhooks.receive, {"provider": "stripe"}, name="webhook_stripe"),
    path("webhooks/paypal/", webhooks.receive, {"provider": "paypal"}, name="webhook_paypal"),
    path("robots.txt", pages.robots),
    path("sitemap.xml", sitemaps.index, {"sitemaps": pages.SITEMAPS, "sitemap_url_name": "sitemap_section"}, "sitemap"),
    path("sitemap-<section>.xml", sitemaps.sitemap, {"sitemaps": pages.SITEMAPS}, "sitemap_section"),
    # What browsers look for where no page names it.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}img/favicon.svg")),
    path("admin/", admin.site.urls),
    re_path(rf"^{settings.LANGUAGE_CODE}(?:/|$)", pages.without_prefix),
    # Behind a proxy nginx may serve the pictures; without one this does, from the same storage.
    re_path(rf"^media/(?P<name>{NAME})$", picture),
]
urlpatterns += i18n_patterns(
    path("", include("orders.urls")),
    path("", include("payments.urls")),
    path("paiement-securise/", pages.fixed("secure_payment"), name="secure_payment"),
    path("confidentialite/", pages.fixed("confidentiality"), name="confidentiality"),
    path("conditions/", pages.fixed("terms"), name="terms"),
    path("contact/", pages.fixed("contact"), name="contact"),
    prefix_default_language=False,
)

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error
