"""A violation is planted, and the comparing finds it; without one it finds nothing."""

from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes, policy
from time import time
from typing import Any

import pytest
from django.core import mail
from django.utils.timezone import now

from orders.models import Order, Product
from payments.models import Attestation, Letter, Payment, Refund
from payments.sweep import sweep
from tests.payments.steps import bring_messages, ordered, paid, take
from tests.sandbox.client import Json, Sandbox
from tests.shop import goods
from tests.soak.audit import Mail, Witness, violations

pytestmark = pytest.mark.django_db
STOCK = 10


class Books:
    """What is compared with the shop's rows, after a day on which Claire bought one bowl by card."""

    def __init__(self, psps: Sandbox) -> None:
        self.bowl = goods(stock=STOCK)
        self.order, self.page = paid(psps, "card", self.bowl)
        sweep()
        self.rows: list[Json] = psps.payments()
        self.mails = in_the_mailbox()
        self.told = {self.order.token}
        self.kills: list[float] = []

    def compared(self) -> list[str]:
        return violations(Witness(self.rows, self.mails, {self.bowl.sku: STOCK}, self.told, self.kills))

    @property
    def payment(self) -> Payment:
        return self.order.payments.get()

    def change_row(self, **facts: object) -> None:
        self.rows[0] |= facts


def in_the_mailbox() -> list[Mail]:
    raw = [one.message().as_bytes() for one in mail.outbox]
    return [Mail.of(message_from_bytes(each, policy=policy.default), time()) for each in raw]


@pytest.fixture
def books(psps: Sandbox) -> Books:
    return Books(psps)


def test_it_finds_nothing_where_all_is_well(books: Books) -> None:
    assert books.order.status == Order.Status.EFFECTIVE
    assert len(books.mails) == 1
    assert books.compared() == []


def test_it_finds_nothing_where_an_item_of_the_list_names_the_money(psps: Sandbox) -> None:
    bowl = goods(stock=STOCK)
    order, page = ordered("card", bowl)
    take(psps, "card", page, webhook="wrong_amount")
    bring_messages(psps)
    Letter.objects.update(sent_at=now())
    letters = [f"<letter-{pk}@localhost>" for pk in Letter.objects.values_list("pk", flat=True)]
    mails = [Mail(id, time(), order.email, has_attestation=False) for id in letters]
    assert violations(Witness(psps.payments(), mails, {bowl.sku: STOCK})) == []


PLANTS: dict[str, tuple[Callable[[Books], Any], str]] = {
    "money whose payment is not here": (
        lambda books: books.change_row(reference="00000000-0000-4000-8000-000000000000"),
        "came for no payment of the shop",
    ),
    "another amount at the PSP": (
        lambda books: books.change_row(received=books.order.total + 5),
        "the shop says 3800 came, the PSP 3805",
    ),
    "an effective order without money": (
        lambda books: books.rows.clear(),
        "effective for 3800, the PSP has None",
    ),
    "an effective order whose money went back": (
        lambda books: books.change_row(refunded=books.order.total),
        "effective although its money went back",
    ),
    "a refund that is at the PSP alone": (
        lambda books: books.change_row(refunded=500),
        "refunds succeeded of 0 here, of 500 at the PSP",
    ),
    "a refund that is here alone": (
        lambda books: Refund.objects.create(payment=books.payment, amount=500, status=Refund.Status.SUCCEEDED),
        "refunds succeeded of 500 here, of 0 at the PSP",
    ),
    "a dispute that is at the PSP alone": (
        lambda books: books.change_row(disputes=[{"id": "dp_1", "amount": 3800, "status": "needs_response"}]),
        "the dispute dp_1 is not here",
    ),
    "a reversal that is at the PSP alone": (
        lambda books: books.change_row(psp="paypal", disputed=500),
        "500 reversed at the PSP, 0 known as lost here",
    ),
    "money of an order that was cancelled, and no item": (
        lambda books: Order.objects.update(status="cancelled", cancel_reason="refunded", cancelled_at=now()),
        "3800 kept, the order is cancelled, and no item names it",
    ),
    "stock that is one too many": (
        lambda books: Product.objects.update(stock=STOCK),
        "10 at first, 10 left and 1 held",
    ),
    "stock that is one too few": (
        lambda books: Product.objects.update(stock=STOCK - 2),
        "10 at first, 8 left and 1 held",
    ),
    "an effective order without its goods": (
        lambda books: Order.objects.update(holds_stock=False),
        "effective, but it holds no goods",
    ),
    "an order without its attestation": (
        lambda books: Attestation.objects.all().delete(),
        "effective, and without an attestation",
    ),
    "a number that is missing": (
        lambda books: Attestation.objects.update(n=2),
        "1 numbers were given, and the last is 2",
    ),
    "an end that the timeline does not tell": (
        lambda books: Order.objects.update(status="cancelled", cancel_reason="staff", cancelled_at=now()),
        "it was cancelled, and its timeline does not say so",
    ),
    "a letter that never came": (
        lambda books: books.mails.clear(),
        "the letter confirmation is noted as sent, but never came",
    ),
    "a letter that was not sent": (
        lambda books: Letter.objects.update(sent_at=None),
        "the letter confirmation was not sent",
    ),
    "a letter that was not even written": (
        lambda books: Letter.objects.all().delete(),
        "no confirmation was ever written",
    ),
    "a letter that came twice": (
        lambda books: books.mails.append(books.mails[0]),
        "sent 2 times, and nothing was killed about the time",
    ),
    "a confirmation under another Message-ID": (
        lambda books: books.mails.append(replace(books.mails[0], id="<other@localhost>")),
        "2 confirmations for 1 effective orders",
    ),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_it_finds(books: Books, plant: str) -> None:
    change, words = PLANTS[plant]
    change(books)
    assert any(words in one for one in books.compared()), books.compared()


def test_it_finds_money_of_which_the_shop_heard_nothing(psps: Sandbox) -> None:
    bowl = goods(stock=STOCK)
    order, page = ordered("card", bowl)
    take(psps, "card", page)
    found = violations(Witness(psps.payments(), [], {bowl.sku: STOCK}, told={order.token}))
    assert any("3800 kept at the PSP, the payment is started, and no item names it" in one for one in found)
    assert f"{order.number}: its customer was told that it is paid, and it never was" in found
    assert f"{order.number}: still pending, and no item names it" in found


def test_a_letter_may_come_twice_where_a_kill_fell_between_sending_and_noting(books: Books) -> None:
    books.mails.append(replace(books.mails[0], at=books.mails[0].at + 300))
    books.kills.append(books.mails[0].at + 1)
    assert books.compared() == []
