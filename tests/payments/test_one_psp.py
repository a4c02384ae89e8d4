"""A shop that has only one of the PSPs names the other nowhere: not on a page, in a mail or on a paper."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client
from pypdf import PdfReader

from orders.models import Order
from payments.letters import compose
from payments.models import Letter, Refusal
from payments.refunds import Wanted, ask, carry_out
from tests.orders.steps import page
from tests.payments.steps import paid
from tests.payments.test_paying import bring_messages
from tests.sandbox.client import Sandbox
from tests.shop import fill_cart, goods, placed, started

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in configured.LANGUAGES]
FIXED = ("paiement-securise", "confidentialite", "conditions", "contact", "v", "commande")
SHOPS = pytest.mark.parametrize(
    ("without", "names", "method"), [("paypal", "paypal", "card"), ("stripe", "stripe|twint|visa|mastercard", "paypal")]
)


def pages_before_paying(client: Client, prefix: str) -> Iterator[str]:
    product = goods(stock=5)
    fill_cart(client, product)
    for path in ("", f"articles/{product.slug}/", "panier/", "coordonnees/", "paiement/", "paiement/?choose"):
        yield f"{prefix}/{path}"
    yield from (f"{prefix}/{name}/" for name in FIXED)


@SHOPS
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_name_only_what_one_can_pay_with(
    client: Client, settings: Any, without: str, names: str, method: str, language: str
) -> None:
    settings.PAYMENTS = replace(settings.PAYMENTS, **{without: None})
    prefix = "" if language == "fr" else f"/{language}"
    refused = placed()
    started(refused, method, status="failed", refusal=Refusal.NOT_ALLOWED if method == "card" else Refusal.PAYPAL)
    for path in (*pages_before_paying(client, prefix), f"{prefix}/commande/{refused.token}/"):
        shown = client.get(path)
        assert shown.status_code in (200, 422), path
        assert not re.search(rf".{{0,40}}({names})", page(shown), re.IGNORECASE), path


@SHOPS
def test_what_is_paid_names_only_its_own_provider(
    client: Client, psps: Sandbox, settings: Any, without: str, names: str, method: str
) -> None:
    settings.PAYMENTS = replace(settings.PAYMENTS, **{without: None})
    order, _page = paid(psps, method)
    told = [page(client.get(f"/commande/{order.token}/")), *words_sent(psps, order)]
    brand = "visa|mastercard" if method == "card" else "paypal"
    assert re.search(brand, "".join(told), re.IGNORECASE)
    for words in told:
        assert not re.search(rf".{{0,40}}({names})", words, re.IGNORECASE)


def words_sent(psps: Sandbox, order: Order) -> Iterator[str]:
    payment = order.payments.get()
    refund = ask(payment.pk, Wanted(500, "Retour"))
    carry_out(refund.pk)
    bring_messages(psps)
    for kind in (kind for kind in Letter.Kind if kind != Letter.Kind.TO_STAFF):
        about = refund if "refunded" in kind else payment
        letter, _made = order.letters.get_or_create(kind=kind, about=str(about.pk))
        message: Any = compose(letter)
        yield message.body
        yield from (written for written, _type in message.alternatives)
        for _name, content, _type in message.attachments:
            yield " ".join(each.extract_text() for each in PdfReader(io.BytesIO(content)).pages)


def test_a_sentence_that_names_several_means_is_whole(client: Client) -> None:
    told = page(client.get("/paiement-securise/"))
    assert "la page sécurisée de Stripe ou de PayPal (" in told
    assert "Vous payez par carte (Visa ou Mastercard), avec TWINT ou avec PayPal." in told
    assert "certifié conforme à cette norme" in told
