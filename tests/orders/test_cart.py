"""The cart, through the browser's door."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from orders import cart as carts
from orders.cart import QUANTITY, Wanted
from orders.models import Product, ShippingMethod
from tests.orders.steps import add, amounts, give_details, page, said, words
from tests.shop import delivery, goods

pytestmark = pytest.mark.django_db


@pytest.fixture
def bowl() -> Product:
    delivery()
    return goods(price=2900, stock=10)


def first_method() -> str:
    return str(ShippingMethod.objects.values_list("pk", flat=True)[0])


def lines(client: Client) -> dict[int, Wanted]:
    return dict(carts.read(client.session).lines)


def test_an_article_is_put_in_and_the_page_says_so(client: Client, bowl: Product) -> None:
    response = add(client, bowl, 2)
    assert response.status_code == 303
    after = client.get(response["Location"])
    assert said("“%(name)s” is in your basket.", name=bowl.name) in page(after)
    assert lines(client) == {bowl.pk: Wanted(2, 2900)}
    assert '<span class="count">2</span>' in page(client.get("/"))


def test_quantities_of_one_article_add_up(client: Client, bowl: Product) -> None:
    add(client, bowl, 2)
    add(client, bowl, 3)
    assert lines(client) == {bowl.pk: Wanted(5, 2900)}


def test_the_cart_shows_goods_delivery_vat_and_total(client: Client, bowl: Product) -> None:
    add(client, bowl, 2)
    shown = amounts(client.get("/panier/"))
    assert shown[-4:] == ["CHF\u00a058.00", "CHF\u00a09.00", "CHF\u00a067.00", "CHF\u00a05.02"]


def test_a_price_sent_by_the_browser_changes_nothing(client: Client, bowl: Product) -> None:
    client.post(f"/articles/{bowl.slug}/", {"quantity": "1", "price": "1", "total": "1", "unit_price": "0.01"})
    assert lines(client) == {bowl.pk: Wanted(1, 2900)}
    assert "CHF\u00a038.00" in amounts(client.get("/panier/"))


WRONG_QUANTITIES = [
    "", "0", "-1", "-99999", "100", "1000000000", str(2**31), str(2**63), "9" * 5000, "٣", "²", "１", "1e2", "1.5",
    "0x1", "+1", " 1 ", "1 ", "01", "1_0", "NaN", "1\n", "1\x00", "deux",
]  # fmt: skip


@pytest.mark.parametrize("quantity", WRONG_QUANTITIES)
def test_another_quantity_than_1_to_99_is_refused_with_a_sentence(client: Client, bowl: Product, quantity: str) -> None:
    response = add(client, bowl, quantity)
    assert response.status_code == 422
    assert said("Type a number between 1 and 99") in page(response)
    assert lines(client) == {}


@pytest.mark.parametrize("quantity", ["", "00", "-1", "100", "٣", "1.5"])
def test_the_cart_page_refuses_it_too_and_shows_it_at_its_field(client: Client, bowl: Product, quantity: str) -> None:
    add(client, bowl, 2)
    response = client.post("/panier/", {f"quantity-{bowl.pk}": quantity, "shipping": first_method()})
    assert response.status_code == 422
    shown = page(response)
    sentence = f"{bowl.name} – {said('Type a number between 1 and 99')}"
    assert f'href="#id_quantity-{bowl.pk}">{sentence}</a>' in shown
    message = re.search(rf'id="id_quantity-{bowl.pk}_error">(.*?)<label', shown, re.DOTALL)
    assert message
    assert words(message[1]).strip() == f"Erreur : {sentence}"
    assert lines(client) == {bowl.pk: Wanted(2, 2900)}


@given(st.text(max_size=6))
def test_only_plain_digits_make_a_quantity(typed: str) -> None:
    accepted = QUANTITY.fullmatch(typed) is not None
    assert accepted == (typed in {str(number) for number in range(1, 100)})


def test_a_field_sent_twice_is_refused(client: Client, bowl: Product) -> None:
    twice = client.post(f"/articles/{bowl.slug}/", {"quantity": ["5", "4"]})
    assert twice.status_code == 400
    assert lines(client) == {}
    add(client, bowl, 1)
    assert client.post("/panier/", {f"quantity-{bowl.pk}": ["5", "4"], "shipping": "1"}).status_code == 400
    assert lines(client) == {bowl.pk: Wanted(1, 2900)}


def test_of_two_things_to_say_the_latest_is_said(client: Client, bowl: Product) -> None:
    added = add(client, bowl, 2)["Location"]
    again = page(client.post(added, {"quantity": "0"}))
    assert said("Type a number between 1 and 99") in again
    assert said("“%(name)s” is in your basket.", name=bowl.name) not in again

    Product.objects.update(stock=1)
    assert said("There is less left than expected") in page(client.get("/panier/"))
    typed = {f"quantity-{bowl.pk}": "100", "shipping": first_method()}
    wrong = page(client.post("/panier/", typed))
    assert said("Type a number between 1 and 99") in wrong
    assert said("There is less left than expected") not in wrong
    assert wrong.count('role="alert"') == 1


def test_more_than_the_stock_is_not_put_in(client: Client, bowl: Product) -> None:
    add(client, bowl, 6)
    response = add(client, bowl, 5)
    assert response.status_code == 422
    assert "Plus que 10 pièces" in page(response)
    assert lines(client) == {bowl.pk: Wanted(6, 2900)}
    Product.objects.update(stock=1)
    assert "Ne resta solo 1<" in page(client.post(f"/it/articles/{bowl.slug}/", {"quantity": "5"}))


def test_quantities_are_updated_and_lines_removed(client: Client, bowl: Product) -> None:
    cup = goods(price=1500)
    add(client, bowl, 2)
    add(client, cup, 1)
    update = {f"quantity-{bowl.pk}": "4", f"quantity-{cup.pk}": "3", "shipping": first_method()}
    assert client.post("/panier/", update).status_code == 303
    assert lines(client) == {bowl.pk: Wanted(4, 2900), cup.pk: Wanted(3, 1500)}
    for _twice in range(2):
        removed = client.post("/panier/retirer/", {"product": str(bowl.pk)})
        assert removed.status_code == 303
        assert lines(client) == {cup.pk: Wanted(3, 1500)}
        told = page(client.get(removed["Location"]))
        assert said("“%(name)s” is no longer in your basket.", name=bowl.name) in told
        assert f'href="/articles/{bowl.slug}/"' in told


@pytest.mark.parametrize("pressed", [{}, {"checkout": "1"}])
def test_a_quantity_of_0_takes_the_article_out_and_says_so(
    client: Client, bowl: Product, pressed: dict[str, str]
) -> None:
    cup = goods(price=1500)
    add(client, bowl, 2)
    add(client, cup, 1)
    typed = {f"quantity-{bowl.pk}": "0", f"quantity-{cup.pk}": "4", "shipping": first_method()}
    answer = client.post("/panier/", typed | pressed)
    assert answer["Location"] == ("/coordonnees/" if pressed else f"/panier/?removed={bowl.pk}")
    assert lines(client) == {cup.pk: Wanted(4, 1500)}
    last = client.post("/panier/", {f"quantity-{cup.pk}": "0", "shipping": first_method()} | pressed, follow=True)
    assert said("Your basket is empty") in page(last)


@pytest.mark.parametrize("asked", ["", "0", "x", "9" * 40, "1 OR 1=1"])
def test_what_was_never_taken_out_is_not_told_of(client: Client, bowl: Product, asked: str) -> None:
    add(client, bowl)
    removed = said("“%(name)s” is no longer in your basket.", name=bowl.name)
    for address in (f"/panier/?removed={bowl.pk}", f"/panier/?removed={asked}"):
        assert removed not in page(client.get(address))


@pytest.mark.parametrize("product", ["", "0", "-1", "٣", "9" * 40, "1 OR 1=1"])
def test_a_line_is_removed_by_a_products_id_only(client: Client, bowl: Product, product: str) -> None:
    add(client, bowl)
    assert client.post("/panier/retirer/", {"product": product}).status_code == 400
    assert lines(client) == {bowl.pk: Wanted(1, 2900)}


def test_checking_out_keeps_the_quantity_just_typed(client: Client, bowl: Product) -> None:
    add(client, bowl, 1)
    response = client.post("/panier/", {f"quantity-{bowl.pk}": "3", "shipping": first_method(), "checkout": "1"})
    assert response.status_code == 303
    assert response["Location"] == "/coordonnees/"
    assert lines(client) == {bowl.pk: Wanted(3, 2900)}


def test_the_delivery_method_is_chosen_in_the_cart(client: Client, bowl: Product) -> None:
    courier = delivery()
    ShippingMethod.objects.filter(pk=courier.pk).update(price=2500, position=2)
    add(client, bowl, 1)
    client.post("/panier/", {f"quantity-{bowl.pk}": "1", "shipping": str(courier.pk)})
    assert "CHF\u00a054.00" in amounts(client.get("/panier/"))
    refused = client.post("/panier/", {f"quantity-{bowl.pk}": "1", "shipping": "999999"})
    assert refused.status_code == 422
    assert "CHF\u00a054.00" in amounts(client.get("/panier/"))


def test_delivery_is_free_from_the_methods_limit(client: Client, bowl: Product) -> None:
    ShippingMethod.objects.update(free_from=5800)
    add(client, bowl, 1)
    assert "CHF\u00a038.00" in amounts(client.get("/panier/"))
    add(client, bowl, 1)
    assert amounts(client.get("/panier/"))[-2] == "CHF\u00a058.00"


def test_the_checkout_key_is_renewed_by_every_change_of_what_is_ordered(client: Client, bowl: Product) -> None:
    cup = goods()
    keys = []

    def keep_key() -> None:
        keys.append(carts.read(client.session).key)

    shipping = first_method()
    add(client, bowl, 1)
    keep_key()
    add(client, cup, 1)
    keep_key()
    client.post("/panier/", {f"quantity-{bowl.pk}": "2", f"quantity-{cup.pk}": "1", "shipping": shipping})
    keep_key()
    client.post("/panier/retirer/", {"product": str(cup.pk)})
    keep_key()
    give_details(client)
    keep_key()
    give_details(client, phone="079 123 45 67")
    keep_key()
    assert len(set(keys)) == len(keys)


def test_the_checkout_key_stays_while_nothing_changes(client: Client, bowl: Product) -> None:
    add(client, bowl, 2)
    client.post("/panier/", {f"quantity-{bowl.pk}": "2", "shipping": first_method()})
    give_details(client)
    key = carts.read(client.session).key
    client.post("/panier/", {f"quantity-{bowl.pk}": "2", "shipping": first_method()})
    give_details(client)
    client.get("/panier/")
    client.get("/coordonnees/")
    assert carts.read(client.session).key == key


def test_the_cart_is_kept_for_thirty_days(client: Client, bowl: Product) -> None:
    add(client, bowl, 1)
    assert client.session.get_expiry_date() - now() > timedelta(days=29, hours=23)
    cookie = client.cookies["session"]
    assert int(cookie["max-age"]) == 30 * 24 * 3600
    assert cookie["httponly"]


def test_a_cart_holds_at_most_fifty_articles(client: Client, bowl: Product) -> None:
    session = client.session
    for product in range(10**6, 10**6 + carts.MAX_LINES):
        carts.add(session, product, 1, 100)
    session.save()
    assert add(client, bowl, 1).status_code == 422
    assert bowl.pk not in lines(client)


def test_a_changed_price_is_shown_with_the_old_one_and_taken_once_accepted(client: Client, bowl: Product) -> None:
    add(client, bowl, 1)
    Product.objects.filter(pk=bowl.pk).update(price=3100)
    for _ in range(2):  # looking at it is not agreeing to it
        shown = page(client.get("/panier/"))
        assert said("A price has changed") in shown
        assert "CHF\u00a029.00" in shown
        assert "CHF\u00a031.00" in shown
    assert client.post("/panier/accepter/", {"back": "cart"})["Location"] == "/panier/"
    assert lines(client) == {bowl.pk: Wanted(1, 3100)}
    assert said("A price has changed") not in page(client.get("/panier/"))


def test_what_was_sold_meanwhile_leaves_the_cart_once_accepted(client: Client, bowl: Product) -> None:
    cup = goods(stock=5)
    add(client, bowl, 4)
    add(client, cup, 1)
    Product.objects.filter(pk=bowl.pk).update(stock=1)
    Product.objects.filter(pk=cup.pk).update(stock=0)
    shown = page(client.get("/panier/"))
    assert said("There is less left than expected") in shown
    assert said("An article is no longer available") in shown
    assert "CHF\u00a038.00" in shown
    client.post("/panier/accepter/", {"back": "cart"})
    assert lines(client) == {bowl.pk: Wanted(1, 2900)}


def test_an_article_taken_off_sale_is_neither_shown_nor_ordered(client: Client, bowl: Product) -> None:
    add(client, bowl, 1)
    Product.objects.filter(pk=bowl.pk).update(active=False)
    assert client.get(f"/articles/{bowl.slug}/").status_code == 404
    assert add(client, bowl, 1).status_code == 404
    assert said("An article is no longer available") in page(client.get("/panier/"))
    client.post("/panier/accepter/", {"back": "cart"})
    assert said("Your basket is empty") in page(client.get("/panier/"))


def test_an_order_beyond_a_million_francs_cannot_be_checked_out(client: Client, bowl: Product) -> None:
    palace = goods(price=2_000_000, stock=99)
    add(client, palace, 60)
    cart_page = page(client.get("/panier/"))
    assert 'name="checkout"' not in cart_page
    assert client.get("/coordonnees/")["Location"] == "/panier/"


def test_beyond_twints_limit_its_mark_gives_way_to_the_reason(client: Client) -> None:
    delivery()
    pans = goods(price=499_100)
    add(client, pans)
    reason = said("TWINT accepts payments up to CHF 5’000.")
    for address in (f"/articles/{pans.slug}/", "/panier/"):
        assert '#twint"' in page(client.get(address)), "with the delivery exactly the limit"
    Product.objects.update(price=500_001)
    for address in (f"/articles/{pans.slug}/", "/panier/", "/paiement/"):
        give_details(client)
        client.post("/panier/accepter/")
        shown = page(client.get(address))
        assert '#twint"' not in shown
        assert '#visa"' in shown
        assert reason.removesuffix(".") in shown


def test_every_post_needs_its_token(bowl: Product) -> None:
    stranger = Client(enforce_csrf_checks=True)
    for address in [f"/articles/{bowl.slug}/", "/panier/", "/panier/retirer/", "/panier/accepter/", "/coordonnees/"]:
        assert stranger.post(address, {"quantity": "1"}).status_code == 403, address


def test_who_does_a_step_of_the_cart_again_after_its_page_stayed_open_too_long_sees_the_cart(bowl: Product) -> None:
    stranger = Client(enforce_csrf_checks=True)
    for address in ["/panier/retirer/", "/de/panier/accepter/"]:
        assert 'class="button" href=""' in page(stranger.post(address, {"product": bowl.pk}))
        answer = stranger.get(address)
        assert (answer.status_code, answer["Location"]) == (
            303,
            address.replace("retirer/", "").replace("accepter/", ""),
        )


def test_looking_changes_nothing(client: Client, bowl: Product) -> None:
    add(client, bowl, 1)
    before = dict(client.session.items())
    for address in ["/panier/retirer/", "/panier/accepter/"]:
        assert client.get(address).status_code == 303
    for address in ["/", f"/articles/{bowl.slug}/?added", "/panier/", "/coordonnees/"]:
        client.get(address)
    assert dict(client.session.items()) == before


def test_where_nothing_is_delivered_the_cart_speaks_of_no_address_that_nobody_typed(
    client: Client, bowl: Product
) -> None:
    client.post(f"/articles/{bowl.slug}/", {"quantity": "1"})
    ShippingMethod.objects.update(active=False)
    shown = page(client.get("/panier/"))
    assert "rien livrer" in shown
    assert "à cette adresse" not in shown
