"""The names of all tests that are written."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
WRITTEN = {
    node.name
    for path in TESTS.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
}
"""All tests, those of contracts too."""
