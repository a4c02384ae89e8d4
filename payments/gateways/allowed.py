"""What may be kept of a PSP's message: names that are listed, values whose form is known. All else is dropped.

A form is part of the list: another shop on the same account may keep a customer's address where we keep an id.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

from payments.gateways.base import BadSignature

Form: TypeAlias = Callable[[object], Any] | Mapping[str, "Form"]

WORD = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,100}")
DIGITS = re.compile(r"[0-9]{2,4}", re.ASCII)
CODE = re.compile(r"[A-Za-z0-9]{1,20}")
ADDRESS = re.compile(r"([^@\s])[^@\s]{0,200}@([A-Za-z0-9.-]{1,100})")
OUR_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OUR_ORDER = re.compile(r"KK-[0-9A-Z]{4}-[0-9A-Z]{4}")


def parsed(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises BadSignature for all else: no PSP sends it."""
    try:
        payload = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise BadSignature("not a JSON object")
    return payload


def kept(source: object, allowed: Mapping[str, Form]) -> dict[str, Any]:
    """The allowed fields of an object that have a value of the right form."""
    if not isinstance(source, Mapping):
        return {}
    found = ((name, _formed(source.get(name), form)) for name, form in allowed.items())
    return {name: value for name, value in found if value not in (None, "", {}, [])}


def _formed(value: object, form: Form) -> Any:
    return kept(value, form) if isinstance(form, Mapping) else form(value)


def word(value: object) -> str | None:
    """A status, a type, a currency, a decimal: ASCII, no space, no @, at most 100 characters."""
    return value if isinstance(value, str) and WORD.fullmatch(value) else None


def number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def moment(value: object) -> str | None:
    """A date and time with its offset (RFC 3339), as it was written."""
    return value if isinstance(value, str) and as_datetime(value) else None


def reference(value: object) -> str | None:
    """An object's id, which the PSP gives as such or within the whole object. It fits into a path as it is."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) and REFERENCE.fullmatch(found) else None


def digits(value: object) -> str | None:
    """The last digits of a card, four at most."""
    return value if isinstance(value, str) and DIGITS.fullmatch(value) else None


def code(value: object) -> str | None:
    """A bank's code for its agreement."""
    return value if isinstance(value, str) and CODE.fullmatch(value) else None


def masked(value: object) -> str | None:
    """An e-mail address of which its owner knows his own again: first letter and host."""
    found = ADDRESS.fullmatch(value) if isinstance(value, str) else None
    return f"{found[1]}•••@{found[2]}" if found else None


def each(allowed: Mapping[str, Form]) -> Callable[[object], list[dict[str, Any]]]:
    """A list of objects, of which these fields are kept."""
    return lambda value: [kept(entry, allowed) for entry in value] if isinstance(value, list) else []


def our_id(value: object) -> str | None:
    """A payment's id, as we write it."""
    return value if isinstance(value, str) and OUR_ID.fullmatch(value) else None


def our_order(value: object) -> str | None:
    """An order's number, alone or with more of our own after it."""
    found = OUR_ORDER.match(value) if isinstance(value, str) else None
    return found[0] if found else None


def as_uuid(value: object) -> UUID | None:
    found = our_id(value)
    return UUID(found) if found else None


def as_datetime(value: object) -> datetime | None:
    """The time that a text (RFC 3339) or a number of seconds since 1970 means; None for 0 and all else."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else None
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and value else None
    except (ValueError, OverflowError, OSError):
        return None
