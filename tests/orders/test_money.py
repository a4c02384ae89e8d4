"""Amounts: how they are printed, and how value added tax is shared."""

import re
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from orders.money import format_amount, format_chf
from orders.vat import pro_rata, shares, tax_included

CENTIMES = st.integers(min_value=0, max_value=10**12)
RATES = st.sampled_from([Decimal("8.1"), Decimal("2.6"), Decimal("3.8"), Decimal("7.7")])
GOODS = st.dictionaries(RATES, st.integers(min_value=1, max_value=10**8), min_size=1, max_size=4)


def test_an_amount_has_francs_thousands_and_always_two_decimals() -> None:
    assert format_chf(125050) == "CHF\u00a01’250.50"
    assert format_chf(5) == "CHF\u00a00.05"
    assert format_chf(100_000_000) == "CHF\u00a01’000’000.00"
    assert format_amount(-1932) == "-19.32"


@given(CENTIMES)
def test_what_is_printed_is_the_amount(centimes: int) -> None:
    printed = format_chf(centimes)
    assert re.fullmatch(r"CHF\u00a0\d{1,3}(’\d{3})*\.\d{2}", printed)
    assert int(re.sub(r"\D", "", printed)) == centimes


def test_tax_is_rounded_half_up_to_the_centime() -> None:
    assert tax_included(10810, Decimal("8.1")) == 810
    assert tax_included(1932, Decimal("8.1")) == 145  # 144.77
    assert tax_included(1080, Decimal("8")) == 80
    assert tax_included(27, Decimal("8")) == 2  # exactly 2.00
    assert tax_included(1, Decimal("100")) == 1  # exactly half a centime


@given(GOODS, st.integers(min_value=0, max_value=10**6))
def test_bases_and_taxes_add_up_to_goods_and_delivery(goods: dict[Decimal, int], shipping: int) -> None:
    parts = shares(goods, shipping)
    assert sum(part.base + part.tax for part in parts) == sum(goods.values()) + shipping
    assert [part.rate for part in parts] == sorted(goods, reverse=True)
    assert all(part.tax >= 0 and part.base >= 0 for part in parts)


@given(GOODS, st.integers(min_value=0, max_value=10**6))
def test_delivery_is_split_pro_rata_to_less_than_a_centime(goods: dict[Decimal, int], shipping: int) -> None:
    parts = pro_rata(shipping, goods)
    total = sum(goods.values())
    assert sum(parts.values()) == shipping
    assert all(abs(parts[rate] * total - shipping * goods[rate]) < total for rate in goods)


def test_a_mixed_basket_shares_its_delivery() -> None:
    normal, reduced = shares({Decimal("8.1"): 10000, Decimal("2.6"): 5000}, 900)
    assert (normal.base + normal.tax, reduced.base + reduced.tax) == (10600, 5300)
    assert (normal.tax, reduced.tax) == (794, 134)
