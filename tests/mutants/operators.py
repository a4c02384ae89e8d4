"""How a line is broken: mutmut's operators, and some of ours for what this code is made of, guards above all."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import libcst as cst
import libcst.matchers as m
from mutmut.mutation import mutators

Operator = Callable[[cst.CSTNode], Iterator[cst.CSTNode]]


def broken(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Every node that may stand in this one's place."""
    for kind, operator in mutators.mutation_operators:
        if isinstance(node, kind) and operator not in REPLACED:
            yield from operator(node)
    for ours in OURS:
        yield from ours(node)


def _text(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Another text; once, not in capitals and small letters too. A text with a space is a sentence for people, and
    an empty one stands for nothing, as well as any other that is not known."""
    if isinstance(node, cst.SimpleString) and " " not in node.value and node.evaluated_value:
        yield from islice(mutators.operator_string(node), 1)


def _arguments(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """None for an argument, or no such argument at all; without one that has no name every call would just crash."""
    if not isinstance(node, cst.Call):
        return
    for i, argument in enumerate(node.args):
        others = [*node.args[:i], *node.args[i + 1 :]]
        if not argument.star and not _is_sentence(argument.value) and not m.matches(argument.value, m.Name("None")):
            yield node.with_changes(args=[*node.args[:i], argument.with_changes(value=NONE), *node.args[i + 1 :]])
        if argument.keyword or argument.star:
            yield node.with_changes(args=others)


def _condition(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The contrary of a condition, unless mutmut knows how to turn it."""
    if isinstance(node, cst.If | cst.While | cst.CompIf) and not isinstance(node.test, cst.Comparison):
        yield node.with_changes(test=_not(node.test))


def _half(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """One side of an `and` or `or` forgotten."""
    if isinstance(node, cst.BooleanOperation):
        yield node.left.with_changes(lpar=node.lpar, rpar=node.rpar) if node.lpar else node.left
        yield node.right.with_changes(lpar=node.lpar, rpar=node.rpar) if node.lpar else node.right


def _deed(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A call whose answer nobody wants, or a refusal, left out."""
    if m.matches(node, m.SimpleStatementLine(body=[m.Expr(m.Call()) | m.Raise()])):
        yield cst.SimpleStatementLine([cst.Pass()])


def _element(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """One of several elements left out."""
    if isinstance(node, cst.List | cst.Set | cst.Dict) and len(node.elements) > 1:
        elements: Sequence[cst.CSTNode] = node.elements
        for i in range(len(elements)):
            yield node.with_changes(elements=[*elements[:i], *elements[i + 1 :]])


def _answer(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """None for what a function returns."""
    if (
        isinstance(node, cst.Return)
        and node.value
        and not isinstance(node.value, cst.Name)
        and not _is_text(node.value)
    ):
        yield node.with_changes(value=NONE, whitespace_after_return=cst.SimpleWhitespace(" "))


def _decorator(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A function without its transaction, or its second try."""
    if isinstance(node, cst.FunctionDef) and node.decorators:
        for i, decorator in enumerate(node.decorators):
            if isinstance(decorator.decorator, cst.Attribute | cst.Name):
                yield node.with_changes(decorators=[*node.decorators[:i], *node.decorators[i + 1 :]])


def _not(test: cst.BaseExpression) -> cst.BaseExpression:
    inner = test if test.lpar else test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return cst.UnaryOperation(cst.Not(), inner)


def _is_text(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.BaseString)


def _is_sentence(node: cst.CSTNode) -> bool:
    """Or nothing at all, which is no better told by None."""
    return isinstance(node, cst.SimpleString) and (" " in node.value or not node.evaluated_value)


NONE = cst.Name("None")
OURS: list[Operator] = [_text, _arguments, _condition, _half, _deed, _element, _answer, _decorator]
REPLACED = [mutators.operator_string, mutators.operator_arg_removal]
