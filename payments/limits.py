"""How often somebody may ask, counted in the database by a sign of who asks that cannot be read back.

Not in the shared cache: that of the database counts by reading and writing, forgets its own time-out whenever it
counts, and throws counts away once it holds 300 entries of whatever kind.
"""

import logging
from ipaddress import IPv6Address, IPv6Network, ip_address
from uuid import UUID

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from payments.models import Asked

log = logging.getLogger(__name__)
# One statement decides, whoever else asks at the same moment on whatever machine; the time is PostgreSQL's.
COUNT = """
    INSERT INTO payments_asked AS known (key, times, until)
    VALUES (%s, 1, STATEMENT_TIMESTAMP() + make_interval(secs => %s))
    ON CONFLICT (key) DO UPDATE SET
        times = CASE WHEN known.until <= STATEMENT_TIMESTAMP() THEN 1 ELSE known.times + 1 END,
        until = CASE WHEN known.until <= STATEMENT_TIMESTAMP() THEN EXCLUDED.until ELSE known.until END
    RETURNING times
"""
BATCH = 1000


def is_too_often(what: str, who: str, most: int, seconds: int) -> bool:
    """Count one more; whether it is beyond `most` in the window of `seconds` that began when this one first asked.

    A count that fails limits nobody.
    """
    key = UUID(bytes=salted_hmac(f"limits {what}", who).digest()[:16])
    try:
        with connection.cursor() as cursor:
            cursor.execute(COUNT, [key, seconds])
            times: int = cursor.fetchone()[0]
    except Error:
        log.exception("A limit could not be kept: %s", what)
        return False
    return times > most


@transaction.atomic
def forget() -> int:
    """Drop counts whose time is over, a batch of them; returns how many."""
    over = Asked.objects.filter(until__lte=Now()).order_by("until").select_for_update(skip_locked=True)
    return Asked.objects.filter(pk__in=list(over.values_list("pk", flat=True)[:BATCH])).delete()[0]


def address(request: HttpRequest) -> str:
    """Who asks, as far as an address tells: of IPv6 the /64 that one subscriber has to himself."""
    seen = _seen_by_our_proxy(request)
    try:
        parsed = ip_address(seen)
    except ValueError:
        return seen
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Network((int(parsed), 64), strict=False))
    return seen


def _seen_by_our_proxy(request: HttpRequest) -> str:
    """As the outermost of our own proxies saw it: what comes before it anybody can write."""
    forwarded = [one.strip() for one in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    proxies: int = settings.PROXIES
    if proxies and len(forwarded) >= proxies and forwarded[-proxies]:
        return str(forwarded[-proxies])
    return str(request.META.get("REMOTE_ADDR", ""))
