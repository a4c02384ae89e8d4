"""Stripe's idempotency keys (docs.stripe.com/api/idempotent_requests)."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.sandbox.books import Books
from tests.sandbox.faults import broke, has_effect, pause
from tests.sandbox.stripe.errors import StripeError

Answer = tuple[dict[str, Any], int]
KIND = "stripe key"
LIFE = 86_400  # seconds that a key is kept
LONGEST = 255  # characters

_running: set[str] = set()
_running_lock = threading.Lock()


def once(books: Books, key: str, path: str, params: Any, act: Callable[[], Answer]) -> tuple[Answer, bool]:
    """Act, or give the first answer of this key again (True). What was refused before it began leaves no trace."""
    if len(key) > LONGEST:
        raise StripeError(f"Idempotency keys may be at most {LONGEST} characters long.", type="idempotency_error")
    with _running_lock:
        if key in _running:
            raise StripeError(
                f"There is currently another in-progress request using this Idempotency-Key: {key}.",
                status=409,
                type="idempotency_error",
                code="idempotency_key_in_use",
            )
        _running.add(key)
    try:
        pause()
        return _once(books, key, path, params, act)
    finally:
        with _running_lock:
            _running.discard(key)


def _once(books: Books, key: str, path: str, params: Any, act: Callable[[], Answer]) -> tuple[Answer, bool]:
    print_ = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
    kept = books.get(KIND, key)
    if kept and kept["at"] > time.time() - LIFE:
        if kept["path"] != path:
            raise _misused(f"used for the same endpoint they were first used for ('{kept['path']}').", key)
        if kept["print"] != print_:
            raise _misused("used with the same parameters they were first used with.", key)
        return (kept["body"], kept["status"]), True
    with books.turn():
        if has_effect():
            body, status = act()
        if broke():
            body, status = {"error": {"message": "An unknown error occurred.", "type": "api_error"}}, 500
        books.put(KIND, key, {"at": time.time(), "path": path, "print": print_, "body": body, "status": status})
    return (body, status), False


def _misused(only: str, key: str) -> StripeError:
    return StripeError(
        f"Keys for idempotent requests can only be {only} "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
        type="idempotency_error",
    )
