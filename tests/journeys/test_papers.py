"""The customer's papers, from the payment to who verifies them: what they say is what the PSP charged."""

import re
from io import BytesIO

import pytest
from django.conf import settings
from playwright.sync_api import expect
from pypdf import PdfReader

from orders.codes import grouped, new_code
from orders.models import Order, Product
from orders.money import format_amount
from payments.models import CODE_LENGTH, Attestation, Payment
from payments.refunds import Wanted, ask, carry_out
from tests.journeys.customer import ACCEPTED, Customer, text_of
from tests.journeys.scenes import SCENES, Stage
from tests.journeys.test_paying import WAYS
from tests.sandbox.client import Sandbox
from tests.scanner import picture, scanned
from tests.shop import deliver, placed, started, stripe_event

MEANS = {
    "Visa": "Carte, par Stripe Visa •••• 4242 Code d’autorisation C4N4R1",
    "Mastercard": "Carte, par Stripe Mastercard •••• 4444 Code d’autorisation C4N4R1",
    "TWINT": "TWINT, par Stripe",
    "PayPal": "PayPal c•••@example.com",
}
BACK = 1050
"""Centimes that go back in the journey."""


def compares(claire: Customer, document: bytes, amount: int, verdict: str) -> None:
    """Somebody scans the paper's code, and holds what the page says against what the paper says."""
    address = scanned(document)
    assert address.startswith(f"{settings.SITE_URL}/v/")
    claire.page.goto(claire.shop + address.removeprefix(settings.SITE_URL))
    claire.reads(verdict)
    facts = claire.page.locator("dl.facts").first.inner_text().replace("\u00a0", " ")
    paper = text_of(document).replace("\u00a0", " ")
    number, code = re.findall(r"A[PR]-\d{4}-\d{6}", facts)[0], re.findall(r"\w{4}-\w{4}-\w{5}", facts)[0]
    day, hour = re.findall(r"(\d\d\.\d\d\.\d{4}) (\d\d:\d\d:\d\d)", facts)[0]
    for fact in (number, code, f"CHF {format_amount(amount)}", f"{day} à {hour}"):
        assert fact in facts.replace(f"{day} {hour}", f"{day} à {hour}")
        assert fact in paper
    assert "C. D." in facts
    assert "Claire" not in facts


@pytest.mark.parametrize("way", MEANS)
def test_what_the_paper_says_is_what_was_charged_and_anybody_can_verify_it(
    claire: Customer, sandbox: Sandbox, way: str
) -> None:
    method, words, pay = WAYS[way]
    claire.comes_to_review()
    claire.orders(method, words)
    pay(claire)
    sandbox.flush()
    order, payment = Order.objects.get(), Payment.objects.get()
    home = f"{claire.shop}/commande/{order.token}/"
    claire.page.goto(home)
    claire.reads(ACCEPTED)

    attestation = claire.downloads_attestation()

    book = sandbox.payment(str(payment.page_reference))
    paper = Attestation.objects.get(order=order)
    said = text_of(attestation).replace("\u00a0", " ")
    for fact in [
        f"N° {paper.number} Code {grouped(paper.code)}",
        f"CHF {format_amount(book['received'])} – payé",
        f"{MEANS[way]} Réf. {book['money']} Sur votre relevé",
        f"Total, TVA comprise CHF {format_amount(book['received'])}",
        f"Commande {order.number}",
    ]:
        assert fact in said, fact
    dark = sum(picture(attestation).histogram()[:64])
    assert 0.01 < dark / (827 * 1169) < 0.2, "a page with words on it"
    compares(claire, attestation, book["received"], "Authentique")

    carry_out(ask(payment.pk, Wanted(BACK, "Un bol est fêlé")).pk)
    sandbox.flush()

    compares(claire, attestation, book["received"], "Authentique, remboursée en partie depuis")
    claire.sees(f"CHF\u00a0{format_amount(BACK)}")
    claire.page.goto(home)
    anew = text_of(claire.downloads_attestation()).replace("\u00a0", " ")
    assert f"−CHF {format_amount(BACK)} Reste payé CHF {format_amount(book['received'] - BACK)}" in anew
    with claire.page.expect_download() as download:
        claire.page.get_by_role("link", name=re.compile(r"^Télécharger l’avis de remboursement .* \(PDF\)$")).click()
    notice = download.value.path().read_bytes()
    (back,) = sandbox.payment(str(payment.page_reference))["refunds"]
    told = text_of(notice).replace("\u00a0", " ")
    assert f"CHF {format_amount(back['amount'])} – remboursé" in told
    assert f"Réf. {back['id']}" in told
    assert f"Il corrige l’attestation {paper.number}." in told
    assert "fêlé" not in told
    compares(claire, notice, BACK, "Authentique")


LANGUAGES = {
    "": ("Code du document", "Vérifier", "Authentique", "Document inconnu", "Ce code est mal saisi"),
    "/de": ("Code des Dokuments", "Prüfen", "Echt", "Unbekanntes Dokument", "Dieser Code ist falsch eingegeben"),
    "/it": (
        "Codice del documento",
        "Verificare",
        "Autentico",
        "Documento sconosciuto",
        "Questo codice è digitato male",
    ),
    "/en": ("Code of the document", "Verify", "Authentic", "Unknown document", "This code is mistyped"),
}


@pytest.mark.parametrize("script", [False, True], ids=["no script", "script"])
@pytest.mark.parametrize("prefix", LANGUAGES, ids=lambda prefix: prefix or "/fr")
def test_a_code_is_typed_by_hand_in_every_language(claire: Customer, sandbox: Sandbox, prefix: str) -> None:
    label, button, authentic, unknown, mistyped = LANGUAGES[prefix]
    SCENES["verified"](Stage(claire.page, claire.shop, sandbox))
    paper = Attestation.objects.get()
    slip = paper.code[:-1] + ("0" if paper.code[-1] != "0" else "1")
    claire.page.goto(f"{claire.shop}{prefix}/v/")
    for typed, verdict in [
        (f" {grouped(paper.code).lower()} ", authentic),
        (slip, mistyped),
        (new_code(CODE_LENGTH), unknown),
    ]:
        claire.page.get_by_label(label).fill(typed)
        claire.page.get_by_role("button", name=button, exact=True).click()
        claire.reads(verdict)
        expect(claire.page.locator("html")).to_have_attribute("lang", prefix[1:] or "fr")


def test_a_verdict_can_be_printed(claire: Customer, sandbox: Sandbox) -> None:
    SCENES["verified"](Stage(claire.page, claire.shop, sandbox))
    printed = claire.page.pdf(prefer_css_page_size=True)
    words = text_of(printed)
    assert len(PdfReader(BytesIO(printed)).pages) == 1
    for fact in ("Authentique", Attestation.objects.get().number, "Vérifié le"):
        assert fact in words
    assert "Code du document" not in words


@pytest.mark.parametrize("articles", [2, 10])
def test_the_orders_page_prints_the_same_facts_on_one_sheet(claire: Customer, sandbox: Sandbox, articles: int) -> None:
    Stage(claire.page, claire.shop, sandbox)
    order = placed(
        *Product.objects.filter(stock__gt=0, price__lt=100_000)[:articles],
        billing_name="Jean-Rodolphe de Watteville-Desgouttes",
        billing_organisation="Atelier du Lac SA",
        billing_street="Chemin de l’Ancienne-Tuilerie 112b",
        billing_postcode="1009",
        billing_town="Pully",
        billing_country="CH",
    )
    payment = started(order)
    deliver(stripe_event(payment))
    claire.page.goto(f"{claire.shop}/commande/{order.token}/")
    claire.downloads_attestation()
    claire.reloads()

    printed = claire.page.pdf(prefer_css_page_size=True)

    words = text_of(printed).replace("\u00a0", " ")
    assert len(PdfReader(BytesIO(printed)).pages) == 1
    assert order.lines.count() == articles
    payment.refresh_from_db()
    paper, seller = Attestation.objects.get(), settings.SELLER
    for fact in [
        paper.number,
        grouped(paper.code),
        order.number,
        f"Montant CHF {format_amount(order.total)}",
        "Moyen de paiement Carte",
        "Accord de la banque",
        str(payment.money_reference),
        f"Sur votre relevé {seller['statement_name']}",
        *(seller[name] for name in ("name", "street", "town", "email", "uid")),
        *order.billing_address,
        *order.delivery_address,
        *(line.name for line in order.lines.all()),
    ]:
        assert fact in words, fact
