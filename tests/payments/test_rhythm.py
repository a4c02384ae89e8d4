"""When the waiting page looks again, and from when on it offers another try: the server alone decides."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from tests.shop import placed, started

pytestmark = pytest.mark.django_db


def page_after(seconds: int) -> str:
    """The page of a customer who came back from the payment page so many seconds ago."""
    order = placed()
    started(order, returned_at=now() - timedelta(seconds=seconds))
    return Client().get(f"/commande/{order.token}/").content.decode()


@pytest.mark.parametrize(
    ("seconds", "pause"), [(0, "3"), (28, "3"), (31, "5"), (118, "5"), (121, "15"), (598, "15"), (601, None)]
)
def test_it_looks_again_the_more_seldom_the_longer_it_waits(seconds: int, pause: str | None) -> None:
    shown = page_after(seconds)
    found = re.search(r'<noscript><meta http-equiv="refresh" content="(\d+)"></noscript>', shown)
    assert (found[1] if found else None) == pause
    assert ("waiting.js" in shown) == (pause is not None)
    assert ("Nous vous écrivons dès que la banque répond" in shown) == (pause is None)


@pytest.mark.parametrize(
    ("seconds", "stage", "pause"),
    [(0, "usual", 3), (31, "usual", 5), (121, "slow", 15), (598, "slow", 15), (601, "very slow", None)],
)
def test_a_script_is_told_how_slow_it_is_and_when_to_look_again(seconds: int, stage: str, pause: int | None) -> None:
    order = placed()
    started(order, returned_at=now() - timedelta(seconds=seconds))
    told = Client().get(f"/commande/{order.token}/etat.json").json()
    assert (told["state"], told["stage"], told["again"]) == ("waiting", stage, pause)
    shown = Client().get(f"/commande/{order.token}/").content.decode()
    found = re.search(r'data-state="(.*?)" data-stage="(.*?)" data-again="(.*?)"', shown)
    assert (found.groups() if found else None) == (("waiting", stage, str(pause)) if pause else None)


@pytest.mark.parametrize(("seconds", "offered"), [(0, False), (118, False), (121, True), (601, True)])
def test_another_try_is_offered_after_two_minutes(seconds: int, offered: bool) -> None:
    shown = page_after(seconds)
    methods = re.findall(r'name="method" value="(\w+)"', shown)
    assert methods == (["card", "twint", "paypal"] if offered else [])


@pytest.mark.parametrize(
    "changes",
    [{"status": "failed", "refusal": "funds"}, {"status": "expired"}, {"left_at": now()}],
    ids=["refused", "expired", "left"],
)
def test_after_a_refusal_and_the_like_another_try_is_offered_at_once(changes: dict[str, Any]) -> None:
    order = placed()
    started(order, **changes)
    shown = Client().get(f"/commande/{order.token}/").content.decode()
    assert set(re.findall(r'name="method" value="(\w+)"', shown)) == {"card", "twint", "paypal"}
