"""The one job: a customer pays, the bank agrees, the order is effective, the attestation is in hand."""

import re

import pytest
from playwright.sync_api import expect

from orders.models import Order
from orders.money import format_amount
from payments.models import Payment
from tests.journeys.customer import ACCEPTED, LATE, WAITING, WAITING_FOR_PAYPAL, WAYS, Customer, text_of
from tests.sandbox.client import Sandbox
from tests.worker import work


@pytest.mark.parametrize("way", WAYS)
def test_a_customer_pays_waits_for_the_bank_and_holds_the_attestation(
    claire: Customer, sandbox: Sandbox, way: str
) -> None:
    method, words, pay = WAYS[way]
    claire.walks_to_review(quantity=2) if way == "Visa" else claire.comes_to_review(quantity=2)
    claire.orders(method, words)
    order = Order.objects.get()
    assert order.status == "pending"

    claire.lets_messages(LATE)
    pay(claire)
    claire.reads(WAITING_FOR_PAYPAL if method == "paypal" else WAITING)
    claire.sees("Ne payez pas une deuxième fois")
    order.refresh_from_db()
    assert order.status == "pending"

    sandbox.flush(early=True)
    claire.page.get_by_role("link", name="Vérifier maintenant").click()
    claire.reads(ACCEPTED)
    document = claire.downloads_attestation()

    book, payment = sandbox.payments()[0], Payment.objects.get()
    facts = text_of(document)
    assert book["received"] == order.total == 6700
    for fact in [
        order.number,
        "Claire Dufour",
        "Rue de Carouge 12",
        "1205 Genève",
        "Bol en grès",
        f"CHF {format_amount(book['received'])}",
        book["money"],
        f"{payment.authorised_at:%d}",
    ]:
        assert fact in facts, fact
    claire.page.goto(f"{claire.shop}/panier/")
    claire.reads("Votre panier est vide")

    work()
    claire.page.goto(f"{sandbox.url}/mail/")
    claire.page.get_by_role("link", name=re.compile(f"paiement accepté, commande {order.number}")).click()
    expect(claire.page.locator("pre")).to_contain_text(f"/commande/{order.token}/")
    with claire.page.expect_download() as download:
        claire.page.get_by_role("link", name=".pdf").click()
    assert download.value.path().read_bytes() == document
