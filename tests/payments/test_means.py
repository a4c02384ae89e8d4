"""Which card it was is not in the message: the live charge is looked at afterwards, and staff hear of what is wrong."""

import pytest
from django.core import mail
from django.utils.timezone import now
from django.utils.translation import override

from orders.models import Order
from payments import attention
from payments.models import Letter, Payment, Refund, WebhookEvent
from payments.recovery import recover
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import LONGEST_WAIT, sweep
from tests.payments.steps import bring_messages, kinds, ordered, paid, take
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db
ODD = [{"brand": "diners"}, {"network_status": "reversed_after_approval"}]


def effective(psps: Sandbox, **card: str) -> Order:
    order, page = ordered()
    take(psps, "card", page, **card)
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == "effective"
    return order


@pytest.mark.parametrize("brand", ["diners", "amex", "link", "unknown"])
def test_case_23_a_card_of_another_brand_is_held_for_staff(psps: Sandbox, brand: str) -> None:
    good = effective(psps)
    order = effective(psps, brand=brand)

    sweep()

    assert good.payments.get().doubt == ""
    payment = order.payments.get()
    assert (payment.doubt, payment.next_try_at) == ("brand", None)
    assert [item.kind for item in attention.items(order)] == ["doubt"]
    assert kinds(order).count("doubt") == 1
    told = payment.order.timeline.get(kind="doubt")
    assert Letter.objects.filter(kind="to_staff", about=told.pk).count() == 1
    order.refresh_from_db()
    assert order.status == "effective"
    assert not Refund.objects.exists()


def test_case_24_an_agreement_that_the_network_withdrew_is_held_for_staff(psps: Sandbox) -> None:
    order = effective(psps, network_status="reversed_after_approval")

    sweep()

    assert order.payments.get().doubt == "network"
    with override("fr"):
        (item,) = attention.items()
    assert order.number in item.sentence
    assert "l’accord de la banque a été retiré" in item.sentence


def test_staff_are_written_to_about_a_doubt(psps: Sandbox) -> None:
    order = effective(psps, brand="diners")
    sweep()
    sweep()
    (message,) = [one for one in mail.outbox if "[KOOKUT]" in one.subject]
    assert "N’envoyez rien" in message.body
    assert order.number in message.subject


def test_a_doubt_is_over_when_the_money_has_gone_back(psps: Sandbox) -> None:
    order = effective(psps, brand="diners")
    sweep()
    carry_out(ask(order.payments.get().pk, Wanted(order.total, "Carte refusée")).pk)
    bring_messages(psps)
    assert attention.items() == []


@pytest.mark.parametrize("brand", ["visa", "mastercard"])
def test_the_cards_that_are_taken_are_looked_at_once(psps: Sandbox, brand: str) -> None:
    order = effective(psps, brand=brand)
    assert sweep()["means"] == 1
    assert sweep()["means"] == 0
    payment = order.payments.get()
    assert (payment.doubt, payment.next_try_at) == ("", None)
    assert attention.items() == []


@pytest.mark.parametrize("method", ["twint", "paypal"])
def test_what_has_no_brand_is_not_looked_at(psps: Sandbox, method: str) -> None:
    paid(psps, method)
    assert sweep()["means"] == 0


def test_a_silent_psp_is_asked_again(psps: Sandbox) -> None:
    order = effective(psps, brand="diners")
    psps.break_calls("silent", "/stripe/*", calls=9)
    sweep()
    payment = order.payments.get()
    assert payment.doubt == ""
    assert payment.next_try_at
    assert now() < payment.next_try_at <= now() + LONGEST_WAIT

    psps.mend()
    Payment.objects.update(next_try_at=now())
    sweep()

    assert order.payments.get().doubt == "brand"


@pytest.mark.parametrize("card", ODD)
def test_what_is_read_live_does_not_count_when_its_means_is_in_doubt(psps: Sandbox, card: dict[str, str]) -> None:
    order, page = ordered()
    take(psps, "card", page, **card)
    psps.collect()  # lost

    list(recover("stripe", order.created_at))

    order.refresh_from_db()
    payment = order.payments.get()
    assert (order.status, payment.status, payment.why_not) == ("pending", "authorised", "means")
    assert [item.kind for item in attention.items(order)] == ["means"]
    assert Letter.objects.filter(kind="review").exists()


def test_of_the_card_nothing_is_kept(psps: Sandbox) -> None:
    order = effective(psps, brand="diners")
    sweep()
    rows = [*Payment.objects.values(), *WebhookEvent.objects.values(), *order.timeline.values()]
    assert "diners" not in str(rows)
