"""The one place where a test waits."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = 10.0, what: str = "") -> T:
    """Ask again until the answer is true, and give it. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {seconds} s in vain{f' for {what}' if what else ''}.")
        time.sleep(0.02)
    return answer
