"""The switch of languages: the same page, with what was asked for and what was typed."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.orders.steps import CLAIRE, page
from tests.shop import DETAILS, delivery, fill_cart, goods, placed, started

pytestmark = pytest.mark.django_db


def links(answer: Any) -> list[str]:
    """Where the switch leads, in the order of the languages."""
    return re.findall(r'<a href="([^"]+)" lang="(?:fr|de|it|en)" hreflang', page(answer))


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/contact/", ["/contact/", "/de/contact/", "/it/contact/", "/en/contact/"]),
        ("/de/contact/", ["/contact/", "/de/contact/", "/it/contact/", "/en/contact/"]),
        ("/it/?page=1&amp;q=th%C3%A9", [f"{prefix}/?page=1&amp;q=th%C3%A9" for prefix in ("", "/de", "/it", "/en")]),
    ],
)
def test_the_switch_stays_on_the_page_and_keeps_its_query(client: Client, asked: str, led: list[str]) -> None:
    assert links(client.get(asked.replace("&amp;", "&"))) == led


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("de-CH,fr;q=0.5", '<a href="/de/?sort=price" lang="de" hreflang="de">Diese Seite auf Deutsch</a>'),
        ("pt, it;q=0.9", '<a href="/it/?sort=price" lang="it" hreflang="it">Questa pagina in italiano</a>'),
        ("fr-CH,de;q=0.9", ""),
        ("rm", ""),
    ],
)
def test_where_french_stands_for_any_language_the_browsers_own_is_offered_in_its_words(
    client: Client, wanted: str, told: str
) -> None:
    answer = client.get("/?sort=price", headers={"Accept-Language": wanted})
    assert "Tous les articles" in page(answer), "French first"
    assert told in page(answer)
    assert ('class="small preferred"' in page(answer)) == bool(told)
    assert "Accept-Language" in answer["Vary"], "no cache gives it to another reader"
    named = client.get("/en/", headers={"Accept-Language": wanted})
    assert 'class="small preferred"' not in page(named), "an address that names a language was chosen"


def test_no_address_makes_the_switch_leave_the_shop(client: Client) -> None:
    for asked in ("/de//evil.example/", "/de///evil.example/", "/nulle-part/"):
        answer = client.get(asked)
        assert answer.status_code == 404
        assert "evil.example" not in page(answer)
        assert links(answer) == ["/", "/de/", "/it/", "/en/"]


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/fr", "/"),
        ("/fr/", "/"),
        ("/fr?q=th%C3%A9", "/?q=th%C3%A9"),
        ("/fr/rayons/%C3%A9t%C3%A9/?sort=price&page=2", "/rayons/%C3%A9t%C3%A9/?sort=price&page=2"),
        ("/fr//evil.example/", "/%2Fevil.example/"),
        ("/fr/%5Cevil.example/", "/%5Cevil.example/"),
        ("/fr/%3F/", "/%3F/"),
    ],
)
def test_the_prefix_that_french_has_not_leads_to_the_address_without_it(client: Client, asked: str, led: str) -> None:
    answer = client.get(asked)
    assert (answer.status_code, answer["Location"]) == (301, led)
    assert client.get("/french/").status_code == 404


def test_a_change_of_language_keeps_the_details_as_typed_and_goes_nowhere_else(client: Client) -> None:
    fill_cart(client, goods())
    typed = CLAIRE | {"email": "claire@", "delivery_postcode": "12", "language": "de"}
    answer = client.post("/de/coordonnees/", typed)
    assert (answer.status_code, answer["Location"]) == (303, "/de/coordonnees/")
    shown = page(client.get("/de/coordonnees/"))
    assert 'value="claire@"' in shown
    assert 'value="12"' in shown
    assert 'lang="de"' in shown


def test_a_change_of_language_keeps_quantities_and_goes_on_to_nothing(client: Client) -> None:
    bowl = goods()
    fill_cart(client, bowl)
    answer = client.post("/it/panier/", {f"quantity-{bowl.pk}": "3", "shipping": delivery().pk, "language": "it"})
    assert (answer.status_code, answer["Location"]) == (303, "/it/panier/")
    assert re.search(rf'name="quantity-{bowl.pk}" value="3"', page(client.get("/it/panier/")))
    answer = client.post("/it/panier/", {f"quantity-{bowl.pk}": "100", "language": "it"})
    assert 'value="100"' in page(answer)


def test_a_change_of_language_keeps_the_chosen_means_of_payment_and_orders_nothing(client: Client) -> None:
    from orders.models import Order

    fill_cart(client, goods())
    answer = client.post("/en/paiement/", {"method": "twint", "language": "en"})
    assert (answer.status_code, answer["Location"]) == (303, "/en/paiement/?method=twint")
    assert re.search(r'value="twint"[^>]*checked', page(client.get(answer["Location"])))
    assert not Order.objects.exists()


@pytest.mark.parametrize("pressed_on", ["", "payer/"])
def test_a_change_of_language_keeps_the_choice_of_another_try_and_opens_no_page(
    client: Client, pressed_on: str
) -> None:
    order = placed()
    started(order, "card", status="failed", refusal="generic")
    here = f"/de/commande/{order.token}/"
    answer = client.post(f"{here}{pressed_on}", {"method": "paypal", "language": "de"})
    assert (answer.status_code, answer["Location"]) == (303, f"{here}?method=paypal")
    shown = page(client.get(answer["Location"]))
    assert re.findall(r'value="(\w+)"[^>]*checked', shown) == ["paypal"]
    assert f'form="pay" formaction="/en/commande/{order.token}/' in shown
    assert order.payments.count() == 1


def test_a_change_of_language_keeps_the_quantity_and_puts_nothing_into_the_cart(client: Client) -> None:
    bowl = goods()
    answer = client.post(f"/de/articles/{bowl.slug}/", {"quantity": "4", "language": "de"})
    assert answer["Location"] == f"/de/articles/{bowl.slug}/?quantity=4"
    assert 'value="4"' in page(client.get(answer["Location"]))
    assert "Ihr Warenkorb ist leer" in page(client.get("/de/panier/"))


def test_a_change_of_language_keeps_what_was_typed_to_find_an_order_and_asks_for_none(client: Client) -> None:
    answer = client.post("/de/commande/", {"email": "claire@exemple.ch", "number": "KK-7F", "language": "de"})
    assert answer.status_code == 200
    assert 'value="claire@exemple.ch"' in page(answer)
    assert 'value="KK-7F"' in page(answer)
    assert "notice-error" not in page(answer)


def test_a_change_of_language_keeps_a_papers_code_and_verifies_nothing(client: Client) -> None:
    answer = client.get("/it/v/", {"code": "7F3Q-20", "language": "it"})
    assert answer.status_code == 200
    assert 'value="7F3Q-20"' in page(answer)


def test_a_change_of_language_beside_a_verdict_keeps_the_next_code(client: Client) -> None:
    assert 'form="code-form" formaction="/it/v/7F3Q-20KX-9M4DD/"' in page(client.get("/v/7F3Q-20KX-9M4DD/"))
    assert 'value="7F3Q-20"' in page(client.get("/it/v/7F3Q-20KX-9M4DD/", {"code": "7F3Q-20", "language": "it"}))


def test_a_form_to_verify_that_is_sent_empty_is_an_error(client: Client) -> None:
    answer = client.get("/v/", {"code": ""})
    assert answer.status_code == 422
    assert "autofocus" in page(answer)


INDEXED = ["/", "/articles/bol/", "/paiement-securise/", "/confidentialite/", "/conditions/", "/contact/"]


@pytest.mark.parametrize("address", INDEXED)
def test_search_engines_learn_where_a_page_stands_in_the_other_languages(client: Client, address: str) -> None:
    goods(slug="bol")
    for prefix in ("", "/de"):
        shown = page(client.get(f"{prefix}{address}"))
        found = re.findall(r'<link rel="alternate" hreflang="([\w-]+)" href="([^"]+)">', shown)
        site = settings.SITE_URL
        assert found == [
            ("fr", f"{site}{address}"),
            ("de", f"{site}/de{address}"),
            ("it", f"{site}/it{address}"),
            ("en", f"{site}/en{address}"),
            ("x-default", f"{site}{address}"),
        ]
        assert "noindex" not in shown


def test_pages_of_one_customer_are_for_no_search_engine(client: Client) -> None:
    fill_cart(client, goods())
    client.post("/coordonnees/", DETAILS)
    for address in ("/panier/", "/coordonnees/", "/paiement/", f"/commande/{placed().token}/", "/nulle-part/"):
        shown = page(client.get(address))
        assert '<meta name="robots" content="noindex">' in shown
        assert 'rel="alternate"' not in shown


def test_the_goods_are_listed_for_search_engines_in_every_language(client: Client) -> None:
    goods(slug="bol")
    goods(slug="hors-vente", active=False)
    robots = client.get("/robots.txt")
    assert robots["Content-Type"] == "text/plain"
    assert f"Sitemap: {settings.SITE_URL}/sitemap.xml" in page(robots)
    index = page(client.get("/sitemap.xml"))
    assert re.findall(r"<loc>[^<]*?(/sitemap-\w+\.xml)</loc>", index) == ["/sitemap-pages.xml", "/sitemap-goods.xml"]
    listed = [
        re.sub(r"^https?://[^/]+", "", url)
        for url in re.findall(r"<loc>([^<]+)</loc>", page(client.get("/sitemap-goods.xml")))
    ]
    assert sorted(listed) == ["/articles/bol/", "/de/articles/bol/", "/en/articles/bol/", "/it/articles/bol/"]
    fixed = page(client.get("/sitemap-pages.xml"))
    assert "/de/paiement-securise/" in fixed
    assert "/commande/" not in fixed


def test_a_browser_that_asks_for_an_icon_by_habit_finds_one(client: Client) -> None:
    assert client.get("/favicon.ico")["Location"].endswith("/static/img/favicon.svg")


def test_names_stay_as_they_were_sold_and_say_in_which_language_that_was(client: Client) -> None:
    order = placed(goods(names={"fr": "Bol en grès"}))
    shown = page(client.get(f"/de/commande/{order.token}/"))
    assert '<span lang="fr">Bol en grès</span>' in shown
    assert re.search(r"<title>[^<]+ – Bestellung KK-\w{4}-\w{4} – KOOKUT</title>", shown)
