"""Value added tax, included in every price: what each rate's share of a total is (LTVA art. 25 and 26)."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from orders.models import VatRate, VatShare

Key = TypeVar("Key", Decimal, int)


def rates_on(day: date) -> dict[str, Decimal]:
    """The rate of each class of goods on a day of supply.

    The rates are dated rows: a change of the law needs a row, no code.
    """
    rows = VatRate.objects.filter(valid_from__lte=day).order_by("vat_class", "-valid_from").distinct("vat_class")
    return {row.vat_class: row.rate for row in rows}


def tax_included(gross: int, rate: Decimal) -> int:
    """The tax inside a gross amount of centimes, rounded half up to the centime."""
    return int((gross * rate / (100 + rate)).to_integral_value(ROUND_HALF_UP))


def shares(goods: Mapping[Decimal, int], shipping: int) -> list[VatShare]:
    """Split goods (gross centimes by rate) and their delivery into base and tax per rate, dearest rate first.

    Delivery is accessory to the goods and follows their rates pro rata (LTVA art. 19 al. 4). The bases and taxes add
    up to goods and shipping to the centime.
    """
    gross = {rate: goods[rate] + part for rate, part in pro_rata(shipping, goods).items()}
    return [
        VatShare(rate, amount - tax_included(amount, rate), tax_included(amount, rate))
        for rate, amount in sorted(gross.items(), reverse=True)
    ]


def pro_rata(amount: int, weights: Mapping[Key, int]) -> dict[Key, int]:
    """Split an amount by weights into whole numbers that add up to it: the largest remainders get the odd ones."""
    total = sum(weights.values())
    parts = {key: amount * weight // total for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: (-(amount * weights[key] % total), key))
    for key in by_remainder[: amount - sum(parts.values())]:
        parts[key] += 1
    return parts
