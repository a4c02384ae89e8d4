"""What can go wrong at the bank or on the way: the customer always reads where she stands, and can go on."""

import re
from datetime import timedelta

import pytest
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from orders.models import Order
from payments.models import Letter, Payment, WebhookEvent
from tests.journeys.customer import ACCEPTED, LATE, WAITING, WAITING_FOR_PAYPAL, Customer
from tests.journeys.watch import Watch
from tests.sandbox.client import AMEX, DECLINED, INSUFFICIENT_FUNDS, MASTERCARD, VISA, Sandbox
from tests.shop import deliver, placed, started, stripe_event
from tests.worker import work


def accepted(claire: Customer, sandbox: Sandbox) -> None:
    """The bank's messages arrive; her next look shows it."""
    sandbox.flush(early=True)
    claire.reloads()
    claire.reads(ACCEPTED)


def test_a_refused_card_is_followed_by_another_on_the_same_page(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.types_card(INSUFFICIENT_FUNDS)
    expect(claire.page.get_by_role("alert")).to_be_visible()
    claire.types_card(MASTERCARD)
    accepted(claire, sandbox)
    assert Payment.objects.count() == 1


def test_amex_is_refused_by_the_page_and_takes_no_money(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.types_card(AMEX)
    expect(claire.page.get_by_role("alert")).to_contain_text("American Express")
    assert sandbox.payments()[0]["received"] == 0
    claire.types_card(VISA)
    accepted(claire, sandbox)


def test_who_gives_up_after_a_refusal_reads_why_and_goes_on_with_another_means(
    claire: Customer, sandbox: Sandbox
) -> None:
    claire.orders_by_card()
    first_page = claire.page.url
    claire.types_card(DECLINED)
    sandbox.flush()
    claire.goes_back_to_the_shop()
    claire.reads("Le paiement n’a pas abouti")
    claire.sees("Votre banque n’a pas accepté le paiement")

    claire.pays_again("twint")
    claire.confirms_twint()
    accepted(claire, sandbox)

    claire.page.goto(first_page)
    claire.reads("Cette page de paiement a expiré")
    assert [payment.status for payment in Payment.objects.all()] == ["expired", "authorised"]


@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_who_leaves_the_payment_page_comes_back_to_it(claire: Customer, sandbox: Sandbox, method: str) -> None:
    claire.comes_to_review()
    claire.chooses(method)
    claire.presses("Commander et payer")
    page = claire.page.url
    claire.goes_back_to_the_shop()
    claire.reads("Paiement interrompu")
    expect(claire.page.locator("[aria-current=step]")).to_contain_text("3.")
    expect(claire.page.locator(".notice-error, .notice-warn")).to_have_count(0)
    claire.page.goto(f"{claire.shop}/panier/")
    expect(claire.page.get_by_role("link", name="Bol en grès")).to_be_visible()

    claire.goes_back()
    claire.presses("Payer CHF")

    assert claire.page.url == page
    assert Order.objects.count() == Payment.objects.count() == 1


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_page_that_lapsed_is_opened_anew(claire: Customer, sandbox: Sandbox, method: str) -> None:
    claire.comes_to_review()
    claire.chooses(method)
    claire.presses("Commander et payer")
    lapsed = claire.page.url
    order_page = f"{claire.shop}/commande/{Order.objects.get().token}/"
    claire.presses("Laisser passer le délai")
    sandbox.flush()
    claire.page.goto(order_page)
    if method == "card":  # PayPal says nothing when an order of its lapses
        claire.reads("Le délai de paiement est passé")

    claire.pays_again(method)

    assert claire.page.url != lapsed
    if method == "card":
        claire.types_card(VISA)
    else:
        claire.approves_paypal()
    accepted(claire, sandbox)


def test_a_message_that_comes_twice_has_one_effect_and_one_mail(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.lets_messages("envoyé deux fois")
    claire.types_card(VISA)
    accepted(claire, sandbox)
    work()
    assert len(sandbox.mails("claire@exemple.ch")) == Letter.objects.count() == 1
    assert Order.objects.get().timeline.filter(kind="effective").count() == 1


@pytest.mark.parametrize("manner", ["perdu", "sans signature"])
def test_without_a_proven_message_the_order_waits_until_it_is_sent_again(
    claire: Customer, sandbox: Sandbox, manner: str
) -> None:
    claire.orders_by_card()
    claire.lets_messages(manner)
    claire.types_card(VISA)
    claire.reads(WAITING)
    order_page = claire.page.url
    sandbox.flush(early=True)
    claire.reloads()
    claire.reads(WAITING)
    assert not WebhookEvent.objects.exists()
    expect(claire.page.get_by_role("link", name="Télécharger")).to_have_count(0)

    claire.page.goto(sandbox.url)
    row = claire.page.get_by_role("row").filter(has_text="checkout.session.completed")
    row.get_by_role("button", name="renvoyer").click()
    claire.page.goto(order_page)
    accepted(claire, sandbox)


@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_another_amount_is_looked_into_and_makes_nothing_effective(
    claire: Customer, sandbox: Sandbox, method: str
) -> None:
    claire.comes_to_review()
    claire.chooses(method)
    claire.presses("Commander et payer")
    claire.lets_messages("autre montant (+ 1.00)")
    claire.confirms_twint() if method == "twint" else claire.presses("Payer")
    sandbox.flush(early=True)
    claire.reloads()

    claire.reads("Nous vérifions votre paiement")
    claire.sees("Ne payez pas une deuxième fois")
    expect(claire.page.locator("[name=method]")).to_have_count(0)
    assert Order.objects.get().status == "pending"


def test_an_account_that_paypal_cannot_debit_is_said_so_and_can_be_changed(claire: Customer, sandbox: Sandbox) -> None:
    claire.comes_to_review()
    claire.orders("paypal", "avec PayPal")
    claire.presses("Accepter, puis moyen de paiement refusé")
    claire.reads("Le paiement n’a pas abouti")
    claire.sees("PayPal n’a pas pu débiter le compte choisi")

    claire.pays_again("paypal")
    claire.lets_messages(LATE)
    claire.approves_paypal()
    claire.reads(WAITING_FOR_PAYPAL)
    accepted(claire, sandbox)


def test_money_that_paypal_holds_back_makes_the_order_wait(claire: Customer, sandbox: Sandbox) -> None:
    claire.comes_to_review()
    claire.orders("paypal", "avec PayPal")
    claire.presses("Accepter, puis argent en attente chez PayPal")
    claire.reads(WAITING_FOR_PAYPAL)
    order_page = claire.page.url

    claire.page.goto(sandbox.url)
    claire.presses("accepter")
    claire.page.goto(order_page)
    accepted(claire, sandbox)


def test_a_psp_that_does_not_answer_leaves_the_order_and_a_way_on(claire: Customer, sandbox: Sandbox) -> None:
    claire.comes_to_review()
    sandbox.break_calls("down", calls=20)
    claire.orders("card", "par carte")
    claire.reads("Le prestataire de paiement ne répond pas")

    sandbox.mend()
    claire.page.get_by_role("link", name="Réessayer").click()
    claire.pays_again("twint")
    claire.confirms_twint()
    accepted(claire, sandbox)
    assert Order.objects.count() == 1


def test_the_waiting_page_looks_again_by_itself(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.lets_messages(LATE)
    claire.types_card(VISA)
    claire.reads(WAITING)
    sandbox.flush(early=True)
    claire.reads(ACCEPTED)


def test_the_waiting_page_rests_while_nobody_looks_and_leaves_no_trace_in_the_history(
    first_visit: Page, shop: str, sandbox: Sandbox
) -> None:
    """On a clock of the test's own: a minute passes at once."""
    page = first_visit
    page.clock.install()
    page.add_init_script("Object.defineProperty(document, 'hidden', {get: () => !window.looks})")
    claire, watch = Customer(page, shop), Watch(page.context, shop)
    order = placed()
    payment = started(order, returned_at=now())
    page.goto(f"{shop}/panier/")
    page.goto(f"{shop}/commande/{order.token}/")
    claire.reads(WAITING)

    page.clock.run_for(60_000)
    assert not [address for address in watch.requests if address.endswith("etat.json")]

    deliver(stripe_event(payment))
    page.evaluate("window.looks = true")
    page.clock.run_for(60_000)
    claire.reads(ACCEPTED)
    claire.goes_back()
    claire.reads("Votre panier est vide")


def test_the_waiting_page_notices_by_itself_that_time_passes(first_visit: Page, shop: str, sandbox: Sandbox) -> None:
    """On a clock of the test's own, and with a payment that is made older."""
    page = first_visit
    page.clock.install()
    order = placed()
    payment = started(order, returned_at=now())
    page.goto(f"{shop}/commande/{order.token}/")
    claire = Customer(page, shop)
    claire.reads(WAITING)
    expect(page.locator("[name=method]")).to_have_count(0)

    for minutes, words in [
        (3, "vous pouvez choisir un autre moyen"),
        (12, "Cette page ne se met plus à jour toute seule"),
    ]:
        Payment.objects.filter(pk=payment.pk).update(returned_at=now() - timedelta(minutes=minutes))
        page.wait_for_load_state()
        page.clock.run_for(20_000)
        claire.sees(words)
        expect(page.locator("[name=method]")).to_have_count(3)
    expect(page.locator(".waiting")).to_have_count(0)


@pytest.mark.parametrize("script", [True])
def test_the_waiting_page_says_when_it_has_looked_at_every_look(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.lets_messages(LATE)
    claire.types_card(VISA)
    claire.reads(WAITING)
    claire.page.evaluate("document.getElementById('checked').textContent = ''")
    expect(claire.page.locator("#checked")).to_have_text(re.compile(r"^Dernière vérification à \d\d?\sh\s\d\d\.$"))


def test_the_waiting_page_can_be_told_to_stand_still(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.lets_messages(LATE)
    claire.types_card(VISA)
    claire.reads(WAITING)

    claire.page.get_by_role("link", name="Arrêter la mise à jour automatique").click()

    claire.sees("La mise à jour automatique est arrêtée")
    expect(claire.page.locator("noscript")).to_have_count(0)
    sandbox.flush(early=True)
    claire.page.get_by_role("link", name="Vérifier et reprendre la mise à jour").click()
    claire.reads(ACCEPTED)
