"""Dates and times as each language of Switzerland writes them."""

from datetime import UTC, date, datetime

import pytest
from django.forms import DateField, DateInput
from django.utils.formats import date_format
from django.utils.translation import override

from orders import days
from orders.delivery import ZURICH

AT = datetime(2026, 11, 22, 14, 5, tzinfo=ZURICH)


@pytest.mark.parametrize(
    ("language", "moment", "time"),
    [
        ("fr", "22 novembre 2026 à 14\u00a0h\u00a005", "14\u00a0h\u00a005"),
        ("de", "22. November 2026 um 14.05\u00a0Uhr", "14.05\u00a0Uhr"),
        ("it", "22 novembre 2026 alle 14:05", "14:05"),
        ("en", "22 November 2026 at 14:05", "14:05"),
    ],
)
def test_a_moment_is_printed_as_people_write_it(language: str, moment: str, time: str) -> None:
    with override(language):
        assert days.moment(AT) == moment
        assert date_format(AT, "TIME_FORMAT") == time


@pytest.mark.parametrize(
    ("language", "dated", "moment"),
    [
        ("fr", "1er novembre 2026", "1er novembre 2026 à 9 h 01"),
        ("de", "1. November 2026", "1. November 2026 um 9.01 Uhr"),
        ("it", "1° novembre 2026", "1° novembre 2026 alle 09:01"),
        ("en", "1 November 2026", "1 November 2026 at 09:01"),
    ],
)
def test_the_first_of_a_month_is_named_as_people_name_it(language: str, dated: str, moment: str) -> None:
    at = datetime(2026, 11, 1, 8, 1, tzinfo=UTC)
    with override(language):
        assert (days.dated(at), days.moment(at)) == (dated, moment)


@pytest.mark.parametrize("language", ["fr", "de", "it", "en"])
def test_a_day_is_read_as_it_is_printed_and_shown_again_so(language: str) -> None:
    with override(language):
        for typed in ("02.01.2027", "2.1.2027", "2027-01-02", "02.01.27"):
            assert DateField().clean(typed) == date(2027, 1, 2)
        assert 'value="02.01.2027"' in str(DateInput().render("day", date(2027, 1, 2)))


@pytest.mark.parametrize(("language", "time"), [("fr", "4\u00a0h\u00a005"), ("de", "4.05\u00a0Uhr"), ("it", "04:05")])
def test_an_early_hour_has_no_zero_before_it_where_a_word_stands_beside_it(language: str, time: str) -> None:
    with override(language):
        assert date_format(AT.replace(hour=4), "TIME_FORMAT") == time
