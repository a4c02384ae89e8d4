"""What is broken: every place of the heart's modules, without what only people read."""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from tests.mutants.operators import broken

# A module's file → the functions and methods that belong to the heart; None: all of them, and its tables.
HEART: dict[str, tuple[str, ...] | None] = {
    "payments/inbox.py": None,
    "payments/moves.py": None,
    "orders/moves.py": None,
    "payments/refunds.py": None,
    "payments/handoff.py": None,
    "payments/capture.py": None,
    "payments/expiry.py": None,
    "payments/recovery.py": None,
    "payments/surplus.py": None,
    "payments/disputes.py": None,
    "payments/gateways/stripe_messages.py": None,
    "payments/gateways/paypal_messages.py": None,
    "payments/gateways/paypal_signature.py": None,
    "payments/gateways/stripe_transport.py": ("is_signed",),
    "payments/gateways/stripe.py": ("verify", "facts", "read", "confirm"),
    "payments/gateways/paypal.py": ("verify", "facts", "read", "confirm", "_reversal", "_with_its_payment", "_shown"),
}
# Left out with everything in it: types, decorators' arguments, the log, and what is there for people alone.
NOISE = (
    m.Annotation()
    | m.Decorator()
    | m.Import()
    | m.ImportFrom()
    | m.Call(func=m.Attribute(value=m.Name("log")))
    | m.Call(func=m.Name("TypeVar") | m.Name("getLogger") | m.Name("_") | m.Name("gettext"))
    | m.SimpleStatementLine(body=[m.Expr(m.Call(func=m.Attribute(value=m.Name("log"))))])
    | m.SimpleStatementLine(body=[m.Assign(targets=[m.AssignTarget(m.Name("log") | m.Name("Actor") | m.Name("Kind"))])])
    | m.SimpleStatementLine(body=[m.Expr(m.SimpleString() | m.ConcatenatedString())])
    | m.AssignTarget()
    | m.Attribute(attr=m.Name("verbose_name"))
)


@dataclass(frozen=True)
class Mutant:
    """One change of one top-level statement of a module."""

    path: str
    function: str
    """Its name with its class's; empty for a table."""
    line: int
    lines: tuple[int, ...]
    """Where it shows: the lines of the innermost function that holds it, or those that name the table."""
    statement: int
    """Which statement of the module holds it."""
    code: str
    """The statement, changed."""
    diff: str

    @property
    def id(self) -> str:
        """The same as long as the statement is; lines before it may come and go."""
        return hashlib.sha256(f"{self.path}\0{self.code}".encode()).hexdigest()[:16]


def mutants_of(path: str, root: Path) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines, each once."""
    visitor = _Visitor(path, HEART[path])
    wrapper = MetadataWrapper(cst.parse_module((root / path).read_text()))
    wrapper.visit(visitor)
    return list({mutant.id: mutant for mutant in visitor.found}.values())


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider, ParentNodeProvider)

    def __init__(self, path: str, functions: tuple[str, ...] | None) -> None:
        super().__init__()
        self.found: list[Mutant] = []
        self._path, self._functions = path, functions
        self._statements: list[cst.CSTNode] = []
        self._module = cst.Module([])

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Module):
            self._module, self._statements = node, list(node.body)
            return True
        if m.matches(node, NOISE):
            return False
        for changed in broken(node):
            self._note(node, changed)
        return True

    def _note(self, node: cst.CSTNode, changed: cst.CSTNode) -> None:
        above = list(self._above(node))
        functions = [one.name.value for one in above if isinstance(one, cst.FunctionDef | cst.ClassDef)][::-1]
        if self._functions is not None and not set(functions) & set(self._functions):
            return
        if any(isinstance(one, cst.Raise) for one in above[1:]) and _is_text_of(above, node):
            return
        top = above[-1]
        inner = next((one for one in above if isinstance(one, cst.FunctionDef)), None)
        code = self._module.code_for_node(top.deep_replace(node, changed))
        before = self._module.code_for_node(top)
        if code == before or not _compiles(code):
            return
        self.found.append(
            Mutant(
                self._path,
                ".".join(functions),
                self.get_metadata(PositionProvider, node).start.line,
                self._lines_of(inner) if inner else self._lines_that_name(top),
                self._statements.index(top),
                code.strip("\n"),
                _diff(before, code),
            )
        )

    def _lines_of(self, function: cst.FunctionDef) -> tuple[int, ...]:
        place = self.get_metadata(PositionProvider, function)
        return tuple(range(place.start.line, place.end.line + 1))

    def _lines_that_name(self, table: cst.CSTNode) -> tuple[int, ...]:
        targets = [name for target in m.findall(table, m.AssignTarget()) for name in m.findall(target, m.Name())]
        names = [m.Name(cst.ensure_type(target, cst.Name).value) for target in targets]
        named = [node for name in names for node in m.findall(self._module, name)]
        return tuple(sorted({self.get_metadata(PositionProvider, node).start.line for node in named}))

    def _above(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The node and what it stands in, up to its top-level statement."""
        while not isinstance(node, cst.Module):
            yield node
            node = self.get_metadata(ParentNodeProvider, node)


def _is_text_of(above: list[cst.CSTNode], node: cst.CSTNode) -> bool:
    """Whether a node is (part of) a formatted text: an error's sentence."""
    return any(isinstance(one, cst.FormattedString | cst.SimpleString) for one in above) or (
        isinstance(node, cst.Call) and any(isinstance(arg.value, cst.FormattedString) for arg in node.args)
    )


def _compiles(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def _diff(before: str, after: str) -> str:
    lines = list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    return "\n".join(line for line in lines if not line.startswith("@@"))
