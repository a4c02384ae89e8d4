"""Money that settles nothing, comes late or bounces: what the order's page and the mails say of it until it is gone."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from orders.moves import cancel, hold
from payments import attention
from payments.handoff import hand_off
from payments.models import Payment, Refund
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import sweep
from tests.payments.steps import NOTHING_DEBITED, bring_messages, ordered, paid, said, take, written
from tests.sandbox.client import Sandbox
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db
FITS_NOT = "paiement qui ne correspond pas à cette commande"
BY_THE_NEXT_WORKING_DAY = "d’ici au prochain jour ouvrable"
WENT_BACK = "CHF 38.00 ont été remboursés"
GOES_BACK = "Nous remboursons CHF 38.00"
TWO_PAYMENTS = "Nous avons reçu deux paiements"


def not_fitting(psps: Sandbox) -> tuple[Order, Payment]:
    """Another amount than the order's came."""
    order, page = ordered()
    take(psps, "card", page, webhook="wrong_amount")
    bring_messages(psps)
    return order, order.payments.get(why_not="mismatch")


def give_back(psps: Sandbox, payment: Payment) -> None:
    carry_out(ask(payment.pk, Wanted(payment.received_amount or 0, "Montant inexact")).pk)
    bring_messages(psps)


def given_up(why: Order.CancelReason = Order.CancelReason.CUSTOMER) -> tuple[Order, Payment]:
    """An order that is over, and the page on which it can still be paid."""
    order = placed()
    payment = started(order, status="expired")
    with transaction.atomic():
        cancel(hold(pk=order.pk), why, TimelineEntry.Actor.CUSTOMER)
    order.refresh_from_db()
    return order, payment


# It does not fit


def test_money_that_does_not_fit_and_went_back_is_no_late_payment_once_the_order_has_expired(psps: Sandbox) -> None:
    order, payment = not_fitting(psps)
    give_back(psps, payment)
    Payment.objects.update(returned_at=now())
    Order.objects.update(expires_at=now() - timedelta(minutes=1), next_try_at=None)
    sweep()

    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "expired")
    page = said(order)
    assert "trop tard" not in page
    assert NOTHING_DEBITED not in page
    assert FITS_NOT in page
    assert "ont été remboursés" in page
    assert "Commander à nouveau" in page
    letter = written(order, "expired")
    assert "débit," not in letter
    assert "ne sont plus réservés" in letter


def test_money_that_does_not_fit_and_goes_back_is_shown_so_until_another_payment_may_be_made(psps: Sandbox) -> None:
    psps.change(refunds="pending")
    order, payment = not_fitting(psps)
    give_back(psps, payment)

    page = said(order)
    assert "Nous vous remboursons votre paiement" in page
    assert "dès que l’argent est parti" in page
    assert BY_THE_NEXT_WORKING_DAY not in page
    assert "/payer/" not in Client().get(f"/commande/{order.token}/").content.decode()

    psps.settle_refund(psps.payments()[0]["refunds"][0]["id"], "succeeded")
    bring_messages(psps)
    assert "ont été remboursés" in said(order)
    assert "/payer/" in Client().get(f"/commande/{order.token}/").content.decode()
    assert order.letters.filter(kind="refunded").exists(), "as the page promised"


def test_money_that_went_back_before_another_payment_settled_is_not_told_as_two_payments(psps: Sandbox) -> None:
    order, payment = not_fitting(psps)
    give_back(psps, payment)
    take(psps, "card", hand_off(order, "card"))
    bring_messages(psps)

    page = said(order)
    assert "Merci, votre paiement est accepté" in page
    assert TWO_PAYMENTS not in page
    assert "Nous gardons le premier" not in page
    assert FITS_NOT in page
    assert "ont été remboursés" in page


def test_of_two_moneys_the_page_shows_the_one_that_is_still_here(psps: Sandbox) -> None:
    order, payment = not_fitting(psps)
    give_back(psps, payment)
    second = started(order, "twint")
    deliver(stripe_event(second, amount_total=order.total + 100))

    page = said(order)
    assert "Nous vérifions votre paiement" in page
    assert "Ne payez pas" in page
    assert "/payer/" not in Client().get(f"/commande/{order.token}/").content.decode()


def test_money_that_a_lost_dispute_took_lets_another_payment_be_made(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page, webhook="wrong_amount")
    bring_messages(psps)
    assert "Nous vérifions" in said(order)
    psps.move_dispute(psps.dispute(page, 3900), "lost")
    bring_messages(psps)

    assert "Nous vérifions" not in said(order)
    assert hand_off(order, "card")


def test_the_cause_of_a_refusal_is_that_of_the_newest_try_whatever_came_before(psps: Sandbox) -> None:
    order, payment = not_fitting(psps)
    give_back(psps, payment)
    started(order, "card", status="failed", refusal="funds")

    page = said(order)
    assert "la limite ou le solde ne suffit pas" in page
    assert NOTHING_DEBITED not in page


def test_money_in_another_currency_is_printed_in_its_own() -> None:
    order, payment = given_up()
    deliver(stripe_event(payment, currency="eur"))
    Refund.objects.create(payment=payment, amount=order.total, status="succeeded", settled_at=now())

    assert "EUR 38.00 ont été remboursés" in said(order)


# It came too late


def test_late_money_above_the_bound_is_checked_and_not_said_to_go_back(settings: Any, psps: Sandbox) -> None:
    settings.AUTOMATIC_REFUND_UP_TO = 100
    order, page = ordered()
    Client().post(f"/commande/{order.token}/annuler/")
    psps.reopen(page)
    take(psps, "card", page)
    bring_messages(psps)

    assert "Nous vérifions votre paiement" in said(order)
    assert BY_THE_NEXT_WORKING_DAY in said(order)
    assert GOES_BACK not in said(order)
    assert BY_THE_NEXT_WORKING_DAY in written(order, "review")

    give_back(psps, order.payments.get())
    assert "Votre paiement est arrivé trop tard" in said(order)
    assert WENT_BACK in said(order)


@pytest.mark.parametrize(
    ("why", "after"),
    [(Order.CancelReason.EXPIRED, "après le délai"), (Order.CancelReason.CUSTOMER, "après l’annulation")],
)
def test_the_mail_of_late_money_says_what_it_came_after(why: Order.CancelReason, after: str) -> None:
    order, payment = given_up(why)
    Order.objects.update(cancelled_at=now() - timedelta(days=2))
    deliver(stripe_event(payment))

    letter = written(order, "late_refunded")
    assert f"paiement arrivé {after}, CHF 38.00" in letter
    assert GOES_BACK in letter
    assert GOES_BACK in said(order)
    Refund.objects.update(status="succeeded", settled_at=now())
    assert WENT_BACK in said(order)


# It came twice


def test_a_second_payment_above_the_bound_is_checked_and_not_said_to_go_back(settings: Any, psps: Sandbox) -> None:
    settings.AUTOMATIC_REFUND_UP_TO = 100
    order, _page = paid(psps)
    deliver(stripe_event(started(order, "twint", status="expired")))

    page = said(order)
    assert "Nous avons reçu deux paiements" in page
    assert TWO_PAYMENTS in page
    assert BY_THE_NEXT_WORKING_DAY in page
    assert GOES_BACK not in page


def test_a_second_payment_that_goes_back_by_itself_promises_no_other_letter(psps: Sandbox) -> None:
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    bring_messages(psps)

    assert TWO_PAYMENTS in said(order)
    assert f"Nous gardons le premier. {GOES_BACK}" in said(order)
    assert "Nous vous écrivons dès que" not in said(order)

    carry_out(Refund.objects.get().pk)
    bring_messages(psps)
    assert WENT_BACK in said(order)
    assert sorted(order.letters.values_list("kind", flat=True)) == ["confirmation", "surplus_refunded"]


def test_a_second_payment_after_a_write_off_came_when_the_order_was_closed(psps: Sandbox) -> None:
    User.objects.create_superuser("sonia")
    order, page = paid(psps)
    psps.move_dispute(psps.dispute(page), "lost")
    bring_messages(psps)
    call_command("write_off", order.number, by="sonia", stdout=StringIO())
    deliver(stripe_event(started(order, "twint", status="expired")))

    letter = written(order, "surplus_refunded")
    assert "déjà clôturée" in letter
    assert "remboursée" not in letter
    assert "Nous gardons" not in letter


def test_a_second_payment_after_the_refund_in_full_keeps_nothing_and_is_told(psps: Sandbox) -> None:
    order, page = paid(psps)
    psps.refund(page)
    bring_messages(psps)
    deliver(stripe_event(started(order, "twint", status="expired")))

    letter = written(order, "surplus_refunded")
    assert "Nous gardons" not in letter
    assert "déjà clôturée" in letter
    page = said(order)
    assert "Remboursement effectué" in page
    assert TWO_PAYMENTS in page
    assert GOES_BACK in page
    assert "Nous gardons" not in page


# It bounced, or came late and was accepted


def test_a_refund_that_bounced_is_not_told_as_done(psps: Sandbox) -> None:
    order, page = paid(psps)
    carry_out(ask(order.payments.get().pk, Wanted(order.total, "Retour")).pk)
    bring_messages(psps)
    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed")
    bring_messages(psps)

    words = said(order)
    assert "Un remboursement nous est revenu" in words
    assert "CHF 38.00 n’ont pas pu vous être crédités" in words
    assert "d’ici au prochain jour ouvrable" in words
    assert "Remboursement effectué" not in words
    assert "CHF 0.00" not in words

    ask(order.payments.get().pk, Wanted(order.total, "Retour, encore une fois"))
    words = said(order)
    assert "Un remboursement a été demandé" in words
    assert "d’ici au prochain jour ouvrable" not in words


def test_of_two_refunds_the_one_that_bounced_is_told_beside_the_one_that_went(psps: Sandbox) -> None:
    order, page = paid(psps)
    for amount in (1000, order.total - 1000):
        carry_out(ask(order.payments.get().pk, Wanted(amount, "Retour")).pk)
    bring_messages(psps)
    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed")
    bring_messages(psps)

    words = said(order)
    assert "CHF 10.00 n’ont pas pu vous être crédités" in words
    assert "CHF 28.00 ont été remboursés" in words


def test_late_money_that_found_its_goods_says_that_it_was_late_and_accepted() -> None:
    order = placed()
    payment = started(order, status="expired", left_at=now())
    Order.objects.update(expires_at=now() - timedelta(minutes=1))
    sweep()
    deliver(stripe_event(payment))

    words = said(order)
    assert "Votre paiement est arrivé après le délai" in words
    assert "Les articles étaient encore disponibles" in words
    assert "Télécharger l’attestation" in words


def test_of_a_second_payment_only_what_is_left_goes_back(psps: Sandbox) -> None:
    """Staff gave a part of it back at the dashboard before the shop heard of any of it."""
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    psps.refund(page, 1000)
    psps.collect()
    call_command("recover", "--since", "48h", stdout=StringIO())

    carry_out(Refund.objects.get(status="requested").pk)
    bring_messages(psps)

    assert psps.payment(page)["refunded"] == order.total
    assert sorted(Refund.objects.values_list("amount", "status")) == [(1000, "succeeded"), (2800, "succeeded")]
    assert "28.00" in written(order, "surplus_refunded")
    assert attention.items() == []
