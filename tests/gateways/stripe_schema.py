"""What may be sent to Stripe: JSON schemas made from the request types of the installed `stripe` package.

They follow every upgrade of it: a parameter that goes, a value that is no longer allowed, fails a test with its path.
"""

import re
import sys
import types
import typing
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin
from urllib.parse import parse_qsl, urlsplit

import stripe
from jsonschema import Draft202012Validator
from stripe.params import (
    BalanceTransactionListParams,
    DisputeRetrieveParams,
    EventListParams,
    PaymentIntentRetrieveParams,
    RefundCreateParams,
    RefundListParams,
    RefundRetrieveParams,
    WebhookEndpointCreateParams,
    WebhookEndpointListParams,
    WebhookEndpointUpdateParams,
)
from stripe.params.checkout import SessionCreateParams, SessionExpireParams, SessionRetrieveParams
from typing_extensions import get_type_hints, is_typeddict

# On the wire all is text.
TEXT = {"type": "string", "minLength": 1}
INTEGER = {"type": "string", "pattern": "^-?[0-9]+$"}
BOOLEAN = {"enum": ["true", "false"]}
# Given to the package's own methods, never sent.
OPTIONS = frozenset(stripe.RequestOptions.__annotations__)

SESSIONS = "/v1/checkout/sessions"
ROUTES: tuple[tuple[str, str, Any], ...] = (
    ("POST", SESSIONS, SessionCreateParams),
    ("GET", f"{SESSIONS}/[A-Za-z0-9_]+", SessionRetrieveParams),
    ("POST", f"{SESSIONS}/[A-Za-z0-9_]+/expire", SessionExpireParams),
    ("GET", "/v1/payment_intents/[A-Za-z0-9_]+", PaymentIntentRetrieveParams),
    ("POST", "/v1/refunds", RefundCreateParams),
    ("GET", "/v1/refunds", RefundListParams),
    ("GET", "/v1/refunds/[A-Za-z0-9_]+", RefundRetrieveParams),
    ("GET", "/v1/disputes/[A-Za-z0-9_]+", DisputeRetrieveParams),
    ("GET", "/v1/balance_transactions", BalanceTransactionListParams),
    ("GET", "/v1/events", EventListParams),
    ("GET", "/v1/webhook_endpoints", WebhookEndpointListParams),
    ("POST", "/v1/webhook_endpoints", WebhookEndpointCreateParams),
    ("POST", "/v1/webhook_endpoints/[A-Za-z0-9_]+", WebhookEndpointUpdateParams),
)


def violations(method: str, url: str, body: str) -> list[str]:
    """What is wrong with a request to Stripe; `url` with whatever stands before `/v1`."""
    parts = urlsplit(url)
    path = parts.path[parts.path.index("/v1") :]
    for known, pattern, shape in ROUTES:
        if method == known and re.fullmatch(pattern, path):
            errors = Draft202012Validator(schema_of(shape)).iter_errors(tree(body or parts.query))
            return [f"{method} {path}: {error.json_path}: {error.message}" for error in errors]
    return [f"{method} {path}: no such call is expected"]


@cache
def schema_of(shape: Any) -> dict[str, Any]:
    """The JSON schema of one TypedDict."""
    names = {**vars(typing), **vars(stripe), "StripeContext": object, **vars(sys.modules[shape.__module__])}
    hints = get_type_hints(shape, names, include_extras=True)
    # A TypedDict forgets its bases: one that has all the package's options was made from them.
    own = OPTIONS if set(hints) >= OPTIONS else frozenset()
    fields = {name: hint for name, hint in hints.items() if name not in own}
    return {
        "type": "object",
        "properties": {name: _schema(_bare(hint)) for name, hint in fields.items()},
        "required": sorted(shape.__required_keys__ & set(fields)),
        "additionalProperties": False,
    }


def _schema(hint: Any) -> dict[str, Any]:
    options = list(_options(hint))
    choices = [choice for option in options if get_origin(option) is Literal for choice in get_args(option)]
    if choices:
        # `Literal[…] | str` is the package's way to stay open to the future. We are not.
        options = [option for option in options if option is not str and get_origin(option) is not Literal]
    schemas = [_single(option) for option in options] + ([{"enum": choices}] if choices else [])
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _single(option: Any) -> dict[str, Any]:
    if is_typeddict(option):
        return schema_of(option)
    if get_origin(option) is list:
        return {"type": "array", "items": _schema(get_args(option)[0])}
    if get_origin(option) is dict:
        return {"type": "object", "additionalProperties": TEXT}
    return INTEGER if option is int else BOOLEAN if option is bool else TEXT


def _options(hint: Any) -> Iterator[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        for part in get_args(hint):
            yield from _options(part)
    else:
        yield hint


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in (NotRequired, Required) else hint


def tree(form: str) -> Any:
    """What a form body says: `line_items[0][price_data][currency]=chf`."""
    root: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        *branches, leaf = re.findall(r"[^\[\]]+", name)
        node = root
        for branch in branches:
            node = node.setdefault(branch, {})
        node[leaf] = value
    return _with_lists(root)


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(name.isdigit() for name in node):
        return [_with_lists(node[name]) for name in sorted(node, key=int)]
    return {name: _with_lists(value) for name, value in node.items()}
