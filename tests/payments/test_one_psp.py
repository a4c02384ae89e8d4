"""A shop that has only one of the PSPs names the other nowhere: not on a page, in a mail or on a paper."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from payments.models import Refusal
from tests.orders.steps import page
from tests.payments.steps import paid
from tests.payments.walk import LANGUAGES, pages_before_paying, words_sent
from tests.sandbox.client import Sandbox
from tests.shop import placed, started

pytestmark = pytest.mark.django_db
SHOPS = pytest.mark.parametrize(
    ("without", "names", "method"), [("paypal", "paypal", "card"), ("stripe", "stripe|twint|visa|mastercard", "paypal")]
)


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


def test_a_sentence_that_names_several_means_is_whole(client: Client) -> None:
    told = page(client.get("/paiement-securise/"))
    assert "la page sécurisée de Stripe ou de PayPal (" in told
    assert "Vous payez par carte (Visa ou Mastercard), avec TWINT ou avec PayPal." in told
    assert "certifié conforme à cette norme" in told
