"""No page is opened that must not be, and nobody is sent to one that ended."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import override

from orders.models import Order
from payments import moves
from payments.expiry import withdraw
from payments.gateways.base import Unreachable
from payments.handoff import MethodUnavailable, NotPayable, hand_off
from payments.models import Payment
from payments.sweep import look_after, sweep
from tests.at_once import at_once
from tests.payments.door import answers_meet
from tests.payments.steps import bring_messages, ordered, paid, take
from tests.sandbox.client import Sandbox
from tests.shop import deliver, fill_cart, goods, order_and_pay, placed, started, stripe_event
from tests.waiting import until

pytestmark = pytest.mark.django_db


def asked_to_pay(order: Order, method: str = "card") -> Any:
    return Client().post(f"/commande/{order.token}/payer/", {"method": method})


def is_sent_to_the_orders_page(answer: Any, order: Order) -> bool:
    return (answer.status_code, answer["Location"]) == (303, f"/commande/{order.token}/")


def test_kompassi_1016_nobody_pays_a_cancelled_order(psps: Sandbox) -> None:
    order, _page = ordered()
    withdraw(order, Order.CancelReason.CUSTOMER, order.timeline.model.Actor.CUSTOMER)
    psps.forget_requests()

    answer = asked_to_pay(order, "twint")

    assert is_sent_to_the_orders_page(answer, order)
    assert psps.requests() == []
    assert order.payments.count() == 1


def test_nobody_pays_an_effective_order_again(psps: Sandbox) -> None:
    order, _page = paid(psps)
    psps.forget_requests()

    assert is_sent_to_the_orders_page(asked_to_pay(order), order)
    assert psps.requests() == []


def test_where_money_came_that_does_not_fit_nothing_more_is_opened(psps: Sandbox) -> None:
    order = placed()
    deliver(stripe_event(started(order), amount_total=1))

    answer = asked_to_pay(order, "twint")

    assert is_sent_to_the_orders_page(answer, order)
    assert psps.requests() == []
    assert order.payments.get().why_not == "mismatch"


@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_while_a_capture_is_under_way_nothing_is_opened_or_closed(psps: Sandbox, method: str) -> None:
    order, _page = ordered("paypal")
    Payment.objects.update(claimed_at=now())
    psps.forget_requests()

    answer = asked_to_pay(order, method)

    assert is_sent_to_the_orders_page(answer, order)
    assert psps.requests() == []
    assert order.payments.get().status == "started"


def test_a_payment_whose_capture_is_under_way_does_not_expire() -> None:
    order = placed()
    payment = started(order, "paypal", claimed_at=now())

    assert not moves.expire(order, payment, order.timeline.model.Actor.SYSTEM)

    payment.refresh_from_db()
    assert payment.status == "started"
    assert not order.timeline.exists()


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_page_that_ended_meanwhile_is_not_sent_there(psps: Sandbox) -> None:
    """Two tabs, two methods: while the card's page is being opened, the other tab chooses TWINT."""
    order = placed()
    psps.break_calls("slow", "/stripe/v1/checkout/sessions", method="POST", calls=2, seconds=0.5)

    def by_card() -> str:
        with pytest.raises(NotPayable):
            hand_off(order, "card")
        return ""

    def by_twint() -> str:
        until(lambda: Payment.objects.filter(method="card", status="started").exists())
        return hand_off(order, "twint")

    _card, twint = at_once(by_card, by_twint)

    states = {book["methods"][0]: book["state"] for book in psps.payments()}
    assert states == {"card": "expired", "twint": "open"}
    assert psps.payment(twint)["methods"] == ["twint"]
    assert dict(order.payments.values_list("method", "status")) == {"card": "failed", "twint": "started"}


def test_case_25_twint_above_its_limit_is_refused_by_the_hand_off_itself(psps: Sandbox) -> None:
    order = placed(goods(price=500_100))

    with pytest.raises(MethodUnavailable):
        hand_off(order, "twint")
    answer = asked_to_pay(order, "twint")

    assert answer.status_code == 422
    assert "TWINT accepte les paiements jusqu’à" in answer.content.decode()
    assert psps.requests() == []
    assert not Payment.objects.exists()
    assert hand_off(order, "card")


def test_twint_up_to_its_limit_is_offered(psps: Sandbox) -> None:
    order = placed(goods(price=499_100))
    assert order.total == 500_000
    assert hand_off(order, "twint")


def test_a_method_that_does_not_exist_is_refused_before_any_call(psps: Sandbox) -> None:
    order = placed()
    for method in ("", "cash", "klarna"):
        with pytest.raises(MethodUnavailable):
            hand_off(order, method)
    assert psps.requests() == []


def test_case_29_a_page_lives_longer_than_stripe_asks_for_at_least(psps: Sandbox) -> None:
    """30 minutes are the least; clocks differ. The order lives longer than its page."""
    order, _page = ordered()
    payment = order.payments.get()
    assert payment.expires_at > now() + timedelta(minutes=40)
    order.refresh_from_db()
    assert order.expires_at == payment.expires_at + timedelta(minutes=5)


def test_case_53_another_method_closes_paypals_page_by_not_capturing_it(psps: Sandbox) -> None:
    order, paypal = ordered("paypal")
    card = hand_off(order, "card")

    take(psps, "card", card)
    psps.approve_paypal(paypal)
    bring_messages(psps)

    order.refresh_from_db()
    assert order.status == "effective"
    assert not psps.payment(paypal)["received"]
    assert psps.requests("/capture") == []


def test_a_page_that_was_paid_while_another_method_was_chosen_shows_that_the_bank_answers(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page)

    answer = asked_to_pay(order, "twint")

    assert is_sent_to_the_orders_page(answer, order)
    said = Client().get(answer["Location"]).content.decode()
    assert "accord de votre banque" in said
    assert "débité" not in said
    assert order.payments.get().with_bank_at


def test_the_hold_ends_however_often_a_customer_tries(psps: Sandbox) -> None:
    order, _page = ordered(created_at=now() - timedelta(hours=3, minutes=10))
    assert hand_off(order, "twint")
    Order.objects.update(created_at=now() - timedelta(hours=3, minutes=20))

    with pytest.raises(NotPayable):
        hand_off(order, "card")


def with_a_lost_answer(psps: Sandbox) -> tuple[Order, Payment]:
    """Stripe opened the page, and the shop did not learn of it."""
    order = placed()
    psps.break_calls("lost", "/stripe/v1/checkout/sessions", method="POST", calls=9)
    with pytest.raises(Unreachable):
        hand_off(order, "card")
    psps.mend()
    return order, order.payments.get()


def test_case_27_a_key_that_stands_for_another_request_ends_its_payment_and_the_next_has_its_own(
    psps: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    order, first = with_a_lost_answer(psps)
    Payment.objects.update(expires_at=first.expires_at + timedelta(minutes=1))

    with pytest.raises(MethodUnavailable):
        hand_off(order, "card")

    first.refresh_from_db()
    assert (first.status, first.refusal) == ("failed", "opening")
    assert "refused to open a page" in caplog.text
    page = hand_off(order, "card")
    second = order.payments.get(status="started")
    assert psps.payment(page)["page"] == second.page_reference
    assert psps.requests("/checkout/sessions")[-1]["key"] == str(second.pk)


def test_case_28_a_key_that_stripe_forgot_opens_no_second_page(psps: Sandbox) -> None:
    """A day later the stored request asks for a page that would be dead already: Stripe refuses it."""
    order, first = with_a_lost_answer(psps)
    psps.forget_keys()
    Payment.objects.update(expires_at=first.expires_at - timedelta(hours=25))

    with pytest.raises(MethodUnavailable):
        hand_off(order, "card")

    first.refresh_from_db()
    assert (first.status, first.page_reference) == ("failed", None)
    assert len(psps.payments()) == 1
    assert hand_off(order, "card")
    assert psps.requests("/checkout/sessions")[-1]["key"] != str(first.pk)


def test_a_page_that_is_learnt_of_while_the_sweep_is_busy_stays_the_only_one(psps: Sandbox) -> None:
    """Rows before it took their time; meanwhile the customer has pressed again, and is on the page."""
    order, payment = with_a_lost_answer(psps)
    Payment.objects.update(created_at=now() - timedelta(minutes=6))
    payment.refresh_from_db()
    page = hand_off(order, "card")

    look_after(payment)

    assert order.payments.get().status == "started"
    assert hand_off(order, "twint")
    assert psps.payment(page)["state"] == "expired", "closed before the next one"


def test_a_refused_opening_leaves_the_page_that_another_click_was_given(psps: Sandbox) -> None:
    order, _page = ordered()
    assert not moves.give_up(order, order.payments.get())
    assert order.payments.get().status == "started"
    assert not order.timeline.filter(kind="payment_failed").exists()


def asks_again(order: Order) -> None:
    """The customer does; the PSP is asked before anything is opened."""


def sweeps(order: Order) -> None:
    Payment.objects.update(next_try_at=now())
    sweep()
    assert order.payments.get().status == "expired"


@pytest.mark.parametrize("finds", [asks_again, sweeps])
def test_pretix_1230_a_payment_that_failed_without_a_word_can_be_tried_again(
    psps: Sandbox, finds: Callable[[Order], None]
) -> None:
    order, page = ordered("twint")
    take(psps, "twint", page, pending=True)
    psps.settle_session(page, paid=False, webhook="lost")
    bring_messages(psps)

    finds(order)

    again = hand_off(order, "twint")
    assert again != page
    assert [payment.status for payment in order.payments.all()] == ["expired", "started"]
    take(psps, "twint", again)
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == "effective"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["card", "paypal"])
def test_saleor_8520_the_order_is_committed_before_the_psp_hears_of_it(
    client: Client, psps: Sandbox, method: str
) -> None:
    """No money can come for which there is no order."""
    committed: set[tuple[str, str]] = set()

    def look(answer: requests.Response) -> None:
        """With a connection of its own: the call is made in another thread."""
        committed.update(Payment.objects.values_list("order__status", "status"))
        connection.close()

    fill_cart(client)
    with answers_meet(look, "/checkout/", "POST"):
        assert order_and_pay(client, method).status_code == 303

    assert committed == {("pending", "started")}


def test_a_page_that_opens_has_its_times_and_the_order_outlives_it(psps: Sandbox) -> None:
    order = placed(expires_at=now() + timedelta(minutes=1))
    before = now()

    page = hand_off(order, "twint")

    order.refresh_from_db()
    payment = order.payments.get()
    assert (payment.method, payment.provider, payment.status) == ("twint", "stripe", "started")
    assert (payment.amount, payment.currency) == (order.total, order.currency)
    assert payment.page_reference == psps.payment(page)["page"]
    assert payment.next_try_at
    opened = payment.expires_at - timedelta(minutes=41)
    assert before <= opened <= now()
    assert payment.next_try_at == opened + timedelta(minutes=2)
    assert order.expires_at == payment.expires_at + timedelta(minutes=5)
    told = order.timeline.get()
    assert (told.kind, told.actor, told.data) == ("payment_started", "customer", {"method": "TWINT"})


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_the_psp_sends_the_customer_back_in_the_orders_language(psps: Sandbox, method: str) -> None:
    order = placed(language="de")

    page = hand_off(order, method)

    payment = order.payments.get()
    sent = str(psps.requests()[0 if method == "card" else -1]["params"])
    with override("de"):
        ways = [reverse(f"payments:{way}", args=[order.token, payment.pk]) for way in ("returned", "left")]
    assert page
    assert ways[0] != ways[1]
    assert [settings.SITE_URL + way in sent for way in ways] == [True, True]


def test_a_page_that_the_psp_refuses_to_open_fails_its_payment_and_says_so(psps: Sandbox) -> None:
    order = placed()
    psps.change(stripe_methods=["card"])

    with pytest.raises(MethodUnavailable):
        hand_off(order, "twint")

    payment = order.payments.get()
    assert (payment.status, payment.refusal, payment.page_reference) == ("failed", "opening", None)
    told = order.timeline.last()
    assert told
    assert (told.kind, told.actor) == ("payment_failed", "system")
    assert told.data["method"] == "TWINT"
