"""What people do with browsers: the back button, the double click, the second tab, coming back another day."""

import time
from datetime import timedelta

from django.utils.timezone import now
from playwright.sync_api import Browser, expect

from orders.models import Order
from payments.models import Payment
from payments.sweep import sweep
from tests.journeys.customer import ACCEPTED, DETAILS, Customer
from tests.sandbox.client import DECLINED, VISA, Sandbox

DAY = 24 * 3600


def test_django_oscar_1734_back_from_the_payment_page_and_pressing_again_leads_to_the_same_page(
    claire: Customer, sandbox: Sandbox
) -> None:
    claire.orders_by_card()
    page = claire.page.url

    claire.goes_back()
    claire.reads("Votre commande attend son paiement")
    claire.orders("card", "par carte")

    assert claire.page.url == page
    assert Order.objects.count() == Payment.objects.count() == 1


def test_back_from_a_refusal_finds_the_order_with_all_that_was_typed(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.types_card(DECLINED)
    sandbox.flush()
    claire.goes_back_to_the_shop()
    claire.reads("Le paiement n’a pas abouti")
    refusal = claire.page.url

    for _page in range(3):  # the payment page after the refusal, and before it
        claire.goes_back()
        if claire.page.url.startswith(claire.shop):
            break
    claire.reads("Le paiement n’a pas abouti")
    claire.sees("Rue de Carouge 12")
    claire.orders("card", "par carte")
    claire.types_card(VISA)
    sandbox.flush()
    claire.page.goto(refusal)
    claire.reads(ACCEPTED)
    assert Order.objects.count() == 1


def test_back_over_a_form_that_had_mistakes_sends_nothing_again(claire: Customer) -> None:
    claire.comes_to_details()
    claire.gives(DETAILS | {"NPA": "12"})
    expect(claire.page.get_by_role("alert")).to_be_visible()
    claire.gives({"NPA": "1205"})
    claire.reads("Paiement")
    claire.presses("Commander et payer")
    expect(claire.page.get_by_role("alert")).to_be_visible()
    claire.page.get_by_role("link", name="Modifier vos coordonnées").click()
    claire.reads("Coordonnées")

    for heading in ("Paiement", "Paiement", "Coordonnées", "Coordonnées"):
        claire.goes_back()
        claire.reads(heading)
    expect(claire.page.get_by_label("Prénom et nom").first).to_have_value("Claire Dufour")


def test_back_from_the_payment_page_and_another_method_opens_its_page(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.goes_back()
    claire.orders("paypal", "avec PayPal")
    claire.approves_paypal()
    sandbox.flush()
    claire.reloads()
    claire.reads(ACCEPTED)
    assert Order.objects.count() == 1


def test_back_from_the_payment_page_to_change_the_cart_replaces_the_order(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.goes_back()
    claire.page.get_by_role("link", name="Modifier le panier").click()
    claire.page.get_by_label("Quantité").fill("3")
    claire.presses("Passer à la caisse")
    expect(claire.page.get_by_label("Localité").first).to_have_value("Genève")
    claire.presses("Continuer vers le paiement")
    claire.orders("card", "par carte")
    claire.types_card(VISA)
    sandbox.flush()
    claire.reloads()
    claire.reads(ACCEPTED)

    assert {(order.status, order.goods_total) for order in Order.objects.all()} == {
        ("cancelled", 2900),
        ("effective", 8700),
    }


def test_a_double_click_places_one_order_and_opens_one_page(claire: Customer, sandbox: Sandbox) -> None:
    claire.comes_to_review()
    claire.chooses("card")
    claire.page.get_by_role("button", name="Commander et payer").dblclick()
    expect(claire.page.get_by_label("Numéro de carte")).to_be_visible()
    assert Order.objects.count() == Payment.objects.count() == len(sandbox.payments()) == 1


def test_what_is_paid_in_one_tab_is_paid_in_the_other(claire: Customer, sandbox: Sandbox) -> None:
    claire.comes_to_review()
    other = Customer(claire.page.context.new_page(), claire.shop)
    other.page.goto(claire.page.url)
    claire.orders("card", "par carte")
    claire.types_card(VISA)
    sandbox.flush()
    claire.reloads()
    claire.reads(ACCEPTED)

    other.orders("twint", "avec TWINT")

    other.reads(ACCEPTED)
    assert Order.objects.count() == Payment.objects.count() == 1


def test_a_cart_that_changed_in_another_tab_is_asked_about_before_it_is_paid(
    claire: Customer, sandbox: Sandbox
) -> None:
    claire.comes_to_review()
    other = Customer(claire.page.context.new_page(), claire.shop)
    other.page.goto(f"{claire.shop}/panier/")
    other.page.get_by_label("Quantité").fill("2")
    other.presses("Mettre à jour")
    expect(other.page.locator(".total .money")).to_have_text("CHF\u00a067.00")

    claire.orders("card", "par carte")

    claire.reads("Quelque chose a changé")
    claire.presses("Continuer avec le nouveau total")
    claire.reads("Paiement")
    claire.orders("card", "par carte")
    assert [payment["amount"] for payment in sandbox.payments()] == [6700]
    assert Order.objects.get().total == 6700


def test_a_form_that_grew_too_old_keeps_the_cart_and_is_sent_anew(claire: Customer, sandbox: Sandbox) -> None:
    claire.comes_to_review()
    claire.page.context.clear_cookies(name="csrf")
    claire.orders("card", "par carte")
    claire.reads("La page est restée ouverte trop longtemps")
    assert not Order.objects.exists()

    claire.page.get_by_role("link", name="Refaire cette étape").click()

    claire.reads("Paiement")
    claire.orders("card", "par carte")
    claire.types_card(VISA)
    sandbox.flush()
    claire.reloads()
    claire.reads(ACCEPTED)


def test_the_cart_outlives_a_refusal_and_the_end_of_its_order(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    order_page = f"{claire.shop}/commande/{Order.objects.get().token}/"
    claire.types_card(DECLINED)
    sandbox.flush()
    claire.page.goto(f"{claire.shop}/panier/")
    expect(claire.page.get_by_role("link", name="Bol en grès")).to_be_visible()

    Order.objects.update(expires_at=now() - timedelta(minutes=1))
    sweep()
    claire.page.goto(order_page)
    claire.reads("Cette commande est annulée")
    claire.page.goto(f"{claire.shop}/panier/")
    expect(claire.page.get_by_role("link", name="Bol en grès")).to_be_visible()
    claire.presses("Passer à la caisse")
    expect(claire.page.get_by_label("Localité").first).to_have_value("Genève")


def test_back_from_the_accepted_order_asks_for_nothing_and_pays_nothing(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.types_card(VISA)
    sandbox.flush()
    claire.reloads()
    claire.reads(ACCEPTED)
    order_page = claire.page.url

    claire.goes_back()
    claire.types_card(VISA)
    claire.reads("Ce paiement est déjà fait")
    claire.page.get_by_role("link", name="← Retour").click()

    claire.reads(ACCEPTED)
    assert claire.page.url == order_page


def test_the_cart_and_the_details_outlive_the_browser(claire: Customer, browser: Browser) -> None:
    claire.walks_to_review()
    memory = claire.page.context.storage_state()
    (session,) = [cookie for cookie in memory["cookies"] if cookie["name"] == "session"]
    assert session["expires"] > time.time() + 29 * DAY

    another_day = browser.new_context(storage_state=memory, java_script_enabled=False)
    page = another_day.new_page()
    page.goto(f"{claire.shop}/paiement/")
    expect(page.locator("main")).to_contain_text("Rue de Carouge 12")
    expect(page.locator("main")).to_contain_text("Bol en grès")
    another_day.close()


def test_a_cancelled_order_is_ordered_again_with_the_same_cart_and_details(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    first_page = claire.page.url
    claire.goes_back_to_the_shop()
    claire.page.get_by_text("Annuler cette commande", exact=True).click()
    claire.presses("Oui, annuler cette commande")
    claire.reads("Cette commande est annulée")
    assert sandbox.payment(first_page)["state"] == "expired"

    claire.presses("Commander à nouveau")
    claire.reads("Paiement")
    claire.orders("card", "par carte")
    claire.types_card(VISA)
    sandbox.flush()
    claire.reloads()
    claire.reads(ACCEPTED)
    assert {order.status for order in Order.objects.all()} == {"cancelled", "effective"}
