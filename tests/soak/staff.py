"""Staff at their desk: refunds by the command, and what stands on the list of what needs a person."""

import sys
from collections import Counter
from random import Random

from orders.models import Order
from payments.models import Payment
from tests.soak.stage import Stage

NAME = "soak"
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
            self._run("what did not fit given back", "refund", payment.order.number, "--payment", str(payment.pk))
        unannounced = Payment.objects.filter(paid_seen_at__isnull=False).exclude(status=Payment.Status.AUTHORISED)
        for payment in self._some(list(unannounced), others):
            self._run("accepted what the PSP shows", "accept", str(payment.pk))

    def _refund(self, payment: Payment) -> None:
        number = payment.order.number
        goods = ["--goods-back"] if self.random.random() < 0.5 else []
        if self.random.random() < 0.5:
            self._run("refund of the whole", "refund", number, *goods)
        else:
            amount = self.random.randint(1, payment.amount)
            francs = f"{amount // 100}.{amount % 100:02d}"
            self._run("refund of a part", "refund", number, "--amount", francs)

    def _some(self, payments: list[Payment], count: int) -> list[Payment]:
        return self.random.sample(payments, min(count, len(payments)))

    def _run(self, what: str, command: str, *arguments: str) -> None:
        reason = ["--reason", "the customer asked"] if command == "refund" else []
        process = self.stage.start("staff", sys.executable, "manage.py", command, *arguments, "--by", NAME, *reason)
        code = process.wait(SECONDS)
        self.done[what if code == 0 else f"{what}: told why not"] += 1
