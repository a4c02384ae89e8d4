"""Which test runs which line of the heart, and how long it takes: learnt in one run of all of them under coverage."""

import json
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.heart import HEART, Mutant

TOO_SLOW = 7.0
"""Seconds. Tests that take longer wait for something, and on a busy machine for too long: they are not asked."""


@dataclass
class Reach:
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each test takes that passes when nothing is broken."""
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    """Of each module: line → the tests that run it."""

    def tests_for(self, mutant: Mutant) -> set[str]:
        """The tests that run its line, or else the nearest one of its function; for a table what names it, or all."""
        lines = self.lines.get(mutant.path, {})
        shown = sorted(set(mutant.lines) & lines.keys(), key=lambda at: (at > mutant.line, abs(at - mutant.line)))
        if mutant.function:
            return {test for line in shown[:1] for test in lines[line]}
        return {test for line in shown or lines for test in lines[line]}

    def save(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, file: Path) -> "Reach":
        said = json.loads(file.read_text())
        lines = {path: {int(line): tests for line, tests in found.items()} for path, found in said["lines"].items()}
        return cls(said["seconds"], lines)


def measure(session: pytest.Session, root: Path) -> Reach:
    """Run every test once, unbroken. What fails is told, and not asked later."""
    eye = coverage.Coverage(data_file=None, config_file=False, include=[str(root / path) for path in HEART])
    reach, failed, terminal = Reach(), list[str](), session.config.get_terminal_writer()
    eye.start()
    for n, (item, following) in enumerate(zip(session.items, [*session.items[1:], session], strict=True)):
        if n % 200 == 0:
            terminal.line(f"{n} of {len(session.items)} tests")
            terminal.flush()
        eye.switch_context(item.nodeid)
        began = time.monotonic()
        reports = runtestprotocol(item, nextitem=following, log=False)  # type: ignore[arg-type]
        seconds = time.monotonic() - began
        if any(report.failed for report in reports):
            failed.append(item.nodeid)
        elif seconds < TOO_SLOW and all(report.passed for report in reports):
            reach.seconds[item.nodeid] = round(seconds, 3)
    eye.stop()
    data = eye.get_data()
    for path in HEART:
        found = defaultdict[int, list[str]](list)
        for line, tests in data.contexts_by_lineno(str(root / path)).items():
            found[line] = [test for test in tests if test in reach.seconds]
        reach.lines[path] = {line: tests for line, tests in found.items() if tests}
    if failed:
        terminal.line("Failing unbroken, not asked: " + ", ".join(failed))
    return reach
