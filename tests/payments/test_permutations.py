"""Whatever comes first: every order of {return, message, its duplicate, sweep, cancellation, PSP's expiry} ends well.

All 720 are walked as a tree: what begins alike is played once, then PostgreSQL and the PSPs' books are taken back, and
the next branch begins there. Where two ways have led to rows that look alike, one goes on for both.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, transaction

from orders.models import Order
from payments.models import Payment
from tests.payments.histories import balance
from tests.payments.histories.clock import Clock, moved_by_hand
from tests.payments.histories.holds import Watch
from tests.payments.histories.witness import sworn_in
from tests.payments.histories.world import World
from tests.sandbox.in_process import SandboxInProcess

pytestmark = pytest.mark.django_db
IN_ALL = 720
LOOKS = """
SELECT concat_ws(' ', status, cancel_reason, holds_stock) FROM orders_order
UNION ALL SELECT concat_ws(' ', status, why_not, settles, refusal, capture_number, received_amount, claimed_at IS NULL,
    paid_seen_at IS NULL, approved_at IS NULL, with_bank_at IS NULL, returned_at IS NULL) FROM payments_payment
UNION ALL SELECT concat_ws(' ', status, amount, reference IS NULL, goods_returned) FROM payments_refund
UNION ALL SELECT concat_ws(' ', type, source, outcome, processed_at IS NULL) FROM payments_webhookevent
UNION ALL SELECT concat_ws(' ', kind, sent_at IS NULL) FROM payments_letter
UNION ALL SELECT concat_ws(' ', kind, actor, count(*)) FROM orders_timelineentry GROUP BY kind, actor
UNION ALL SELECT concat_ws(' ', sku, stock) FROM orders_product
"""


class Story:
    """Claire's order, whose time is over while its page is still open: whoever comes now decides."""

    def __init__(self, world: World, how: str) -> None:
        self.world = world
        self.watch = Watch(world)
        world.sweep()  # the PSPs' lists are read for this hour
        order = world.order(0, 1)
        assert order
        method, _, when = how.partition(", ")
        assert world.choose(order, method)
        self.payment = Payment.objects.select_related("order").get()
        self.is_paid = False
        self.pending = when == "decided later"
        # As by a clock of ours that is ahead of the PSP's: the sweep finds the order too old, and its page open.
        Order.objects.update(expires_at=world.clock.now - timedelta(seconds=1))
        Payment.objects.update(next_try_at=world.clock.now)
        if when:
            self.pay()

    def pay(self) -> None:
        """At the last moment at which something can come of it; if the page still lets her."""
        if not self.is_paid:
            self.is_paid = True
            (row,) = self.world.pages()
            self.world.pay(row, **({"pending": True} if self.pending else {}))

    def come_back(self) -> None:
        self.pay()
        self.world.come_back(self.payment)

    def hear(self) -> None:
        """All that the PSP has to say; the messages stay at hand for their duplicates."""
        self.pay()
        if self.pending:
            self.pending = False
            self.world.decide(self.world.pages()[0], paid=True)
        self.world.bring_all()

    def hear_twice(self) -> None:
        """The same messages, as another delivery: before the first one, or after it."""
        self.pay()
        for webhook in self.world.messages or list(self.world.taken):
            self.world.bring(webhook)

    def sweep(self) -> None:
        Payment.objects.update(next_try_at=self.world.clock.now)
        Order.objects.update(next_try_at=None)
        self.world.sweep()

    def give_up(self) -> None:
        self.world.give_up(self.payment.order)

    def expire(self) -> None:
        """The PSP finds its page too old, if nobody has paid there."""
        (row,) = self.world.pages()
        self.world.expire(row)

    @contextmanager
    def as_before(self) -> Iterator["Story"]:
        """This story as it stands now, to be gone on with; afterwards everything is as it was."""
        psps, clock = self.world.psps, self.world.clock
        assert isinstance(psps, SandboxInProcess)
        books, time, mails = psps.books_in_memory.copy(), clock.now, len(mail.outbox)
        point = transaction.savepoint()
        branch = copy.copy(self)
        branch.world = self.world.again()
        branch.watch = self.watch.again(branch.world)
        yield branch
        transaction.savepoint_rollback(point)
        psps.books_in_memory.become(books)
        clock.move(time - clock.now)
        del mail.outbox[mails:]

    def looks(self) -> str:
        """What decides how it goes on from here: two stories that look alike end alike."""
        with connection.cursor() as cursor:
            cursor.execute(LOOKS)
            rows = sorted(cursor.fetchall())
        (page,) = self.world.pages()
        money = [page[name] for name in ("state", "received", "refunded", "refunding")]
        messages = [sorted(one.type for one in bag) for bag in (self.world.messages, self.world.taken)]
        return str((rows, money, messages, self.is_paid, self.pending))


ACTS: dict[str, Callable[[Story], None]] = {
    "return": Story.come_back,
    "message": Story.hear,
    "duplicate": Story.hear_twice,
    "sweep": Story.sweep,
    "cancel": Story.give_up,
    "expiry": Story.expire,
}


@pytest.fixture
def clock(db: None) -> Iterator[Clock]:
    with sworn_in(), moved_by_hand() as clock:
        yield clock


@pytest.mark.parametrize("how", ["card", "card, paid at once", "twint", "twint, decided later", "paypal"])
def test_every_order_of_events_ends_well(psps: SandboxInProcess, clock: Clock, how: str) -> None:
    """She pays as late as something can come of it, if the page still lets her; or before all that follows."""
    assert _walk(Story(World(psps, clock), how), (), frozenset(ACTS), {}) == IN_ALL


def _walk(
    story: Story, path: tuple[str, ...], rest: frozenset[str], known: dict[tuple[frozenset[str], str], int]
) -> int:
    """Go on by the last act of the path, then by every order of the rest; how many permutations ended well."""
    with story.as_before() as branch:
        try:
            if path:
                ACTS[path[-1]](branch)
            branch.watch.look()
            here = rest, branch.looks()
            if here not in known and not rest:
                balance.bring_to_rest(branch.world, branch.watch)
                balance.check(branch.world)
                known[here] = 1
        except Exception as error:
            raise AssertionError(f"{' → '.join(path)}: {error}") from error
        if here not in known:
            known[here] = sum(_walk(branch, (*path, name), rest - {name}, known) for name in sorted(rest))
        return known[here]
