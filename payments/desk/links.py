"""Where lists show what a figure counts; and where the PSPs show, to who may log in there, what an id names."""

from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Model
from django.urls import reverse
from django.utils.http import urlencode

from payments.disputes import CASE
from payments.models import Provider

STRIPE = {
    "pi": "payments",
    "ch": "payments",
    "cs": "checkout/sessions",
    "evt": "events",
    "dp": "disputes",
    "du": "disputes",
    "po": "payouts",
}
SEARCHED = {"re", "pyr"}
"""Refunds at Stripe, which stand on the page of their payment: its search leads there."""


def at_psp(provider: str, reference: str | None) -> str:
    """The address of an object in its PSP's dashboard, of the mode in which the shop is; empty where there is none."""
    if not reference:
        return ""
    if settings.PAYMENTS.mode == "sandbox":
        return _sandbox(provider)
    if provider == Provider.STRIPE:
        prefix = reference.partition("_")[0]
        kind = STRIPE.get(prefix)
        test = "" if settings.PAYMENTS.mode == "live" else "test/"
        if prefix in SEARCHED:
            return f"https://dashboard.stripe.com/{test}search?{urlencode({'query': reference})}"
        return f"https://dashboard.stripe.com/{test}{kind}/{reference}" if kind else ""
    site = "https://www.paypal.com" if settings.PAYMENTS.mode == "live" else "https://www.sandbox.paypal.com"
    if reference.startswith(CASE):
        return f"{site}/resolutioncenter/view/{reference}"
    return "" if reference.startswith("WH-") else f"{site}/activity/payment/{reference}"


def _sandbox(provider: str) -> str:
    """Our own PSPs have one desk for all."""
    psp = settings.PAYMENTS.stripe if provider == Provider.STRIPE else settings.PAYMENTS.paypal
    if psp is None:
        return ""
    parts = urlsplit(psp.api)
    return f"{parts.scheme}://{parts.netloc}/"


def listed(model: type[Model], **narrowed: object) -> str:
    """The address of the list of such rows, narrowed by its filters."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    return f"{reverse(name)}?{urlencode({key: str(value) for key, value in narrowed.items()})}"
