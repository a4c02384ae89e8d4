"""PayPal-Request-Id: a key finds what it made, and tells it as it is now (developer.paypal.com, idempotency)."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.sandbox.books import Books, Document
from tests.sandbox.faults import pause
from tests.sandbox.paypal.errors import PayPalError, malformed, unprocessable
from tests.sandbox.paypal.orders import DECLINES, declined

KIND = "paypal key"
ORDERS_LIFE = 6 * 3600  # seconds that Orders v2 keeps a key
PAYMENTS_LIFE = 45 * 86_400  # the same of Payments v2
LONGEST = 108  # characters

_running: set[str] = set()
_running_lock = threading.Lock()


def once(
    books: Books,
    key: str,
    path: str,
    body: Any,
    act: Callable[[], Document],
    again: Callable[[str], Document],
    life: float,
) -> tuple[Document, bool]:
    """Act, or tell what has become of what this key made (True). Raises PayPalError."""
    if not 1 <= len(key) <= LONGEST:
        raise malformed("INVALID_PARAMETER_VALUE", f"At most {LONGEST} characters.", "PayPal-Request-Id")
    with _running_lock:
        if key in _running:
            raise PayPalError(
                "RESOURCE_CONFLICT",
                "PREVIOUS_REQUEST_IN_PROGRESS",
                "A previous request is still in progress.",
            )
        _running.add(key)
    try:
        pause()
        return _once(books, key, path, body, act, again, life)
    finally:
        with _running_lock:
            _running.discard(key)


def _once(
    books: Books,
    key: str,
    path: str,
    body: Any,
    act: Callable[[], Document],
    again: Callable[[str], Document],
    life: float,
) -> tuple[Document, bool]:
    print_ = hashlib.sha256(f"{path} {json.dumps(body, sort_keys=True)}".encode()).hexdigest()
    kept = books.get(KIND, key)
    if kept and kept["at"] > time.time() - life:
        if kept["print"] != print_:
            raise unprocessable(
                "PAYPAL_REQUEST_ID_PREVIOUSLY_USED",
                "The PayPal-Request-Id has already been used for another request.",
            )
        if kept["made"] is None:
            raise declined(kept["issue"])
        return again(kept["made"]), True
    mark = {"at": time.time(), "print": print_}
    with books.turn():
        try:
            made = act()
        except PayPalError as error:
            # A decline is a result, and kept; a refusal to begin is not.
            if error.issue not in DECLINES:
                raise
            refused = error
        else:
            books.put(KIND, key, {**mark, "made": made["id"]})
            return made, False
        books.put(KIND, key, {**mark, "made": None, "issue": refused.issue})
    raise refused
