"""Whoever asks for payment pages as nobody does who shops has to wait, and nothing is lost meanwhile."""

from typing import Any

import pytest
from django.test import Client

from orders.models import Order, Product
from payments.models import Payment
from tests.sandbox.client import Sandbox
from tests.shop import fill_cart, goods, order_and_pay

pytestmark = pytest.mark.django_db
MOST = 3
IN_THE_SAME_TEN_MINUTES = 2 * MOST + 1
"""So many requests are beyond the bound, wherever in its window they begin."""


@pytest.fixture(autouse=True)
def bound(settings: Any) -> None:
    settings.PAYMENT_PAGES_PER_ADDRESS = MOST


def another_order(client: Client) -> Any:
    fill_cart(client, goods())
    return order_and_pay(client, "card")


def test_wc_limiter_26_an_address_that_orders_by_the_hundred_is_told_to_wait(psps: Sandbox) -> None:
    answers = [another_order(Client()) for _ in range(IN_THE_SAME_TEN_MINUTES)]

    assert [answer.status_code for answer in answers[:MOST]] == [303] * MOST
    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"] == "600"
    placed = sum(answer.status_code == 303 for answer in answers)
    assert Order.objects.count() == Payment.objects.count() == placed < IN_THE_SAME_TEN_MINUTES


def test_who_has_to_wait_keeps_cart_and_details_and_holds_no_goods(psps: Sandbox, settings: Any) -> None:
    for _ in range(IN_THE_SAME_TEN_MINUTES):
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
    statuses = [client.post(address, {"method": "card"}).status_code for _ in range(IN_THE_SAME_TEN_MINUTES)]
    assert statuses[0] == 303
    assert statuses[-1] == 429
    assert client.get(f"/commande/{order.token}/").status_code == 200


def test_another_address_need_not_wait(psps: Sandbox, settings: Any) -> None:
    settings.PROXIES = 1
    for _ in range(IN_THE_SAME_TEN_MINUTES):
        another_order(Client(headers={"X-Forwarded-For": "198.51.100.7"}))
    assert another_order(Client(headers={"X-Forwarded-For": "198.51.100.7"})).status_code == 429
    assert another_order(Client(headers={"X-Forwarded-For": "198.51.100.8"})).status_code == 303
