"""The books under everything: in memory here."""

import pytest

from tests.sandbox.books import STEP, Books


@pytest.fixture
def books() -> Books:
    return Books(None)


def test_a_walk_goes_on_beyond_one_reading_in_both_directions(books: Books) -> None:
    ids = [f"e{n}" for n in range(2 * STEP)]
    for id in ids:
        books.put("event", id, {"id": id})
        books.put("other", id, {"id": "other"})
    assert [thing["id"] for thing in books.walk("event", newest_first=True)] == ids[::-1]
    assert [thing["id"] for thing in books.walk("event", newest_first=False)] == ids
    middle = ids[STEP + 1]
    assert [thing["id"] for thing in books.walk("event", newest_first=True, beyond=middle)] == ids[STEP::-1]
    assert [thing["id"] for thing in books.walk("event", newest_first=False, beyond=middle)] == ids[STEP + 2 :]


def test_documents_are_found_by_their_fields(books: Books) -> None:
    for id, charge in (("r1", "ch_1"), ("r2", "ch_2"), ("r3", "ch_1")):
        books.put("refund", id, {"id": id, "charge": charge, "_mark": id})
    assert [thing["id"] for thing in books.where("refund", charge="ch_1")] == ["r1", "r3"]
    assert [thing["id"] for thing in books.where("refund", charge="ch_1", _mark="r3")] == ["r3"]
    assert books.where("refund", colour="blue") == []
