"""The whole purchase by keyboard alone, through the payment page too."""

import pytest
from playwright.sync_api import expect

from orders.models import Order
from tests.journeys.customer import ACCEPTED, DETAILS, WAITING, Customer
from tests.journeys.keyboard import Keyboard
from tests.sandbox.client import Sandbox


@pytest.fixture
def keys(claire: Customer) -> Keyboard:
    return Keyboard(claire.page)


def fills_the_cart(claire: Customer, keys: Keyboard) -> None:
    claire.page.goto(claire.shop)
    keys.presses("Tab")
    assert "Aller au contenu" in keys.says()
    keys.presses("Enter")
    keys.goes_to("link", "Bol en grès")
    keys.presses("Enter")
    claire.reads("Bol en grès")
    keys.goes_to("textbox", "Quantité")
    keys.types("2")
    keys.goes_to("button", "Ajouter au panier")
    keys.presses("Space")
    expect(claire.page.get_by_role("status")).to_contain_text("Bol en grès")
    expect(claire.page.get_by_role("status")).to_be_focused()
    keys.goes_to("link", "Voir le panier")
    keys.presses("Enter")
    claire.reads("Votre panier")
    keys.goes_to("radio", "PostPac Priority")
    keys.goes_to("button", "Passer à la caisse")
    keys.presses("Enter")
    claire.reads("Coordonnées")


def types_the_details(claire: Customer, keys: Keyboard) -> None:
    """Billing elsewhere is looked at and left; the postcode is forgotten, told and mended."""
    for label, words in DETAILS.items():
        keys.goes_to("textbox", label)
        keys.types("" if label == "NPA" else words)
    keys.goes_to("combobox", "Pays")
    keys.goes_to("checkbox", "Facturer à une autre adresse")
    keys.presses("Space")
    keys.goes_to("textbox", "Prénom et nom")
    keys.presses("Shift+Tab")
    keys.presses("Space")
    keys.goes_to("button", "Continuer vers le paiement")
    keys.presses("Enter")
    expect(claire.page.get_by_role("alert")).to_be_focused()
    keys.goes_to("link", "Saisissez le NPA")
    keys.presses("Enter")
    expect(claire.page.get_by_label("NPA").first).to_be_focused()
    keys.types(DETAILS["NPA"])
    keys.presses("Enter")
    claire.reads("Paiement")


def pays_by_card(claire: Customer, keys: Keyboard) -> None:
    """The arrows go through the methods, each announced with its name; the sandbox's messages are late."""
    keys.goes_to("radio", "Carte Visa ou Mastercard")
    for name in ("TWINT", "PayPal"):
        keys.presses("ArrowDown")
        assert f'radio "{name}' in keys.says()
    keys.presses("ArrowDown")
    assert 'radio "Carte' in keys.says()
    keys.goes_to("button", "Commander et payer CHF.67.00 par carte")
    keys.presses("Enter")
    claire.reads("CHF\u00a067.00")
    assert Order.objects.get().status == "pending"
    keys.goes_to("textbox", "Numéro de carte")
    keys.types("4242424242424242")
    keys.goes_to("radio", "normal")
    for _fault in ("perdu", "un sur deux perdu", "jamais produit", "envoyé deux fois", "en retard"):
        keys.presses("ArrowDown")
    assert "en retard" in keys.says()
    keys.goes_to("spinbutton", "retard en secondes")
    keys.types("3600")
    keys.presses("Enter")
    claire.reads(WAITING)


def test_the_whole_purchase_is_made_by_keyboard_alone(claire: Customer, sandbox: Sandbox, keys: Keyboard) -> None:
    fills_the_cart(claire, keys)
    types_the_details(claire, keys)
    pays_by_card(claire, keys)
    sandbox.flush(early=True)
    keys.goes_to("link", "Vérifier maintenant|Télécharger")  # unless the page was quicker
    keys.presses("Enter")
    claire.reads(ACCEPTED)
    with claire.page.expect_download() as download:
        keys.goes_to("link", "Télécharger l’attestation")
        keys.presses("Enter")
    assert download.value.suggested_filename.endswith(".pdf")
    assert keys.faults == []
