"""The table of known cases and failures names tests that exist, and each test that is called after one stands there."""

import re
from dataclasses import dataclass

import pytest

from tests.house.written import TESTS, WRITTEN

TABLE = (TESTS / "known.md").read_text()
CASE = re.compile(r"test_case_(\d+)_")
FAILURE = re.compile(r"test_(?!case_)([a-z_]+?)_(?:\d+|paypal2)_")


@dataclass(frozen=True)
class Row:
    number: int
    tracker: str
    """Empty for a case."""
    sentence: str
    tests: list[str]

    def __str__(self) -> str:
        return f"{self.tracker or 'case'} {self.number}"


def rows(heading: str) -> list[Row]:
    """The rows of the table under a heading."""
    section = TABLE.partition(f"## {heading}")[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]
    return [
        Row(int(number), "".join(tracker), sentence, re.findall(r"`(test_\w+)`", names))
        for number, *tracker, sentence, names in (line for line in lines if line[0].isdigit())
    ]


CASES, FAILURES = rows("Cases"), rows("Failures")
NAMED = {name for row in [*CASES, *FAILURES] for name in row.tests}
TRACKERS = {found[1] for name in NAMED if (found := FAILURE.match(name))}
"""The first words of tests that are called after a failure: woo, pretix …"""


def is_called_after_a_failure(name: str) -> bool:
    found = FAILURE.match(name)
    return found is not None and found[1] in TRACKERS


def test_every_case_and_every_failure_stands_there_once() -> None:
    assert [row.number for row in CASES] == list(range(1, 56))
    assert [row.number for row in FAILURES] == list(range(1, 57))


@pytest.mark.parametrize("row", [*CASES, *FAILURES], ids=str)
def test_a_row_has_a_sentence_and_a_test_of_its_name_or_a_reason(row: Row) -> None:
    assert row.sentence.endswith(".")
    if row.tests:
        assert any(CASE.match(name) or is_called_after_a_failure(name) for name in row.tests)
    else:
        assert "cannot be, since" in row.sentence


def test_every_test_that_a_row_names_exists() -> None:
    assert not NAMED - WRITTEN


def test_every_test_that_is_called_after_a_case_stands_in_its_row() -> None:
    in_its_row = {name for row in CASES for name in row.tests if name.startswith(f"test_case_{row.number:02d}_")}
    assert {name for name in WRITTEN if CASE.match(name)} == in_its_row


def test_every_test_that_is_called_after_a_failure_stands_among_the_failures() -> None:
    among_them = {name for row in FAILURES for name in row.tests}
    assert {name for name in WRITTEN if is_called_after_a_failure(name)} - among_them == set()
