"""One clock for the shop, its PostgreSQL and our PSPs. It stands still until somebody moves it.

No row is touched: what is written keeps its time, and time passes for all three alike.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from unittest.mock import patch

from django.db import connection

# `Now()` asks for statement_timestamp(), which ours answers as long as its schema stands before PostgreSQL's own.
IN_POSTGRESQL = """
CREATE SCHEMA clock;
CREATE FUNCTION clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('clock.now')::timestamptz $$;
SET search_path = clock, public, pg_catalog;
"""
AS_BEFORE = "RESET search_path; DROP SCHEMA clock CASCADE;"


class Clock:
    """The time that everybody is told."""

    def __init__(self) -> None:
        self._begin = datetime.now(UTC).replace(microsecond=0)
        self.start_again()

    def start_again(self) -> None:
        self.now = self._begin
        self._tell_postgresql()

    def move(self, by: timedelta) -> None:
        self.now += by
        self._tell_postgresql()

    def seconds(self) -> float:
        return self.now.timestamp()

    def _tell_postgresql(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('clock.now', %s, false)", [self.now.isoformat()])


@contextmanager
def moved_by_hand() -> Iterator[Clock]:
    """Let everybody read our clock. Whoever sleeps, sleeps no time at all."""
    with ExitStack() as stack:
        with connection.cursor() as cursor:
            cursor.execute(IN_POSTGRESQL)
        stack.callback(_put_back)
        clock = Clock()

        class OurDatetime(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return clock.now.astimezone(tz)

        for module in _who_reads_clocks():
            stack.enter_context(patch.object(module, "datetime", OurDatetime))
        stack.enter_context(patch("time.time", clock.seconds))
        stack.enter_context(patch("time.sleep"))
        yield clock


def _who_reads_clocks() -> list[Any]:
    """Our modules, and Django's one place, that know `datetime`; all others ask the module `time`."""
    ours = ("orders", "payments", "tests.sandbox", "django.utils.timezone")
    return [
        module
        for name, module in list(sys.modules.items())
        if name.startswith(ours) and vars(module).get("datetime") is datetime
    ]


def _put_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute(AS_BEFORE)
