"""What staff see of an order in the back office, and that nothing there can be added, changed or deleted."""

import csv
import re
from base64 import b32decode, b32encode
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils.timezone import localdate
from openpyxl import load_workbook
from PIL import Image
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from kookut import roles
from orders.models import Order, OrderLine, TimelineEntry
from payments.models import Letter, Payment, WebhookEvent
from tests.journeys.customer import Customer, text_of
from tests.sandbox.client import VISA, Sandbox
from tests.shop import deliver, placed, started, stripe_event
from tests.staff import PASSWORD, code, sign_in, sign_in_by_hand, with_second_factor
from tests.worker import work


def test_staff_sign_in_and_see_all_of_an_order(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.types_card(VISA)
    sandbox.flush()
    order, payment = Order.objects.get(), Payment.objects.get()
    employ("leila", "reading")

    staff = claire.page.context.new_page()
    staff.goto(f"{claire.shop}/admin/")
    sign_in_by_hand(staff, "leila")
    staff.get_by_role("link", name="Commandes").last.click()
    staff.locator("#searchbar").fill(order.number)
    staff.get_by_role("button", name="Chercher").click()
    expect(staff).to_have_url(re.compile(rf"/admin/orders/order/{order.pk}/change/$"))

    content = staff.locator("#content")
    for fact in [
        "CHF\u00a038.00",
        "claire@exemple.ch",
        "Rue de Carouge 12",
        "Bol en grès",
        payment.money_reference or "",
        payment.page_reference or "",
        "checkout.session.completed",
        "Commande passée",
        "La commande est effective.",
        "Stripe",
    ]:
        expect(content).to_contain_text(fact)
    expect(staff.locator("#content :is(input, select, textarea):not([type=hidden])")).to_have_count(0)
    expect(staff.locator(".addlink, .deletelink, [name=_save]").filter(visible=True)).to_have_count(0)


def test_staff_have_the_papers_and_send_a_letter_again(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.types_card(VISA)
    sandbox.flush()
    order = Order.objects.get()
    employ("leila", "support")
    staff = claire.page.context.new_page()
    staff.goto(f"{claire.shop}/admin/orders/order/{order.pk}/change/")
    sign_in_by_hand(staff, "leila")

    with staff.expect_download() as download:
        staff.get_by_role("link", name=re.compile(r"^Attestation de paiement .*\(PDF, (environ\s)?\d+\sKo\)$")).click()
    assert order.number in text_of(download.value.path().read_bytes())

    def sends_again() -> None:
        staff.get_by_role("link", name="«\u00a0Lien vers la commande\u00a0»").click()
        expect(staff.locator(".desk-act")).to_contain_text(f"part tout de suite à {order.email}")
        staff.get_by_role("button", name="Renvoyer un e-\u2060mail").click()

    sends_again()
    expect(staff.locator(".messagelist .success")).to_have_text("L’e-\u2060mail est en route.")
    expect(staff.locator("#content")).to_contain_text("Renvoi demandé : Lien vers la commande.")
    sends_again()
    expect(staff.locator(".desk-refused")).to_contain_text("moins d’une minute")
    work()
    (letter,) = [mail for mail in sandbox.mails(order.email) if "lien" in str(mail["Subject"])]
    body = letter.get_body(("plain",))
    assert body
    assert f"/commande/{order.token}/" in body.get_content()


def employ(name: str, role: str) -> User:
    """Somebody who may do what the role may, and whose telephone is set up."""
    roles.set_up()
    person = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    return with_second_factor(person)


def signs_in(claire: Customer, name: str, role: str, *, script: bool = False) -> Page:
    """A member of staff at a desk of his own, before the list of orders. What holds without scripts is shown so; of two
    people one has them."""
    employ(name, role)
    browser = claire.page.context.browser
    assert browser
    page = browser.new_context(locale="fr-CH", java_script_enabled=script).new_page()
    page.goto(f"{claire.shop}/admin/orders/order/")
    sign_in_by_hand(page, name)
    return page


@pytest.mark.parametrize("script", [True], ids=["script"])
def test_one_proposes_a_refund_and_another_releases_it(claire: Customer, sandbox: Sandbox, settings: Settings) -> None:
    settings.REFUND_FOUR_EYES_ABOVE = 2000
    claire.orders_by_card()
    claire.types_card(VISA)
    sandbox.flush()
    order = Order.objects.get()

    leila = signs_in(claire, "leila", "accounting")
    leila.locator("#searchbar").fill("1205 dufour")
    leila.get_by_role("button", name="Chercher").click()
    leila.get_by_role("link", name=order.number).click()
    leila.get_by_role("link", name="Rembourser (Carte").click()
    leila.get_by_label("Motif").fill("Fêlé à l’arrivée")
    leila.get_by_role("button", name="Continuer").click()
    expect(leila.locator(".desk-facts")).to_contain_text("CHF\u00a038.00")
    expect(leila.locator(".desk-facts")).to_contain_text("Une autre personne doit le valider")
    leila.get_by_role("button", name="Proposer le remboursement").click()
    expect(leila.locator(".messagelist .success")).to_contain_text("une autre personne doit valider")
    expect(leila.get_by_role("link", name="Valider le remboursement")).to_have_count(0)

    noah = signs_in(claire, "noah", "accounting", script=True)
    noah.get_by_role("link", name="À traiter").click()
    noah.get_by_role("link", name=order.number).click()
    noah.get_by_role("link", name="Valider le remboursement").click()
    expect(noah.locator(".desk-facts")).to_contain_text("Fêlé à l’arrivée")
    noah.get_by_role("button", name="Valider le remboursement").click()
    expect(noah.locator(".messagelist .success")).to_contain_text("en route")
    work()
    sandbox.flush()
    noah.reload()
    expect(noah.locator(".desk-head")).to_contain_text("Remboursée")
    for desk in (leila, noah):
        desk.context.close()


@pytest.mark.parametrize("script", [True], ids=["script"])
def test_a_parcel_is_sent_and_the_customer_sees_it(claire: Customer, sandbox: Sandbox) -> None:
    claire.orders_by_card()
    claire.types_card(VISA)
    sandbox.flush()
    order = Order.objects.get()

    leila = signs_in(claire, "leila", "support")
    leila.get_by_role("link", name="À expédier", exact=True).click()
    leila.get_by_role("link", name=order.number).click()
    leila.get_by_role("link", name="Marquer comme expédiée").click()
    leila.get_by_label("Numéro de suivi").fill("99.34.123456.78")
    leila.get_by_role("button", name="Marquer comme expédiée").click()
    expect(leila.locator(".desk-head")).to_contain_text("Expédiée")
    leila.context.close()
    work()

    (letter,) = [mail for mail in sandbox.mails(order.email) if "en route" in str(mail["Subject"])]
    body = letter.get_body(("plain",))
    assert body
    assert "99.34.123456.78" in body.get_content()
    claire.page.goto(f"{claire.shop}/commande/{order.token}/")
    expect(claire.page.locator("main")).to_contain_text("Numéro de suivi\u00a0: 99.34.123456.78")


@pytest.mark.parametrize("script", [False], ids=["no script"])
def test_accounting_compares_with_the_psp_and_takes_the_books_out(claire: Customer, sandbox: Sandbox) -> None:
    """From a desk without scripts; the files open in other programs."""
    claire.orders_by_card()
    claire.types_card(VISA)
    sandbox.flush()
    order = Order.objects.get()
    leila = signs_in(claire, "leila", "accounting")

    leila.goto(f"{claire.shop}/admin/")
    leila.get_by_role("link", name="Rapprochement").click()
    leila.get_by_label("Du", exact=True).fill(str(localdate()))
    leila.get_by_label("au", exact=True).fill(str(localdate()))
    leila.get_by_label("Prestataire").select_option("Stripe")
    leila.get_by_role("button", name="Comparer").click()
    expect(leila.locator(".desk-verdict")).to_have_text("Aucun écart\u00a0: Stripe et la boutique concordent.")
    expect(leila.get_by_role("row", name="Encaissé")).to_contain_text("CHF\u00a038.00")

    leila.goto(f"{claire.shop}/admin/")
    leila.get_by_role("link", name="Exports", exact=True).click()
    leila.get_by_label("Du", exact=True).fill(str(localdate()))
    leila.get_by_label("au", exact=True).fill(str(localdate()))
    with leila.expect_download() as download:
        leila.get_by_role("button", name="Exporter").click()
    assert download.value.suggested_filename == f"ventes-{localdate()}-{localdate()}.csv"
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        (line,) = csv.DictReader(file, delimiter=";")
    assert (line["Commande"], line["Montant TTC"], line["TVA"]) == (order.number, "38.00", "2.85")

    leila.goto(f"{claire.shop}/admin/orders/order/?state=paid")
    with leila.expect_download() as download:
        leila.get_by_role("button", name="XLSX (Excel)").click()
    (head, row) = load_workbook(BytesIO(download.value.path().read_bytes())).worksheets[0].iter_rows(values_only=True)
    assert (row[head.index("Commande")], row[head.index("Total")]) == (order.number, 38)
    leila.goto(f"{claire.shop}/admin/exports/")
    expect(leila.get_by_role("row", name="Commandes (XLSX (Excel))")).to_contain_text("state=paid")
    leila.context.close()


@pytest.mark.parametrize("script", [True], ids=["script"])
def test_a_new_article_gets_its_first_pieces_and_is_in_the_shop(claire: Customer) -> None:
    leila = signs_in(claire, "leila", "manager", script=True)
    leila.goto(f"{claire.shop}/admin/orders/product/")
    leila.get_by_role("link", name="Nouvel article").click()
    for label, words in {
        "Référence": "KK-9",
        "Adresse de la page": "tajine",
        "Prix en francs": "59,50",
        "Nom (français)": "Tajine",
    }.items():
        leila.get_by_label(label).fill(words)
    leila.get_by_role("button", name="Enregistrer", exact=True).click()
    leila.get_by_label("Marchandise reçue").check()
    leila.get_by_label("Nombre de pièces").fill("2")
    leila.get_by_role("button", name="Enregistrer le mouvement").click()
    expect(leila.locator(".messagelist .success").last).to_contain_text("0 → 2 (+2, marchandise reçue)")
    leila.get_by_role("link", name="Voir dans la boutique").click()
    expect(leila.locator("main")).to_contain_text("CHF\u00a059.50")
    expect(leila.locator("main")).to_contain_text("Plus que 2")
    leila.context.close()


@pytest.mark.parametrize("script", [False, True], ids=["no script", "script"])
def test_a_new_member_of_staff_sets_up_the_second_factor_and_needs_it_from_then_on(page: Page, shop: str) -> None:
    roles.set_up()
    person = User.objects.create_user("leila", password=PASSWORD, is_staff=True)
    person.groups.add(Group.objects.get(name="support"))
    page.goto(f"{shop}/admin/payments/payment/")
    page.get_by_label("Nom d’utilisateur").fill("leila")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Configurer le second facteur")
    secret = secret_on(page)
    assert page.locator(".key").inner_text().replace(" ", "") == b32encode(secret).decode()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Confirmer").click()
    expect(page.get_by_text("Ce code est faux")).to_be_visible()
    assert secret_on(page) == secret
    page.get_by_label("Code").fill(code(secret=secret))
    page.get_by_role("button", name="Confirmer").click()
    recovery = page.locator(".codes li").all_inner_texts()
    assert len(recovery) == 10
    page.get_by_role("link", name="continuer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Paiements")
    assert page.url == f"{shop}/admin/payments/payment/"

    page.get_by_role("button", name="Se déconnecter").click()
    page.goto(f"{shop}/admin/")
    page.get_by_label("Nom d’utilisateur").fill("leila")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_label("Code").fill(recovery[3])
    page.get_by_role("button", name="Continuer").click()
    expect(page.locator(".messagelist .warning")).to_have_text(re.compile("Codes de secours restants\u00a0: 9."))
    page.get_by_role("link", name="Second facteur").click()
    page.get_by_role("button", name="Créer de nouveaux codes").click()
    assert page.locator(".codes li").all_inner_texts() != recovery
    assert person.recovery_codes.count() == 10


def secret_on(page: Page) -> bytes:
    """What a telephone takes from the picture on the page."""
    (found,) = zxingcpp.read_barcodes(Image.open(BytesIO(page.locator(".qr").screenshot())).convert("L"))
    return b32decode(parse_qs(urlsplit(found.text).query)["secret"][0])


MODELS = ["orders/order", "payments/payment", "payments/webhookevent", "payments/letter", "payments/attestation"]
MODELS += ["payments/refund", "payments/dispute"]


@pytest.fixture
def office(db: None) -> Client:
    """The back office for somebody who may do everything that can be allowed."""
    return sign_in(Client(), User.objects.create_superuser("leila"))


@pytest.mark.parametrize("model", MODELS)
def test_nothing_of_money_or_state_can_be_added_changed_or_deleted(office: Client, model: str) -> None:
    payment = started(placed())
    deliver(stripe_event(payment))
    order = Order.objects.get()
    rows = {
        "orders/order": order.pk,
        "payments/payment": payment.pk,
        "payments/webhookevent": WebhookEvent.objects.get().pk,
        "payments/letter": Letter.objects.get().pk,
    }
    row = rows.get(model, 1)

    assert office.post(f"/admin/{model}/add/", {}).status_code == 403
    if model in rows:
        assert office.get(f"/admin/{model}/{row}/change/").status_code == 200
        assert office.post(f"/admin/{model}/{row}/change/", {"status": "effective"}).status_code == 403
        assert office.post(f"/admin/{model}/{row}/delete/", {"post": "yes"}).status_code == 403
    office.post(f"/admin/{model}/", {"action": "delete_selected", "_selected_action": [str(row)], "post": "yes"})
    assert Order.objects.count() == Payment.objects.count() == WebhookEvent.objects.count() == 1


@pytest.mark.parametrize("model", [OrderLine, TimelineEntry])
def test_lines_and_timeline_have_no_page_of_their_own(office: Client, model: type[OrderLine | TimelineEntry]) -> None:
    name = model._meta.model_name
    assert office.get(f"/admin/orders/{name}/").status_code == 404
    assert office.get(f"/admin/orders/{name}/add/").status_code == 404
