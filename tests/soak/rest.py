"""Bring everything to rest: no more faults, time passes, and the shop's own machinery does what is left."""

import re
import subprocess
import sys
import time
from datetime import timedelta

from django.db import OperationalError, connection
from django.db.models.functions import Now
from django_tasks_db.models import DBTaskResult

from tests.soak import clock
from tests.soak.bank import Bank, rows
from tests.soak.stage import Broken, Stage
from tests.waiting import until

COUNTED = re.compile(r"(\w+) (\d+)")
NIGHT = [timedelta(minutes=3), timedelta(minutes=12), timedelta(minutes=50)]
"""Between two waves: what waits for minutes is done, and pages that nobody paid expire."""
LAST_DAYS = (
    [timedelta(minutes=15)] * 2 + [timedelta(hours=1)] * 3 + [timedelta(hours=6)] * 4 + [timedelta(hours=12)] * 4
)
"""At the end: longer than anything in the shop waits before it goes on staff's list (three days)."""
LIFE_OF_A_PAGE = timedelta(hours=3)  # PayPal's, the longer one
A_TASK = timedelta(seconds=10)
MOST_SWEEPS = 12  # after which a moment must have become quiet
SECONDS_FOR_TASKS = 120.0
SECONDS_FOR_A_SWEEP = 120.0
SECONDS_FOR_MESSAGES = 60.0
ALWAYS = "recovered"  # the PSPs' lists are read again and again, whether or not they hold anything new


def let_a_night_pass(stage: Stage) -> None:
    for span in NIGHT:
        clock.let_pass(span)
        sweep(stage)


def bring_to_rest(stage: Stage, bank: Bank) -> int:
    """Mend everything and let days pass until nothing moves any more; returns how many sweeps it took.

    Raises Broken when it does not become quiet.
    """
    stage.wait_until_open()
    stage.psps.mend()
    stage.psps.change(refunds="succeeded", refund_webhook="none")
    sweeps = 0
    for span in LAST_DAYS:
        bank.decides(rows(stage.books))
        if span > LIFE_OF_A_PAGE:
            bank.lets_pages_die(rows(stage.books))
        clock.let_pass(span)
        sweeps += _until_quiet(stage)
    return sweeps


def _until_quiet(stage: Stage) -> int:
    for number in range(1, MOST_SWEEPS + 1):
        stage.psps.flush(early=True, seconds=SECONDS_FOR_MESSAGES)
        counts = sweep(stage)
        until(lambda: _tasks_are_done(stage), SECONDS_FOR_TASKS, "the tasks")
        if not any(count for name, count in counts.items() if name != ALWAYS):
            return number
    raise Broken(f"The shop does not come to rest: the last sweep did {counts}.")


def sweep(stage: Stage) -> dict[str, int]:
    """One `manage.py sweep`, to its end; what it did. Empty when it failed, as it may while parts are down."""
    log = stage.folder / "sweep.log"
    start = log.stat().st_size if log.exists() else 0
    process = begin_sweep(stage)
    deadline = time.monotonic() + SECONDS_FOR_A_SWEEP
    while process.poll() is None:
        stage.watch()
        if time.monotonic() > deadline:
            raise Broken(f"A sweep took more than {SECONDS_FOR_A_SWEEP:.0f} s.")
        time.sleep(0.05)
    said = log.read_bytes()[start:].decode(errors="replace").splitlines()
    last = next((line for line in reversed(said) if line.startswith("payments ")), "")
    return {name: int(count) for name, count in COUNTED.findall(last)}


def begin_sweep(stage: Stage) -> subprocess.Popen[bytes]:
    return stage.start("sweep", sys.executable, "manage.py", "sweep")


def _tasks_are_done(stage: Stage) -> bool:
    """No task is ready. What a killed worker was at stays marked as running for ever, and counts for nothing."""
    stage.watch()
    try:
        running = DBTaskResult.objects.running().filter(started_at__gt=Now() - A_TASK)
        return not DBTaskResult.objects.ready().exists() and not running.exists()
    except OperationalError:
        connection.close()
        return False
