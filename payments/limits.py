"""How often somebody may ask, counted in the shared cache by a sign of his address that cannot be read back."""

import logging
import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

log = logging.getLogger(__name__)


def is_too_often(request: HttpRequest, what: str, most: int, seconds: int) -> bool:
    """Count one more request; whether it is beyond `most` in the running window of `seconds`.

    A cache that fails limits nobody.
    """
    window = int(time.time() // seconds)
    sign = salted_hmac("limits", client_address(request)).hexdigest()[:20]
    key = f"limit-{what}-{window}-{sign}"
    try:
        cache.add(key, 0, seconds)
        return bool(cache.incr(key) > most)
    except Exception:
        log.exception("A limit could not be kept: %s", what)
        return False


def client_address(request: HttpRequest) -> str:
    """The address of who asks, as the outermost of our own proxies saw it: what comes before it anybody can write."""
    forwarded = [address.strip() for address in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    proxies: int = settings.PROXIES
    if proxies and len(forwarded) >= proxies and forwarded[-proxies]:
        return str(forwarded[-proxies])
    return str(request.META.get("REMOTE_ADDR", ""))
