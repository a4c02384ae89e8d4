"""What needs a person is on one list while it does, and leaves it by itself when it does not any more."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from django.utils.translation import override

from orders.models import Order
from payments import attention, attestation, health
from payments.letters import compose
from payments.models import Channel, Dispute, Letter, Payment, Refund, SetAside, WebhookEvent
from payments.refunds import NotRefundable, Wanted, ask, carry_out
from payments.sweep import sweep
from tests.payments.papers import embedded_facts, pages
from tests.payments.steps import bring, bring_messages, ordered, paid, take
from tests.sandbox.client import Sandbox
from tests.shop import deliver, goods, placed, started, stripe_event

pytestmark = pytest.mark.django_db


def listed(order: Order | None = None) -> list[str]:
    with override("fr"):
        found = attention.items(order)
    for item in found:
        assert item.sentence.endswith((".", ")")) or ": " in item.sentence
        if item.order:
            assert item.order.number in item.sentence or item.kind == "unapplied"
    return [item.kind for item in found]


def given_back(psps: Sandbox, payment: Payment) -> None:
    carry_out(ask(payment.pk, Wanted(payment.refundable(), "Ne correspond pas")).pk)
    bring_messages(psps)


def test_nothing_is_on_the_list_of_a_shop_in_good_order(psps: Sandbox) -> None:
    paid(psps)
    paid(psps, "paypal")
    ordered("twint")
    sweep()
    assert listed() == []


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_money_that_does_not_fit_is_listed_until_it_is_given_back(psps: Sandbox, method: str) -> None:
    order, page = ordered(method)
    take(psps, method, page, webhook="wrong_amount")
    bring_messages(psps)
    assert listed() == listed(order) == ["mismatch"]
    with override("fr"):
        (item,) = attention.items()
    assert "39.00" in item.sentence
    assert "38.00" in item.sentence

    given_back(psps, order.payments.get())

    assert listed() == []


@pytest.mark.parametrize("why", ["second", "late"])
def test_surplus_above_the_bound_is_listed_until_staff_give_it_back(psps: Sandbox, settings: Any, why: str) -> None:
    settings.AUTOMATIC_REFUND_UP_TO = 100
    order, page = ordered()
    if why == "second":
        deliver(stripe_event(started(order, "twint", status="expired")))
    else:
        Order.objects.update(status="cancelled", cancel_reason="customer", cancelled_at=now(), holds_stock=False)
    take(psps, "card", page)
    bring_messages(psps)

    assert listed() == [why]
    assert not Refund.objects.exists()
    assert Letter.objects.filter(kind="to_staff").count() == 1
    given_back(psps, Payment.objects.get(why_not=why))
    assert listed() == []


def test_who_was_told_that_his_payment_is_looked_at_is_told_that_it_went_back(psps: Sandbox, settings: Any) -> None:
    settings.AUTOMATIC_REFUND_UP_TO = 100
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    bring_messages(psps)
    assert Letter.objects.filter(kind="review").exists()

    given_back(psps, Payment.objects.get(why_not="second"))

    assert Letter.objects.filter(kind="refunded").count() == 1


def test_money_that_came_in_another_currency_is_told_in_its_own(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page, webhook="lost")
    event = stripe_event(order.payments.get(), payment_intent=psps.payment(page)["money"])
    event["data"]["object"]["currency"] = "eur"
    deliver(event)
    assert listed() == ["mismatch"]
    with override("fr"):
        sentence = attention.items()[0].sentence.replace("\u00a0", " ")
    assert "EUR 38.00" in sentence
    assert "CHF 38.00" in sentence, "what should have come"
    payment = order.payments.get()
    with pytest.raises(NotRefundable, match="EUR"):
        ask(payment.pk, Wanted(3801, "Trop"))

    psps.change(refunds="failed")
    given_back(psps, payment)
    with override("fr"):
        assert [item.kind for item in attention.items() if "EUR" not in item.sentence] == []
    psps.change(refunds="succeeded")
    given_back(psps, payment)
    sweep()

    told = [line.sentence for line in order.timeline.filter(kind__startswith="refund_")]
    assert len(told) == 4
    assert [sentence for sentence in told if "EUR" not in sentence] == []
    to_customer = [message for message in mail.outbox if order.email in message.to]
    message = next(message for message in to_customer if "remboursement" in message.subject)
    assert "EUR" in message.subject
    assert "CHF" not in str(message.body)
    (notice,) = Refund.objects.filter(status="succeeded")
    assert "EUR\u00a038.00" in Client().get(f"/commande/{order.token}/").content.decode()
    paper = attestation.of_refund(notice)
    (sheet,) = pages(attestation.draw(paper))
    assert "EUR 38.00 – remboursé" in sheet.replace("\u00a0", " ")
    assert "CHF" not in sheet
    assert embedded_facts(attestation.draw(paper))["currency"] == "EUR"
    assert "EUR\u00a038.00" in Client().get(f"/v/{paper.code}/", follow=True).content.decode()


def test_money_that_had_gone_back_before_it_was_heard_of_needs_nobody_to_give_it_back(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    take(psps, "paypal", page)
    money = psps.collect()
    psps.refund(page)
    back = psps.collect()
    for webhook in money:
        assert bring(webhook).status_code == 200
    assert listed() == listed(order) == ["gone"]
    with override("fr"):
        assert "repartis" in attention.items()[0].sentence
    assert not order.letters.exists()

    for webhook in back:
        assert bring(webhook).status_code == 200
    assert listed() == []


def test_a_page_that_is_called_paid_without_money_is_listed_as_long_as_the_order_waits(psps: Sandbox) -> None:
    order = placed()
    deliver(stripe_event(started(order), payment_status="no_payment_required"))
    order.refresh_from_db()
    assert order.status == "pending"
    assert listed() == listed(order) == ["mismatch"]
    with override("fr"):
        assert "rien n’est arrivé" in attention.items()[0].sentence
    Order.objects.update(status="cancelled", cancel_reason="expired", cancelled_at=now(), holds_stock=False)
    assert listed() == []


def test_surplus_that_goes_back_by_itself_is_not_listed(psps: Sandbox) -> None:
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    bring_messages(psps)
    assert Refund.objects.get().status == "requested"
    assert listed() == []


def test_a_surplus_refund_that_fails_is_listed(psps: Sandbox) -> None:
    psps.change(refunds="refused")
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    bring_messages(psps)
    Refund.objects.update(next_try_at=now())
    sweep()

    assert "refund_failed" in listed()
    assert "second" in listed()


@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_case_37_money_of_which_the_psp_never_told_is_listed_and_neither_counts_nor_expires(
    psps: Sandbox, method: str
) -> None:
    order, page = ordered(method)
    take(psps, method, page, webhook="never")
    Order.objects.update(expires_at=now() - timedelta(minutes=1))
    Payment.objects.update(next_try_at=now())

    for _again in range(3):
        sweep()
        Order.objects.update(next_try_at=None)
        Payment.objects.update(next_try_at=now())
        Channel.objects.update(next_try_at=now())

    order.refresh_from_db()
    assert (order.status, order.holds_stock, order.payments.get().status) == ("pending", True, "started")
    assert listed() == listed(order) == ["unannounced"]


def test_unannounced_money_leaves_the_list_when_its_message_comes(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page)
    Payment.objects.update(next_try_at=now(), paid_seen_at=now())
    assert listed() == ["unannounced"]
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == "effective"
    assert listed() == []


def test_a_refund_that_failed_is_listed_until_it_is_asked_for_again(psps: Sandbox) -> None:
    psps.change(refunds="failed")
    order, _page = paid(psps)
    carry_out(ask(order.payments.get().pk, Wanted(1000, "Retour")).pk)
    bring_messages(psps)
    assert listed() == listed(order) == ["refund_failed"]

    psps.change(refunds="succeeded")
    given_back(psps, order.payments.get())
    assert listed() == []


def give(psps: Sandbox, order: Order, *wanted: Wanted, how: str = "succeeded") -> list[UUID]:
    """Staff ask for refunds, all of them before the PSP says what came of any."""
    psps.change(refunds=how)
    asked = [ask(order.payments.get().pk, one).pk for one in wanted]
    for refund in asked:
        carry_out(refund)
    bring_messages(psps)
    return asked


def fail(psps: Sandbox, order: Order, *wanted: Wanted) -> list[UUID]:
    return give(psps, order, *wanted, how="failed")


def bounce(psps: Sandbox, page: str) -> None:
    """The bank turns back the first refund of a page, which was made."""
    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed")
    bring_messages(psps)


def failed_amounts() -> list[str]:
    """What is still to be given back of each refund that failed."""
    with override("fr"):
        sentences = [item.sentence.replace("\u00a0", " ") for item in attention.items()]
    return [re.findall(r"CHF [0-9]+\.[0-9]{2}", sentence)[0] for sentence in sentences]


@pytest.mark.parametrize("tries", [1, 2])
@pytest.mark.parametrize("amount", [1000, 1500])
def test_a_part_that_failed_is_not_listed_once_another_was_asked_for_in_its_place(
    psps: Sandbox, tries: int, amount: int
) -> None:
    order, _page = paid(psps)
    failed = None
    for _ in range(tries):
        (failed,) = fail(psps, order, Wanted(1000, "Retour", instead_of=failed))
    assert failed_amounts() == ["CHF 10.00"]

    give(psps, order, Wanted(amount, "Retour", instead_of=failed))

    assert listed() == []


def test_of_several_that_failed_only_what_was_asked_for_again_leaves_the_list(psps: Sandbox) -> None:
    order, _page = paid(psps, "card", goods(price=9000))
    smaller, _larger, twin = fail(psps, order, *(Wanted(amount, "Retour") for amount in (1000, 2000, 1000)))

    give(psps, order, Wanted(1000, "Retour", instead_of=smaller))
    assert failed_amounts() == ["CHF 10.00", "CHF 20.00"]

    give(psps, order, Wanted(1000, "Retour", instead_of=twin))
    assert failed_amounts() == ["CHF 20.00"]


@pytest.mark.parametrize("amount", [100, 1000, 2900])
def test_a_refund_of_something_else_leaves_one_that_failed_on_the_list(psps: Sandbox, amount: int) -> None:
    order, _page = paid(psps, "card", goods(), goods())
    bowl, cup = order.lines.all()
    fail(psps, order, Wanted(2900, "Bol cassé", {bowl.pk: 1}))

    give(psps, order, Wanted(amount, "Tasse cassée", {cup.pk: 1}))

    assert failed_amounts() == ["CHF 29.00"]


def test_a_refund_of_the_dashboard_leaves_one_that_failed_on_the_list(psps: Sandbox) -> None:
    """Nobody says there what it is for."""
    order, page = paid(psps)
    fail(psps, order, Wanted(1000, "Retour"))
    psps.change(refunds="succeeded")
    psps.refund(page, 1000)
    bring_messages(psps)
    assert failed_amounts() == ["CHF 10.00"]


def test_a_whole_refund_that_bounced_stays_listed_for_what_is_left_of_it(psps: Sandbox) -> None:
    order, page = paid(psps)
    (whole,) = give(psps, order, Wanted(3800, "Retour"))
    bounce(psps, page)
    order.refresh_from_db()
    assert (order.status, failed_amounts()) == ("cancelled", ["CHF 38.00"])

    give(psps, order, Wanted(1000, "Une partie"))
    assert failed_amounts() == ["CHF 28.00"]

    give(psps, order, Wanted(2800, "Le reste", instead_of=whole))
    assert listed() == []


def test_a_refund_that_was_made_before_another_bounced_does_not_stand_in_its_place(psps: Sandbox) -> None:
    order, page = paid(psps)
    give(psps, order, Wanted(1000, "Retour"), Wanted(1000, "Retour"))
    bounce(psps, page)
    assert failed_amounts() == ["CHF 10.00"]


def test_the_list_names_what_failed_and_how_much(psps: Sandbox) -> None:
    order, _page = paid(psps)
    (failed,) = fail(psps, order, Wanted(1000, "Retour"))
    (item,) = attention.items()
    assert str(item.about) == str(failed)
    assert "Remboursez de nouveau les CHF\u00a010.00" in item.sentence


def test_money_that_had_gone_back_and_bounced_is_not_called_gone(psps: Sandbox, sonia: User) -> None:
    order, page = ordered()
    take(psps, "card", page, webhook="never")
    refund = psps.refund(page)
    Payment.objects.update(next_try_at=now())
    sweep()
    bring_messages(psps)
    assert order.payments.get().why_not == "gone"
    assert listed() == []

    psps.settle_refund(refund, "failed")
    bring_messages(psps)
    assert listed() == listed(order) == ["refund_failed"]

    attention.set_aside(SetAside.Kind.REFUND_FAILED, str(Refund.objects.get().pk), sonia, "Par virement")
    assert listed() == []


def test_a_refund_that_failed_is_not_listed_when_a_bank_took_its_money(psps: Sandbox) -> None:
    psps.change(refunds="failed")
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    bring_messages(psps)
    carry_out(Refund.objects.get().pk)
    bring_messages(psps)
    assert "refund_failed" in listed()

    psps.move_dispute(psps.dispute(page), "lost")
    bring_messages(psps)

    assert order.payments.get(why_not="second").refundable() == 0
    assert listed() == []


def test_surplus_that_went_partly_back_and_was_partly_taken_back_is_no_more_listed() -> None:
    payment = started(placed())
    deliver(stripe_event(payment, amount_total=3900))
    Refund.objects.create(payment=payment, amount=1000, status="succeeded")
    assert listed() == ["mismatch"]
    Dispute.objects.create(
        payment=payment, reference="dp_1", reason="fraudulent", amount=2900, status="lost", decided_at=now()
    )
    assert listed() == []


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_refund_that_does_not_get_out_is_listed_after_two_days(psps: Sandbox, method: str) -> None:
    order, _page = paid(psps, method)
    psps.break_calls("down", "*/refund*", method="POST", calls=99)
    refund = ask(order.payments.get().pk, Wanted(1000, "Retour"))
    assert carry_out(refund.pk) == "unknown"
    Refund.objects.update(created_at=now() - timedelta(hours=47))
    assert listed() == []
    Refund.objects.update(created_at=now() - timedelta(hours=49))
    Channel.objects.update(silent_since=None)

    assert listed() == listed(order) == ["refund_stuck"]
    with override("fr"):
        assert "10.00" in attention.items()[0].sentence

    psps.mend()
    Refund.objects.update(next_try_at=now())
    sweep()
    bring_messages(psps)
    assert listed() == []


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_refund_that_the_psp_has_and_does_not_make_is_listed_after_ten_days(psps: Sandbox, method: str) -> None:
    psps.change(refunds="pending")
    order, page = paid(psps, method)
    carry_out(ask(order.payments.get().pk, Wanted(1000, "Retour")).pk)
    bring_messages(psps)
    Refund.objects.update(created_at=now() - timedelta(days=9))
    assert listed() == []
    Refund.objects.update(created_at=now() - timedelta(days=11))
    assert listed() == listed(order) == ["refund_stuck"]

    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "succeeded")
    bring_messages(psps)
    assert listed() == []


def test_a_refund_that_waits_for_the_end_of_a_dispute_is_listed_as_the_dispute(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(order.payments.get().pk, Wanted(1000, "Retour"))
    psps.dispute(page)
    bring_messages(psps)
    Refund.objects.filter(pk=refund.pk).update(created_at=now() - timedelta(days=20))
    assert listed() == ["dispute"]


def test_an_order_that_cannot_be_ended_is_listed_after_an_hour(psps: Sandbox) -> None:
    """The PSP's pages cannot be read, while its list of events answers: it is not silent."""
    order, _page = ordered()
    psps.break_calls("500", "/stripe/v1/checkout/*", calls=99)
    kinds: dict[int, list[str]] = {}
    for minutes in (50, 70):
        Order.objects.update(expires_at=now() - timedelta(minutes=minutes), next_try_at=None)
        Channel.objects.update(next_try_at=now())
        sweep()
        kinds[minutes] = listed()
    assert kinds == {50: [], 70: ["overtime"]}
    assert listed(order) == ["overtime"]
    order.refresh_from_db()
    assert (order.status, order.holds_stock) == ("pending", True)

    psps.mend()
    Order.objects.update(next_try_at=None)
    sweep()

    order.refresh_from_db()
    assert order.status == "cancelled"
    assert listed() == []


def test_an_order_that_is_over_and_not_looked_at_is_listed_without_a_page_too() -> None:
    """Its page failed, and the sweep does not run."""
    order = placed(expires_at=now() - timedelta(hours=2))
    started(order, status="failed", refusal="funds")
    assert listed() == listed(order) == ["overtime"]


def test_an_order_whose_bank_takes_its_days_is_not_listed_as_over(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    take(psps, "paypal", page, capture="echeck")
    bring_messages(psps)
    Order.objects.update(expires_at=now() - timedelta(days=3))
    sweep()
    assert listed() == listed(order) == []


def test_an_order_with_money_that_does_not_fit_is_listed_for_its_money_alone(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page, webhook="wrong_amount")
    bring_messages(psps)
    Order.objects.update(expires_at=now() - timedelta(days=3))
    assert listed() == ["mismatch"]

    ask(order.payments.get().pk, Wanted(3900, "Ne correspond pas"))

    assert listed() == [], "it ends once the money is out"


def test_an_order_that_was_seen_paid_is_listed_for_that_alone() -> None:
    order = placed(expires_at=now() - timedelta(hours=5))
    started(order, paid_seen_at=now())
    assert listed() == ["unannounced"]


def test_the_orders_of_a_silent_psp_are_not_listed_one_by_one() -> None:
    for provider, method in (("stripe", "card"), ("paypal", "paypal")):
        started(placed(expires_at=now() - timedelta(hours=5)), method)
        Channel.objects.create(provider=provider, silent_since=now() - timedelta(hours=5))
    assert listed() == ["silent", "silent"]
    Channel.objects.filter(provider="paypal").update(silent_since=None)
    assert listed() == ["overtime", "silent"]


def test_a_dispute_is_listed_with_its_date_until_it_is_over(psps: Sandbox) -> None:
    order, page = paid(psps)
    dispute = psps.dispute(page)
    bring_messages(psps)
    assert listed() == listed(order) == ["dispute"]
    assert attention.items()[0].until
    psps.move_dispute(dispute, "won")
    bring_messages(psps)
    assert listed() == []


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_money_that_a_bank_took_back_is_listed_once_until_the_goods_are_gone(psps: Sandbox, method: str) -> None:
    order, page = paid(psps, method)
    dispute = psps.dispute(page)
    bring_messages(psps)
    if method == "card":
        psps.move_dispute(dispute, "lost")
    else:
        psps.move_dispute(dispute, "RESOLVED", outcome="RESOLVED_BUYER_FAVOUR")
    bring_messages(psps)

    assert listed() == listed(order) == ["lost"]
    with override("fr"):
        assert "38.00" in attention.items()[0].sentence
    with pytest.raises(NotRefundable):
        ask(order.payments.get().pk, Wanted(1, "Retour"))
    Order.objects.update(shipped_at=now())
    assert listed() == []


def test_surplus_that_a_bank_took_back_is_no_more_to_be_given_back(psps: Sandbox, settings: Any) -> None:
    settings.AUTOMATIC_REFUND_UP_TO = 100
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    bring_messages(psps)
    assert listed() == ["second"]
    psps.move_dispute(psps.dispute(page), "lost")
    bring_messages(psps)
    assert listed() == []


def test_a_bank_that_does_not_decide_for_a_week_is_listed_until_it_does(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    take(psps, "paypal", page, capture="echeck")
    bring_messages(psps)
    Payment.objects.update(created_at=now() - timedelta(days=6))
    assert listed() == []
    Payment.objects.update(created_at=now() - timedelta(days=8))
    assert listed() == listed(order) == ["waiting"]
    psps.settle_capture(psps.payment(page)["money"], "COMPLETED")
    bring_messages(psps)
    assert listed() == []


def test_a_silent_psp_is_listed_after_half_an_hour(psps: Sandbox) -> None:
    channel = Channel.objects.create(provider="paypal", silent_since=now() - timedelta(minutes=29))
    assert listed() == []
    Channel.objects.update(silent_since=now() - timedelta(minutes=31))
    assert listed() == ["silent"]
    assert listed(placed()) == [], "it is no order's own"
    Channel.objects.filter(pk=channel.pk).update(silent_since=None)
    assert listed() == []


def test_a_message_that_cannot_be_applied_is_listed_after_an_hour(psps: Sandbox) -> None:
    event = stripe_event(started(placed()), client_reference_id="00000000-0000-4000-8000-000000000000")
    deliver(event, client=Client(raise_request_exception=False))
    assert listed() == []
    WebhookEvent.objects.update(received_at=now() - timedelta(minutes=61))
    assert listed() == ["unapplied"]
    WebhookEvent.objects.update(processed_at=now())
    assert listed() == []


def test_a_message_ahead_of_its_payment_is_listed_after_three_days(psps: Sandbox) -> None:
    _order, page = ordered()
    take(psps, "card", page, webhook="never")
    psps.refund(page, 1000)
    bring_messages(psps)
    events = WebhookEvent.objects.filter(processed_at=None)
    assert events.exists()
    events.update(received_at=now() - timedelta(days=2, hours=23))
    assert listed() == []
    assert not [channel for channel in health.channels() if channel.problems or channel.unapplied]
    events.update(received_at=now() - timedelta(days=3, hours=1))
    assert set(listed()) == {"unapplied"}
    assert [channel.provider for channel in health.channels() if channel.problems] == ["stripe"]


def test_a_mail_that_could_not_be_sent_is_listed(psps: Sandbox) -> None:
    order, _page = paid(psps)
    Letter.objects.update(tries=Letter.MOST_TRIES - 1)
    assert listed() == []
    Letter.objects.update(tries=Letter.MOST_TRIES)
    assert listed() == ["undelivered"]
    assert attention.items()[0].order == order
    Letter.objects.update(sent_at=now())
    assert listed() == []


@pytest.mark.parametrize(("shipped", "end", "said"), [(None, "won", "Gagné"), (now(), "lost", "Perdu")])
def test_a_mail_to_staff_says_what_happened_even_when_nothing_is_left_to_be_done(
    psps: Sandbox, shipped: datetime | None, end: str, said: str
) -> None:
    order, page = paid(psps)
    Order.objects.update(shipped_at=shipped)
    dispute = psps.dispute(page)
    bring_messages(psps)
    psps.move_dispute(dispute, end)
    bring_messages(psps)
    assert listed(order) == []

    news = compose(order.letters.filter(kind="to_staff").latest("pk"))

    assert "38.00" in str(news.body)
    assert said in str(news.body)


def test_a_mail_to_staff_says_what_is_to_be_done() -> None:
    order = placed()
    deliver(stripe_event(started(order), amount_total=3900))

    to_staff = str(compose(order.letters.get(kind="to_staff")).body)

    with override("fr"):
        (item,) = attention.items(order)
    assert item.sentence in to_staff
    assert f"/orders/order/{order.pk}/" in to_staff


def _failed_refund() -> None:
    payment = started(placed())
    deliver(stripe_event(payment))
    Refund.objects.create(payment=payment, amount=100, status="failed")


def _lost_dispute() -> None:
    payment = started(placed())
    deliver(stripe_event(payment))
    Dispute.objects.create(
        payment=payment, reference=str(payment.pk), reason="x", amount=1, status="lost", decided_at=now()
    )


def _won_after_a_write_off() -> None:
    payment = started(placed())
    deliver(stripe_event(payment))
    Dispute.objects.create(
        payment=payment, reference=str(payment.pk), reason="x", amount=1, status="won", decided_at=now()
    )
    Order.objects.filter(pk=payment.order_id).update(status="cancelled", cancel_reason="disputed", cancelled_at=now())


def _stuck_refund() -> None:
    payment = started(placed())
    deliver(stripe_event(payment))
    Refund.objects.create(payment=payment, amount=100, created_at=now() - timedelta(days=3))


CROWD: dict[str, Callable[[], object]] = {
    "surplus": lambda: deliver(stripe_event(started(placed()), amount_total=1)),
    "failed refunds": _failed_refund,
    "lost disputes": _lost_dispute,
    "money of orders that were written off": _won_after_a_write_off,
    "stuck refunds": _stuck_refund,
    "orders over time": lambda: started(placed(expires_at=now() - timedelta(hours=5))),
}


@pytest.mark.parametrize("one_more", CROWD.values(), ids=CROWD.keys())
def test_the_list_costs_the_same_however_long_it_is(one_more: Callable[[], object]) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as statements:
            attention.items()
        return len(statements)

    one_more()
    few = cost()
    for _ in range(3):
        one_more()

    assert cost() == few <= 12


def test_old_money_is_not_hidden_by_much_that_is_settled(psps: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is bounded by what is open, not by what ever was."""
    monkeypatch.setattr(attention, "LIMIT", 2)
    old = placed()
    deliver(stripe_event(started(old), amount_total=1))
    for _ in range(3):
        order, page = ordered()
        take(psps, "card", page, webhook="wrong_amount")
        bring_messages(psps)
        given_back(psps, order.payments.get())

    assert [item.order for item in attention.items()] == [old]
