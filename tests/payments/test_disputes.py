"""A customer's bank asks for the money back: recorded, told, never moving the order; live words win over late ones."""

from datetime import timedelta
from io import StringIO
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils.timezone import localtime, now
from django.utils.translation import override

from orders.models import Order, Product
from payments import attention
from payments.handoff import hand_off
from payments.models import Dispute, Letter, Refund, SetAside, WebhookEvent
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import sweep
from tests.payments.door import answers_changed
from tests.payments.histories.clock import moved_by_hand
from tests.payments.steps import bring, bring_messages, kinds, ordered, page_of, paid, take
from tests.sandbox.client import Sandbox, Webhook
from tests.shop import goods

pytestmark = pytest.mark.django_db


def is_disputed(order: Order) -> bool:
    """Whether staff are told that the order's money is disputed."""
    return "dispute" in [item.kind for item in attention.items(order)]


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_case_35_a_dispute_flags_the_order_and_is_told_to_staff_until_when(psps: Sandbox, method: str) -> None:
    order, page = paid(psps, method)

    psps.dispute(page, 1000, due_days=7)
    bring_messages(psps)

    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.amount, dispute.payment.order) == ("open", 1000, order)
    assert dispute.reason
    assert dispute.due_at
    assert 6 <= (dispute.due_at - now()).days <= 7
    order.refresh_from_db()
    assert order.status == "effective", "a dispute is no cancellation"
    assert is_disputed(order)
    assert kinds(order)[-1] == "dispute"
    with override("en"):
        (item,) = attention.items(order)
    assert (item.kind, item.until) == ("dispute", dispute.due_at)
    assert "send nothing" in item.sentence
    assert not Refund.objects.exists()
    sweep()
    to_staff = [message for message in mail.outbox if message.subject.startswith("[KOOKUT]")]
    assert len(to_staff) == 1
    assert "10.00" in str(to_staff[0].body)
    (to_customer,) = [message for message in mail.outbox if "paiement est contesté" in message.subject]
    assert to_customer.to == [order.email]
    assert "Nous n’envoyons rien" in str(to_customer.body)


@pytest.mark.parametrize(
    ("method", "reason", "words"),
    [
        ("card", "fraudulent", "not authorised by the customer"),
        ("paypal", "MERCHANDISE_OR_SERVICE_NOT_RECEIVED", "goods not received"),
    ],
)
def test_of_a_dispute_the_psps_reason_is_kept_and_told_in_words_at_each_step(
    psps: Sandbox, method: str, reason: str, words: str
) -> None:
    order, page = paid(psps, method)
    reference = psps.dispute(page, 1000)
    bring_messages(psps)
    dispute = Dispute.objects.get()
    assert dispute.reason == reason
    first = {"amount": "CHF\u00a010.00", "reason": words}
    psps.move_dispute(reference, *(["lost"] if method == "card" else ["RESOLVED"]), outcome="ACCEPTED")
    bring_messages(psps)

    assert (dispute.reference, dispute.payment) == (reference, order.payments.get())
    told = [line for line in order.timeline.all() if line.kind == "dispute"][:2]
    by = "Stripe" if method == "card" else "PayPal"
    assert [(line.actor, line.actor_name) for line in told] == [("bank", by)] * 2
    states = [str(state) for state in (Dispute.Status.OPEN, Dispute.Status.LOST)]
    with override(None):
        labels = [str(Dispute.Status(state).label) for state in states]
    assert [line.data for line in told] == [first | {"state": label} for label in labels]
    about = set(Letter.objects.filter(order=order, kind="to_staff").values_list("about", flat=True))
    assert about >= {str(line.pk) for line in told}


@pytest.mark.parametrize(
    ("method", "ending", "status"),
    [
        ("card", {"status": "won"}, "won"),
        ("card", {"status": "lost"}, "lost"),
        ("paypal", {"status": "RESOLVED", "outcome": "RESOLVED_SELLER_FAVOUR"}, "won"),
        ("paypal", {"status": "RESOLVED", "outcome": "RESOLVED_BUYER_FAVOUR"}, "lost"),
        ("paypal", {"status": "RESOLVED", "outcome": "CANCELED_BY_BUYER"}, "closed"),
    ],
)
def test_woo_1098_a_dispute_that_is_over_holds_nothing_up(
    psps: Sandbox, method: str, ending: dict[str, Any], status: str
) -> None:
    order, page = paid(psps, method)
    dispute = psps.dispute(page)
    bring_messages(psps)

    psps.move_dispute(dispute, **ending)
    bring_messages(psps)

    assert Dispute.objects.get(reference=dispute).status == status
    assert not is_disputed(order)
    assert [item.kind for item in attention.items(order)] == (["lost"] if status == "lost" else [])
    order.refresh_from_db()
    assert order.status == "effective"


def test_case_35_an_inquiry_that_comes_to_nothing_is_closed(psps: Sandbox) -> None:
    order, page = paid(psps)
    inquiry = psps.dispute(page, status="warning_needs_response")
    bring_messages(psps)
    assert is_disputed(order)

    psps.move_dispute(inquiry, "warning_closed")
    bring_messages(psps)

    assert Dispute.objects.get().status == "closed"


def test_woo_2598_a_dispute_of_a_cancelled_order_moves_neither_order_nor_stock(psps: Sandbox) -> None:
    order, page = paid(psps, "paypal", goods(stock=3))
    psps.refund(page, 3700)
    bring_messages(psps)
    Order.objects.update(status="cancelled", cancel_reason="staff", cancelled_at=now())
    stock = Product.objects.get().stock

    psps.dispute(page)
    bring_messages(psps)

    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "staff")
    assert Product.objects.get().stock == stock
    assert is_disputed(order)


def test_case_50_money_that_paypal_takes_back_by_itself_is_a_lost_dispute(psps: Sandbox) -> None:
    order, page = paid(psps, "paypal")

    psps.reverse(page)
    bring_messages(psps)

    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.amount) == ("lost", order.total)
    order.refresh_from_db()
    assert order.status == "effective"
    assert order.payments.get().refundable() == 0
    assert [item.kind for item in attention.items(order)] == ["lost"]
    assert Letter.objects.filter(kind="to_staff").count() == 1


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_message_that_comes_late_does_not_open_a_dispute_again(psps: Sandbox, method: str) -> None:
    order, page = paid(psps, method)
    dispute = psps.dispute(page)
    opened = psps.collect()
    ending: dict[str, Any] = (
        {"status": "won"} if method == "card" else {"status": "RESOLVED", "outcome": "RESOLVED_SELLER_FAVOUR"}
    )
    psps.move_dispute(dispute, **ending)
    bring_messages(psps)

    for webhook in opened:
        assert bring(webhook).status_code == 200

    assert Dispute.objects.get().status == "won"
    assert kinds(order).count("dispute") == 1


def test_a_dispute_told_twice_is_written_once(psps: Sandbox) -> None:
    order, page = paid(psps)
    psps.dispute(page)
    messages = psps.collect()
    for _twice in range(2):
        answers = [bring(webhook).status_code for webhook in messages]
        assert set(answers) == {200}

    assert kinds(order).count("dispute") == 1
    assert Letter.objects.filter(kind="to_staff").count() == 1


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_dispute_ahead_of_its_payment_waits_and_is_applied_by_the_sweep(psps: Sandbox, method: str) -> None:
    order, page = ordered(method)
    take(psps, method, page)
    money = psps.collect()
    psps.dispute(page)
    for webhook in psps.collect():
        assert bring(webhook).status_code == 200
    assert not Dispute.objects.exists()
    assert WebhookEvent.objects.filter(processed_at=None).exists()

    for webhook in money:
        assert bring(webhook).status_code == 200
    WebhookEvent.objects.filter(processed_at=None).update(received_at=now().replace(year=now().year - 1))
    sweep()

    assert Dispute.objects.get().status == "open"
    assert is_disputed(order)


def test_the_reason_of_a_dispute_is_all_that_is_kept_of_what_the_customer_says(psps: Sandbox) -> None:
    _order, page = paid(psps, "paypal")
    psps.dispute(page)
    bring_messages(psps)

    kept: dict[str, Any] = WebhookEvent.objects.get(type="CUSTOMER.DISPUTE.CREATED").facts
    assert set(kept) <= {
        "dispute_id",
        "reason",
        "status",
        "create_time",
        "update_time",
        "dispute_amount",
        "dispute_outcome",
        "seller_response_due_date",
        "disputed_transactions",
    }


def lost(psps: Sandbox, method: str = "card") -> tuple[Order, str]:
    order, page = paid(psps, method)
    dispute = psps.dispute(page)
    bring_messages(psps)
    if method == "card":
        psps.move_dispute(dispute, "lost")
    else:
        psps.move_dispute(dispute, "RESOLVED", outcome="RESOLVED_BUYER_FAVOUR")
    bring_messages(psps)
    return order, page


def test_while_the_bank_examines_the_payment_the_page_promises_no_parcel(psps: Sandbox) -> None:
    order, page = paid(psps)
    assert "Nous préparons votre colis" in page_of(order)
    dispute = psps.dispute(page)
    bring_messages(psps)

    said = page_of(order)
    assert "Votre banque examine ce paiement" in said
    assert "Nous n’envoyons rien tant que la banque n’a pas tranché" in said
    assert "colis" not in said

    psps.move_dispute(dispute, "won")
    bring_messages(psps)
    assert "Nous préparons votre colis" in page_of(order)


def test_while_paypal_examines_the_payment_the_page_says_so_of_paypal(psps: Sandbox) -> None:
    order, page = paid(psps, "paypal")
    psps.dispute(page)
    bring_messages(psps)
    assert "<h1>PayPal examine ce paiement" in page_of(order)


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_money_that_the_bank_took_back_is_told_on_the_page_that_promises_no_parcel(psps: Sandbox, method: str) -> None:
    order, _page = lost(psps, method)
    said = page_of(order)
    assert "Votre banque a repris le paiement" in said
    assert "CHF 38.00 vous ont été remboursés après une contestation. Rien ne sera envoyé." in said
    assert "colis" not in said
    assert "est effective" not in said


def test_goods_that_are_gone_are_not_promised_to_stay(psps: Sandbox) -> None:
    order, _page = lost(psps)
    Order.objects.update(shipped_at=now())
    assert "Rien ne sera envoyé" not in page_of(order)


@pytest.mark.parametrize("goods_back", [True, False])
def test_staff_write_an_order_off_whose_money_a_dispute_took(psps: Sandbox, goods_back: bool) -> None:
    bowl = goods(stock=5)
    User.objects.create_superuser("sonia")
    order, page = paid(psps, "card", bowl, quantity=2)
    refund = ask(order.payments.get().pk, Wanted(100, "Retour", {order.lines.get().pk: 1}, goods_back=True))
    carry_out(refund.pk)
    bring_messages(psps)
    psps.move_dispute(psps.dispute(page, 6600), "lost")
    bring_messages(psps)
    assert [item.kind for item in attention.items()] == ["lost"]

    call_command("write_off", order.number, by="sonia", goods_back=goods_back, stdout=StringIO())

    order.refresh_from_db()
    bowl.refresh_from_db()
    assert (order.status, order.cancel_reason, order.holds_stock) == ("cancelled", "disputed", not goods_back)
    assert bowl.stock == (5 if goods_back else 4), "the piece that was back already does not come twice"
    told = order.timeline.get(kind="cancelled")
    assert (told.actor, told.actor_name) == ("staff", "sonia (manage.py)")
    assert attention.items() == []
    said = page_of(order)
    assert "Cette commande est clôturée" in said
    assert "débité" not in said
    with pytest.raises(CommandError, match="not effective"):
        call_command("write_off", order.number, by="sonia")


@pytest.mark.parametrize(("taken", "why"), [(None, "no lost dispute"), (1000, "some of its money is here")])
def test_an_order_with_money_is_not_written_off(psps: Sandbox, taken: int | None, why: str) -> None:
    User.objects.create_superuser("sonia")
    order, page = paid(psps)
    if taken:
        psps.move_dispute(psps.dispute(page, taken), "lost")
        bring_messages(psps)
    with pytest.raises(CommandError, match=why):
        call_command("write_off", order.number, by="sonia")
    with pytest.raises(CommandError, match="no order"):
        call_command("write_off", "KK-0000-0000", by="sonia")
    order.refresh_from_db()
    assert order.status == "effective"


def test_only_the_order_that_is_named_is_written_off_whatever_else_was_tried(psps: Sandbox) -> None:
    User.objects.create_superuser("sonia")
    unpaid, _page = ordered()
    orders = [ordered("twint")[0] for _ in range(2)]
    for order in orders:
        page = hand_off(order, "card")
        take(psps, "card", page)
        bring_messages(psps)
        psps.move_dispute(psps.dispute(page), "lost")
        bring_messages(psps)

    call_command("write_off", orders[0].number, by="sonia", stdout=StringIO())

    for order in orders:
        order.refresh_from_db()
    assert [order.status for order in orders] == ["cancelled", "effective"]
    with pytest.raises(CommandError, match="not effective"):
        call_command("write_off", unpaid.number, by="sonia")


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_dispute_that_says_no_amount_is_about_the_whole_payment(psps: Sandbox, method: str) -> None:
    order, page = paid(psps, method)
    psps.dispute(page, 1000)

    with answers_changed(without_its_amount, "/disputes/", "GET"):
        bring_messages(psps)

    assert Dispute.objects.get().amount == order.total


def without_its_amount(dispute: dict[str, Any]) -> dict[str, Any]:
    return {name: said for name, said in dispute.items() if name not in ("amount", "dispute_amount")}


def test_an_order_that_was_sent_is_not_written_off(psps: Sandbox) -> None:
    bowl = goods(stock=5)
    User.objects.create_superuser("sonia")
    order, page = paid(psps, "card", bowl)
    psps.move_dispute(psps.dispute(page), "lost")
    bring_messages(psps)
    Order.objects.update(shipped_at=now())

    with pytest.raises(CommandError, match="it was sent"):
        call_command("write_off", order.number, by="sonia", goods_back=True)

    order.refresh_from_db()
    bowl.refresh_from_db()
    assert (order.status, bowl.stock) == ("effective", 4), "goods that are gone do not come back"
    assert attention.items() == [], "and nobody is asked to write it off"


# Only a part was taken


def lost_in_part(psps: Sandbox) -> Order:
    """At PayPal: Stripe gives no rest back of what a bank took a part of."""
    order, page = paid(psps, "paypal")
    psps.move_dispute(psps.dispute(page, 500), "RESOLVED", outcome="RESOLVED_BUYER_FAVOUR")
    bring_messages(psps)
    return order


def the_sentence() -> str:
    with override("en"):
        (item,) = attention.items()
    return item.sentence.replace("\u00a0", " ")


def test_after_a_dispute_over_a_part_the_list_asks_for_what_can_be_done(psps: Sandbox) -> None:
    sonia = User.objects.create_superuser("sonia")
    order = lost_in_part(psps)
    said = the_sentence()
    assert "CHF 5.00 were taken back" in said
    assert "CHF 33.00 are here" in said
    assert "give the rest back and then write the order off, or set this aside" in said
    assert "Send nothing" not in said

    carry_out(ask(order.payments.get().pk, Wanted(3300, "Annulée"), sonia).pk)
    bring_messages(psps)

    assert "Send nothing; write to the customer, and write the order off" in the_sentence()
    call_command("write_off", order.number, by="sonia", stdout=StringIO())
    assert attention.items() == []
    said = page_of(order)
    assert "CHF 5.00 vous ont été remboursés après une contestation" in said
    assert "CHF 33.00 ont été remboursés" in said
    assert "Votre banque a repris une partie du paiement" in said


@pytest.mark.parametrize("set_aside", [False, True])
def test_after_a_dispute_over_a_part_the_page_says_the_part_and_promises_nothing(
    psps: Sandbox, set_aside: bool
) -> None:
    sonia = User.objects.create_superuser("sonia")
    order = lost_in_part(psps)
    if set_aside:
        (item,) = attention.items()
        attention.set_aside(SetAside.Kind.LOST, str(item.about), sonia, "On envoie quand même")

    said = page_of(order)

    assert "Votre banque a repris une partie du paiement" in said
    assert "CHF 5.00 vous ont été remboursés après une contestation ; le solde payé est de CHF 33.00" in said
    assert "Rien ne sera envoyé" not in said
    assert "colis" not in said


def test_once_the_rest_went_back_too_the_page_says_that_nothing_is_sent(psps: Sandbox) -> None:
    order = lost_in_part(psps)
    carry_out(ask(order.payments.get().pk, Wanted(3300, "Annulée")).pk)
    bring_messages(psps)

    said = page_of(order)

    assert "CHF 5.00 vous ont été remboursés après une contestation. Rien ne sera envoyé." in said
    assert "CHF 33.00 ont été remboursés sur le moyen de paiement utilisé." in said
    assert "CHF 0.00 " not in said


# It is won after the order was written off


def written_off(psps: Sandbox, method: str = "card") -> tuple[Order, str]:
    """An order that staff ended when its money was taken back, and the dispute that it was taken for."""
    User.objects.create_superuser("sonia")
    if method == "card":
        order, page = lost(psps)
    else:
        order, page = paid(psps, method)
        psps.dispute(page)
        psps.reverse(page)
        bring_messages(psps)
    call_command("write_off", order.number, by="sonia", goods_back=True, stdout=StringIO())
    sweep()
    mail.outbox.clear()
    return order, psps.payment(page)["disputes"][0]["id"]


UNTRUE = ["CHF 0.00 ", "attend son paiement", "Votre banque a repris", "colis"]
"""What no page says once the money of a written-off order is here again."""


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_money_that_is_here_again_after_a_write_off_is_told_to_staff_and_on_the_page(
    psps: Sandbox, method: str
) -> None:
    order, dispute = written_off(psps, method)
    won: dict[str, Any] = (
        {"status": "won"} if method == "card" else {"status": "RESOLVED", "outcome": "RESOLVED_SELLER_FAVOUR"}
    )
    psps.move_dispute(dispute, **won)
    bring_messages(psps)

    assert [item.kind for item in attention.items()] == ["written_off"]
    assert "CHF 38.00 of its money are here again. Give them back" in the_sentence()
    said = page_of(order)
    assert "Votre paiement est de nouveau chez nous" in said
    assert "CHF 38.00 sont de nouveau chez nous. Vous n’avez rien à faire : nous vous écrivons" in said
    assert "Cette commande est clôturée" in said
    assert not [words for words in [*UNTRUE, "vous ont été rendus"] if words in said]
    sweep()
    with override("fr"):
        (item,) = attention.items()
    assert [item.sentence in str(message.body) for message in mail.outbox] == [True]


def test_money_that_is_here_again_after_a_write_off_is_listed_until_it_is_given_back(psps: Sandbox) -> None:
    order, dispute = written_off(psps)
    psps.move_dispute(dispute, "won")
    bring_messages(psps)
    assert [item.kind for item in attention.items()] == ["written_off"]

    refund = ask(order.payments.get().pk, Wanted(3800, "Commande close"))
    assert attention.items() == []
    said = page_of(order)
    assert "CHF 38.00 sont de nouveau chez nous." in said
    assert "nous vous écrivons d’ici" not in said
    assert "Un remboursement a été demandé" in said
    carry_out(refund.pk)
    bring_messages(psps)

    assert attention.items() == []
    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "disputed")
    said = page_of(order)
    assert "Remboursement effectué" in said
    assert "CHF 38.00 ont été remboursés sur le moyen de paiement utilisé" in said
    assert not [words for words in [*UNTRUE, "de nouveau chez nous"] if words in said]


def test_while_a_written_off_order_is_disputed_again_nobody_is_asked_to_give_its_money_back(psps: Sandbox) -> None:
    """The PSP would refuse it."""
    order, dispute = written_off(psps)
    psps.move_dispute(dispute, "appeal_under_review")
    bring_messages(psps)

    assert [item.kind for item in attention.items()] == ["dispute"]
    said = page_of(order)
    assert "Votre banque examine ce paiement" in said
    assert "Le paiement est contesté auprès de la banque" in said
    assert not [words for words in [*UNTRUE, "de nouveau chez nous"] if words in said]

    psps.move_dispute(dispute, "lost")
    bring_messages(psps)
    assert attention.items() == []
    assert "Votre banque a repris le paiement" in page_of(order)


# When it was decided


def test_a_dispute_keeps_when_it_was_decided_until_it_is_open_again(psps: Sandbox) -> None:
    order, page = paid(psps)
    with moved_by_hand() as clock:
        reference = psps.dispute(page, 1000)
        bring_messages(psps)
        assert Dispute.objects.get().decided_at is None
        Dispute.objects.update(status="won", decided_at=clock.now)
        psps.move_dispute(reference, "under_review")
        bring_messages(psps)
        assert Dispute.objects.get().decided_at is None, "it is open again"
        psps.move_dispute(reference, "needs_response")
        late = psps.collect()

        clock.move(timedelta(minutes=1))
        psps.move_dispute(reference, "lost")
        bring_messages(psps)
        decided = clock.now
        assert Dispute.objects.get().decided_at == decided
        assert f"(annoncé le {localtime(decided):%d.%m.%Y à %H:%M:%S})" in page_of(order)

        clock.move(timedelta(minutes=1))
        Dispute.objects.update(amount=900)
        for webhook in late:
            assert bring(webhook).status_code == 200
        dispute = Dispute.objects.get()
        assert (dispute.amount, dispute.decided_at) == (1000, decided)


def test_of_what_paypal_tells_twice_the_paper_says_when_it_first_was_so(psps: Sandbox) -> None:
    """By PayPal's clock, however late its messages are."""
    order, page = paid(psps, "paypal")
    with moved_by_hand() as clock:
        dispute = psps.dispute(page)
        bring_messages(psps)
        clock.move(timedelta(days=2))
        psps.move_dispute(dispute, "RESOLVED", outcome="RESOLVED_BUYER_FAVOUR")
        decided = clock.now.replace(microsecond=0)
        clock.move(timedelta(days=3))
        for webhook in psps.collect():
            assert bring(webhook).status_code == 200
            clock.move(timedelta(days=3))
    assert [one.decided_at and one.decided_at.replace(microsecond=0) for one in Dispute.objects.all()] == [decided] * 2
    told = f"Repris par la banque du payeur après contestation (annoncé le {localtime(decided):%d.%m.%Y à %H:%M:%S})"
    assert told in page_of(order)


def test_of_two_lost_disputes_the_paper_says_the_amount_and_the_time_of_the_larger(psps: Sandbox) -> None:
    order, page = paid(psps)
    with moved_by_hand() as clock:
        for amount in (500, 1000, 700):
            clock.move(timedelta(days=1))
            lost = psps.dispute(page, amount)
            psps.move_dispute(lost, "lost")
            bring_messages(psps)
            if amount == 1000:
                decided = clock.now
    told = f"(annoncé le {localtime(decided):%d.%m.%Y à %H:%M:%S})"
    said = page_of(order)
    assert [part.count("Repris par la banque du payeur") for part in said.split('class="print-only sheet')] == [1, 1]
    assert told in said
    assert "−CHF 10.00" in said


def test_a_paper_says_when_its_list_last_changed_also_once_it_is_empty_again(psps: Sandbox) -> None:
    """Two prints of one number, of which only one lists what was taken back, or says that nothing leaves for now."""
    order, page = paid(psps)
    with moved_by_hand() as clock:
        assert "Mise à jour le" not in page_of(order)
        lost = psps.dispute(page, 1000)
        bring_messages(psps)
        said = page_of(order)
        assert f"Mise à jour le {localtime(clock.now):%d.%m.%Y à %H:%M:%S}" in said
        assert "Rien n’est envoyé pour l’instant" in said
        assert "Repris par la banque" not in said
        way, sheet = said.split('class="print-only sheet')
        assert "Contesté auprès de la banque du payeur" in way
        opened = localtime(Dispute.objects.get().opened_at)
        assert f"Contesté auprès de la banque du payeur ({opened:%d.%m.%Y à %H:%M:%S})" in sheet
        assert "pas encore tranché" in way
        assert "pas encore tranché" in sheet
        for state in ("lost", "won"):
            clock.move(timedelta(days=1))
            psps.move_dispute(lost, state)
            bring_messages(psps)
            said = page_of(order)
            assert f"Mise à jour le {localtime(clock.now):%d.%m.%Y à %H:%M:%S}" in said
            assert ("Repris par la banque" in said) == (state == "lost")


# What PayPal takes during a dispute


@pytest.mark.parametrize("reversal", ["before it is opened", "while it is open", "after it was won"])
def test_money_that_paypal_took_during_a_dispute_is_back_once_the_shop_has_won(psps: Sandbox, reversal: str) -> None:
    """Whenever its message comes, and twice."""
    order, page = paid(psps, "paypal")
    dispute = psps.dispute(page)
    opened = psps.collect()
    psps.reverse(page)
    taken = psps.collect()
    messages = [*taken, *opened] if reversal == "before it is opened" else opened
    for webhook in messages:
        assert bring(webhook).status_code == 200
    if reversal == "while it is open":
        for webhook in taken:
            assert bring(webhook).status_code == 200
    if reversal != "after it was won":
        assert order.payments.get().taken_back() == order.total

    psps.move_dispute(dispute, "RESOLVED", outcome="RESOLVED_SELLER_FAVOUR")
    bring_messages(psps)
    if reversal == "after it was won":
        for webhook in taken:
            assert bring(webhook).status_code == 200

    assert [one.decided_at is None for one in Dispute.objects.all()] == [False, False]
    assert order.payments.get().refundable() == order.total
    assert attention.items() == []
    assert order.timeline.filter(kind="dispute", data__state="Won").count() == 2


@pytest.mark.parametrize("first", ["the reversal", "the end of the dispute"])
def test_a_dispute_that_was_won_brings_back_no_money_of_another_payment(psps: Sandbox, first: str) -> None:
    order, page = paid(psps, "paypal")
    other, its_page = paid(psps, "paypal")
    dispute = psps.dispute(page)
    bring_messages(psps)
    if first == "the reversal":
        psps.reverse(its_page)
        bring_messages(psps)
    psps.move_dispute(dispute, "RESOLVED", outcome="RESOLVED_SELLER_FAVOUR")
    bring_messages(psps)
    if first != "the reversal":
        psps.reverse(its_page)
        bring_messages(psps)

    assert order.payments.get().taken_back() == 0
    assert other.payments.get().taken_back() == other.total


@pytest.mark.parametrize("order_of_messages", list(permutations(["won", "taken", "second"])))
@pytest.mark.parametrize("taken", ["before", "during", "after"])
def test_a_dispute_that_was_won_brings_back_only_what_was_taken_while_it_lay_open(
    psps: Sandbox, taken: str, order_of_messages: tuple[str, ...]
) -> None:
    """Two disputes of one payment, the first won, the second lost; PayPal's messages in whatever order they come."""
    order, page = paid(psps, "paypal")
    messages: dict[str, list[Webhook]] = {}
    with moved_by_hand() as clock:

        def take_money(when: str) -> None:
            clock.move(timedelta(days=1))
            if taken == when:
                psps.reverse(page, 900)
                messages["taken"] = psps.collect()
                clock.move(timedelta(days=1))

        take_money("before")
        first = psps.dispute(page, 1000)
        bring_messages(psps)
        take_money("during")
        psps.move_dispute(first, "RESOLVED", outcome="RESOLVED_SELLER_FAVOUR")
        messages["won"] = psps.collect()
        take_money("after")
        second = psps.dispute(page, 200)
        clock.move(timedelta(days=1))
        psps.move_dispute(second, "RESOLVED", outcome="RESOLVED_BUYER_FAVOUR")
        messages["second"] = psps.collect()
        for name in order_of_messages:
            clock.move(timedelta(hours=1))
            for webhook in messages[name]:
                assert bring(webhook).status_code == 200
        # PayPal tells of the one that was won once more, later than of all else.
        for webhook in messages["won"]:
            assert bring(webhook).status_code == 200

    assert order.payments.get().taken_back() == (200 if taken == "during" else 900)


@pytest.mark.parametrize("first", ["lost", "won"])
@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_dispute_that_was_won_does_not_win_another_that_was_lost(psps: Sandbox, method: str, first: str) -> None:
    order, page = paid(psps, method)
    outcomes = {"lost": "RESOLVED_BUYER_FAVOUR", "won": "RESOLVED_SELLER_FAVOUR"}
    for end in (first, "won" if first == "lost" else "lost"):
        dispute = psps.dispute(page, 1000)
        bring_messages(psps)
        ending: dict[str, Any] = (
            {"status": end} if method == "card" else {"status": "RESOLVED", "outcome": outcomes[end]}
        )
        psps.move_dispute(dispute, **ending)
        bring_messages(psps)

    assert order.payments.get().taken_back() == 1000
