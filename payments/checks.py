"""System checks of the payments' configuration: what `manage.py check` and every start say about it."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from stdnum.ch import uid
from stdnum.exceptions import ValidationError


@register()
def methods_are_offered(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    if not settings.PAYMENTS.stripe:
        messages.append(
            Warning(
                "Card and TWINT are not offered: Stripe is not configured.",
                hint="Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRETS.",
                id="payments.W001",
            )
        )
    if not settings.PAYMENTS.paypal:
        messages.append(
            Warning(
                "PayPal is not offered: it is not configured.",
                hint="Set PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET and PAYPAL_WEBHOOK_IDS.",
                id="payments.W002",
            )
        )
    return messages


@register()
def seller_is_identified(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    """A seller registered for VAT shows its number on every invoice (LTVA art. 26 al. 2 let. a)."""
    number = settings.SELLER["uid"]
    if not number:
        if settings.SELLER["vat_registered"]:
            hint = "Set SELLER_UID, or SELLER_VAT_REGISTERED=False."
            return [Error("The seller is registered for VAT but has no number.", hint=hint, id="payments.E001")]
        return []
    try:
        uid.validate(number)
    except ValidationError:
        hint = "Check SELLER_UID: its last digit proves the others, as in CHE-123.456.788."
        return [Error(f"SELLER_UID is {number!r}, which is no Swiss company number.", hint=hint, id="payments.E002")]
    return []
