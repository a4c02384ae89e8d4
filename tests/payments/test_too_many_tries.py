"""Whoever asks for payment pages as nobody does who shops has to wait, and nothing is lost meanwhile."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client

from orders.codes import new_code
from orders.models import Order, Product
from payments.models import CODE_LENGTH, Asked, Attestation, Payment
from payments.papers import DRAWINGS_OF_AN_ORDER, VERIFICATIONS_A_MINUTE
from payments.sweep import sweep
from tests.at_once import at_once
from tests.orders.steps import page
from tests.payments.steps import give_back, paid
from tests.sandbox.client import Sandbox
from tests.shop import fill_cart, goods, order_and_pay

pytestmark = pytest.mark.django_db
MOST = 3
CODE = new_code(CODE_LENGTH)


@pytest.fixture(autouse=True)
def bound(settings: Any) -> None:
    settings.PAYMENT_PAGES_PER_ADDRESS = MOST


def another_order(client: Client) -> Any:
    fill_cart(client, goods())
    return order_and_pay(client, "card")


def test_wc_limiter_26_an_address_that_orders_by_the_hundred_is_told_to_wait(psps: Sandbox) -> None:
    answers = [another_order(Client()) for _ in range(MOST + 1)]

    assert [answer.status_code for answer in answers] == [303] * MOST + [429]
    assert answers[-1]["Retry-After"] == "600"
    shown = page(answers[-1])
    assert "dans 10 minutes au plus tard" in shown
    assert re.findall(r'class="button[^"]*" href="([^"]+)"', shown) == ["/panier/", "/"]
    assert Order.objects.count() == Payment.objects.count() == MOST


def test_who_has_to_wait_keeps_cart_and_details_and_holds_no_goods(psps: Sandbox, settings: Any) -> None:
    for _ in range(MOST):
        another_order(Client())
    client, product = Client(), goods()
    fill_cart(client, product)
    assert order_and_pay(client, "card").status_code == 429
    assert Product.objects.get(pk=product.pk).stock == product.stock

    settings.PAYMENT_PAGES_PER_ADDRESS = 1000

    assert order_and_pay(client, "card").status_code == 303


def test_tries_upon_one_order_are_counted_too(psps: Sandbox) -> None:
    client = Client()
    another_order(client)
    order = Order.objects.get()
    address = f"/commande/{order.token}/payer/"
    answers = [client.post(address, {"method": "card"}) for _ in range(MOST)]
    assert [answer.status_code for answer in answers] == [303] * (MOST - 1) + [429]
    shown = page(answers[-1])
    assert re.findall(r'class="button[^"]*" href="([^"]+)"', shown) == [f"/commande/{order.token}/", "/panier/"]
    assert client.get(f"/commande/{order.token}/").status_code == 200


def test_another_address_need_not_wait(psps: Sandbox, settings: Any) -> None:
    settings.PROXIES = 1
    for _ in range(MOST):
        another_order(Client(headers={"X-Forwarded-For": "198.51.100.7"}))
    assert another_order(Client(headers={"X-Forwarded-For": "198.51.100.7"})).status_code == 429
    assert another_order(Client(headers={"X-Forwarded-For": "198.51.100.8"})).status_code == 303


# The papers


def test_a_paper_is_drawn_often_but_not_endlessly(psps: Sandbox, settings: Any) -> None:
    settings.PROXIES = 1
    order, _page = paid(psps)
    notice = give_back(psps, order, 500)
    papers = [f"/commande/{order.token}/attestation.pdf", f"/commande/{order.token}/remboursement/{notice.pk}.pdf"]
    psps.forget_requests()

    def statuses(times: int) -> list[int]:
        """Each from another address."""
        return [
            Client(headers={"X-Forwarded-For": f"203.0.113.{n}"}).get(papers[n % 2]).status_code for n in range(times)
        ]

    assert statuses(DRAWINGS_OF_AN_ORDER) == [200] * DRAWINGS_OF_AN_ORDER
    before = len(psps.requests())
    assert statuses(2) == [429, 429]
    assert len(psps.requests()) == before
    other, _page = paid(psps)
    assert Client().get(f"/commande/{other.token}/attestation.pdf").status_code == 200
    assert Client().get(f"/commande/{order.token}/").status_code == 200


def test_who_only_asks_for_the_head_of_a_paper_has_nothing_drawn(psps: Sandbox) -> None:
    order, _page = paid(psps)
    notice = give_back(psps, order, 500)
    psps.forget_requests()
    for paper in ("attestation.pdf", f"remboursement/{notice.pk}.pdf"):
        answer = Client().head(f"/commande/{order.token}/{paper}")
        assert answer.status_code == 405
        assert "no-store" in answer["Cache-Control"]
    assert psps.requests() == []
    assert not Attestation.objects.exclude(kilobytes=None).exists()


# How it is counted


def verified(client: Client | None = None) -> int:
    """Ask for a paper that there is not."""
    return (client or Client()).get(f"/v/{CODE}/").status_code


def minutes_pass(minutes: float) -> None:
    Asked.objects.update(until=F("until") - timedelta(minutes=minutes))


def test_a_window_lasts_as_long_as_it_says_however_often_somebody_asks_meanwhile(psps: Sandbox) -> None:
    for _ in range(MOST):
        another_order(Client())
    for _ in range(9):
        minutes_pass(1)
        assert another_order(Client()).status_code == 429
    minutes_pass(1.1)
    assert [another_order(Client()).status_code for _ in range(MOST + 1)] == [303] * MOST + [429]


def test_many_others_who_ask_reset_nobody(settings: Any) -> None:
    settings.PROXIES = 1
    eve = Client(headers={"X-Forwarded-For": "198.51.100.7"})
    for _ in range(VERIFICATIONS_A_MINUTE):
        verified(eve)
    for n in range(400):
        assert verified(Client(headers={"X-Forwarded-For": f"203.0.113.{n % 250}:{n}"})) == 404
    assert verified(eve) == 429


@pytest.mark.django_db(transaction=True)
def test_twenty_who_ask_at_the_same_moment_are_counted_as_twenty() -> None:
    for _ in range(VERIFICATIONS_A_MINUTE - 20):
        assert verified() == 404
    assert at_once(*[verified] * 20) == [404] * 20
    assert verified() == 429


def test_one_subscriber_has_many_addresses_of_ipv6_and_one_patience(settings: Any) -> None:
    settings.PROXIES = 1
    for n in range(VERIFICATIONS_A_MINUTE):
        verified(Client(headers={"X-Forwarded-For": f"2001:db8:7:1::{n:x}"}))
    assert verified(Client(headers={"X-Forwarded-For": "2001:DB8:7:1:ffff::1"})) == 429
    assert verified(Client(headers={"X-Forwarded-For": "2001:db8:7:2::1"})) == 404


def test_an_address_of_ipv4_in_the_dress_of_ipv6_is_itself(settings: Any) -> None:
    settings.PROXIES = 1
    for _ in range(VERIFICATIONS_A_MINUTE):
        verified(Client(headers={"X-Forwarded-For": "::ffff:198.51.100.7"}))
    assert verified(Client(headers={"X-Forwarded-For": "198.51.100.7"})) == 429
    assert verified(Client(headers={"X-Forwarded-For": "::ffff:198.51.100.8"})) == 404


@pytest.mark.django_db(transaction=True)
def test_a_count_that_fails_limits_nobody() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_asked RENAME TO elsewhere")
        try:
            assert {verified() for _ in range(VERIFICATIONS_A_MINUTE + 1)} == {404}
        finally:
            cursor.execute("ALTER TABLE elsewhere RENAME TO payments_asked")


def test_who_asked_cannot_be_read_and_is_forgotten() -> None:
    verified(Client(REMOTE_ADDR="198.51.100.7"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT asked::text FROM payments_asked asked")
        ((row,),) = cursor.fetchall()
    assert "198.51" not in row
    sweep()
    assert Asked.objects.exists(), "its time is not over"
    minutes_pass(1.1)
    sweep()
    assert not Asked.objects.exists()
