"""`make soak`: customers, faults and kills upon a whole shop, then its books beside the PSPs'. Ctrl-C ends it.

What a customer does follows from the seed and the customer's number; what meets what, from the machine.
"""

import argparse
import os
import secrets
import signal
import sys
from typing import NoReturn

import django

from tests import messages, postgres
from tests.soak.stage import Broken, Stage, staged

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody ended the soak."""


def main() -> str | None:
    given = _given()
    for ending in ENDINGS:
        signal.signal(ending, _end)
    print(f"Seed {given.seed}: {given.checkouts} checkouts, {given.at_once} customers at once.", flush=True)
    try:
        with staged() as stage:
            try:
                wrong = _soak(stage, given)
            except Stopped:
                stage.is_kept = given.keep
                raise
            stage.is_kept = wrong > 0 or given.keep
    except (Broken, OSError, AssertionError, postgres.NotStarted) as error:
        return f"kookut: {error}"
    except Stopped:
        print("Everything is stopped.")
        return "kookut: ended before its time"
    if stage.is_kept:
        print(f"Logs and books are in {stage.folder}.")
    return f"kookut: {wrong} violations" if wrong else None


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Soak the shop in customers and faults.")
    parser.add_argument("--checkouts", type=int, default=2000)
    parser.add_argument("--seed", default=secrets.token_hex(3), help="of what customers, accidents and staff do")
    parser.add_argument("--at-once", type=int, default=12, help="customers in the shop at the same time")
    parser.add_argument("--wave", type=int, default=100, help="customers between two nights")
    parser.add_argument("--kill-every", type=float, default=8.0, help="seconds, on average")
    parser.add_argument("--break-every", type=float, default=2.0, help="seconds between faults of PSPs, on average")
    parser.add_argument("--keep", action="store_true", help="keep logs and books when all is well, too")
    return parser.parse_args()


def _soak(stage: Stage, given: argparse.Namespace) -> int:
    """Everything, in this stage; prints the figures and returns the number of violations."""
    messages.compile_catalogues()
    os.environ.update(stage.environment)
    django.setup()
    # These need Django.
    from tests.soak.goods import lay_out
    from tests.soak.run import Run

    stock = lay_out(given.checkouts)
    stage.open()
    run = Run(stage, given, stock)
    violations = run.to_its_end()
    print(run.figures().table(violations), flush=True)
    return len(violations)


def _end(*_: object) -> NoReturn:
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)  # a second Ctrl-C must not disturb the stopping
    print("\nStopping …", flush=True)
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
