"""The VAT of what goes back: every refund brings back its part, all of them no more than was paid."""

import json
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orders.models import Order, OrderLine
from orders.vat import shares
from payments.models import Refund
from payments.refunds import Wanted, ask
from tests.payments.steps import bring_messages, ordered, settling, take
from tests.sandbox.client import Sandbox
from tests.shop import deliver, goods, placed, started, stripe_event

pytestmark = pytest.mark.django_db


RATES = st.sampled_from([Decimal("8.1"), Decimal("2.6"), Decimal("3.8")])


@given(
    sold=st.dictionaries(RATES, st.integers(1, 500_000), min_size=1),
    shipping=st.integers(0, 2000),
    cuts=st.lists(st.tuples(st.integers(1, 500_000), st.integers(-1, 2)), max_size=5),
    bounced=st.integers(0, 5),
)
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_vat_of_refunds_adds_up_to_them_and_at_last_to_the_orders(
    db: None, sold: dict[Decimal, int], shipping: int, cuts: list[tuple[int, int]], bounced: int
) -> None:
    """A cut is an amount, pro rata (-1) or for the piece of that place."""
    frozen = shares(sold, shipping)
    total = sum(sold.values()) + shipping
    order = placed(*(goods() for _ in sold))
    pieces = list(order.lines.all())
    for line, (rate, price) in zip(pieces, sold.items(), strict=True):
        OrderLine.objects.filter(pk=line.pk).update(vat_rate=rate, unit_price=price)
    prices = dict(zip((line.pk for line in pieces), sold.values(), strict=True))
    vat = [{"rate": str(one.rate), "base": one.base, "tax": one.tax} for one in frozen]
    Order.objects.filter(pk=order.pk).update(
        vat=vat, total=total, goods_total=total - shipping, shipping_total=shipping
    )
    order.refresh_from_db()
    deliver(stripe_event(started(order)))
    payment = settling(order)
    left = total
    for n, (cut, piece) in enumerate([*cuts, (total, -1)]):
        named = pieces[piece].pk if 0 <= piece < len(pieces) and pieces[piece].pk in prices else None
        if amount := min(cut, left, prices[named] if named else left):
            refund = ask(payment.pk, Wanted(amount, "Retour", {named: 1} if named else {}))
            if named and n != bounced:
                del prices[named]
            assert sum(share["base"] + share["tax"] for share in refund.vat) == amount
            assert all(share["base"] >= 0 and share["tax"] >= 0 for share in refund.vat)
            if n == bounced:
                Refund.objects.filter(pk=refund.pk).update(status="failed")
            else:
                left -= amount
    if left:
        ask(payment.pk, Wanted(left, "Retour"))

    tax: dict[Decimal, int] = defaultdict(int)
    for refund in payment.refunds.exclude(status="failed"):
        for share in refund.vat:
            tax[Decimal(share["rate"])] += share["tax"]
    assert {rate: one for rate, one in tax.items() if one} == {one.rate: one.tax for one in frozen if one.tax}


def test_money_that_settled_nothing_goes_back_without_vat(psps: Sandbox) -> None:
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    bring_messages(psps)
    assert Refund.objects.get().vat == []


def test_the_vat_of_a_refund_is_that_of_its_pieces(psps: Sandbox) -> None:
    bowl, book = goods(price=10_810), goods(price=10_260, vat_class="reduced")
    frozen = shares({Decimal("8.1"): 10_810, Decimal("2.6"): 10_260}, 900)
    order = placed(bowl, book, vat=[{"rate": str(one.rate), "base": one.base, "tax": one.tax} for one in frozen])
    OrderLine.objects.filter(product=book).update(vat_rate=Decimal("2.6"))
    deliver(stripe_event(started(order)))

    refund = ask(settling(order).pk, Wanted(10_260, "Retour", pieces={order.lines.get(product=book).pk: 1}))

    assert refund.vat == [{"rate": "2.6", "base": 10_000, "tax": 260}]
    both = ask(settling(order).pk, Wanted(5_000, "Geste"))
    assert [share["rate"] for share in both.vat] == ["8.1", "2.6"], "the dearest rate comes first, as on the paper"
    assert json.dumps(refund.lines)


def test_no_rate_gives_more_vat_back_than_was_paid_at_it(psps: Sandbox) -> None:
    """A piece whose rate has partly gone back already, pro rata: the rest falls to the other rate."""
    bowl, book = goods(price=10_000), goods(price=10_000, vat_class="reduced")
    frozen = shares({Decimal("8.1"): 10_000, Decimal("2.6"): 10_000}, 900)
    order = placed(bowl, book, vat=[{"rate": str(one.rate), "base": one.base, "tax": one.tax} for one in frozen])
    OrderLine.objects.filter(product=book).update(vat_rate=Decimal("2.6"))
    deliver(stripe_event(started(order)))
    ask(settling(order).pk, Wanted(10_000, "Geste"))

    refund = ask(settling(order).pk, Wanted(10_000, "Retour", pieces={order.lines.get(product=bowl).pk: 1}))

    assert {share["rate"]: share["base"] + share["tax"] for share in refund.vat} == {"8.1": 5_450, "2.6": 4_550}


def test_pieces_of_one_rate_are_taxed_together(psps: Sandbox) -> None:
    order = placed(goods(price=1_081), goods(price=2_162), goods(price=500))
    deliver(stripe_event(started(order)))
    pieces = {line.pk: 1 for line in order.lines.exclude(unit_price=500)}
    refund = ask(settling(order).pk, Wanted(3_243, "Retour", pieces=pieces))
    assert refund.vat == [{"rate": "8.1", "base": 3_000, "tax": 243}]


def test_pieces_of_several_rates_bring_back_what_each_rate_had_of_them(psps: Sandbox) -> None:
    frozen = shares({Decimal("8.1"): 6_000, Decimal("2.6"): 6_000}, 900)
    vat = [{"rate": str(one.rate), "base": one.base, "tax": one.tax} for one in frozen]
    order = placed(goods(price=1_000), goods(price=2_000), goods(price=3_000), quantity=2, vat=vat)
    order.lines.filter(unit_price=3_000).update(vat_rate=Decimal("2.6"))
    deliver(stripe_event(started(order)))

    refund = ask(settling(order).pk, Wanted(6_000, "Retour", pieces={line.pk: 1 for line in order.lines.all()}))

    assert [share["base"] + share["tax"] for share in refund.vat] == [3_000, 3_000]
