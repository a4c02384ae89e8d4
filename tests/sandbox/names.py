"""New ids in the manner of the PSPs."""

import secrets
import string

LETTERS = string.ascii_letters + string.digits
CAPITALS = string.ascii_uppercase + string.digits


def stripe_id(prefix: str, length: int = 24) -> str:
    return prefix + _word(LETTERS, length)


def paypal_id(length: int = 17) -> str:
    return _word(CAPITALS, length)


def _word(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
