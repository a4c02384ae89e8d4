"""Counts of what was refused: kept for days, and no reason to answer a forger with an error of ours."""

from datetime import datetime, timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from payments import tally
from tests.shop import deliver


def forge() -> int:
    status: int = deliver(b"{}", "t=0,v1=forged").status_code
    return status


@pytest.mark.django_db
def test_a_count_outlasts_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tally.today("rejected-stripe") or 0
    assert [forge(), forge()] == [400, 400]

    def a_day_later() -> datetime:
        return timezone.now() + timedelta(days=1)

    monkeypatch.setattr("django.core.cache.backends.db.tz_now", a_day_later)
    assert tally.today("rejected-stripe") == before + 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("backend", ["db.DatabaseCache", "dummy.DummyCache"])
def test_a_forged_message_is_refused_whatever_becomes_of_the_cache(backend: str) -> None:
    """A table that is not there; a cache that throws away what it was just given, as a full one may."""
    broken = {"default": {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "no_such_table"}}
    with override_settings(CACHES=broken):
        assert forge() == 400
