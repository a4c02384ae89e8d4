"""Total deadlines for calls to a PSP."""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from threading import Thread
from typing import TypeVar

from payments.gateways.base import OutOfTime

HAND_OFF_SECONDS = 7.5
"""A customer stands before an empty page; the rest of the hand-off's 8 seconds is ours."""
DETAILS_SECONDS = 2.0
"""Somebody waits for a paper, which is whole without what the PSP would add."""
TASK_SECONDS = 15.0
SOCKET_SECONDS = (3.05, 10.0)
"""To connect and between two bytes: what ends the thread of a call that nobody waits for any more."""

Answer = TypeVar("Answer")
_ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """All calls made inside together end within so many seconds: several short ones must not make one long wait."""
    token = _ends_at.set(min(_ends_at.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


def seconds_left() -> float:
    """Until the innermost `at_most` ends; endless outside of one."""
    return _ends_at.get() - time.monotonic()


def within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Make a call and wait for it so many seconds, whatever it hangs on. Raises OutOfTime, and what the call raises.

    A socket's time-out covers neither name servers nor an answer that comes drop by drop, hence a thread. A call given
    up may still arrive: every one that changes something has a key, with which it can be made again.
    """
    seconds = min(seconds, seconds_left())
    if seconds <= 0:
        raise OutOfTime("no time is left")
    answer: Future[Answer] = Future()
    Thread(target=copy_context().run, args=(_make, call, answer), name="psp-call", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        raise OutOfTime(f"no answer within {seconds:g} seconds") from None


def _make(call: Callable[[], Answer], answer: Future[Answer]) -> None:
    try:
        answer.set_result(call())
    except BaseException as error:  # noqa: BLE001 (it is raised again by whoever waits)
        answer.set_exception(error)
