"""Noon in Zurich, for a day whose books are looked at."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils.timezone import get_default_timezone, localtime

from tests.payments.histories.clock import Clock, moved_by_hand


@pytest.fixture
def clock(db: None) -> Iterator[Clock]:
    """Noon in Zurich; what is booked at once is on the same day."""
    with moved_by_hand() as clock:
        noon = localtime(clock.now, get_default_timezone()).replace(hour=12, minute=0, second=0)
        clock.move(noon - clock.now + timedelta(days=1))
        yield clock
