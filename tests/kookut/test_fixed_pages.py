"""What the shop says of itself: true of its settings and its goods."""

import re
from dataclasses import fields

import pytest
from django.conf import settings
from django.test import Client, override_settings

from orders.models import ShippingMethod
from tests.orders.steps import page, words

pytestmark = pytest.mark.django_db


def text(client: Client, address: str) -> str:
    """The page's words, without its tags."""
    return words(page(client.get(address)))


def test_the_shop_promises_what_its_owner_promises(client: Client) -> None:
    said = text(client, "/en/paiement-securise/")
    for promise in (
        "You pay by card (Visa or Mastercard), with TWINT or with PayPal",
        "only once the bank’s authorisation centre, or PayPal, has approved",
        "save and print it",
        "certified PCI DSS Level 1",
    ):
        assert promise in said, promise
    assert len(re.findall("<li><b>", page(client.get("/paiement-securise/")))) == 6, "the objectives of the norm"


@pytest.mark.parametrize("prefix", ["", "/de", "/it", "/en"])
def test_the_shop_claims_no_certificate_of_its_own(client: Client, prefix: str) -> None:
    said = text(client, f"{prefix}/paiement-securise/")
    assert not re.search(r"KOOKUT[^.]{0,30}(certifi|zertifiz)", said, re.IGNORECASE)


@pytest.mark.parametrize("address", ["/contact/", "/conditions/", "/confidentialite/"])
def test_who_sells_comes_from_the_settings(client: Client, address: str) -> None:
    other = settings.SELLER | {"name": "Tilleul SA", "street": "Allée 7", "postcode": "2000", "town": "Neuchâtel"}
    with override_settings(SELLER=other):
        said = text(client, address)
    for fact in ("Tilleul SA", "Allée 7", "2000", "Neuchâtel"):
        assert fact in said
    assert settings.SELLER["name"] not in said


def test_the_terms_state_the_prices_of_delivery_that_are_charged(client: Client) -> None:
    ShippingMethod.objects.create(
        names={"fr": "Coursier"}, price=1250, free_from=20_000, delivery_days=2, countries=["CH"]
    )
    ShippingMethod.objects.create(names={"fr": "Ancien"}, price=300, delivery_days=2, countries=["CH"], active=False)
    said = text(client, "/conditions/")
    assert "Coursier CHF 12.50, offerte dès CHF 200.00 2 " in said
    assert "Ancien" not in said


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (0, "If an item does not suit you, write to us"),
        (1, "within 1 day of delivery"),
        (30, "within 30 days of delivery"),
    ],
)
def test_the_terms_grant_the_days_that_the_settings_name(client: Client, days: int, sentence: str) -> None:
    with override_settings(RETURN_DAYS=days):
        assert sentence in text(client, "/en/conditions/")


def test_the_terms_say_until_when_an_order_is_packed_the_same_day_and_which_days_count(client: Client) -> None:
    own = "We do not pack on the public holidays of our own canton"
    said = text(client, "/en/conditions/")
    assert "paid before 14:00 (Swiss time) on a working day is packed the same day" in said
    assert own in said
    with override_settings(SELLER_CANTON="", CUT_OFF_HOUR=9):
        said = text(client, "/en/conditions/")
    assert own not in said
    assert "paid before 09:00 (Swiss time)" in said


@pytest.mark.parametrize(
    ("countries", "sentence"),
    [
        ([["CH"], ["CH", "LI"]], "We deliver to Switzerland and Liechtenstein. The basket"),
        ([["CH"], ["CH"]], "We deliver to Switzerland only. The basket"),
        ([["LI"]], "We deliver to Liechtenstein only. The basket"),
        ([], "canton either. The basket"),
    ],
)
def test_the_terms_name_the_countries_to_which_something_is_delivered(
    client: Client, countries: list[list[str]], sentence: str
) -> None:
    for reached in countries:
        ShippingMethod.objects.create(names={"fr": "Coursier"}, price=900, delivery_days=2, countries=reached)
    ShippingMethod.objects.create(
        names={"fr": "Ancien"}, price=900, delivery_days=2, countries=["CH", "LI"], active=False
    )
    assert sentence in text(client, "/en/conditions/")


def test_the_terms_name_their_version(client: Client) -> None:
    with override_settings(TERMS_VERSION="2027-02-01"):
        assert "Version du 1 février 2027" in text(client, "/conditions/")


def test_a_shop_outside_the_vat_register_says_so_in_its_terms(client: Client) -> None:
    with override_settings(SELLER=settings.SELLER | {"vat_registered": False}):
        said = text(client, "/en/conditions/")
    assert "not subject to value added tax" in said
    assert "include value added tax" not in said


def test_the_confidentiality_page_names_who_gets_data_and_in_which_country(client: Client) -> None:
    """LPD art. 19 al. 2 let. c and al. 4."""
    with override_settings(DATA_PROCESSORS=["Nuage Alpin SA (CH)", "Postillon SA (CH)"]):
        said = text(client, "/confidentialite/")
    for recipient in ("Stripe", "Irlande et États-Unis", "PayPal", "Luxembourg", "Nuage Alpin SA (CH)", "Postillon SA"):
        assert recipient in said


def test_the_confidentiality_page_lists_the_cookies_that_are_set_and_no_others(client: Client) -> None:
    from tests.shop import fill_cart, goods

    fill_cart(client, goods())
    client.get("/coordonnees/")
    listed = re.findall(r"<dt>([\w-]+)</dt>", page(client.get("/confidentialite/")))
    assert sorted(listed) == sorted(client.cookies)


def test_what_was_typed_and_never_ordered_is_gone_after_the_days_that_the_page_names(client: Client) -> None:
    from datetime import timedelta

    from django.contrib.sessions.models import Session
    from django.utils.timezone import now

    from payments.retention import purge
    from tests.shop import fill_cart, goods

    assert "30 jours après la dernière modification" in text(client, "/confidentialite/")
    fill_cart(client, goods())
    assert Session.objects.get().expire_date - now() <= timedelta(days=30)
    purge()
    assert Session.objects.exists()
    Session.objects.update(expire_date=now() - timedelta(seconds=1))
    purge()
    assert not Session.objects.exists()


def test_what_the_providers_may_read_of_an_order_is_told_on_the_confidentiality_page_and_where_it_is_typed(
    client: Client,
) -> None:
    """A new fact for the gateways has to be added to both pages: here it is remembered."""
    from payments.gateways.base import OrderFacts
    from tests.shop import fill_cart

    assert {name for name in vars(OrderFacts) if not name.startswith("_")} == {"number", "email", "language"}
    fill_cart(client)
    for said in (text(client, "/en/confidentialite/"), text(client, "/en/coordonnees/")):
        assert "receives the amount, the order number, the language and your e-mail address." in said  # Stripe
        assert "receives the amount, the order number and the language." in said  # PayPal


def test_what_is_read_of_the_means_of_payment_is_all_named_on_the_confidentiality_page(client: Client) -> None:
    """A new field of the live details has to be added to the page: here it is remembered."""
    from payments.gateways.base import PaymentDetails

    assert {field.name for field in fields(PaymentDetails)} == {
        "brand",
        "last_digits",
        "wallet",
        "authorisation",
        "account",
    }
    said = text(client, "/en/confidentialite/")
    assert "Brand, last four digits, wallet and authorisation code of the card, or the masked PayPal address" in said
