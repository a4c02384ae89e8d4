"""What the short mails say, and that none leaves whose news is no longer so."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils.timezone import now

from orders import days
from orders.models import Order
from payments.capture import capture
from payments.handoff import MethodUnavailable, hand_off
from payments.letters import compose, send_again
from payments.models import Letter, Payment, Refund, Refusal
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import sweep
from tests.orders.steps import BUREAU
from tests.payments.steps import NOTHING_DEBITED, bring_messages, ordered, paid, said, take, written
from tests.sandbox.client import Sandbox
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db
UNBROKEN = r'(<span class="nowrap">)?%s(</span>)?'
"""A number in a mail's text and in its HTML, where it does not break at its hyphens."""


def refused(order: Order) -> Payment:
    """The bank says no after the customer has come back; the mail about it waits."""
    payment = started(order, "twint", returned_at=now())
    deliver(stripe_event(payment, "checkout.session.async_payment_failed", payment_status="unpaid"))
    assert order.letters.get().kind == "refused"
    return payment


def leave(order: Order) -> list[str]:
    """Let every mail leave that is due or soon will be; their subjects."""
    Letter.objects.filter(sent_at=None).update(due_at=now())
    sweep()
    return [str(message.subject) for message in mail.outbox if order.email in message.to]


# All of them


def delivered(order: Order, kind: str) -> tuple[str, str]:
    """The mail of that kind as it leaves: its text, and its HTML."""
    message = compose(order.letters.select_related("order").get(kind=kind))
    (html,) = [str(part[0]) for part in message.alternatives]
    return str(message.body).replace("\u00a0", " "), html.replace("\u00a0", " ")


@pytest.mark.parametrize("kind", [kind for kind in Letter.Kind if kind != Letter.Kind.TO_STAFF])
def test_every_mail_says_who_writes_whom_to_answer_and_where_to_go_on(psps: Sandbox, kind: str, settings: Any) -> None:
    order, _page = paid(psps)
    payment = order.payments.get()
    refund = payment.refunds.create(amount=1000, status="succeeded", settled_at=now())
    about = refund.pk if "refunded" in kind else payment.pk
    order.letters.get_or_create(kind=kind, about=str(about))
    message = compose(order.letters.filter(kind=kind).latest("pk"))
    (html,) = [str(part[0]) for part in message.alternatives]

    assert message.reply_to == ["bonjour@kookut.example"]
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert str(message.subject).startswith("KOOKUT")
    assert "\n\n\n" not in str(message.body), "one blank line at a time"
    for words in (str(message.body).replace("\u00a0", " "), html.replace("\u00a0", " ")):
        assert "Bonjour Claire Dufour," in words
        assert f"{settings.SITE_URL}/commande/{order.token}/" in words
        assert "ne demande jamais vos données de carte" in words
        assert "KOOKUT Sàrl" in words
        assert "CHE-123.456.788 TVA" in words
        assert "bonjour@kookut.example" in words


@pytest.mark.parametrize("kind", ["refused", "expired", "link"])
def test_before_money_has_come_no_mail_holds_what_was_typed_as_a_name(kind: str) -> None:
    """A stranger may have typed it, to have the shop write to somebody else."""
    order = placed(delivery_name="Gagnez un million")
    payment = started(order, status="failed", left_at=now())
    order.letters.create(kind=kind, about=str(payment.pk))

    for words in delivered(order, kind):
        assert "Bonjour," in words
        assert "million" not in words


def test_the_confirmation_says_when_the_agreement_reached_us_and_to_whom_the_bill_goes() -> None:
    billing: dict[str, Any] = {name: typed for name, typed in BUREAU.items() if name != "other_billing"}
    order = placed(**billing)
    deliver(stripe_event(started(order, "twint")))
    for words in delivered(order, "confirmation"):
        assert "Votre paiement de CHF 38.00 avec TWINT est accepté" in words
        assert re.search(rf"votre commande {UNBROKEN % order.number} est effective", words), "as its page says"
        assert "L’accord nous est parvenu le" in words, "the bank may have given it long before"
        assert re.search(r"Adresse de facturation(</h2>\n<p>)?\s*Bureau du Lac SA", words)
        assert "\n\n\n" not in words or "<html" in words


def test_the_confirmation_counts_up_to_the_total_and_then_says_its_tax(psps: Sandbox) -> None:
    order, _page = paid(psps)
    text, html = delivered(order, "confirmation")
    for words in (text, html):
        assert words.index("Livraison, PostPac") < words.index("Total") < words.index("TVA 8,1 % comprise")


# Refused


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal.FUNDS, "la limite ou le solde ne suffit pas"),
        (Refusal.TIMEOUT, "Le délai pour confirmer dans l’app est passé"),
        (Refusal.GENERIC, "a été refusé dans l’app TWINT"),
        (Refusal.AUTHENTICATION, "a été refusé dans l’app TWINT"),
    ],
)
def test_the_mail_of_a_refusal_says_its_cause_in_the_words_of_the_page(refusal: Refusal, words: str) -> None:
    order = placed()
    refused(order)
    Payment.objects.update(refusal=refusal)

    letter = written(order, "refused")
    assert words in letter
    assert words in said(order)
    assert NOTHING_DEBITED in letter
    assert len(leave(order)) == 1


def test_a_card_that_was_refused_is_the_banks_matter(psps: Sandbox) -> None:
    order = placed()
    payment = started(order, status="failed", refusal="generic")
    order.letters.create(kind="refused", about=str(payment.pk))

    for words in (written(order, "refused"), said(order)):
        assert "Votre banque n’a pas accepté le paiement" in words
        assert "TWINT ne l’a pas admis" not in words


def test_no_mail_of_a_refusal_leaves_once_money_has_come(settings: Any) -> None:
    order = placed()
    payment = refused(order)
    deliver(stripe_event(payment, amount_total=order.total + 100))

    assert not [subject for subject in leave(order) if "n’a pas abouti" in subject]
    assert not order.letters.filter(kind="refused").exists()


def test_no_mail_of_a_refusal_leaves_while_another_try_is_under_way() -> None:
    order = placed()
    refused(order)
    started(order)

    assert leave(order) == []


def test_the_mail_of_a_refusal_does_not_deny_money_that_came_before_and_went_back() -> None:
    order = placed()
    first = started(order)
    deliver(stripe_event(first, amount_total=order.total + 100))
    Refund.objects.create(payment=first, amount=order.total + 100, status="succeeded", settled_at=now())
    Letter.objects.all().delete()
    refused(order)

    assert NOTHING_DEBITED not in written(order, "refused")
    assert [subject for subject in leave(order) if "n’a pas abouti" in subject]


# Accepted


@pytest.mark.parametrize("amount", [1000, 3800])
def test_no_mail_says_that_an_order_is_effective_once_its_money_has_gone_back(psps: Sandbox, amount: int) -> None:
    """The mail server was down meanwhile."""
    order, _page = paid(psps)
    carry_out(ask(order.payments.get().pk, Wanted(amount, "Retour")).pk)
    bring_messages(psps)
    order.refresh_from_db()

    subjects = leave(order)

    assert bool([subject for subject in subjects if "accepté" in subject]) is (order.status == "effective")
    assert [subject for subject in subjects if "remboursement" in subject]


def test_a_confirmation_that_staff_send_again_does_not_leave_once_its_money_has_gone_back(
    psps: Sandbox, sonia: User
) -> None:
    order, page = paid(psps)
    leave(order)
    assert send_again(order.pk, Letter.Kind.CONFIRMATION, by=sonia)
    psps.refund(page)
    bring_messages(psps)

    assert len([subject for subject in leave(order) if "accepté" in subject]) == 1


def failed_unheard(psps: Sandbox) -> tuple[Order, str]:
    """The bank refused what the customer came back from confirming, and its message is lost."""
    order, page = ordered("twint")
    psps.pay_by_twint(page, pending=True)
    bring_messages(psps)
    come_back(order)
    psps.settle_session(page, paid=False, webhook="lost")
    return order, "a été refusé dans l’app TWINT"


def capture_refused(psps: Sandbox) -> tuple[Order, str]:
    """PayPal did not answer when the customer was back; later it refuses, and its message is lost."""
    order, page = ordered("paypal")
    psps.approve_paypal(page, capture="declined", webhook="lost")
    psps.break_calls("down", "*/capture", method="POST", calls=9)
    come_back(order)
    psps.mend()
    return order, "PayPal n’a pas pu débiter"


def account_declined(psps: Sandbox) -> tuple[Order, str]:
    """She agreed at PayPal, and her browser died: her account turns out to be empty."""
    order, page = ordered("paypal")
    psps.approve_paypal(page, capture="instrument_declined")
    return order, "PayPal n’a pas pu débiter"


def account_refused(psps: Sandbox) -> tuple[Order, str]:
    """As before, but PayPal refuses for good."""
    order, page = ordered("paypal")
    psps.approve_paypal(page, capture="declined", webhook="lost")
    return order, "PayPal n’a pas pu débiter"


def come_back(order: Order) -> None:
    assert Client().get(f"/commande/{order.token}/retour/{order.payments.get().pk}/").status_code == 303


@pytest.mark.parametrize("happened", [failed_unheard, capture_refused, account_declined, account_refused])
def test_whose_payment_the_sweep_finds_refused_is_written_to_unless_she_tries_again_soon(
    psps: Sandbox, happened: Callable[[Sandbox], tuple[Order, str]]
) -> None:
    order, words = happened(psps)
    Payment.objects.update(next_try_at=now())

    sweep()

    letter = order.letters.get()
    assert letter.kind == "refused"
    if happened is failed_unheard:
        assert letter.sent_at, "the page has promised the answer by mail"
    else:
        assert letter.due_at > now() + timedelta(minutes=9)
    assert words in written(order, "refused")
    assert words in said(order)
    assert len(leave(order)) == 1


def test_no_mail_of_a_declined_account_leaves_once_another_one_was_chosen(psps: Sandbox) -> None:
    order, _words = account_declined(psps)
    assert capture(order.payments.get().pk) == "declined"

    psps.approve_paypal(psps.payments()[0]["page"])
    assert capture(order.payments.get().pk) == "paid"

    assert not [subject for subject in leave(order) if "n’a pas abouti" in subject]


def test_nobody_is_written_to_of_a_page_that_nobody_came_back_from(psps: Sandbox) -> None:
    order, page = ordered("twint")
    psps.pay_by_twint(page, pending=True)
    psps.settle_session(page, paid=False)
    bring_messages(psps)
    psps.change(stripe_methods=["twint"])
    with pytest.raises(MethodUnavailable):
        hand_off(order, "card")

    assert [payment.status for payment in order.payments.all()] == ["failed", "failed"]
    assert not order.letters.exists()


# Expired


def expired(psps: Sandbox) -> tuple[Order, Payment]:
    """Its customer had been on the page; the mail about it waits."""
    order = placed(expires_at=now() - timedelta(minutes=1))
    payment = started(order, status="expired", left_at=now())
    sweep()
    order.refresh_from_db()
    mail.outbox.clear()
    Letter.objects.update(sent_at=None)
    assert order.cancel_reason == "expired"
    return order, payment


def test_an_order_that_nobody_paid_ends_without_a_debit(psps: Sandbox) -> None:
    order, _payment = expired(psps)

    assert "sans débit" in written(order, "expired")
    assert len(leave(order)) == 1


@pytest.mark.parametrize("cancelled_at", [now, lambda: now() - timedelta(days=2)], ids=["revived", "going back"])
def test_no_mail_of_an_expiry_leaves_once_money_has_come(psps: Sandbox, cancelled_at: Any) -> None:
    order, payment = expired(psps)
    Order.objects.update(cancelled_at=cancelled_at())
    deliver(stripe_event(payment))

    assert not [subject for subject in leave(order) if "délai de paiement" in subject]


# Refunded


def test_the_mail_of_a_refund_says_why_how_when_and_what_stays_paid(psps: Sandbox, sonia: User) -> None:
    order, _page = paid(psps, "twint")
    refund = ask(order.payments.get().pk, Wanted(1000, "Bol ébréché\n<b>à Genève</b>"), by=sonia)
    carry_out(refund.pk)
    bring_messages(psps)

    refund.refresh_from_db()
    assert refund.settled_at
    day = days.dated(refund.settled_at)
    letter = written(order, "refunded")
    assert f"Le {day}, nous avons remboursé CHF 10.00 sur le moyen de paiement utilisé." in letter
    assert "Motif : Bol ébréché <b>à Genève</b>" in letter
    assert "solde payé de votre commande est de CHF 28.00" in letter
    sweep()
    message = next(message for message in mail.outbox if "remboursement" in message.subject)
    assert isinstance(message, mail.EmailMultiAlternatives)
    assert "&lt;b&gt;à Genève" in str(message.alternatives[0][0])


def test_the_mail_of_a_refund_names_the_order_and_the_notice_that_is_attached(psps: Sandbox) -> None:
    order, page = paid(psps)
    psps.refund(page, 1000)
    bring_messages(psps)

    for words in delivered(order, "refunded"):
        assert order.number in words
        assert re.search(r"Avis de remboursement( :|</th><td>) ?" + UNBROKEN % r"AR-\d{4}-\d{6}", words)
        assert re.search(r"Reste payé( :|</th><td>) ?CHF 28\.00", words)


def test_the_mail_of_the_last_refund_has_nothing_that_stays_paid(psps: Sandbox) -> None:
    order, page = paid(psps)
    psps.refund(page)
    bring_messages(psps)

    letter = written(order, "refunded")
    assert "CHF 38.00" in letter
    assert "reste payé" not in letter
    assert "Motif" not in letter


def test_a_reason_of_the_shop_itself_is_not_read_out_as_one_of_staff(psps: Sandbox) -> None:
    order, _page = paid(psps)
    carry_out(ask(order.payments.get().pk, Wanted(1000, "the order was already paid")).pk)
    bring_messages(psps)

    assert "Motif" not in written(order, "refunded")


def test_a_refund_that_staff_made_after_the_shops_own_failed_is_told(psps: Sandbox, sonia: User) -> None:
    """The mail had said that the money goes back, and the page promised another."""
    psps.change(refunds="failed")
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    bring_messages(psps)
    leave(order)
    carry_out(Refund.objects.get().pk)
    bring_messages(psps)
    psps.change(refunds="succeeded")

    carry_out(ask(order.payments.get(why_not="second").pk, Wanted(3800, "Payé deux fois"), by=sonia).pk)
    bring_messages(psps)

    assert [subject.split(",")[0] for subject in leave(order)][-1] == "KOOKUT\u00a0: remboursement de CHF\u00a038.00"
    assert sorted(order.letters.values_list("kind", flat=True)).count("refunded") == 1


# To staff


def to_staff(order: Order) -> list[str]:
    """What every mail to staff says first, oldest first."""
    letters = order.letters.filter(kind="to_staff").order_by("pk")
    return [str(compose(letter).body).split("\n")[0].replace("\u00a0", " ") for letter in letters]


def test_staff_are_written_to_when_a_dispute_is_opened_again(psps: Sandbox) -> None:
    order, page = paid(psps)
    dispute = psps.dispute(page, 1000)
    bring_messages(psps)
    for state in ("won", "needs_response"):
        psps.move_dispute(dispute, state)
        bring_messages(psps)

    said = to_staff(order)

    assert len(said) == 3
    assert said[0] == said[2] != said[1]


def test_staff_are_written_to_each_time_a_refund_bounces(psps: Sandbox) -> None:
    order, _page = paid(psps)
    carry_out(ask(order.payments.get().pk, Wanted(1000, "Retour")).pk)
    bring_messages(psps)
    for state in ("failed", "succeeded", "failed"):
        psps.settle_refund(Refund.objects.get().reference or "", state)
        bring_messages(psps)

    assert len(to_staff(order)) == 2


def test_each_mail_to_staff_tells_of_its_own_matter(psps: Sandbox) -> None:
    order, page = paid(psps)
    psps.dispute(page, 1000)
    psps.dispute(page, 700)
    bring_messages(psps)

    first, second = to_staff(order)

    assert "CHF 10.00" in first
    assert "CHF 7.00" in second


def test_a_mail_to_staff_names_what_came_in_its_subject_and_leads_to_the_order() -> None:
    order = placed()
    deliver(stripe_event(started(order), amount_total=3900))

    message = compose(order.letters.get(kind="to_staff"))

    subject = str(message.subject).replace("\u00a0", " ")
    assert subject == f"[KOOKUT] À traiter : {order.number}, reçu CHF 39.00 au lieu de CHF 38.00"
    assert (message.to, message.reply_to) == (["bonjour@kookut.example"], [])
    text, html = delivered(order, "to_staff")
    assert "Carte, Stripe : Accepté, CHF 39.00" in text
    for words in (text, html):
        assert f"/admin/orders/order/{order.pk}/change/" in words
        assert "Bonjour" not in words
        assert order.token not in words


# Other money


def test_the_mail_about_another_amount_names_it_and_the_order(psps: Sandbox) -> None:
    order = placed()
    deliver(stripe_event(started(order), amount_total=3900))

    for words in delivered(order, "review"):
        assert f"Nous avons reçu CHF 39.00 pour votre commande {order.number}, dont le total est de CHF 38.00." in words
        assert "Bonjour Claire Dufour," in words


def test_no_mail_says_that_a_payment_is_being_checked_once_its_money_has_gone_back(psps: Sandbox) -> None:
    order = placed()
    payment = started(order)
    deliver(stripe_event(payment, amount_total=3900))
    assert order.letters.filter(kind="review").exists()
    Refund.objects.create(payment=payment, amount=3900, status="succeeded", settled_at=now())

    assert not [subject for subject in leave(order) if "vérifions" in subject]
    assert not order.letters.filter(kind="review").exists()


def test_the_mail_about_a_payment_without_money_leaves(psps: Sandbox) -> None:
    order = placed()
    deliver(stripe_event(started(order), payment_status="no_payment_required"))
    assert [subject for subject in leave(order) if "vérifions" in subject]


@pytest.mark.parametrize(("status", "leaves"), [("requested", True), ("succeeded", True), ("failed", False)])
def test_no_mail_says_that_a_second_payment_goes_back_once_its_refund_failed(status: str, leaves: bool) -> None:
    order = placed()
    deliver(stripe_event(started(order, "twint", status="expired")))
    second = started(order, created_at=now())
    deliver(stripe_event(second))
    Refund.objects.filter(payment__why_not="second").update(status=status, next_try_at=None)

    subjects = leave(order)

    assert bool([subject for subject in subjects if "deux paiements" in subject]) is leaves
