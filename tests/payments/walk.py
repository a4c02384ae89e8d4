"""A walk through all that a customer reads: pages, mails, papers."""

import io
from collections.abc import Iterator
from typing import Any

from django.conf import settings as configured
from django.test import Client
from pypdf import PdfReader

from orders.models import Order
from payments.letters import compose
from payments.models import Letter
from payments.refunds import Wanted, ask, carry_out
from tests.payments.steps import bring_messages
from tests.sandbox.client import Sandbox
from tests.shop import fill_cart, goods

LANGUAGES = [code for code, _name in configured.LANGUAGES]
FIXED = ("paiement-securise", "confidentialite", "conditions", "contact", "v", "commande")


def pages_before_paying(client: Client, prefix: str) -> Iterator[str]:
    product = goods(stock=5)
    fill_cart(client, product)
    for path in ("", f"articles/{product.slug}/", "panier/", "coordonnees/", "paiement/", "paiement/?choose"):
        yield f"{prefix}/{path}"
    yield from (f"{prefix}/{name}/" for name in FIXED)


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
