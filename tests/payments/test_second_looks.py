"""Histories in which the shop has to look again: what it knew of a page, a key or an order was no longer so."""

from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils.timezone import now
from django.utils.translation import override

from orders import moves
from orders.models import Order, TimelineEntry
from payments import attention, recovery
from payments.capture import capture
from payments.expiry import withdraw
from payments.handoff import MethodUnavailable, NotPayable, hand_off
from payments.models import Channel, Letter, Payment, Refund, WebhookEvent
from payments.refunds import Wanted, ask, carry_out, carry_out_soon
from payments.sweep import sweep
from payments.why_pending import why_pending
from tests.payments.door import answers_meet, answers_refused
from tests.payments.steps import bring, bring_messages, kinds, only, ordered, paid, pay, take
from tests.sandbox.client import Sandbox
from tests.shop import DETAILS, deliver, fill_cart, goods, order_and_pay, placed, started, stripe_event

pytestmark = pytest.mark.django_db


def all_due() -> None:
    """A long time passes for the sweep."""
    Payment.objects.filter(next_try_at__isnull=False).update(next_try_at=now())
    Refund.objects.filter(next_try_at__isnull=False).update(next_try_at=now())
    Channel.objects.update(next_try_at=now())


def expired(order: Order) -> None:
    Payment.objects.filter(order=order).update(status="expired")
    with transaction.atomic():
        moves.cancel(moves.hold(pk=order.pk), Order.CancelReason.EXPIRED, TimelineEntry.Actor.SYSTEM)


# One cart is paid once


def test_who_stands_on_the_review_page_while_late_money_comes_is_shown_what_was_paid(psps: Sandbox) -> None:
    client = Client()
    fill_cart(client)
    page = order_and_pay(client, "card")["Location"]
    first = Order.objects.get()
    take(psps, "card", page)
    expired(first)
    client.post(f"/commande/{first.token}/reprendre/")
    form = client.get("/paiement/").context["form"]
    bring_messages(psps)

    answer = client.post("/paiement/", {**form.initial, "method": "card"})

    assert (answer.status_code, answer["Location"]) == (303, f"/commande/{first.token}/")
    assert [order.status for order in Order.objects.all()] == ["effective"]


def test_who_adds_to_a_cart_that_was_paid_unseen_is_shown_what_was_paid(psps: Sandbox) -> None:
    client, bowl = Client(), goods()
    fill_cart(client, bowl)
    page = order_and_pay(client, "card")["Location"]
    take(psps, "card", page)
    bring_messages(psps)
    client.post("/coordonnees/", DETAILS)
    client.post(f"/articles/{bowl.slug}/", {"quantity": "1"})
    form = client.get("/paiement/").context["form"]

    answer = client.post("/paiement/", {**form.initial, "method": "card"})

    assert answer["Location"] == f"/commande/{Order.objects.get().token}/"


@pytest.mark.django_db(transaction=True)
def test_late_money_does_not_revive_an_order_whose_cart_is_being_ordered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bowl = goods(stock=10)
    order = placed(bowl)
    payment = started(order)
    expired(order)
    holds = moves.hold_goods

    def while_the_other_is_placed(held: Order) -> dict[int, int]:
        def other() -> None:
            placed(bowl, cart=order.cart)
            connection.close()

        with monkeypatch.context() as once:
            once.setattr(moves, "hold_goods", holds)
            thread = Thread(target=other)
            thread.start()
            thread.join()
        return holds(held)

    monkeypatch.setattr(moves, "hold_goods", while_the_other_is_placed)
    deliver(stripe_event(payment))

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.why_not) == ("cancelled", "late")


# Keys


def test_only_the_sweep_carries_out_a_refund_whose_key_may_be_forgotten(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(order.payments.get().pk, Wanted(1000, "Retour"))
    Refund.objects.update(created_at=now() - timedelta(hours=21), next_try_at=now())

    assert carry_out_soon.call(str(refund.pk)) == "left to the sweep"
    assert psps.payment(page)["refunds"] == []
    sweep()

    assert psps.payment(page)["refunded"] == 1000


def test_a_failure_that_stripe_repeats_under_one_key_does_not_hold_a_refund_up(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(order.payments.get().pk, Wanted(1000, "Retour"))
    other = ask(paid(psps)[0].payments.get().pk, Wanted(1000, "Retour"))
    psps.break_calls("kept_500", "/stripe/v1/refunds", method="POST", calls=1)

    assert [carry_out(refund.pk) for _ in range(2)] == ["unknown", "succeeded"]

    assert psps.payment(page)["refunded"] == 1000
    other.refresh_from_db()
    assert other.key_number == 0


def test_a_failure_that_was_stored_after_the_effect_gives_once(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(order.payments.get().pk, Wanted(1000, "Retour"))
    psps.break_calls("late_500", "/stripe/v1/refunds", method="POST", calls=1)

    for _ in range(4):
        carry_out(refund.pk)
    bring_messages(psps)

    refund.refresh_from_db()
    assert (refund.status, psps.payment(page)["refunded"]) == ("succeeded", 1000)


def test_a_failure_that_stripe_repeats_for_a_page_lets_the_next_click_open_another(psps: Sandbox) -> None:
    order = placed()
    psps.break_calls("late_500", "/stripe/v1/checkout/sessions", method="POST", calls=1)

    with pytest.raises(MethodUnavailable):
        hand_off(order, "card")

    assert hand_off(order, "card").startswith("http")
    assert [payment.status for payment in order.payments.all()] == ["failed", "started"]


# Pages


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_page_with_little_time_left_gives_way_to_a_new_one_and_the_goods_wait_longer(
    psps: Sandbox, method: str
) -> None:
    order, page = ordered(method)
    soon = now() + timedelta(minutes=2)
    Order.objects.update(expires_at=soon)
    Payment.objects.update(expires_at=now() - timedelta(minutes=3))

    assert hand_off(order, method) != page

    order.refresh_from_db()
    assert order.expires_at > soon + timedelta(minutes=30)
    assert [payment.status for payment in order.payments.all()] == ["expired", "started"]


def test_the_last_page_is_used_to_its_end(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    Order.objects.update(created_at=now() - timedelta(hours=3, minutes=50))
    order.refresh_from_db()
    Payment.objects.update(expires_at=now() + timedelta(minutes=5))
    assert hand_off(order, "paypal") == page


def test_money_on_a_page_that_had_ended_is_found_hours_later(psps: Sandbox) -> None:
    order, page = ordered()
    psps.expire(page)
    bring_messages(psps)
    payment = order.payments.get()
    assert payment.status == "expired"
    assert payment.next_try_at
    assert payment.next_try_at > now() + timedelta(hours=5)
    psps.reopen(page)
    take(psps, "card", page, webhook="never")

    all_due()
    assert sweep()["ended"] == 1

    assert [item.kind for item in attention.items(order)] == ["unannounced"]
    assert Letter.objects.filter(kind="to_staff", about=f"unannounced {payment.pk}").exists()


def test_a_page_that_had_ended_without_money_is_looked_at_once(psps: Sandbox) -> None:
    _order, page = ordered()
    psps.expire(page)
    bring_messages(psps)
    for looks in (1, 0):
        all_due()
        assert sweep()["ended"] == looks


def test_money_on_a_page_that_had_ended_is_over_when_it_went_back_at_the_dashboard(psps: Sandbox) -> None:
    """Nobody ever told that it came: its refund waits for it, and the staff's list asks for it to be given back."""
    order, page = ordered()
    psps.expire(page)
    bring_messages(psps)
    Order.objects.update(expires_at=now() - timedelta(minutes=1), next_try_at=None)
    sweep()
    psps.reopen(page)
    take(psps, "card", page, webhook="never")
    all_due()
    sweep()
    assert [item.kind for item in attention.items(order)] == ["unannounced"]

    psps.refund(page)
    bring_messages(psps)
    all_due()
    sweep()
    WebhookEvent.objects.filter(processed_at=None).update(received_at=now() - timedelta(minutes=2))
    sweep()

    assert attention.items() == []
    assert [refund.status for refund in Refund.objects.all()] == ["succeeded"]
    assert not WebhookEvent.objects.filter(processed_at=None).exists()
    order.refresh_from_db()
    assert order.status == "cancelled"


def seen_on_a_page_that_was_given_up(psps: Sandbox) -> tuple[Order, str]:
    order, page = ordered()
    psps.expire(page)
    bring_messages(psps)
    psps.reopen(page)
    take(psps, "card", page, webhook="never")
    all_due()
    sweep()
    assert order.payments.get().is_unannounced
    return order, page


@pytest.mark.parametrize("ended", [False, True])
def test_money_that_was_seen_on_a_page_that_had_ended_is_being_checked_and_not_paid_twice(
    psps: Sandbox, ended: bool
) -> None:
    order, _page = seen_on_a_page_that_was_given_up(psps)
    if ended:
        with transaction.atomic():
            moves.cancel(moves.hold(pk=order.pk), Order.CancelReason.EXPIRED, TimelineEntry.Actor.SYSTEM)

    said = Client().get(f"/commande/{order.token}/").content.decode()

    assert "d’ici au prochain jour ouvrable" in said
    assert "Ne payez pas une deuxième fois" in said
    assert "débité" not in said
    assert 'name="method"' not in said
    with pytest.raises(NotPayable):
        hand_off(order, "twint")


def test_an_order_whose_money_was_seen_stays_until_that_is_cleared(psps: Sandbox) -> None:
    order, _page = seen_on_a_page_that_was_given_up(psps)
    Order.objects.update(expires_at=now() - timedelta(hours=5), next_try_at=None)

    sweep()

    assert not withdraw(order, Order.CancelReason.CUSTOMER, TimelineEntry.Actor.CUSTOMER)
    order.refresh_from_db()
    assert (order.status, order.holds_stock) == ("pending", True)
    assert [item.kind for item in attention.items()] == ["unannounced"]
    with override("en"):
        assert "shows the payment as made" in why_pending(order)


def test_the_other_page_of_an_order_that_is_paid_is_closed(psps: Sandbox) -> None:
    order = placed()
    first = started(order, "twint", status="expired")
    page = hand_off(order, "card")
    deliver(stripe_event(first))
    all_due()

    sweep()

    assert psps.payment(page)["state"] == "expired"
    assert order.payments.get(method="card").status == "expired"


def test_a_capture_that_nobody_knows_of_ends_with_its_page_once_the_order_is_paid(psps: Sandbox) -> None:
    order = placed()
    first = started(order, "twint", status="expired")
    page = hand_off(order, "paypal")
    pay(psps, "paypal", page)
    psps.break_calls("down", "*/capture", method="POST", calls=9)
    assert capture(order.payments.get(method="paypal").pk) == "unknown"
    psps.mend()
    deliver(stripe_event(first))
    psps.expire(page)
    all_due()

    sweep()

    assert order.payments.get(method="paypal").status == "expired"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("issue", "came"), [("ORDER_NOT_APPROVED", "open"), ("INSTRUMENT_DECLINED", "declined")])
def test_a_late_answer_to_one_capture_leaves_the_claim_of_another(psps: Sandbox, issue: str, came: str) -> None:
    """The first call's answer is still under way when a second one is made, of which nobody learns what came."""
    order, _page = ordered("paypal")
    payment = order.payments.get()
    others: list[str] = []

    def another_call(_answer: requests.Response) -> None:
        if not others:
            others.append("under way")
            psps.break_calls("down", "*/capture", method="POST", calls=9)
            others.append(capture(payment.pk))
            connection.close()

    with answers_refused(422, issue, "/capture", "POST"), answers_meet(another_call, "/capture", "POST"):
        assert capture(payment.pk) == came

    payment.refresh_from_db()
    assert others[1:] == ["unknown"]
    assert payment.claimed_at
    assert payment.capture_number == 1


def test_a_provider_that_was_switched_off_keeps_no_goods_and_is_not_called_silent(psps: Sandbox, settings: Any) -> None:
    recovery.open_channels()
    order, _page = ordered("paypal")
    settings.PAYMENTS = replace(settings.PAYMENTS, paypal=None)
    Order.objects.update(expires_at=now() - timedelta(minutes=1))
    all_due()

    sweep()

    order.refresh_from_db()
    assert (order.status, order.holds_stock) == ("cancelled", False)
    assert not Channel.objects.filter(provider="paypal", silent_since__isnull=False).exists()


def test_a_provider_that_was_silent_and_is_switched_off_is_silent_no_more(psps: Sandbox, settings: Any) -> None:
    Channel.objects.create(provider="paypal", silent_since=now() - timedelta(hours=1))
    settings.PAYMENTS = replace(settings.PAYMENTS, paypal=None)

    sweep()

    assert attention.items() == []


@pytest.mark.parametrize("approved", [False, True])
def test_who_comes_back_from_a_provider_that_was_switched_off_leaves_no_claim(
    psps: Sandbox, settings: Any, approved: bool
) -> None:
    order, page = ordered("paypal")
    if approved:
        psps.approve_paypal(page)
    settings.PAYMENTS = replace(settings.PAYMENTS, paypal=None)
    payment = order.payments.get()

    assert Client().get(f"/commande/{order.token}/retour/{payment.pk}/").status_code == 303
    Order.objects.update(expires_at=now() - timedelta(minutes=1), next_try_at=None)
    all_due()
    sweep()

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (payment.status, payment.claimed_at) == ("expired", None)
    assert (order.status, order.holds_stock) == ("cancelled", False)


def test_a_claim_from_before_its_provider_was_switched_off_keeps_the_order_until_it_is_back(
    psps: Sandbox, settings: Any
) -> None:
    order, page = ordered("paypal")
    psps.approve_paypal(page, webhook="lost", capture_webhook="lost")
    psps.break_calls("lost", "*/capture", method="POST", calls=2)
    assert capture(order.payments.get().pk) == "unknown"
    both = settings.PAYMENTS
    settings.PAYMENTS = replace(both, paypal=None)
    Order.objects.update(expires_at=now() - timedelta(hours=2), next_try_at=None)
    all_due()
    sweep()

    order.refresh_from_db()
    assert order.status == "pending", "it may have been paid"
    (item,) = attention.items()
    assert item.kind == "overtime"
    with override("en"):
        assert "PayPal, where it may have been paid, is switched off" in attention.items()[0].sentence

    settings.PAYMENTS = both
    psps.mend()
    all_due()
    sweep()
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == "effective"
    assert attention.items() == []


# What went back before anybody said that it came


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_money_that_went_back_unseen_lets_its_order_end(psps: Sandbox, method: str) -> None:
    order, page = ordered(method)
    take(psps, method, page, webhook="never")
    all_due()
    sweep()
    assert [item.kind for item in attention.items(order)] == ["unannounced"]
    psps.refund(page)
    bring_messages(psps)

    all_due()
    sweep()
    WebhookEvent.objects.filter(processed_at=None).update(received_at=now() - timedelta(minutes=2))
    Order.objects.update(expires_at=now() - timedelta(minutes=1), next_try_at=None)
    sweep()
    sweep()

    order.refresh_from_db()
    assert order.status == "cancelled"
    assert [refund.status for refund in Refund.objects.all()] == ["succeeded"]
    assert attention.items() == []
    assert not Letter.objects.filter(kind="review").exists()


def test_money_that_was_charged_in_another_currency_is_over_when_it_went_back(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page, webhook="lost")
    event = stripe_event(order.payments.get(), payment_intent=psps.payment(page)["money"])
    event["data"]["object"]["presentment_details"] = {"presentment_amount": 4200, "presentment_currency": "eur"}
    deliver(event)
    payment = order.payments.get()
    assert (payment.why_not, payment.received_amount, payment.received_currency) == ("mismatch", order.total, "CHF")

    carry_out(ask(payment.pk, Wanted(payment.refundable(), "Ne correspond pas")).pk)
    bring_messages(psps)

    assert not payment.holds_money()
    assert attention.items() == []


# The neighbours' marks and many messages that nobody can read


def test_an_id_that_only_looks_like_ours_is_another_shops() -> None:
    event = stripe_event(
        started(placed()),
        id="cs_test_other",
        client_reference_id="3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        metadata={"cart": "17"},
    )
    assert deliver(event).content == b"Ignored: another shop's"


def test_many_messages_that_cannot_be_read_leave_a_good_one_its_turn(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    take(psps, "paypal", page)
    good = only(psps, "PAYMENT.CAPTURE.COMPLETED")
    psps.break_calls("500", "/paypal/v2/payments/*", calls=9)
    bring(good)
    psps.mend()
    stored = WebhookEvent.objects.get()
    for n in range(60):
        WebhookEvent.objects.create(
            provider="paypal",
            event_id=f"WH-{n}",
            type="PAYMENT.CAPTURE.COMPLETED",
            livemode=False,
            source="delivered",
            facts={"id": f"GONE{n}"},
            received_at=stored.received_at - timedelta(hours=1),
        )
    WebhookEvent.objects.filter(pk=stored.pk).update(received_at=now() - timedelta(minutes=2))
    Payment.objects.update(next_try_at=None)
    Channel.objects.update(next_try_at=now() + timedelta(hours=1))

    for _ in range(2):
        sweep()

    order.refresh_from_db()
    assert order.status == "effective"


# By hand


def test_recovering_by_hand_takes_up_what_is_stored_and_looks_at_open_pages(
    psps: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, page = ordered("paypal")
    take(psps, "paypal", page)
    message = only(psps, "PAYMENT.CAPTURE.COMPLETED")
    psps.break_calls("500", "/paypal/v2/payments/*", calls=9)
    bring(message)
    psps.mend()
    WebhookEvent.objects.update(received_at=now() - timedelta(days=9))
    dead, page = ordered("card")
    psps.expire(page)
    psps.collect()

    call_command("recover", "--since", "1m", "--dry-run")
    assert capsys.readouterr().out.count("Would be") >= 2
    call_command("recover", "--since", "1m")
    said = capsys.readouterr().out
    call_command("recover", "--since", "1m")

    kept.refresh_from_db()
    assert kept.status == "effective"
    assert dead.payments.get().status == "expired"
    assert "The order is effective" in said or "Already here" in said
    assert "payment" not in capsys.readouterr().out


# Refunds and disputes


def test_a_refund_that_was_asked_for_waits_for_the_end_of_a_dispute(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(order.payments.get().pk, Wanted(1000, "Retour"))
    dispute = psps.dispute(page)
    bring_messages(psps)
    assert carry_out(refund.pk) == "not due"
    psps.move_dispute(dispute, "won")
    bring_messages(psps)
    assert carry_out(refund.pk) == "succeeded"


def test_a_refund_that_fails_at_once_keeps_its_reference_and_is_told_to_staff(psps: Sandbox) -> None:
    psps.change(refunds="failed")
    order, page = paid(psps)
    refund = ask(order.payments.get().pk, Wanted(1000, "Retour"))
    carry_out(refund.pk)

    refund.refresh_from_db()
    assert (refund.status, refund.reference) == ("failed", psps.payment(page)["refunds"][0]["id"])
    told = order.timeline.get(kind="refund_failed")
    assert Letter.objects.filter(kind="to_staff", about=told.pk).count() == 1
    assert kinds(order).count("refund_failed") == 1
