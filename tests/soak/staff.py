"""Staff at their desk: refunds by the command, and what stands on the list of what needs a person."""

import sys
from collections import Counter
from random import Random
from typing import TypeVar

from orders.models import Order
from payments.models import Payment, Refund
from tests.soak.stage import Stage

Row = TypeVar("Row")
NAMES = ("soak", "second")
"""One asks for refunds; what is above the limit, the other releases or turns down."""
SECONDS = 60.0


class Staff:
    """Draws from the seed which orders are given back; `done` counts the commands by what came of them."""

    def __init__(self, stage: Stage, random: Random) -> None:
        self.stage, self.random, self.done = stage, random, Counter[str]()

    def works(self, refunds: int, others: int) -> None:
        """Ask for so many refunds of effective orders, and deal with so many other items of the list."""
        effective = Payment.objects.filter(settles=True, order__status=Order.Status.EFFECTIVE, refunds__isnull=True)
        for payment in self._some(list(effective.select_related("order")), refunds):
            self._refund(payment)
        unfit = Payment.objects.exclude(why_not__in=["", "gone"]).filter(refunds__isnull=True).select_related("order")
        for payment in self._some(list(unfit), others):
            self._refund_of(payment, "what did not fit given back", "--payment", str(payment.pk))
        unannounced = Payment.objects.filter(paid_seen_at__isnull=False).exclude(status=Payment.Status.AUTHORISED)
        for payment in self._some(list(unannounced), others):
            self._run("accepted what the PSP shows", "accept", str(payment.pk))
        for refund in self._some(list(Refund.objects.filter(status=Refund.Status.PROPOSED)), refunds):
            if self.random.random() < 0.8:
                self._run("refund released", "release", str(refund.pk), by=NAMES[1])
            else:
                self._run("refund turned down", "release", str(refund.pk), "--turn-down", "not agreed", by=NAMES[1])

    def _refund(self, payment: Payment) -> None:
        goods = ["--goods-back"] if self.random.random() < 0.5 else []
        if self.random.random() < 0.5:
            self._refund_of(payment, "refund of the whole", *goods)
        else:
            amount = self.random.randint(1, payment.amount)
            francs = f"{amount // 100}.{amount % 100:02d}"
            self._refund_of(payment, "refund of a part", "--amount", francs)

    def _refund_of(self, payment: Payment, what: str, *arguments: str) -> None:
        self._run(what, "refund", payment.order.number, *arguments, "--reason", "the customer asked")

    def _some(self, rows: list[Row], count: int) -> list[Row]:
        return self.random.sample(rows, min(count, len(rows)))

    def _run(self, what: str, command: str, *arguments: str, by: str = NAMES[0]) -> None:
        process = self.stage.start("staff", sys.executable, "manage.py", command, *arguments, "--by", by)
        code = process.wait(SECONDS)
        self.done[what if code == 0 else f"{what}: told why not"] += 1
