"""System checks of the payments' configuration: what every command of manage.py says about it.

The web server runs none of them: a contradiction is refused where the settings are read, and money of another mode in
the database by kookut.wsgi.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import ProgrammingError

from payments.books_mode import HINT, of_another_mode
from payments.configuration import LOOPBACK


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
def money_is_real(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    """A shop that everybody can reach and that takes play money gives its goods away."""
    if settings.PAYMENTS.mode != "test" or urlsplit(settings.SITE_URL).hostname in LOOPBACK:
        return []
    return [
        Warning(
            f"PAYMENTS_MODE is test, and {settings.SITE_URL} is public: orders become effective without real money.",
            hint="Set PAYMENTS_MODE=live and the keys of that mode before customers come.",
            id="payments.W003",
        )
    ]


@register(Tags.database)
def books_are_of_one_mode(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: object
) -> list[CheckMessage]:
    """Asked by `migrate`, `sweep` and `check --database default`."""
    try:
        said = of_another_mode() if databases else ""
    except ProgrammingError:  # no tables yet
        return []
    return [Error(said, hint=HINT, id="payments.E001")] if said else []
