"""What happens at the PSPs without the shop: dashboards, banks that decide late, disputes, forgotten pages paid."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

from tests.sandbox.books import Books
from tests.sandbox.client import Json, Sandbox, SandboxRefused
from tests.sandbox.statement import statement

DEAD_AND_PAID = 0.2
BRANDS = (None, None, None, "amex")  # of the live charge: what the session did not tell
NETWORK = (None, None, None, "reversed_after_approval")
OPEN = ("open", "payer_action_required", "created")
STRIPE_ENDS, PAYPAL_ENDS = ("won", "lost"), ("RESOLVED_SELLER_FAVOUR", "RESOLVED_BUYER_FAVOUR", "CANCELED_BY_BUYER")


def rows(books: Path) -> list[Json]:
    """The PSPs' statement, read from their books."""
    with closing(Books(books)) as opened:
        return statement(opened)


class Bank:
    """Draws from the seed what happens to the payments of a wave; `done` counts it by kind."""

    def __init__(self, psps: Sandbox, random: Random) -> None:
        self.psps, self.random, self.done = psps, random, Counter[str]()
        self._met: set[tuple[str, str]] = set()

    def acts(self, payments: Iterable[Json]) -> None:
        """A few of the paid ones go back, are disputed or reversed; a few forgotten pages are paid after all, and a few
        that are dead: the bank had agreed before, and tells it now. Each page has its chance once in each state."""
        for row in payments:
            if (row["page"], row["state"]) in self._met:
                continue
            self._met.add((row["page"], row["state"]))
            chance = self.random.random()
            if row["psp"] == "stripe" and row["state"] == "expired" and chance < DEAD_AND_PAID:
                self._try("a dead page paid", partial(self._pays_late, row))
            if row["state"] in OPEN:
                if chance < 0.12:
                    self._try("a forgotten page paid", partial(self._pays, row))
                elif chance < 0.2:
                    self._try("a page expired at the PSP", partial(self.psps.expire, row["page"]))
            elif row["received"] and not row["refunds"] and not row["disputes"]:
                self._happens_to(row, chance)
        self.decides(payments, some=True)

    def decides(self, payments: Iterable[Json], *, some: bool = False) -> None:
        """What is pending at the PSPs gets its answer; only `some` of it before the end."""
        for row in payments:
            if some and self.random.random() < 0.5:
                continue
            if row["state"] == "pending":
                self._try("an undecided payment decided", partial(self._decides, row))
            for refund in row["refunds"]:
                if refund["status"] == "pending":
                    self._try("a pending refund decided", partial(self._refund_decided, refund["id"]))
            for dispute in row["disputes"]:
                if self.random.random() < 0.6:
                    self._try("a dispute went on", partial(self._moves, row, dispute))

    def lets_pages_die(self, payments: Iterable[Json]) -> None:
        """Their time is over: what nobody paid by now cannot be paid any more."""
        for row in payments:
            if row["state"] in (*OPEN, "approved"):
                self._try("a page died", partial(self.psps.expire, row["page"]))

    def _happens_to(self, row: Json, chance: float) -> None:
        page, some = row["page"], self.random.randint(1, row["received"])
        manner = self.random.choice(("none", "none", "lost", "twice", "reversed", "gaps"))
        if chance < 0.02:
            self._try("refunded at the dashboard", partial(self.psps.refund, page, None, webhook=manner))
        elif chance < 0.04:
            self._try("refunded in part at the dashboard", partial(self.psps.refund, page, some, webhook=manner))
        elif chance < 0.06:
            self._try("a dispute", partial(self.psps.dispute, page, webhook=manner))
        elif chance < 0.07 and row["psp"] == "paypal":
            self._try("a reversal", partial(self.psps.reverse, page, some, webhook=manner))

    def _pays(self, row: Json) -> None:
        """Somebody with an old tab: the order may be paid, cancelled or gone by now."""
        if row["psp"] == "paypal":
            self.psps.approve_paypal(row["page"])
        elif "twint" in row["methods"]:
            self.psps.pay_by_twint(row["page"])
        else:
            brand, network = self.random.choice(BRANDS), self.random.choice(NETWORK)
            self.psps.pay_by_card(row["page"], brand=brand, network_status=network)

    def _pays_late(self, row: Json) -> None:
        self.psps.reopen(row["page"])
        self._pays(row)

    def _decides(self, row: Json) -> None:
        agreed = self.random.random() < 0.6
        if row["psp"] == "stripe":
            self.psps.settle_session(row["page"], paid=agreed)
        else:
            self.psps.settle_capture(row["money"], "COMPLETED" if agreed else "DENIED")

    def _refund_decided(self, id: str) -> None:
        self.psps.settle_refund(id, "succeeded" if self.random.random() < 0.7 else "failed")

    def _moves(self, row: Json, dispute: Json) -> None:
        if row["psp"] == "stripe":
            self.psps.move_dispute(dispute["id"], self.random.choice(STRIPE_ENDS))
        else:
            self.psps.move_dispute(dispute["id"], "RESOLVED", outcome=self.random.choice(PAYPAL_ENDS))

    def _try(self, what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except SandboxRefused:
            return  # it is over already, or not possible any more
        self.done[what] += 1
