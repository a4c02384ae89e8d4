"""The catalogue: categories, words, orders and pages, all of them in the address."""

import re
import unicodedata
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate
from pytest_django import DjangoAssertNumQueries

from orders.catalogue import GOODS_PER_PAGE
from orders.models import Category, Order, Product, ShippingMethod
from orders.search import plain
from tests.orders.steps import add, page, said
from tests.shop import delivery, fill_cart, goods, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelves() -> dict[str, Category]:
    names = {"table": {"fr": "Vaisselle", "de": "Geschirr"}, "pantry": {"fr": "Épicerie"}, "empty": {"fr": "Jardin"}}
    return {slug: Category.objects.create(slug=slug, names=given) for slug, given in names.items()}


def shown(client: Client, path: str = "/", **asked: str) -> list[str]:
    """The names on a page of the catalogue, in their order."""
    answer = client.get(path, asked)
    assert answer.status_code == 200
    return re.findall(r'<h2><a href="[^"]*"[^>]*>([^<]*)</a></h2>', page(answer))


def named(*names: str, **more: object) -> None:
    for name in names:
        goods(names={"fr": name}, **more)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("théière", ["Théière en fonte"]),
        ("theiere", ["Théière en fonte"]),
        ("THÉIÈRE", ["Théière en fonte"]),
        ("eier", ["Théière en fonte"]),  # a part of a word
        ("théieres", ["Théière en fonte"]),  # in the plural
        ("théierre", ["Théière en fonte"]),  # mistyped
        ("fonte théière", ["Théière en fonte"]),  # in any order
        ("théière en fonte", ["Théière en fonte"]),
        ("oeuf", ["Œufs d’Émilie"]),
        ("œuf", ["Œufs d’Émilie"]),
        ("d'emilie", ["Œufs d’Émilie"]),
        ("théieres en fontes théière rouge", ["Théière en fonte"]),  # of what is mistyped three words count
        ("samovar", []),
        ("%", []),
        ("_", []),
        ("' OR 1=1 --", []),
        ("\x00", ["Théière en fonte", "Œufs d’Émilie", "Bol"]),
        ("  ", ["Théière en fonte", "Œufs d’Émilie", "Bol"]),
    ],
)
def test_words_find_goods_whatever_their_accents_and_case(client: Client, typed: str, found: list[str]) -> None:
    named("Théière en fonte", "Œufs d’Émilie", "Bol")
    assert shown(client, q=typed) == found


def test_the_search_is_in_the_language_of_the_page(client: Client) -> None:
    goods(names={"fr": "Bol", "de": "Steinzeugschale"}, descriptions={"fr": "Grès.", "de": "Für Müesli."})
    goods(names={"fr": "Carafe"})
    assert shown(client, "/de/", q="schale") == ["Steinzeugschale"]
    assert shown(client, "/de/", q="muesli") == ["Steinzeugschale"]
    assert shown(client, "/de/", q="bol") == []
    assert shown(client, "/de/", q="carafe") == ["Carafe"], "which has no German name"
    assert shown(client, q="schale") == []


def test_goods_that_have_the_word_in_their_name_come_first(client: Client) -> None:
    named("Assiette", descriptions={"fr": "Va avec le bol."})
    named("Bol")
    assert shown(client, q="bol") == ["Bol", "Assiette"]
    assert shown(client, q="bol", sort="name") == ["Assiette", "Bol"]


def test_goods_with_some_of_the_words_come_after_those_with_all_and_sold_out_ones_last_of_each(client: Client) -> None:
    named("Bol de bois", "Anse bleue", "Carafe")
    named("Bol bleu épuisé", stock=0)
    named("Assiette", descriptions={"fr": "Va avec le bol bleu."})
    named("Bol bleu")
    named("Bol de grès", stock=0)
    asked = {"q": "bol bleu"}
    assert shown(client, **asked) == [
        "Bol bleu",
        "Bol bleu épuisé",
        "Assiette",
        "Bol de bois",
        "Anse bleue",
        "Bol de grès",
    ]
    text = page(client.get("/", asked))
    assert text.index(">Assiette<") < text.index(said("Other items that might suit you")) < text.index(">Bol de bois<")
    by_name = ["Assiette", "Bol bleu", "Bol bleu épuisé", "Anse bleue", "Bol de bois", "Bol de grès"]
    assert shown(client, **asked, sort="name") == by_name
    assert said("Other items that might suit you") not in page(client.get("/", {"q": "bol"})) + page(client.get("/"))


def test_where_nothing_holds_all_of_the_words_what_holds_some_is_shown_under_its_own_heading(client: Client) -> None:
    named("Théière en fonte", "Bol")
    text = page(client.get("/", {"q": "théière rouge"}))
    assert "Aucun article pour «\u00a0théière rouge\u00a0»" in text
    assert text.index(said("Other items that might suit you")) < text.index(">Théière en fonte<")
    assert ">Bol<" not in text
    assert shown(client, q="théierre en fontte") == ["Théière en fonte"], "mistyped, and all of it"


@pytest.mark.parametrize("typed", ["KK-7F3Q-20M4", " kk 7f3q 20m4", "KK7F3Q20M5"])
def test_who_searches_for_an_orders_number_is_led_to_where_orders_are_found(client: Client, typed: str) -> None:
    answer = client.get("/de/", {"q": typed})
    assert answer["Location"].startswith("/de/commande/?number=")
    assert f'value="{typed.strip()}"' in page(client.get(answer["Location"]))


@pytest.mark.parametrize("typed", ["ART-1001", " art-1001 "])
def test_an_article_is_found_by_its_number(client: Client, typed: str) -> None:
    goods(names={"fr": "Bol"}, sku="ART-1001")
    goods(names={"fr": "Tasse"}, sku="ART-1002")
    named("Soucoupe", descriptions={"fr": "Va avec l’article ART-1001."})
    assert shown(client, q=typed) == ["Bol", "Soucoupe"]
    assert shown(client, q="ART-100") == ["Soucoupe"]


def test_a_category_is_found_by_its_name_too(client: Client, shelves: dict[str, Category]) -> None:
    named("Miel", category=shelves["pantry"])
    named("Bol")
    assert shown(client, q="epicerie") == ["Miel"]


def test_a_category_has_its_page_and_is_marked_there(client: Client, shelves: dict[str, Category]) -> None:
    named("Bol", category=shelves["table"])
    named("Miel", category=shelves["pantry"])
    named("Vieux bol", category=shelves["table"], active=False)
    assert shown(client, "/rayons/table/") == ["Bol"]
    text = page(client.get("/rayons/table/"))
    (marked,) = re.findall(r'<a href="([^"]*)" aria-current="page">([^<]*)</a>', text)
    assert marked == ("/rayons/table/", "Vaisselle")
    assert "<title>Vaisselle – KOOKUT</title>" in text
    assert "Jardin" not in text, "a category without goods is not offered"
    assert 'href="/rayons/table/"' in page(client.get(f"/articles/{Product.objects.get(names__fr='Bol').slug}/"))
    assert "Geschirr" in page(client.get("/de/rayons/table/"))
    assert client.get("/rayons/nulle-part/").status_code == 404


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("", ["Étui", "Bol", "Zeste", "arrosoir"]),
        ("shop", ["Étui", "Bol", "Zeste", "arrosoir"]),
        ("new", ["Zeste", "arrosoir", "Bol", "Étui"]),
        ("price", ["Bol", "Zeste", "Étui", "arrosoir"]),
        ("-price", ["arrosoir", "Étui", "Zeste", "Bol"]),
        ("name", ["arrosoir", "Bol", "Étui", "Zeste"]),
        ("; DROP TABLE", ["Étui", "Bol", "Zeste", "arrosoir"]),
    ],
)
def test_goods_are_put_in_the_order_that_was_asked_for(client: Client, order: str, names: list[str]) -> None:
    for name, price, position in (("Étui", 300, 1), ("Bol", 100, 2), ("arrosoir", 400, 4), ("Zeste", 200, 3)):
        goods(names={"fr": name}, price=price, position=position)
    assert shown(client, sort=order) == names


def test_links_keep_what_was_asked_for(client: Client, shelves: dict[str, Category]) -> None:
    for number in range(GOODS_PER_PAGE + 1):
        named(f"Bol & cie {number}", category=shelves["table"])
    named("Bol de miel", category=shelves["pantry"])
    answer = client.get("/rayons/table/", {"q": "bol & cie", "sort": "name"})
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]*q=[^"]*)"', page(answer))]
    kept = urlencode({"q": "bol & cie"})
    assert f"?{kept}&sort=name&page=2" in links
    assert f"/rayons/pantry/?{kept}&sort=name" in links
    assert f"/?{kept}&sort=name" in links
    assert f"?{kept}&sort=-price" in links
    assert [link for link in links if "page" in link] == [f"?{kept}&sort=name&page=2"]
    assert 'value="bol &amp; cie"' in page(answer)
    second = client.get(f"/rayons/table/?{kept}&sort=name&page=2")
    assert page(second).count('class="good"') == 1
    assert 'name="sort" value="name"' in page(second)


def test_where_nothing_is_found_the_page_says_so_and_keeps_the_words(
    client: Client, shelves: dict[str, Category]
) -> None:
    named("Bol", category=shelves["table"])
    named("Miel", category=shelves["pantry"])
    text = page(client.get("/rayons/table/", {"q": "<b>miel"}))
    assert "Aucun article pour «\u00a0&lt;b&gt;miel\u00a0» dans «\u00a0Vaisselle\u00a0»" in text
    assert 'value="&lt;b&gt;miel"' in text
    assert said("Search all goods") in text
    assert shown(client, q="<b>miel") == ["Miel"]


def test_an_endless_question_is_cut(client: Client) -> None:
    named("Bol")
    assert shown(client, q="bol " * 5000) == ["Bol"]
    assert client.get("/", {"q": "x" * 5000}).status_code == 200


def test_search_engines_are_shown_the_goods_and_no_ones_questions(client: Client, shelves: dict[str, Category]) -> None:
    for number in range(GOODS_PER_PAGE + 1):
        named(f"Bol {number}", category=shelves["table"], descriptions={"fr": "Tourné à la main."})
    product = Product.objects.all()[0]
    for path, canonical in [
        ("/", "/"),
        ("/?utm_source=mail", "/"),
        ("/?page=2", "/?page=2"),
        ("/de/rayons/table/", "/de/rayons/table/"),
        (f"/articles/{product.slug}/?added", f"/articles/{product.slug}/"),
    ]:
        text = page(client.get(path))
        assert re.search(rf'<link rel="canonical" href="http://localhost:\d+{re.escape(canonical)}">', text), path
        assert re.search(r'<meta name="description" content="[^"]{10,}">', text), path
        assert "noindex" not in text
    assert 'content="Tourné à la main."' in page(client.get(f"/articles/{product.slug}/"))
    titles = {re.findall("<title>(.*)</title>", page(client.get(path)))[0] for path in ("/", "/?page=2", "/?q=bol")}
    assert len(titles) == 3
    for path in ("/?q=bol", "/?sort=price", "/rayons/empty/"):
        assert '<meta name="robots" content="noindex">' in page(client.get(path))


@pytest.mark.parametrize("path", ["/", "/?q=bol+fin&sort=name&page=2", "/rayons/table/?q=bol"])
def test_a_catalogue_of_any_size_asks_the_database_little(
    client: Client, shelves: dict[str, Category], django_assert_max_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    named(*(f"Bol fin {number}" for number in range(GOODS_PER_PAGE + 3)), category=shelves["table"])
    with django_assert_max_num_queries(4):
        assert client.get(path).status_code == 200


def test_words_and_orders_go_through_an_index(client: Client) -> None:
    goods(names={"fr": "Bol", "de": "Schale"})
    for address, index in [
        ("/?q=bol", "product_words_fr"),
        ("/?q=bol", "product_sku_typed"),
        ("/de/?q=schale", "product_words_de"),
        ("/?sort=-price", "product_price"),
        ("/", "product_position"),
    ]:
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        statement = captured[-1]["sql"]
        with connection.cursor() as cursor:
            # So few rows are read faster one by one; the question is whether the index could be used.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert index in plan, plan


def test_words_are_compared_as_postgresql_writes_them() -> None:
    """The one in the index and the one that is looked for must be the same, for every letter of our languages."""
    letters = [chr(code) for code in range(0x20, 0x250) if unicodedata.category(chr(code))[0] in "LNPSZ"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT letter, plain_text(letter) FROM unnest(%s) AS letter", [letters])
        differing = [(letter, theirs, plain(letter)) for letter, theirs in cursor.fetchall() if theirs != plain(letter)]
    assert differing == []


def test_what_is_shown_in_french_for_want_of_another_language_says_so(client: Client) -> None:
    delivery()
    shelf = Category.objects.create(slug="table", names={"fr": "Vaisselle"}, descriptions={"fr": "Pour la table."})
    bowl = goods(names={"fr": "Bol bleu"}, descriptions={"fr": "Tourné à la main."}, category=shelf)
    cup = goods(names={"fr": "Tasse", "de": "Becher"}, category=shelf)
    for product in (bowl, cup):
        add(client, product)
    for path, french in {
        "/": ["Bol bleu", "Vaisselle"],
        "/rayons/table/": ["Bol bleu", "Vaisselle", "Pour la table."],
        f"/articles/{bowl.slug}/": ["Bol bleu", "Tourné à la main.", "Vaisselle", "PostPac Priority"],
        "/panier/": ["Bol bleu", "PostPac Priority"],
    }.items():
        shown_in_german = page(client.get(f"/de{path}"))
        for text in french:
            assert_is_marked(text, shown_in_german)
        assert not re.search(r'lang="fr">\s*Becher<', shown_in_german)
        assert not re.search(r'lang="fr">\s*(Bol bleu|Tasse)<', page(client.get(path)))


def assert_is_marked(text: str, shown: str) -> None:
    """Whenever a reader meets it in the page."""
    seen = shown.partition("<main")[2]
    assert text in seen
    assert re.findall(rf'([^>]{{0,40}})(?<! lang="fr">){re.escape(text)}', seen.replace("> ", ">")) == [], text


def test_sentences_with_a_name_in_french_for_want_of_another_language_say_so(client: Client) -> None:
    bowl = goods(names={"fr": "Bol bleu"}, stock=5)
    fill_cart(client, bowl, quantity=2)
    order = placed(bowl)
    quantities = {f"quantity-{bowl.pk}": "100"}
    assert_is_marked("Bol bleu", page(client.get(f"/de/articles/{bowl.slug}/?added")))
    assert_is_marked("Bol bleu", page(client.post("/de/panier/", quantities)))
    for path in ("/de/paiement/", "/de/conditions/", f"/de/commande/{order.token}/"):
        assert_is_marked("PostPac Priority", page(client.get(path)))
    Order.objects.update(delivery_by=localdate())
    assert_is_marked("PostPac Priority", page(client.get(f"/de/commande/{order.token}/")))
    Product.objects.update(stock=1, price=2800)
    assert_is_marked("Bol bleu", page(client.get("/de/panier/")))
    Product.objects.update(stock=0)
    assert_is_marked("Bol bleu", page(client.get("/de/panier/")))
    Product.objects.update(stock=5)
    ShippingMethod.objects.update(active=False)
    ShippingMethod.objects.create(names={"fr": "Coursier"}, price=900, delivery_days=1, countries=["CH"])
    assert_is_marked("Coursier", page(client.get("/de/panier/")))
    Product.objects.update(stock=5)
    assert_is_marked("Bol bleu", page(client.post("/de/panier/retirer/", {"product": bowl.pk}, follow=True)))


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (0, "Écrivez-nous d’abord"),
        (1, "Vous pouvez renvoyer un article dans le délai de 1 jour"),
        (30, "Vous pouvez renvoyer un article dans les 30 jours"),
    ],
)
def test_an_articles_page_grants_the_days_that_the_terms_do(
    client: Client, settings: Any, days: int, sentence: str
) -> None:
    settings.RETURN_DAYS = days
    for path in (f"/articles/{goods().slug}/", "/conditions/"):
        shown = page(client.get(path))
        assert sentence.replace("Écrivez-nous d’abord", "crivez-nous") in shown, path
        assert (days > 0) == ("vous pouvez renvoyer" in shown.lower()), path
