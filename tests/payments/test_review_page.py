"""What a customer knows before the button is pressed."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils.timezone import now

from orders.models import Order, ShippingMethod
from payments.letters import compose
from payments.models import Letter
from tests.orders.steps import add, page, review, said
from tests.payments.steps import paid
from tests.sandbox.client import Sandbox
from tests.shop import fill_cart, goods, order_and_pay

pytestmark = pytest.mark.django_db
LEAVING = (
    "You will leave %(shop)s for the secure page of the payment provider and then come back here.",
    "Your order takes effect as soon as the bank or PayPal has approved the payment.",
)

TAKES_ITS_PLACE = (
    "Your order %(number)s is still open. The button below places a new one in its place: the open one is cancelled."
)


@pytest.fixture
def shown(client: Client) -> str:
    fill_cart(client)
    return page(review(client))


def test_where_one_goes_and_when_the_order_takes_effect_stands_above_the_button(shown: str) -> None:
    button = shown.index(said("Order and pay %(amount)s", amount="CHF\u00a038.00"))
    assert shown.index(said(LEAVING[0], shop="KOOKUT")) < shown.index(said(LEAVING[1])) < button
    assert re.search(r'<a href="/conditions/">', shown)


def test_who_comes_back_from_the_payment_page_is_led_to_the_open_order_with_its_price_and_places_no_second_one(
    client: Client, psps: Sandbox
) -> None:
    fill_cart(client)
    order_and_pay(client, "card")
    order = Order.objects.get()
    ShippingMethod.objects.update(price=1200, delivery_days=9)
    back = review(client)
    assert (back.status_code, back["Location"]) == (303, f"/commande/{order.token}/")
    own = page(client.get(back["Location"]))
    assert said("Pay %(amount)s by card", amount="CHF\u00a038.00") in own
    assert said("Order and pay %(amount)s", amount="CHF\u00a038.00") not in own


def test_another_cart_is_ordered_in_the_place_of_an_open_order_and_says_so(client: Client, psps: Sandbox) -> None:
    bowl = goods()
    fill_cart(client, bowl)
    order_and_pay(client, "card")
    order = Order.objects.get()
    add(client, bowl)
    changed = page(review(client))
    assert said(TAKES_ITS_PLACE, number=order.number) in re.sub("</?span[^>]*>", "", changed)
    assert f'href="/commande/{order.token}/"' in changed
    assert said("Order and pay %(amount)s", amount="CHF\u00a067.00") in changed
    order_and_pay(client, "card")
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert order.number not in page(review(client))


def test_nothing_is_ordered_in_the_place_of_an_order_whose_money_may_be_on_its_way(
    client: Client, psps: Sandbox
) -> None:
    bowl = goods()
    fill_cart(client, bowl)
    order_and_pay(client, "card")
    order = Order.objects.get()
    order.payments.update(returned_at=now())
    add(client, bowl)
    back = review(client)
    assert (back.status_code, back["Location"]) == (303, f"/commande/{order.token}/")


def test_nothing_is_ticked_or_chosen_for_the_customer(client: Client, shown: str) -> None:
    assert " checked" not in shown
    assert 'type="checkbox" name="other_billing"' in page(client.get("/coordonnees/"))
    assert " checked" not in page(client.get("/coordonnees/"))


@pytest.mark.parametrize(
    "sentence",
    ["Visa or Mastercard, on Stripe’s page", "QR code or app, on Stripe’s page", "With your account, on PayPal’s page"],
)
def test_each_means_says_where_it_happens(shown: str, sentence: str) -> None:
    assert said(sentence) in shown


@override_settings(SELLER=settings.SELLER | {"statement_name": "KOOKUT LAC"})
def test_the_name_on_the_statement_is_told_before_the_payment(shown: str, client: Client) -> None:
    for method, told in (
        ("card", "KOOKUT LAC"),
        ("twint", "selon votre banque"),
        ("paypal", "PAYPAL\u00a0*KOOKUT LAC"),
    ):
        assert f'<span class="when-{method}">Sur votre relevé\u00a0: {told}</span>' in page(review(client))
    for told in (page(review(client)), page(client.get("/paiement-securise/"))):
        assert "<li>Carte\u00a0: KOOKUT LAC</li>" in told
        assert "<li>TWINT\u00a0: selon votre banque</li>" in told
        assert "<li>PayPal\u00a0: PAYPAL\u00a0*KOOKUT LAC</li>" in told


@override_settings(SELLER=settings.SELLER | {"statement_name": "KOOKUT LAC"})
@pytest.mark.parametrize(
    ("method", "name"), [("card", "KOOKUT LAC"), ("paypal", "PAYPAL\u00a0*KOOKUT LAC"), ("twint", "")]
)
def test_page_mail_and_paper_tell_what_the_statement_will_say_of_this_means(
    client: Client, psps: Sandbox, method: str, name: str
) -> None:
    order, _page = paid(psps, method)
    mail: Any = compose(Letter(order=order, kind=Letter.Kind.CONFIRMATION, about="again"))
    shown = page(client.get(f"/commande/{order.token}/"))
    for place in (shown.partition('class="print-only')[0], shown, mail.body, mail.alternatives[0][0]):
        told = re.search(r"Sur votre relevé(?:</dt><dd>|\u00a0: )([^<\n]*?)\.?(?:<|\n)", place)
        assert (told[1] if told else "") == name


@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_no_means_of_payment_costs_more_than_another(client: Client, psps: Sandbox, method: str) -> None:
    fill_cart(client)
    opened = order_and_pay(client, method)["Location"]
    assert psps.payment(opened)["amount"] == Order.objects.get().total == 3800
