"""The process that tries mutants: pytest with everything collected, imported and set up, which forks for each."""

import argparse
import ast
import gc
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psycopg2
import pytest
from _pytest.runner import runtestprotocol
from django.db import connections
from psycopg2 import sql

from payments import gateways
from tests.mutants.books import AIM, CAUGHT, SURVIVED, TIMED_OUT, Books, Result, report
from tests.mutants.heart import HEART, Mutant, mutants_of
from tests.mutants.reach import Reach, measure

ROOT = Path.cwd()
REACH = Path("reach.json")
TESTS = ("tests/payments", "tests/orders", "tests/gateways")
TOO_LONG = ("tests/payments/histories", "tests/payments/test_permutations.py", "tests/payments/test_interleavings.py")
"""Each of these goes on for longer than all that is asked of one mutant."""
LIMIT = 10
"""Seconds that a test may take beside five times what it takes unbroken."""
OWN = 5
"""How many times quicker a module's own tests count."""
SESSION_FIXTURES = ("django_db_setup", "sandbox_of_the_run", "running")
ENDED_BADLY = 2
"""The exit code of a fork that could not do its work."""
PRISTINE = "mutants_pristine"


class Wishes(argparse.Namespace):
    """What the command line says."""

    share: float
    seed: str
    only: str
    survivors: bool
    seconds: float
    results: Path


class Trial:
    """The pytest plugin: instead of running the tests, it breaks the heart and runs them on that."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._books = Books(wishes.results)
        self._catchers = Counter[tuple[str, str]]()
        self.share = 0.0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._session, self._terminal = session, session.config.get_terminal_writer()
        self._items = {item.nodeid: item for item in session.items}
        _warm_up(session)
        self._keep_database()
        if not REACH.exists():
            self._say(f"{len(self._items)} tests run once, unbroken, to learn which line each of them reaches …")
            _in_fork(lambda _: measure(session, ROOT).save(REACH))
        self._reach = Reach.load(REACH)
        mutants = self._mutants()
        try:
            self._try(mutants)
        except KeyboardInterrupt:
            self._say("Stopped; the next run goes on from here.")
        text, self.share = report(mutants, self._books)
        self._say("\n" + text)
        return True

    def _mutants(self) -> list[Mutant]:
        paths = [path for path in HEART if self._wishes.only in path]
        mutants = [mutant for path in paths for mutant in mutants_of(path, ROOT)]
        return [mutant for mutant in mutants if _drawn(mutant, self._wishes.seed) < self._wishes.share]

    def _try(self, mutants: list[Mutant]) -> None:
        again = ("", SURVIVED) if self._wishes.survivors else ("",)
        left = [mutant for mutant in mutants if self._books.verdict(mutant) in again]
        # In no order of theirs: wherever a run is stopped, its figures are those of a fair sample.
        left.sort(key=lambda mutant: _drawn(mutant, self._wishes.seed))
        self._say(f"{len(mutants)} mutants, {len(left)} to try")
        for mutant in mutants:
            if known := self._books.results.get(mutant.id):
                self._learn(mutant, known)
        began = time.monotonic()
        for n, mutant in enumerate(left, start=1):
            result = self._tried(mutant)
            self._books.note(result)
            self._learn(mutant, result)
            pace = (time.monotonic() - began) / n
            if result.verdict == SURVIVED or n % 25 == 0:
                told = f"{result.verdict} {mutant.path}:{mutant.line} {result.seconds:.1f} s of {result.tests} tests"
                self._say(f"{n}/{len(left)} {told}; {pace:.2f} s each, {pace * (len(left) - n) / 60:.0f} min to go")

    def _tried(self, mutant: Mutant) -> Result:
        tests, began = self._asked(mutant), time.monotonic()
        status, said = _in_fork(lambda out: self._broken(mutant, tests, out))
        by = said.splitlines()[-1] if said else ""
        if status == 0:
            verdict, by = SURVIVED, ""
        elif status == -signal.SIGALRM:
            verdict = TIMED_OUT
        else:
            verdict = CAUGHT
        if status == ENDED_BADLY:
            raise RuntimeError(said)
        if status < 0 or any(self._empties_tables(test) for test in said.splitlines() if test in self._items):
            self._restore_database()
        return Result(mutant.id, verdict, by, len(tests), round(time.monotonic() - began, 2))

    def _learn(self, mutant: Mutant, result: Result) -> None:
        """Whoever noticed one change of a function is asked first about the next."""
        if result.by:
            self._catchers[mutant.path, result.by] += 1
            self._catchers[f"{mutant.path}:{mutant.function}", result.by] += 1

    def _asked(self, mutant: Mutant) -> list[str]:
        """The tests that noticed its like before, then the quickest first, while there is time; the module's own count
        as quicker than they are."""
        function, own = f"{mutant.path}:{mutant.function}", f"/test_{Path(mutant.path).stem}"

        def order(test: str) -> tuple[int, int, float]:
            caught = -self._catchers[function, test], -self._catchers[mutant.path, test]
            return *caught, self._reach.seconds[test] / (OWN if own in test else 1)

        asked: list[str] = []
        left = self._wishes.seconds
        for test in sorted(self._reach.tests_for(mutant) & self._items.keys(), key=order):
            left -= self._reach.seconds[test]
            if left < 0 and asked:
                break
            asked.append(test)
        return sorted(asked, key=self._empties_tables)

    def _empties_tables(self, test: str) -> bool:
        """Tests with real transactions take the rows that migrations wrote (VAT rates) away from those after them."""
        marker = self._items[test].get_closest_marker("django_db")
        return bool(marker and marker.kwargs.get("transaction"))

    def _broken(self, mutant: Mutant, tests: list[str], out: int) -> None:
        """In the fork: break, run the tests until one fails. A test that takes too long ends the process."""
        try:
            put(mutant)
        except Exception as error:  # noqa: BLE001 a table that cannot even be built
            os.write(out, f"{type(error).__name__} while loading\n".encode())
            os._exit(1)
        items = [self._items[test] for test in tests]
        for item, following in zip(items, [*items[1:], self._session], strict=False):
            os.write(out, f"{item.nodeid}\n".encode())
            signal.alarm(LIMIT + int(5 * self._reach.seconds[item.nodeid]))
            if any(one.failed for one in runtestprotocol(item, nextitem=following, log=False)):  # type: ignore[arg-type]
                os._exit(1)

    def _keep_database(self) -> None:
        connections.close_all()
        self._database(sql.SQL("CREATE DATABASE {kept} TEMPLATE {used}"))

    def _restore_database(self) -> None:
        """A test that was ended in the middle leaves its rows, one with real transactions not even the first ones."""
        self._database(sql.SQL("DROP DATABASE {used} WITH (FORCE)"))
        self._database(sql.SQL("CREATE DATABASE {used} TEMPLATE {kept}"))

    def _database(self, statement: sql.SQL) -> None:
        settings = connections["default"].settings_dict
        names = {"kept": sql.Identifier(PRISTINE), "used": sql.Identifier(settings["NAME"])}
        connection = psycopg2.connect(
            host=settings["HOST"] or settings["OPTIONS"].get("host"),
            port=settings["PORT"] or None,
            user=settings["USER"],
            password=settings["PASSWORD"],
            dbname="postgres",
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement.format(**names))
        connection.close()

    def _say(self, text: str) -> None:
        self._terminal.line(text)
        self._terminal.flush()


def _drawn(mutant: Mutant, seed: str) -> float:
    """A number from 0 to 1, the same for the same mutant in every run."""
    return random.Random(seed + mutant.id).random()  # noqa: S311 a sample, no secret


def put(mutant: Mutant) -> None:
    """Break a module that is imported already: what the statement made stands wherever the module's own stood.

    The tables after it are made anew, since they may hold it.
    """
    module = sys.modules[mutant.path.removesuffix(".py").replace("/", ".")]
    before = dict(vars(module))
    later = ast.parse(Path(mutant.path).read_text()).body[mutant.statement + 1 :]
    tables = ast.Module([one for one in later if isinstance(one, ast.Assign | ast.AnnAssign)], [])
    exec(compile(mutant.code, mutant.path, "exec", dont_inherit=True), vars(module))  # noqa: S102 that is the point
    exec(compile(tables, mutant.path, "exec", dont_inherit=True), vars(module))  # noqa: S102
    for name, new in list(vars(module).items()):
        old = before.get(name, new)
        if old is not new:
            _replace(module, name, old, new)


def _replace(module: ModuleType, name: str, old: object, new: object) -> None:
    if isinstance(old, type):
        for key, value in vars(new).items():
            if key not in ("__dict__", "__weakref__"):
                setattr(old, key, value)
        setattr(module, name, old)
        return
    for other in list(sys.modules.values()):
        if getattr(other, "__dict__", {}).get(name) is old:
            setattr(other, name, new)


def _warm_up(session: pytest.Session) -> None:
    """Make what lasts for the session in this process, for all forks: database, sandboxes.

    By the plainest test that uses it: one that draws a PDF would start threads, which no fork would have.
    """
    for fixture in SESSION_FIXTURES:
        using = [item for item in session.items if fixture in getattr(item, "fixturenames", ())]
        item = min(using, key=lambda item: len(getattr(item, "fixturenames", ())))
        runtestprotocol(item, nextitem=session, log=False)  # type: ignore[arg-type]
    # Connections and tokens are each fork's own.
    gateways._stripe.cache_clear()
    gateways._paypal.cache_clear()
    connections.close_all()
    gc.freeze()  # what is here is never collected in a fork, nor copied for it


def _in_fork(deed: Callable[[int], object]) -> tuple[int, str]:
    """Do something in a fork; its exit code (0, a failure, or minus the signal that ended it) and what it wrote."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            deed(writing)
        except BaseException:  # noqa: BLE001 whatever it is, the fork ends here
            os.write(writing, traceback.format_exc().encode())
            os._exit(ENDED_BADLY)
        os._exit(0)
    os.close(writing)
    try:
        with os.fdopen(reading) as said:
            text = said.read()
        _, status = os.waitpid(child, 0)
    except KeyboardInterrupt:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    return os.waitstatus_to_exitcode(status), text


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--share", type=float, default=1.0, help="of all mutants, drawn by the seed")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", default="", help="part of a module's path")
    parser.add_argument("--survivors", action="store_true", help="try those again that survived")
    parser.add_argument("--seconds", type=float, default=10.0, help="of tests, unbroken, for one mutant at most")
    parser.add_argument("--results", type=Path, required=True, help="the file that keeps what came of each")
    trial = Trial(parser.parse_args(namespace=Wishes()))
    chosen = ["-q", "-m", "not browser", "-p", "no:cacheprovider", "-p", "no:xdist"]
    pytest.main([*TESTS, *chosen, *(f"--ignore={path}" for path in TOO_LONG)], plugins=[trial])
    return 0 if trial.share >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
