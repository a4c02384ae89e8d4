"""The day by which a parcel is there."""

from datetime import UTC, date, datetime

import pytest
from django.test import override_settings
from django.utils.translation import override

from orders.days import day
from orders.delivery import ZURICH, delivery_date, delivery_date_once_paid


@pytest.mark.parametrize(
    ("ordered_at", "days", "there_by"),
    [
        (datetime(2026, 11, 23, 13, 59, tzinfo=ZURICH), 1, date(2026, 11, 24)),
        (datetime(2026, 11, 23, 14, 0, tzinfo=ZURICH), 1, date(2026, 11, 25)),  # past the cut-off
        (datetime(2026, 11, 27, 9, 0, tzinfo=ZURICH), 1, date(2026, 11, 30)),  # over the weekend
        (datetime(2026, 11, 27, 15, 0, tzinfo=ZURICH), 1, date(2026, 12, 1)),  # packed on Monday
        (datetime(2026, 11, 28, 9, 0, tzinfo=ZURICH), 1, date(2026, 12, 1)),  # ordered on a Saturday
        (datetime(2026, 4, 2, 9, 0, tzinfo=ZURICH), 1, date(2026, 4, 7)),  # Good Friday, Easter Monday
        (datetime(2026, 7, 31, 9, 0, tzinfo=ZURICH), 1, date(2026, 8, 3)),  # 1 August on a Saturday
        (datetime(2026, 12, 24, 9, 0, tzinfo=ZURICH), 2, date(2026, 12, 29)),  # Christmas
        (datetime(2026, 12, 31, 9, 0, tzinfo=ZURICH), 1, date(2027, 1, 4)),  # into another year
    ],
)
@override_settings(SELLER_CANTON="")
def test_working_days_count_from_the_day_of_packing(ordered_at: datetime, days: int, there_by: date) -> None:
    assert delivery_date(days, ordered_at) == there_by


@pytest.mark.parametrize(
    ("canton", "ordered_at", "there_by"),
    [
        ("GE", datetime(2026, 9, 10, 9, 0, tzinfo=ZURICH), date(2026, 9, 14)),  # the Genevan Fast, a Thursday
        ("ZH", datetime(2026, 9, 10, 9, 0, tzinfo=ZURICH), date(2026, 9, 11)),
        ("", datetime(2026, 9, 10, 9, 0, tzinfo=ZURICH), date(2026, 9, 11)),
        ("GE", datetime(2026, 9, 9, 9, 0, tzinfo=ZURICH), date(2026, 9, 10)),  # packed before, carried all the same
        ("GE", datetime(2026, 12, 31, 9, 0, tzinfo=ZURICH), date(2027, 1, 5)),  # two days off and a weekend
        ("TI", datetime(2026, 3, 19, 9, 0, tzinfo=ZURICH), date(2026, 3, 23)),  # Saint Joseph
    ],
)
def test_nothing_is_packed_on_the_holidays_of_the_sellers_canton(
    canton: str, ordered_at: datetime, there_by: date
) -> None:
    with override_settings(SELLER_CANTON=canton):
        assert delivery_date(1, ordered_at) == there_by


def test_what_is_ordered_by_the_sellers_hour_is_packed_the_same_day() -> None:
    with override_settings(CUT_OFF_HOUR=10):
        assert delivery_date(1, datetime(2026, 11, 23, 9, 59, tzinfo=ZURICH)) == date(2026, 11, 24)
        assert delivery_date(1, datetime(2026, 11, 23, 10, 0, tzinfo=ZURICH)) == date(2026, 11, 25)


def test_the_days_of_zurich_count_whatever_the_clock_is_set_to() -> None:
    assert delivery_date(1, datetime(2026, 11, 23, 12, 59, tzinfo=UTC)) == date(2026, 11, 24)
    assert delivery_date(1, datetime(2026, 11, 23, 13, 1, tzinfo=UTC)) == date(2026, 11, 25)


def test_a_day_is_printed_as_people_say_it() -> None:
    with override("fr"):
        assert day(date(2026, 11, 26)) == "jeudi 26\u00a0novembre"
        assert day(date(2026, 12, 1)) == "mardi 1er\u00a0décembre"
        assert day(date(2026, 12, 11)) == "vendredi 11\u00a0décembre"
    with override("de"):
        assert day(date(2026, 11, 26)) == "Donnerstag, 26.\u00a0November"
    with override("it"):
        assert day(date(2026, 12, 1)) == "martedì 1°\u00a0dicembre"
        assert day(date(2026, 11, 26)) == "giovedì 26\u00a0novembre"
    with override("en"):
        assert day(date(2026, 11, 26)) == "Thursday 26\u00a0November"


@pytest.mark.parametrize(
    ("ordered_at", "there_by", "paid_at", "there_then"),
    [
        # The same day, however late, keeps the promise.
        (
            datetime(2026, 11, 23, 13, 50, tzinfo=ZURICH),
            date(2026, 11, 24),
            datetime(2026, 11, 23, 13, 59, tzinfo=ZURICH),
            date(2026, 11, 24),
        ),
        # Packed on the same day all the same.
        (
            datetime(2026, 11, 23, 23, 50, tzinfo=ZURICH),
            date(2026, 11, 25),
            datetime(2026, 11, 24, 0, 10, tzinfo=ZURICH),
            date(2026, 11, 25),
        ),
        (
            datetime(2026, 11, 28, 9, 0, tzinfo=ZURICH),
            date(2026, 12, 1),
            datetime(2026, 11, 30, 9, 0, tzinfo=ZURICH),
            date(2026, 12, 1),
        ),
        # Seconds later, but the parcels of that day are packed.
        (
            datetime(2026, 11, 23, 13, 59, tzinfo=ZURICH),
            date(2026, 11, 24),
            datetime(2026, 11, 23, 14, 1, tzinfo=ZURICH),
            date(2026, 11, 25),
        ),
        # After the cut-off, and in the next morning: packed on the same day.
        (
            datetime(2026, 11, 23, 15, 0, tzinfo=ZURICH),
            date(2026, 11, 25),
            datetime(2026, 11, 24, 9, 0, tzinfo=ZURICH),
            date(2026, 11, 25),
        ),
        # A bank that took six days, over a weekend: as many working days as were promised.
        (
            datetime(2026, 11, 23, 9, 0, tzinfo=ZURICH),
            date(2026, 11, 24),
            datetime(2026, 11, 29, 9, 0, tzinfo=ZURICH),
            date(2026, 12, 1),
        ),
        (
            datetime(2026, 11, 23, 9, 0, tzinfo=ZURICH),
            date(2026, 11, 26),
            datetime(2026, 11, 29, 9, 0, tzinfo=ZURICH),
            date(2026, 12, 3),
        ),
        (
            datetime(2026, 12, 23, 9, 0, tzinfo=ZURICH),
            date(2026, 12, 24),
            datetime(2026, 12, 24, 15, 0, tzinfo=ZURICH),
            date(2026, 12, 29),
        ),
    ],
)
def test_a_day_that_was_promised_moves_with_the_day_of_payment(
    ordered_at: datetime, there_by: date, paid_at: datetime, there_then: date
) -> None:
    assert delivery_date_once_paid(there_by, ordered_at, paid_at) == there_then
