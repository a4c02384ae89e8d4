"""The table of promises is whole, and names tests that exist."""

import re
from pathlib import Path

import pytest

from tests.house.written import WRITTEN

TABLE = (Path(__file__).parents[1] / "rules.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if re.match(r"\| \d", line)
]


def test_every_rule_stands_there_once() -> None:
    assert [int(number) for number, *_rest in ROWS] == list(range(1, 75))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_rule_is_a_sentence_with_a_test_or_says_why_it_has_none(row: list[str]) -> None:
    _number, promise, names = row
    tests = re.findall(r"`(test_\w+)`", names)
    assert promise.endswith(".")
    assert tests or "cannot be, since" in promise
    assert [name for name in tests if name not in WRITTEN] == []
