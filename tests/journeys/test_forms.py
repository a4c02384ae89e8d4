"""Forms without a script: mistakes are said, found and mended, and nothing that was typed is lost."""

import re

import pytest
from playwright.sync_api import expect

from orders.models import Order, Product
from tests.journeys.customer import DETAILS, Customer
from tests.sandbox.client import Sandbox
from tests.worker import work


def test_mistakes_are_listed_first_with_the_focus_on_them(claire: Customer) -> None:
    claire.comes_to_details()
    claire.gives({"Adresse e-mail": "claire@", "Prénom et nom": "Claire Dufour", "NPA": "12"})

    summary = claire.page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("informations sont à corriger")
    expect(claire.page).to_have_title(re.compile("^Erreur\u00a0: Coordonnées"))
    summary.get_by_role("link", name="Saisissez un NPA à quatre chiffres, par exemple 1204").click()
    postcode = claire.page.get_by_label("NPA").first
    expect(postcode).to_be_focused()
    expect(postcode).to_have_attribute("aria-invalid", "true")
    expect(postcode).to_have_accessible_description(re.compile("Saisissez un NPA à quatre chiffres"))


def test_what_was_typed_stays_over_mistakes_and_a_change_of_language(claire: Customer) -> None:
    claire.comes_to_details()
    claire.gives({"Adresse e-mail": "claire@", "Prénom et nom": "Žižek O’Neill-Müller", "NPA": "12"})
    name = claire.page.locator("[name=delivery_name]")
    expect(name).to_have_value("Žižek O’Neill-Müller")
    claire.page.get_by_label("Localité").first.fill("Genève")  # typed, and never sent

    claire.page.locator("header summary").click()
    claire.page.get_by_role("button", name="Deutsch").click()

    expect(claire.page.locator("html")).to_have_attribute("lang", "de")
    expect(name).to_have_value("Žižek O’Neill-Müller")
    expect(claire.page.locator("[name=delivery_postcode]")).to_have_value("12")
    expect(claire.page.locator("[name=delivery_town]")).to_have_value("Genève")


def test_enter_in_a_field_goes_on_and_changes_no_language(claire: Customer) -> None:
    claire.puts_into_cart("Bol")
    claire.checks_out()
    claire.page.get_by_label("Adresse e-mail").fill("claire@")
    claire.page.keyboard.press("Enter")
    expect(claire.page.get_by_role("alert")).to_be_focused()


def test_another_billing_address_opens_by_its_box_alone(claire: Customer) -> None:
    claire.comes_to_details()
    billing = claire.page.get_by_role("group", name="Adresse de facturation")
    expect(billing).to_be_hidden()
    claire.page.get_by_label("Facturer à une autre adresse").check()
    expect(billing).to_be_visible()
    billing.get_by_label("Prénom et nom").fill("Jean Dufour")
    billing.get_by_label("Rue et numéro").fill("Quai 1")
    billing.get_by_label("NPA").fill("1003")
    billing.get_by_label("Localité").fill("Lausanne")
    claire.gives(DETAILS)
    claire.sees("1003 Lausanne")


def test_no_choice_of_a_method_is_said_and_places_nothing(claire: Customer) -> None:
    claire.comes_to_review()
    claire.presses("Commander et payer")
    expect(claire.page.get_by_role("alert")).to_be_focused()
    claire.page.get_by_role("link", name="Choisissez un moyen de paiement").click()
    expect(claire.page.get_by_role("group", name="Moyen de paiement")).to_be_focused()
    assert not Order.objects.exists()


def test_woo_payments_8289_the_review_can_be_used_with_the_keyboard_alone(claire: Customer) -> None:
    claire.comes_to_review()
    keyboard = claire.page.keyboard
    focused = claire.page.locator(":focus")
    for _key in range(20):
        keyboard.press("Tab")
        if focused.count() and focused.get_attribute("name") == "method":
            break
    expect(focused).to_have_attribute("value", "card")
    keyboard.press("ArrowDown")
    expect(focused).to_have_attribute("value", "twint")
    expect(focused).to_be_checked()
    keyboard.press("Tab")
    expect(focused).to_have_accessible_name(re.compile(r"^Commander et payer CHF\s38\.00 avec TWINT$"))
    keyboard.press("Enter")
    expect(claire.page.get_by_role("heading", name="TWINT")).to_be_visible()


def test_twint_above_its_limit_stands_there_with_its_reason_and_cannot_be_chosen(claire: Customer) -> None:
    claire.comes_to_review("Batterie")
    expect(claire.page.locator("[name=method][value=twint]")).to_have_count(0)
    expect(claire.page.get_by_role("group", name="Moyen de paiement")).to_contain_text(
        "TWINT accepte les paiements jusqu’à CHF 5’000"
    )


@pytest.mark.parametrize("what", ["price", "stock"])
def test_a_change_of_the_catalogue_is_asked_about_before_any_psp(claire: Customer, sandbox: Sandbox, what: str) -> None:
    claire.comes_to_review()
    if what == "price":
        Product.objects.filter(names__fr="Bol en grès").update(price=3100)
    else:
        Product.objects.filter(names__fr="Bol en grès").update(stock=0)
    claire.orders("card", "par carte")

    if what == "price":
        claire.reads("Quelque chose a changé")
        claire.sees("CHF 29.00")
        claire.sees("CHF 31.00")
        claire.presses("Continuer avec le nouveau total")
        claire.reads("Paiement")
        claire.orders("card", "par carte")
        assert Order.objects.get().total == 4000
    else:
        claire.sees("vient d’être vendu")
    assert len(sandbox.payments()) == (1 if what == "price" else 0)


def test_a_lost_link_comes_again_by_mail(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    order = Order.objects.get()
    claire.page.goto(f"{claire.shop}/commande/")
    claire.page.get_by_label("E-mail").fill("claire@exemple.ch")
    claire.page.get_by_label("Numéro de commande").fill(order.number.lower())
    claire.presses("Envoyer le lien")
    expect(claire.page.get_by_role("status")).to_contain_text("Si ces deux indications correspondent à une commande")

    work()
    claire.page.goto(f"{sandbox.url}/mail/")
    claire.page.get_by_role("link", name="votre lien vers la commande").click()
    (address,) = re.findall(r"http\S+", claire.page.locator("pre").inner_text())
    claire.page.goto(address)
    claire.reads("Votre commande attend son paiement")
