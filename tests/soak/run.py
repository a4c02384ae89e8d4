"""One soak from its first customer to its last: waves, nights, rest, and the comparing. Needs Django."""

import argparse
import json
import sys
import time
from collections import Counter
from contextlib import closing
from random import Random

from django.db import connection

from tests.sandbox.books import Books
from tests.sandbox.statement import statement
from tests.soak import audit, rest
from tests.soak.accidents import Accidents
from tests.soak.bank import Bank, rows
from tests.soak.figures import Figures
from tests.soak.staff import Staff
from tests.soak.stage import DATABASE, Broken, Stage

SECONDS_BETWEEN_SWEEPS = 20.0
SECONDS_BETWEEN_LINES = 10.0
BETWEEN_LOOKS = 0.1  # seconds
LONGEST_WAVE = 1200.0  # seconds: then the soak itself is stuck
ABOUT_MAILS = ("worker", "sweep", "sandbox", DATABASE)
"""The parts that send, take or note mails."""


class Run:
    """One run: its stage, what befalls it, and what is counted."""

    def __init__(self, stage: Stage, given: argparse.Namespace, stock: dict[str, int]) -> None:
        random = Random(given.seed)  # noqa: S311 a plan, no secret
        self.stage, self.given, self.stock = stage, given, stock
        self.accidents = Accidents(stage, random, given.kill_every, given.break_every)
        self.bank, self.staff = Bank(stage.psps, random), Staff(stage, random)
        self.began = time.monotonic()
        self.nights = self.sweeps_to_rest = 0
        self._next_line = self._next_sweep = 0.0

    def to_its_end(self) -> list[str]:
        """Every wave and every night, then rest; returns the violations."""
        for first in range(1, self.given.checkouts + 1, self.given.wave):
            self._day(first, min(self.given.wave, self.given.checkouts + 1 - first))
            rest.let_a_night_pass(self.stage)
            self.nights += 1
        self._say("No more faults: days pass, until nothing moves any more.")
        self.sweeps_to_rest = rest.bring_to_rest(self.stage, self.bank)
        self._say("Comparing the shop's books with the PSPs'.")
        return audit.violations(self._seen())

    def _seen(self) -> audit.Witness:
        told = {story["token"] for story in self._stories() if story["told"] == "accepted"}
        kills = [at for at, name in self.stage.kills if name in ABOUT_MAILS]
        with closing(Books(self.stage.books)) as books:
            return audit.Witness(statement(books), audit.kept(books), self.stock, told, kills)

    def figures(self) -> Figures:
        stories = self._stories()
        return Figures(
            seed=self.given.seed,
            checkouts=len(stories),
            plans=Counter(story["plan"] for story in stories),
            ends=Counter(story["end"].partition(":")[0] for story in stories),
            manners=Counter(story["manner"] for story in stories),
            faults=self.accidents.faults,
            kills=Counter(name for _at, name in self.stage.kills),
            restarts=self.stage.ended_by_themselves,
            bank=self.bank.done,
            staff=self.staff.done,
            nights=self.nights,
            sweeps=self.sweeps_to_rest,
            seconds=time.monotonic() - self.began,
        )

    def _day(self, first: int, count: int) -> None:
        """Customers under accidents; then the parts come up again, and banks and staff do their work."""
        self._wave(first, count)
        self.stage.wait_until_open()
        connection.close()  # PostgreSQL may have been killed since it was opened
        self.bank.acts(rows(self.stage.books))
        self.staff.works(refunds=max(1, count // 25), others=1)

    def _wave(self, first: int, count: int) -> None:
        crowd = [sys.executable, "-m", "tests.soak.crowd", "--seed", self.given.seed, "--first", str(first)]
        crowd += ["--count", str(count), "--at-once", str(self.given.at_once), "--shop", self.stage.shop_url]
        customers = self.stage.start("crowd", *crowd, "--psps", self.stage.sandbox_url, "--goods", *self.stock)
        deadline = time.monotonic() + LONGEST_WAVE
        self.accidents.begin()
        while customers.poll() is None:
            self.stage.watch()
            self.accidents.happen()
            self._sweep_now_and_then()
            self._say_now_and_then()
            if time.monotonic() > deadline:
                raise Broken(f"The customers of a wave did not come to an end: see {self.stage.folder}.")
            time.sleep(BETWEEN_LOOKS)
        if customers.returncode:
            raise Broken(f"The crowd broke down: see {self.stage.folder}/crowd.log.")

    def _sweep_now_and_then(self) -> None:
        if time.monotonic() > self._next_sweep and not self.stage.is_running("sweep"):
            self._next_sweep = time.monotonic() + SECONDS_BETWEEN_SWEEPS
            rest.begin_sweep(self.stage)

    def _say_now_and_then(self) -> None:
        if time.monotonic() > self._next_line:
            self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            told = Counter(story["told"] for story in self._stories())
            kills = Counter(name for _at, name in self.stage.kills)
            seen = f"{told.total()} of {self.given.checkouts} customers, {told['accepted']} told that they have paid"
            self._say(f"{seen}; {kills.total()} kills, {self.accidents.faults.total()} faults")

    def _say(self, words: str) -> None:
        print(f"{time.monotonic() - self.began:6.0f} s  {words}", flush=True)

    def _stories(self) -> list[dict[str, str]]:
        log = self.stage.folder / "crowd.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
