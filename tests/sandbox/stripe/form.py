"""Stripe's form encoding: `line_items[0][price_data][currency]=chf` is a tree."""

import re
from typing import Any
from urllib.parse import parse_qsl

from tests.sandbox.stripe.errors import StripeError

KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


def decoded(text: str) -> dict[str, Any]:
    """The tree that a query string or a form body says, its leaves still text."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = KEY.match(name)
        if not match:
            raise StripeError(f"Invalid request: cannot read the parameter name {name}")
        _plant(tree, [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])], value)
    grown = _with_lists(tree)
    assert isinstance(grown, dict)
    return grown


def _plant(tree: dict[str, Any], path: list[str], value: str) -> None:
    *branches, leaf = path
    for branch in branches:
        tree = tree.setdefault(branch or str(len(tree)), {})
        if not isinstance(tree, dict):
            raise StripeError("Invalid request: a parameter is both a value and an object")
    tree[leaf or str(len(tree))] = value


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_with_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _with_lists(value) for key, value in node.items()}
