"""Real money and play money never share a database: the books could not tell one from the other."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from payments.models import WebhookEvent

HINT = (
    "Let DATABASE_URL name a database of this mode's own. One that holds goods and no payment yet can be copied for "
    "trying out: createdb -T shop shop_test."
)


def of_another_mode() -> str:
    """The sentence that says so when this database holds payments of the mode that is not configured; else empty.

    Money enters by a PSP's message, and each is kept with its mode. Raises DatabaseError.
    """
    is_live = settings.PAYMENTS.mode == "live"
    if not WebhookEvent.objects.filter(livemode=not is_live, order__isnull=False).exists():
        return ""
    kept = "test payments" if is_live else "payments with real money"
    return f"PAYMENTS_MODE is {settings.PAYMENTS.mode}, but the database holds {kept}: both would stand in the books."


def refuse_another_mode() -> None:
    """For the start of the web server. Raises ImproperlyConfigured. A database that does not answer yet, or is still
    empty, is what /health/ready tells of."""
    try:
        said = of_another_mode()
    except DatabaseError:
        return
    if said:
        raise ImproperlyConfigured(f"{said} {HINT}")
