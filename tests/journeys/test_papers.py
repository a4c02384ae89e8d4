"""The customer's papers, from the payment to who verifies them: what they say is what the PSP charged."""

import re
from io import BytesIO

import pytest
import requests
from django.conf import settings
from django.utils.timezone import now
from playwright.sync_api import expect
from pypdf import PdfReader

from orders.codes import grouped, new_code
from orders.models import Order
from orders.money import format_amount
from payments.models import CODE_LENGTH, Attestation, Payment
from payments.paper.wording import SWISS_TIME
from payments.refunds import Wanted, ask, carry_out
from tests.environment import STRIPE_API_VERSION, STRIPE_KEY
from tests.journeys.customer import ACCEPTED, WAYS, Customer, text_of
from tests.journeys.scenes import SCENES, Stage, given_back
from tests.sandbox.client import Sandbox
from tests.scanner import blank_places, scanned
from tests.shop import deliver, goods, placed, started, stripe_event


@pytest.fixture
def script() -> bool:
    """The pages around the papers know no script."""
    return False


PROVIDERS = {"card": "Carte, par Stripe", "twint": "TWINT, par Stripe", "paypal": "PayPal"}
BACK = 1050
"""Centimes that go back in the journey."""


def means(sandbox: Sandbox, method: str, money: str) -> str:
    """What the paper must say of the means of payment, as the PSP's own books have it."""
    words = [PROVIDERS[method]]
    if method == "paypal":
        words.append("c•••@example.com")
    else:
        charged = requests.get(
            f"{sandbox.url}/stripe/v1/payment_intents/{money}",
            params={"expand[0]": "latest_charge"},
            headers={"Authorization": f"Bearer {STRIPE_KEY}", "Stripe-Version": STRIPE_API_VERSION},
            timeout=10,
        ).json()["latest_charge"]["payment_method_details"]
        if card := charged.get("card"):
            words += [card["brand"].title(), "••••", card["last4"], "Code d’autorisation", card["authorization_code"]]
    return " ".join([*words, "Réf.", money])


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


@pytest.mark.parametrize("way", WAYS)
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
        means(sandbox, method, book["money"]),
        f"Total, TVA comprise CHF {format_amount(book['received'])}",
        f"Commande {order.number}",
    ]:
        assert fact in said, fact
    assert blank_places(attestation) == []
    compares(claire, attestation, book["received"], "Ce code vient de nous")

    carry_out(ask(payment.pk, Wanted(BACK, "Un bol est fêlé")).pk)
    sandbox.flush()

    compares(
        claire, attestation, book["received"], "Ce code vient de nous ; une partie du paiement a été remboursée depuis"
    )
    claire.sees(f"CHF\u00a0{format_amount(BACK)}")
    claire.page.goto(home)
    anew = text_of(claire.downloads_attestation()).replace("\u00a0", " ")
    assert f"−CHF {format_amount(BACK)} Reste payé CHF {format_amount(book['received'] - BACK)}" in anew
    with claire.page.expect_download() as download:
        claire.page.get_by_role(
            "link",
            name=re.compile(r"^Télécharger l’avis de remboursement AR-\d{4}-\d{6} .* \(PDF, environ\s\d+\sKo\)$"),
        ).click()
    notice = download.value.path().read_bytes()
    (back,) = sandbox.payment(str(payment.page_reference))["refunds"]
    told = text_of(notice).replace("\u00a0", " ")
    assert f"CHF {format_amount(back['amount'])} – remboursé" in told
    assert f"Réf. {back['id']}" in told
    assert f"Il corrige l’attestation {paper.number}." in told
    assert "fêlé" not in told
    compares(claire, notice, BACK, "Ce code vient de nous")


LANGUAGES = {
    "": (
        "Code du document",
        "Vérifier",
        "Ce code vient de nous",
        "Document inconnu",
        "Ce code contient une faute de frappe",
    ),
    "/de": (
        "Code des Dokuments",
        "Prüfen",
        "Dieser Code stammt von uns",
        "Unbekanntes Dokument",
        "Dieser Code enthält einen Tippfehler",
    ),
    "/it": (
        "Codice del documento",
        "Verifica",
        "Questo codice è nostro",
        "Documento sconosciuto",
        "Questo codice contiene un errore di battitura",
    ),
    "/en": (
        "Code of the document",
        "Verify",
        "This code is ours",
        "Unknown document",
        "This code contains a typing error",
    ),
}


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
    for fact in ("Ce code vient de nous", Attestation.objects.get().number, "Vérifié le"):
        assert fact in words
    assert "Code du document" not in words


def billed_elsewhere(articles: int) -> Order:
    """A paid order of so many articles."""
    order = placed(
        *[goods(names={"fr": f"Verre à eau n° {n}, soufflé à la bouche"}) for n in range(articles)],
        billing_name="Jean-Rodolphe de Watteville-Desgouttes",
        billing_organisation="Atelier du Lac SA",
        billing_street="Chemin de l’Ancienne-Tuilerie 112b",
        billing_postcode="1009",
        billing_town="Pully",
        billing_country="CH",
    )
    deliver(stripe_event(started(order)))
    return order


def printed(claire: Customer, order: Order) -> str:
    """What the order's page says on paper, which is one sheet."""
    claire.page.goto(f"{claire.shop}/commande/{order.token}/")
    sheet = claire.page.pdf(prefer_css_page_size=True)
    assert len(PdfReader(BytesIO(sheet)).pages) == 1
    assert blank_places(sheet) == []
    assert order.token not in text_of(sheet)
    return text_of(sheet).replace("\u00a0", " ")


def facts_of(order: Order, *, of_a_line: str = "", of_the_delivery: str = "") -> list[str]:
    """Every fact of the attestation but what only the PSP knows."""
    order.refresh_from_db()
    payment, paper, seller = order.payments.get(), order.attestation, settings.SELLER
    (share,) = order.vat_shares
    assert payment.authorised_at
    return [
        f"N° {paper.number}",
        f"Code {grouped(paper.code)}",
        f"Émise le {paper.issued_at.astimezone(SWISS_TIME):%d.%m.%Y à %H:%M:%S} (heure suisse)",
        f"CHF {format_amount(order.total)} – payé",
        f"Accord de la banque reçu le {payment.authorised_at.astimezone(SWISS_TIME):%d.%m.%Y à %H:%M:%S}",
        "Carte, par Stripe",
        f"Réf. {payment.money_reference}",
        f"Sur votre relevé : {seller['statement_name']}",
        *(seller[name] for name in ("name", "street", "town", "email", "uid")),
        *order.billing_address,
        *order.delivery_address,
        order.number,
        f"Passée le {order.created_at.astimezone(SWISS_TIME):%d.%m.%Y à %H:%M:%S}",
        *(
            f"{line.name} {line.sku}{of_a_line} {line.quantity} {format_amount(line.unit_price)} 8,1 % "
            f"{format_amount(line.total)}"
            for line in order.lines.all()
        ),
        f"{order.shipping_name}{of_the_delivery} 1 {format_amount(order.shipping_total)} 8,1 % "
        f"{format_amount(order.shipping_total)}",
        f"Total hors TVA {format_amount(share.base)}",
        f"TVA 8,1 % sur CHF {format_amount(share.base)} {format_amount(share.tax)}",
        f"Total, TVA comprise CHF {format_amount(order.total)}",
        f"{settings.SITE_URL.partition('://')[2]}/v/{grouped(paper.code)}",
        "Initiales du client : J. W.",
        "Ce document est une preuve de paiement, pas une demande de paiement.",
        "Ce document tient lieu de facture (art. 26 LTVA).",
    ]


@pytest.mark.parametrize("articles", [2, 14])
def test_the_orders_page_prints_the_same_facts_on_one_sheet(claire: Customer, sandbox: Sandbox, articles: int) -> None:
    """Nobody has downloaded anything: the number is given when the page is first shown."""
    Stage(claire.page, claire.shop, sandbox)
    order = billed_elsewhere(articles)

    words = printed(claire, order)

    assert [fact for fact in facts_of(order) if fact not in words] == []


def test_the_printed_page_tells_of_every_refund(claire: Customer, sandbox: Sandbox) -> None:
    Stage(claire.page, claire.shop, sandbox)
    order = billed_elsewhere(3)
    payment = order.payments.get()
    amounts = [1050, 2000, order.total - 3050]
    for amount in amounts[:2]:
        given_back(payment, amount)
    in_part = printed(claire, order)
    assert in_part.count("Remboursé le") == 2
    assert f"Reste payé CHF {format_amount(amounts[2])}" in in_part

    given_back(payment, amounts[2])
    Order.objects.filter(pk=order.pk).update(
        status="cancelled", cancel_reason="refunded", cancelled_at=now(), holds_stock=False
    )
    in_full = printed(claire, order)

    facts = facts_of(order, of_a_line=" Remboursé, ne sera pas envoyé", of_the_delivery=" Remboursé")
    assert [fact for fact in facts if fact not in in_full] == []
    for amount in amounts:
        assert f"−CHF {format_amount(amount)}" in in_full
    assert "Reste payé CHF 0.00" in in_full
