"""The clock and the witness of a history, for a test of its own."""

from collections.abc import Iterator

import pytest

from tests.payments.histories.clock import Clock, moved_by_hand
from tests.payments.histories.witness import sworn_in


@pytest.fixture
def clock(transactional_db: None) -> Iterator[Clock]:
    """Stands still until it is moved; every change of a state has its witness."""
    with sworn_in(), moved_by_hand() as clock:
        yield clock
