"""The one place where a test waits, and what it may wait for."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = 10.0, what: str = "") -> T:
    """Ask again until the answer is true, and give it. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {seconds} s in vain{f' for {what}' if what else ''}.")
        time.sleep(0.02)
    return answer


def somebody_waits() -> bool:
    """Whether another connection to this test's database waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])
