"""Requests with a NUL, which PostgreSQL has no word for, and other characters that no browser sends by itself."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from orders.models import Order, Product
from tests.shop import DETAILS, fill_cart, goods, placed

pytestmark = pytest.mark.django_db
NUL = "\0"


@pytest.fixture
def claire() -> Client:
    """Claire stands before the review page; an answer of 500 is one, not the test's own error."""
    client = Client(raise_request_exception=False)
    fill_cart(client, goods(slug="bol"))
    return client


@pytest.mark.parametrize(
    "address",
    [
        "/%00/",
        "/?page=%00",
        "/?page=1%00",
        "/?q=bol%00",
        "/?category=%00",
        "/articles/%00/",
        "/articles/bol%00/",
        "/articles/bol/?added=%00",
        "/panier/?%00=%00",
        "/coordonnees/?%00",
        "/paiement/?%00",
        "/commande/?asked=%00",
        "/media/%00",
        "/static/%00",
        "/health/ready?%00",
    ],
)
def test_an_address_with_a_nul_is_answered(claire: Client, address: str) -> None:
    assert claire.get(address).status_code in (200, 302, 404)


ODD_TOKENS = [
    "%00",
    "a" * 19 + "%00",
    "a" * 32 + "%00",
    "a" * 32 + "%0a",
    "é" * 20,
    "a" * 44,
    "a" * 19,
    "%27%20or%201=1--",
]


@pytest.mark.parametrize("token", ODD_TOKENS)
@pytest.mark.parametrize("language", ["", "/de"])
def test_what_cannot_be_a_token_leads_to_no_order(claire: Client, token: str, language: str) -> None:
    order = f"{language}/commande/{token}"
    visited = [
        f"{order}/{page}" for page in ("", f"retour/{uuid4()}/", f"abandon/{uuid4()}/", "attestation.pdf", "etat.json")
    ]
    pressed = [f"{order}/{action}/" for action in ("payer", "annuler", "reprendre")]

    assert {claire.get(address).status_code for address in visited} == {404}
    assert {claire.post(address).status_code for address in pressed} == {404}


def test_a_token_of_either_length_leads_to_its_order(claire: Client) -> None:
    """`new_token` makes 32 characters today; the column holds 43."""
    for order in (placed(), placed(token="-_" * 10), placed(token="a" * 43)):
        assert claire.get(reverse("payments:order", args=[order.token])).status_code == 200


@pytest.mark.parametrize("cookie", ["session", "csrf", "django_language", "messages"])
@pytest.mark.parametrize("value", ["aaaaaaaaaa" + NUL, NUL * 32, "a" * 32 + "\n", "é" * 32, "a" * 5000])
def test_a_cookie_that_cannot_be_ours_counts_as_none(cookie: str, value: str) -> None:
    client = Client(raise_request_exception=False)
    client.cookies[cookie] = value
    for address in ("/", "/panier/", "/paiement/", "/admin/"):
        assert client.get(address).status_code in (200, 302)


FORMS: list[tuple[str, dict[str, str]]] = [
    ("/articles/bol/", {"quantity": "1"}),
    ("/panier/", {"quantity-{bowl}": "1", "shipping": "1"}),
    ("/panier/retirer/", {"product": "{bowl}"}),
    ("/panier/accepter/", {"back": "cart"}),
    ("/coordonnees/", DETAILS | {"other_billing": "on", "billing_name": "X", "billing_country": "CH"}),
    ("/paiement/", {"checkout_key": "0e9a824b-709b-40a4-8f9b-019b2341688f", "total": "3800", "method": "card"}),
    ("/commande/", {"email": "claire@exemple.ch", "number": "KK-7F3Q-20M4"}),
    ("/commande/{order}/payer/", {"method": "card"}),
    ("/admin/login/", {"username": "eve", "password": "word"}),
]


@pytest.mark.parametrize(
    ("address", "form", "field"),
    [pytest.param(address, form, field, id=address + field) for address, form in FORMS for field in form],
)
def test_a_nul_in_a_form_is_refused_or_dropped(claire: Client, address: str, form: dict[str, str], field: str) -> None:
    words = {"bowl": Product.objects.get(slug="bol").pk, "order": placed().token}
    typed = {name.format_map(words): value.format_map(words) for name, value in form.items()}
    typed[field.format_map(words)] += NUL

    assert claire.post(address.format_map(words), typed).status_code in (200, 303, 400, 422)
    assert claire.get("/panier/").status_code == 200
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    "address",
    [
        "orders/product/?q=%00",
        "orders/order/?q=a@%00",
        "orders/order/?language=%00",
        "orders/order/?%00=1",
        "payments/payment/?method__exact=%00",
        "orders/product/%00/change/",
        "orders/order/%00/change/",
        "login/?next=%00",
    ],
)
def test_the_back_office_understands_no_nul(address: str, admin_client: Client) -> None:
    admin_client.raise_request_exception = False
    answer = admin_client.get(f"/admin/{address}", headers={"Accept-Language": "de"})
    assert (answer.status_code, "Wir haben diese Anfrage nicht verstanden" in answer.content.decode()) == (400, True)


def test_nor_in_what_is_sent_to_it(admin_client: Client) -> None:
    admin_client.raise_request_exception = False
    chosen = {"action": "print_slips", "_selected_action": "1\0"}
    assert admin_client.post("/admin/orders/order/", chosen).status_code == 400
