"""The catalogue's and the checkout's pages: what they show, and what they cost."""

import re

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from pytest_django import DjangoAssertNumQueries

from orders import checkout
from orders.catalogue import GOODS_PER_PAGE
from orders.models import Category, Order, Product
from tests.orders.steps import add, amounts, give_details, page, review, said
from tests.shop import delivery, goods, placed

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"
SOLD_OUT = "This item is sold out. Write to us if you would like to know whether it will be available again."


@pytest.fixture
def full_cart(client: Client) -> list[Product]:
    delivery()
    delivery()
    several = [goods(), goods(vat_class="reduced"), goods(stock=2)]
    for product in several:
        add(client, product)
    give_details(client)
    return several


def test_the_catalogue_shows_what_is_on_sale_with_prices_and_stock(client: Client) -> None:
    goods(names={"fr": "Bol en grès"}, price=125050)
    goods(names={"fr": "Carafe"}, stock=0)
    goods(names={"fr": "Ancien plat"}, active=False)
    shown = page(client.get("/"))
    assert "Bol en grès" in shown
    assert "CHF\u00a01’250.50" in shown
    assert said("VAT included") in shown
    assert said("Sold out") in shown
    assert "Ancien plat" not in shown


@override_settings(SELLER=settings.SELLER | {"vat_registered": False})
def test_a_shop_without_vat_speaks_of_none(client: Client, full_cart: list[Product]) -> None:
    for address in ["/", f"/articles/{full_cart[0].slug}/", "/panier/", "/coordonnees/"]:
        shown = page(client.get(address))
        assert said("VAT included") not in shown, address
        assert "TVA" not in shown, address


@pytest.mark.parametrize("number", ["2", "999", "-1", "abc", ""])
def test_the_catalogue_is_shown_in_pages(client: Client, number: str) -> None:
    for _ in range(GOODS_PER_PAGE + 1):
        goods()
    response = client.get("/", {"page": number})
    assert response.status_code == 200
    assert page(response).count('class="good"') in (1, GOODS_PER_PAGE)


def test_a_product_shows_its_price_with_vat_delivery_date_and_cost_and_the_marks(client: Client) -> None:
    delivery()
    bowl = goods(price=2900, descriptions={"fr": "Tourné à la main."})
    shown = page(client.get(f"/articles/{bowl.slug}/"))
    assert "CHF\u00a029.00" in shown
    assert said("VAT included") in shown
    assert "CHF\u00a09.00" in shown
    assert re.search(r"(lundi|mardi|mercredi|jeudi|vendredi) \d", shown)
    assert "Tourné à la main." in shown
    assert [mark for mark in ("Visa", "Mastercard", "TWINT", "PayPal") if f'alt="{mark}"' not in shown] == []


def test_a_product_that_is_sold_out_cannot_be_put_in(client: Client) -> None:
    bowl = goods(stock=0)
    shown = page(client.get(f"/articles/{bowl.slug}/"))
    assert said(SOLD_OUT) in shown
    assert 'name="quantity"' not in shown
    assert add(client, bowl).status_code == 422


def test_a_sold_out_product_leads_on_to_what_can_be_had_of_its_category(client: Client) -> None:
    table, pantry = (Category.objects.create(slug=slug, names={"fr": slug}) for slug in ("table", "pantry"))
    bowl = goods(stock=0, category=table)
    for n in range(5):
        goods(names={"fr": f"Plat {n}"}, category=table, position=n)
    goods(names={"fr": "Plat épuisé"}, category=table, stock=0)
    goods(names={"fr": "Miel"}, category=pantry)
    shown = page(client.get(f"/articles/{bowl.slug}/"))
    assert re.findall(r"<h2><a [^>]*>([^<]*)</a>", shown) == ["Plat 0", "Plat 1", "Plat 2", "Plat 3"]
    assert shown.count('href="/contact/"') == 2, "and to who can be asked"
    Product.objects.filter(category=table).update(stock=0)
    shown = page(client.get(f"/articles/{bowl.slug}/"))
    assert said("Similar items in stock") not in shown
    assert re.search(rf'<a class="button" href="/">{said("See all goods")}</a>', shown)
    Product.objects.filter(names__fr="Miel").update(category=None)
    nothing_in_common = page(client.get(f"/articles/{goods(stock=0).slug}/"))
    assert said("Similar items in stock") not in nothing_in_common


def test_a_product_that_does_not_exist_is_not_found(client: Client) -> None:
    assert client.get("/articles/nulle-part/").status_code == 404


def test_the_same_day_and_total_stand_on_cart_details_and_review(client: Client, full_cart: list[Product]) -> None:
    pages = [client.get("/panier/"), client.get("/coordonnees/"), review(client)]
    days = [re.search(r"(lundi|mardi|mercredi|jeudi|vendredi) \d+\w*\s\w+", page(response)) for response in pages]
    assert len({day[0] for day in days if day}) == 1
    assert all(days)
    assert [amounts(response).count("CHF\u00a096.00") > 0 for response in pages] == [True] * 3


def test_each_step_is_marked_once_and_the_header_is_short(client: Client, full_cart: list[Product]) -> None:
    for address, step in [("/panier/", "1."), ("/coordonnees/", "2."), ("/paiement/", "3.")]:
        shown = page(client.get(address))
        (current,) = re.findall(r'aria-current="step">(..)', shown)
        assert current == step
        header = re.search(r"<header.*?</header>", shown, re.DOTALL)
        assert header
        assert "shopping-cart" not in header[0]


def test_every_amount_is_printed_in_one_way(client: Client, full_cart: list[Product]) -> None:
    addresses = ["/", f"/articles/{full_cart[0].slug}/", "/panier/", "/coordonnees/", "/paiement/"]
    for address in addresses:
        shown = amounts(client.get(address))
        assert shown
        assert all(re.fullmatch(r"CHF\u00a0\d{1,3}(’\d{3})*\.\d{2}", amount) for amount in shown), address


def test_texts_of_staff_and_customers_are_escaped_everywhere(client: Client) -> None:
    delivery()
    bowl = goods(names={"fr": HOSTILE}, descriptions={"fr": HOSTILE})
    add(client, bowl)
    give_details(client, delivery_name=HOSTILE, delivery_street=HOSTILE, delivery_town=HOSTILE)
    Product.objects.update(price=1)
    for address in ["/", f"/articles/{bowl.slug}/?added", "/panier/", "/coordonnees/", "/paiement/"]:
        shown = page(client.get(address))
        assert HOSTILE not in shown, address
        assert "&lt;script&gt;" in shown, address


def test_the_pages_have_no_script_of_their_own_and_no_inline_style(client: Client, full_cart: list[Product]) -> None:
    for address in ["/", f"/articles/{full_cart[0].slug}/", "/panier/", "/coordonnees/"]:
        shown = page(client.get(address))
        assert "<script" not in shown
        assert " style=" not in shown
        assert "<style" not in shown


@pytest.mark.parametrize(
    ("address", "bound"),
    [("/", 8), ("/articles/{slug}/", 6), ("/panier/", 8), ("/coordonnees/", 8), ("/paiement/", 8)],
)
def test_a_page_asks_the_database_little(
    client: Client,
    full_cart: list[Product],
    django_assert_max_num_queries: DjangoAssertNumQueries,
    address: str,
    bound: int,
) -> None:
    with django_assert_max_num_queries(bound):
        assert client.get(address.format(slug=full_cart[0].slug)).status_code == 200


def test_a_page_costs_no_more_with_more_lines(client: Client, full_cart: list[Product]) -> None:
    def statements() -> list[int]:
        counts = []
        for address in ["/", "/panier/", "/coordonnees/", "/paiement/"]:
            with CaptureQueriesContext(connection) as captured:
                client.get(address)
            counts.append(len(captured))
        return counts

    before = statements()
    for _ in range(10):
        add(client, goods())
    assert statements() == before


@pytest.mark.parametrize("address", ["/", "/panier/", "/coordonnees/"])
def test_who_comes_back_with_an_order_that_has_not_taken_effect_yet_is_led_to_it(client: Client, address: str) -> None:
    """Told by the number alone, in this browser, as long as it waits; for one statement more, none without an order.
    Not told whether it is paid: the money may be here already."""
    order = placed()
    add(client, goods())
    before = statements_of(client, address)
    assert order.number not in page(client.get(address))
    session = client.session
    checkout.remember_order(session, order)
    session.save()

    with_order = statements_of(client, address)
    answer = client.get(address)

    told = said("Your order %(number)s is placed, but its payment is not confirmed yet.", number=order.number)
    box = re.search(r'<div class="notice[^>]*>(.*?)</div>', page(answer), re.DOTALL)
    assert box and told in re.sub("</?span[^>]*>", "", box[1])
    assert f'<a href="/commande/{order.token}/">' in box[1]
    assert "Dufour" not in page(answer) and "claire@" not in page(answer)
    assert "no-store" in answer["Cache-Control"]
    session_and_order = 1 if address == "/" else 2  # the others also ask what that order holds
    assert with_order == before + session_and_order
    assert order.number not in page(Client().get(address))
    Order.objects.update(status="effective", effective_at=now())
    assert order.number not in page(client.get(address))


def statements_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(address)
    return len(captured)


def test_posts_stay_within_the_bound_of_a_step(
    client: Client, full_cart: list[Product], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(8):
        add(client, full_cart[0])
    with django_assert_max_num_queries(8):
        give_details(client, phone="079 123 45 67")
    with django_assert_max_num_queries(8):
        client.post("/panier/retirer/", {"product": str(full_cart[1].pk)})
    with django_assert_max_num_queries(8):
        client.post("/panier/accepter/")


def test_what_came_of_a_button_has_the_focus_so_that_it_is_read_out(client: Client) -> None:
    """A message that is there when the page loads is announced by no screen reader of itself."""
    bowl = goods()
    added = client.post(f"/articles/{bowl.slug}/", {"quantity": "1"})
    for address in (added["Location"], "/commande/?asked"):
        assert 'role="status" tabindex="-1" autofocus' in page(client.get(address)), address
    removed = client.post("/panier/retirer/", {"product": str(bowl.pk)})
    assert 'role="status" tabindex="-1" autofocus' in page(client.get(removed["Location"]))
