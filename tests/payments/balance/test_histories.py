"""Random histories: whatever happened, all adds up once it is told."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils.timezone import localdate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments.findings import Reason, Sums
from payments.models import Payment, Provider
from payments.reconciliation import balance
from tests.payments.balance.steps import METHODS, assert_adds_up
from tests.payments.histories.balance import bring_to_rest
from tests.payments.histories.clock import moved_by_hand
from tests.payments.histories.holds import Watch
from tests.payments.histories.witness import sworn_in
from tests.payments.histories.world import World
from tests.sandbox.client import Sandbox
from tests.sandbox.in_process import SandboxInProcess

STEPS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 5), st.sampled_from([0, 1, 7, 25, 70])), max_size=14)


def acts(world: World) -> list[Callable[[int], object]]:
    """What may happen next, each of the n-th thing that it can happen to."""

    def money(n: int) -> dict[str, Any] | None:
        rows = world.paid_pages()
        return rows[n % len(rows)] if rows else None

    def buy(n: int) -> None:
        if order := world.order(n % 2, 1):
            world.choose(order, METHODS[n % 3])
            row = world.pages()[-1 if METHODS[n % 3] == "paypal" else 0]
            for row in world.pages("open", "payer_action_required"):
                world.pay(row, **({"webhook": "wrong_amount"} if n == 5 else {}))
            for payment in order.payments.all():
                world.come_back(payment)

    def ask_back(n: int) -> None:
        payments = [one for one in Payment.objects.select_related("order") if one.refundable()]
        if payments:
            world.ask_back(payments[n % len(payments)], 100 + n, goods_back=False, pieces=False)
            world.work()

    def at_the_dashboard(n: int) -> None:
        if row := money(n):
            world.refund_at_the_dashboard(row, 200 + n, ("succeeded", "pending")[n % 2])

    def turn(n: int) -> None:
        if (row := money(n)) and row["refunds"]:
            world.turn_refund(row, row["refunds"][n % len(row["refunds"])], ("succeeded", "failed")[n % 2])

    def dispute(n: int) -> None:
        if row := money(n):
            world.dispute(row)

    def decide(n: int) -> None:
        if (row := money(n)) and row["disputes"]:
            world.end_dispute(row, row["disputes"][-1], won=bool(n % 2))

    def pay_out(n: int) -> None:
        if sum(line["amount"] - line["fee"] for line in world.psps.ledger("stripe")) > 0:
            world.psps.pay_out("stripe")

    def foreign(n: int) -> None:
        world.psps.take_from_a_stranger(("stripe", "paypal")[n % 2], 300 + n)

    def bring_one(n: int) -> None:
        world.bring_one(n)

    def bring_all(n: int) -> None:
        world.bring_all()

    return [
        buy,
        buy,
        ask_back,
        at_the_dashboard,
        turn,
        dispute,
        decide,
        pay_out,
        foreign,
        bring_one,
        bring_all,
        bring_all,
    ]


@pytest.mark.django_db(transaction=True)
def test_whatever_happened_all_adds_up_once_it_is_told(psps: SandboxInProcess, transactional_db: None) -> None:
    with sworn_in(), moved_by_hand() as clock:

        @settings(
            max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(steps=STEPS)
        def play(steps: list[tuple[int, int, int]]) -> None:
            world = World(psps, clock)
            watch = Watch(world)
            first = localdate(clock.now)
            for act, n, hours in [(0, 0, 0), *steps]:
                acts(world)[act](n)
                clock.move(timedelta(hours=hours, seconds=1))
            bring_to_rest(world, watch)
            clock.move(timedelta(hours=4))
            compare(psps, first, localdate(clock.now))

        play()


def compare(psps: Sandbox, first: date, last: date) -> None:
    """All days together, and each by itself."""
    for provider in Provider:
        whole = balance(provider, first, last)
        assert_adds_up(whole)
        assert whole.differences == []
        assert {one.reason for one in whole.explained} <= {Reason.HELD, Reason.ON_ITS_WAY}
        there = whole.totals()["CHF"].psp.change if whole.days else 0
        assert there == sum(line["amount"] - line["fee"] for line in psps.ledger(provider.value))
        assert all(payout.matches in (True, None) for payout in whole.payouts)
        summed = Sums()
        for day in {day for day, _currency in whole.days}:
            one = balance(provider, day, day)
            assert_adds_up(one)
            assert one.differences == []
            summed.add(one.totals()["CHF"].psp)
        assert summed.change == there
