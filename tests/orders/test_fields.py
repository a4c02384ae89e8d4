"""What the fields of the details tell people and their browsers, and how an address is written."""

import re

import pytest
from django.test import Client

from orders.models import Order
from tests.orders.steps import add, give_details, page, said
from tests.shop import delivery, goods

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(client: Client) -> str:
    delivery()
    add(client, goods())
    return page(client.get("/coordonnees/"))


def tag(shown: str, name: str) -> str:
    found = re.search(rf'<(?:input|select)[^>]* name="{name}"[^>]*>', shown)
    assert found, name
    return found[0]


def test_the_phone_number_may_be_left_out_and_the_form_says_what_it_is_for(client: Client, shown: str) -> None:
    assert said("Only for the carrier to reach you if there is a problem with the delivery.") in shown
    assert 'aria-describedby="id_phone_helptext"' in tag(shown, "phone")
    assert give_details(client, phone="").status_code == 303


def test_what_may_be_left_out_says_so_and_the_rest_is_needed(shown: str) -> None:
    assert said("No account needed. All fields are required, unless they say “optional”.") in shown
    optional = re.findall(r'<label for="id_(\w+)">[^<]*<span class="optional">', shown)
    assert optional == ["delivery_organisation", "delivery_extra", "phone", "billing_organisation", "billing_extra"]


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("email", ['type="email"', 'autocapitalize="none"', 'spellcheck="false"']),
        ("phone", ['type="tel"']),
        ("delivery_postcode", ['type="text"', 'inputmode="numeric"']),
        ("billing_postcode", ['type="text"', 'inputmode="numeric"']),
    ],
)
def test_a_telephone_shows_the_keys_that_are_wanted(shown: str, name: str, attributes: list[str]) -> None:
    assert [each for each in attributes if each not in tag(shown, name)] == []


def test_a_quantity_is_typed_with_digits_and_never_turned_by_a_wheel(client: Client) -> None:
    quantity = tag(page(client.get(f"/articles/{goods().slug}/")), "quantity")
    assert 'type="text"' in quantity
    assert 'inputmode="numeric"' in quantity


@pytest.mark.parametrize(
    ("organisation", "extra", "lines"),
    [
        ("", "", ["Claire Dufour", "Quai 1", "1211 Genève"]),
        ("", "c/o Müller", ["Claire Dufour", "c/o Müller", "Quai 1", "1211 Genève"]),
        ("Lac SA", "3e étage", ["Lac SA", "Claire Dufour", "3e étage", "Quai 1", "1211 Genève"]),
        ("Lac SA", "Case postale 20", ["Lac SA", "Claire Dufour", "Quai 1", "Case postale 20", "1211 Genève"]),
        ("", "case postale", ["Claire Dufour", "Quai 1", "case postale", "1211 Genève"]),
        ("", "Postfach 20", ["Claire Dufour", "Quai 1", "Postfach 20", "1211 Genève"]),
        ("", "Casella postale", ["Claire Dufour", "Quai 1", "Casella postale", "1211 Genève"]),
        ("", "P.O. Box 7", ["Claire Dufour", "Quai 1", "P.O. Box 7", "1211 Genève"]),
        ("", "PO Boxer-Haus", ["Claire Dufour", "PO Boxer-Haus", "Quai 1", "1211 Genève"]),
    ],
)
def test_an_address_is_written_as_the_post_wants_it(organisation: str, extra: str, lines: list[str]) -> None:
    order = Order(
        billing_name="Claire Dufour",
        billing_organisation=organisation,
        billing_extra=extra,
        billing_street="Quai 1",
        billing_postcode="1211",
        billing_town="Genève",
        billing_country="CH",
    )
    assert order.billing_address == lines
