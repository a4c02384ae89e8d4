"""What Stripe accepts: the TypedDicts of the installed `stripe` package, so that every upgrade of it is followed."""

import sys
import types
import typing
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

import stripe
from typing_extensions import get_type_hints, is_typeddict

from tests.sandbox.stripe.errors import StripeError

TRANSPORT = frozenset(stripe.RequestOptions.__annotations__)  # of the SDK itself, never on the wire
# Names that the package's modules import for type checkers only.
ABSENT = {"StripeContext": object, "StripeVersion": object}


def checked(params: dict[str, Any], shape: type) -> dict[str, Any]:
    """The parameters as values of their types. Raises StripeError for what the shape does not know."""
    return _object(params, shape, "")


@cache
def _fields(shape: type) -> dict[str, Any]:
    """The wire parameters of one TypedDict with their types."""
    names = {**vars(typing), **ABSENT, **vars(stripe), **vars(sys.modules[shape.__module__])}
    hints = get_type_hints(shape, names, include_extras=True)
    own = TRANSPORT if _made_from_options(shape) else frozenset()
    return {name: _bare(hint) for name, hint in hints.items() if name not in own}


def _made_from_options(shape: type) -> bool:
    """TypedDicts forget their bases: one that has all the SDK's own options is made from them."""
    return set(shape.__annotations__) >= TRANSPORT


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in (NotRequired, Required) else hint


def _object(value: Any, shape: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StripeError("Invalid object", param=path)
    fields = _fields(shape)
    for name in value:
        if name not in fields:
            full = _join(path, name)
            raise StripeError(f"Received unknown parameter: {full}", code="parameter_unknown", param=full)
    for name in shape.__required_keys__ & set(fields):
        if name not in value:
            full = _join(path, name)
            raise StripeError(f"Missing required param: {full}.", code="parameter_missing", param=full)
    return {name: _value(item, fields[name], _join(path, name)) for name, item in value.items()}


def _value(value: Any, hint: Any, path: str) -> Any:
    options = _options(hint)
    shapes = [option for option in options if is_typeddict(option)]
    lists = [option for option in options if get_origin(option) is list]
    if value == "" and "" in _choices(options):
        return ""
    if isinstance(value, list):
        if not lists:
            raise StripeError("Invalid array", param=path)
        return [_value(item, get_args(lists[0])[0], f"{path}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, dict):
        if shapes:
            return _object(value, shapes[0], path)
        if any(get_origin(option) is dict for option in options):
            return {name: str(item) for name, item in value.items()}
        raise StripeError("Invalid string: an object was given", param=path)
    return _leaf(value, options, path)


def _leaf(value: str, options: list[Any], path: str) -> Any:
    choices = _choices(options) - {""}
    if choices:
        if value in choices:
            return value
        listed = ", ".join(sorted(str(choice) for choice in choices))
        raise StripeError(f"Invalid {path}: must be one of {listed}", param=path)
    if bool in options:
        if value not in ("true", "false"):
            raise StripeError(f"Invalid boolean: {value}", param=path)
        return value == "true"
    if int in options:
        if not value.lstrip("-").isdigit():
            raise StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path)
        return int(value)
    if any(option is str or "Decimal" in str(option) for option in options):
        if value == "":
            raise StripeError(f"You passed an empty string for '{path}'.", code="parameter_invalid_empty", param=path)
        return value
    raise StripeError("Invalid object", param=path)


def _options(hint: Any) -> list[Any]:
    """The members of a union, however it is written."""
    if get_origin(hint) in (Union, types.UnionType):
        return [option for part in get_args(hint) for option in _options(part)]
    return [hint]


def _choices(options: list[Any]) -> set[Any]:
    return {choice for option in options if get_origin(option) is Literal for choice in get_args(option)}


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
