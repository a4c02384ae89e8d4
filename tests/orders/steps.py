"""The customer's steps through the shop, as a browser takes them."""

import re
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils.html import escape
from django.utils.translation import gettext, override

from orders.models import Order, Product

CLAIRE = {
    "email": "claire@exemple.ch",
    "delivery_name": "Claire Dufour",
    "delivery_street": "Rue de Carouge 12",
    "delivery_extra": "",
    "delivery_postcode": "1205",
    "delivery_town": "Genève",
    "delivery_country": "CH",
    "phone": "",
}
BUREAU = {
    "other_billing": "on",
    "billing_name": "Claire Dufour",
    "billing_organisation": "Bureau du Lac SA",
    "billing_street": "Quai du Mont-Blanc 1",
    "billing_extra": "Case postale 20",
    "billing_postcode": "1211",
    "billing_town": "Genève",
    "billing_country": "CH",
}


def said(message: str, **words: object) -> str:
    """A sentence as the French page shows it."""
    with override("fr"):
        return escape(gettext(message) % words if words else gettext(message))


def page(response: Any) -> str:
    text: str = response.content.decode()
    return text


def amounts(response: Any) -> list[str]:
    """Every amount that the page shows as money, in its order."""
    return re.findall(r'class="[^"]*money[^"]*">([^<]+)<', page(response))


def add(client: Client, product: Product, quantity: object = 1) -> Any:
    return client.post(f"/articles/{product.slug}/", {"quantity": quantity})


def give_details(client: Client, **changes: str) -> Any:
    return client.post("/coordonnees/", CLAIRE | changes)


def review(client: Client) -> Any:
    return client.get("/paiement/")


def hidden(response: HttpResponse, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page(response))
    assert found, f"no hidden field {name}"
    return found[1]


def only_order() -> Order:
    return Order.objects.get()


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u2060", "")
