"""What an order's page, its mail and its papers say of goods that were given back."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import localdate, now
from pypdf import PdfReader

from orders.models import Order
from orders.money import format_chf
from payments import attestation
from payments.letters import compose
from payments.models import Letter
from payments.refunds import Wanted, ask, carry_out
from tests.payments.steps import bring_messages, ordered, paid
from tests.sandbox.client import Sandbox
from tests.shop import deliver, goods, started, stripe_event

pytestmark = pytest.mark.django_db
PROMISE = "d’ici au"
NOT_SENT = "Remboursé, ne sera pas envoyé"


@pytest.fixture
def order_and_page(psps: Sandbox) -> tuple[Order, str]:
    bowl, cup = goods(names={"fr": "Bol"}), goods(names={"fr": "Tasse"}, price=1500)
    return paid(psps, "card", bowl, cup, quantity=2, delivery_by=localdate() + timedelta(days=1))


@pytest.fixture
def order(order_and_page: tuple[Order, str]) -> Order:
    """Two bowls and two cups, paid for."""
    return order_and_page[0]


def give_back(psps: Sandbox, order: Order, **pieces: int) -> None:
    """The price of so many pieces, by the names of the lines; of all that was paid without any."""
    lines = {order.lines.get(name=name): quantity for name, quantity in pieces.items()}
    amount = sum(line.unit_price * quantity for line, quantity in lines.items()) or order.total
    wanted = Wanted(amount, "Retour", {line.pk: quantity for line, quantity in lines.items()})
    carry_out(ask(order.payments.get().pk, wanted).pk)
    bring_messages(psps)
    order.refresh_from_db()


def on_the_page(order: Order) -> str:
    """With the sheet for the printer."""
    return plain(Client().get(f"/commande/{order.token}/").content.decode())


def on_the_paper(order: Order) -> str:
    pdf = PdfReader(io.BytesIO(attestation.draw(attestation.of(order))))
    return plain(" ".join(" ".join(sheet.extract_text().split()) for sheet in pdf.pages))


def in_the_mail(order: Order) -> str:
    message: Any = compose(Letter(order=order, kind=Letter.Kind.CONFIRMATION, about="again"))
    return plain(message.body + message.alternatives[0][0])


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


EVERYWHERE = [on_the_page, on_the_paper, in_the_mail]


def test_pieces_that_were_given_back_are_marked_wherever_the_order_is_listed(psps: Sandbox, order: Order) -> None:
    give_back(psps, order, Bol=1, Tasse=2)
    for place in EVERYWHERE:
        said = place(order)
        assert "Remboursé et non envoyé : 1 sur 2" in said, place
        assert NOT_SENT in said, place
        assert PROMISE in said, "a bowl is still to come"

    Order.objects.update(shipped_at=now())
    order.refresh_from_db()
    for place in EVERYWHERE:
        said = place(order)
        assert "Remboursé : 1 sur 2" in said, place
        assert NOT_SENT not in said, place
        assert PROMISE not in said, place


def test_an_order_that_was_refunded_lists_nothing_as_still_to_come(psps: Sandbox, order: Order) -> None:
    give_back(psps, order)
    page, paper = on_the_page(order), on_the_paper(order)
    for said, times in ((page.partition('class="print-only')[0], 2), (page, 4), (paper, 2)):
        assert said.count(NOT_SENT) == times
        assert PROMISE not in said
    assert '<span class="note">Remboursé</span></th><td class="money">CHF 9.00' in page, "the delivery"
    assert "PostPac Priority Remboursé 1 9.00" in paper
    assert "Rien n’a été envoyé" in paper
    assert "Nous préparons" not in page


def test_of_an_order_whose_goods_were_all_given_back_nothing_is_promised(psps: Sandbox, order: Order) -> None:
    """What the delivery cost stays paid."""
    give_back(psps, order, Bol=2, Tasse=2)
    assert order.status == Order.Status.EFFECTIVE
    for place in EVERYWHERE:
        said = place(order)
        assert said.count(NOT_SENT) >= 2, place
        assert PROMISE not in said, place
    assert "Nous préparons" not in on_the_page(order)
    assert "<h2>Livraison</h2>" not in on_the_page(order)


def test_of_an_order_that_goes_back_in_parts_the_page_the_paper_and_the_mail_say_the_same(
    psps: Sandbox, order: Order
) -> None:
    asked = ask(order.payments.get().pk, Wanted(order.total - 1000, "Retour"))
    carry_out(asked.pk)
    bring_messages(psps)
    psps.change(refunds="pending")
    carry_out(ask(order.payments.get().pk, Wanted(1000, "Le reste")).pk)
    went = format_chf(order.total - 1000).replace("\u00a0", " ")

    page, sheet = on_the_page(order).split('class="print-only sheet')
    assert f"{went} ont été remboursés sur le moyen de paiement utilisé." in page
    assert "Le remboursement de CHF 10.00 est demandé" in page
    assert "Votre paiement vous est ainsi remboursé en entier." in page
    assert page.count("Rien ne sera envoyé") == 1
    assert "Remboursement de CHF 10.00 demandé" in page, "the way of the order"
    assert "solde payé" not in page
    for paper in (re.sub(r"\s*<[^>]+>\s*", " ", sheet), on_the_paper(order)):
        assert "Rien ne sera envoyé" in paper
        assert "−CHF 10.00" in paper
        assert "Remboursement demandé, pas encore confirmé" in paper
        assert "Reste payé CHF 0.00" in " ".join(paper.split())
    mail = plain(str(compose(order.letters.get(kind="refunded")).body))
    assert "Un autre remboursement, de CHF 10.00, est déjà demandé" in mail
    assert "Rien ne sera envoyé." in mail
    assert "solde payé" not in mail


@pytest.mark.parametrize("shipped", [False, True])
def test_the_mail_of_a_whole_refund_says_that_the_order_is_closed(psps: Sandbox, order: Order, shipped: bool) -> None:
    Order.objects.update(shipped_at=now() if shipped else None)
    give_back(psps, order)
    mail = plain(str(compose(order.letters.get(kind="refunded")).body))
    assert "Cette commande est clôturée" in mail
    assert ("rien ne sera envoyé" in mail) is not shipped


def test_an_order_that_nobody_refunded_has_no_marks(order: Order) -> None:
    for place in EVERYWHERE:
        assert "Remboursé" not in place(order), place
        assert PROMISE in place(order), place


def test_money_that_settled_nothing_and_went_back_marks_no_line(order: Order) -> None:
    deliver(stripe_event(second := started(order, "twint", status="expired")))
    second.refunds.create(amount=order.total, status="succeeded", settled_at=now())
    assert "remboursés" in on_the_page(order)
    assert NOT_SENT not in on_the_page(order)


def test_an_order_that_is_not_paid_yet_promises_a_day_on_condition_only(psps: Sandbox) -> None:
    order, _page = ordered("paypal")
    condition = "si le paiement est accepté sans tarder"
    assert on_the_page(order).count(PROMISE) == on_the_page(order).count(condition) == 1
    order.payments.update(returned_at=now(), paid_seen_at=now())
    said = on_the_page(order)
    assert "PayPal" in said
    assert said.count(PROMISE) == said.count(condition) == 1


@pytest.mark.parametrize("why", ["disputed", "overdue", "sent"])
def test_a_confirmation_that_is_sent_again_promises_no_day_that_cannot_be_kept(
    psps: Sandbox, order_and_page: tuple[Order, str], why: str
) -> None:
    order, page = order_and_page
    assert PROMISE in in_the_mail(order)
    if why == "disputed":
        psps.dispute(page)
        bring_messages(psps)
    elif why == "overdue":
        Order.objects.update(delivery_by=localdate() - timedelta(days=1))
    else:
        Order.objects.update(shipped_at=now())
    order.refresh_from_db()
    said = in_the_mail(order)
    assert PROMISE not in said
    assert "Adresse de livraison" in said
    assert "Rue de Carouge 12" in said
