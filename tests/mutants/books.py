"""What came of every mutant, kept in a file as it is learnt, and the figures."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutants.heart import HEART, Mutant

CAUGHT, TIMED_OUT, SURVIVED = "caught", "timed out", "survived"
AIM = 0.9
"""The share of mutants that must be caught."""


@dataclass(frozen=True)
class Result:
    id: str
    """The mutant's."""
    verdict: str
    by: str
    """The test that noticed; empty when none did."""
    tests: int
    """How many were asked."""
    seconds: float


class Books:
    """All results, one JSON object a line; of several for one mutant the last counts."""

    def __init__(self, file: Path) -> None:
        self._file = file
        lines = file.read_text().splitlines() if file.exists() else []
        self.results = {result.id: result for result in (Result(**json.loads(line)) for line in lines)}

    def note(self, result: Result) -> None:
        self.results[result.id] = result
        with self._file.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")

    def verdict(self, mutant: Mutant) -> str:
        result = self.results.get(mutant.id)
        return result.verdict if result else ""


def report(mutants: Iterable[Mutant], books: Books) -> tuple[str, float]:
    """The survivors and the figures, as text, and the share that was caught of those that were tried."""
    tried = [(mutant, books.verdict(mutant)) for mutant in mutants if books.verdict(mutant)]
    lines = [
        f"{mutant.path}:{mutant.line} {mutant.function}\n{mutant.diff}\n"
        for mutant, verdict in tried
        if verdict == SURVIVED
    ]
    lines.append(f"{'':42} {'mutants':>8} {'caught':>8} {'timed out':>10} {'survived':>9} {'share':>7}")
    by_path = {path: Counter(verdict for mutant, verdict in tried if mutant.path == path) for path in HEART}
    for path, counts in [*by_path.items(), ("all", sum(by_path.values(), Counter()))]:
        if made := counts.total():
            figures = f"{counts[CAUGHT]:8} {counts[TIMED_OUT]:10} {counts[SURVIVED]:9}"
            lines.append(f"{path:42} {made:8} {figures} {_share(counts):7.1%}")
    return "\n".join(lines), _share(sum(by_path.values(), Counter()))


def _share(counts: Counter[str]) -> float:
    """A mutant that never ends is noticed too."""
    return (counts[CAUGHT] + counts[TIMED_OUT]) / (counts.total() or 1)
