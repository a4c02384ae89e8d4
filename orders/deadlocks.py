"""Transactions that PostgreSQL broke off for another's sake are tried once more."""

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError

P = ParamSpec("P")
R = TypeVar("R")

DEADLOCK = "40P01"
SERIALISATION_FAILURE = "40001"
PAUSE = 0.05
"""Seconds: longer than a transaction here needs to end."""


def tried_twice(transaction: Callable[P, R]) -> Callable[P, R]:
    """Run a function that opens its own transaction a second time if it met a deadlock or a serialisation failure."""

    @wraps(transaction)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return transaction(*args, **kwargs)
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) not in (DEADLOCK, SERIALISATION_FAILURE):
                raise
        # At once, it could meet the other transaction again before that one has gone on.
        time.sleep(PAUSE)
        return transaction(*args, **kwargs)

    return run
