"""PayPal's money is taken once, only for an order that waits for it, and under one key until the answer is known."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now
from django_tasks_db.models import DBTaskResult

from orders.models import Order, TimelineEntry
from payments.capture import capture
from payments.expiry import withdraw
from payments.handoff import hand_off
from payments.models import Payment
from payments.sweep import sweep
from tests.payments.steps import bring, kinds, only, ordered
from tests.payments.test_paying import bring_messages
from tests.sandbox.client import Sandbox
from tests.shop import deliver, started, stripe_event

pytestmark = pytest.mark.django_db


def approved(psps: Sandbox, **how: Any) -> tuple[Order, Payment, str]:
    """Claire agreed at PayPal, and nothing of it is known here."""
    order, page = ordered("paypal")
    psps.approve_paypal(page, **how)
    return order, order.payments.get(method="paypal"), page


def captures(psps: Sandbox) -> list[str]:
    """The keys under which money was asked for."""
    return [request["key"] for request in psps.requests("/capture") if request["method"] == "POST"]


def test_case_39_an_approval_leaves_a_task_and_is_due_for_the_sweep(psps: Sandbox) -> None:
    _order, payment, _page = approved(psps)
    before = payment.next_try_at

    assert bring(only(psps, "CHECKOUT.ORDER.APPROVED")).status_code == 200

    payment.refresh_from_db()
    assert payment.approved_at
    assert before
    assert payment.next_try_at
    assert payment.next_try_at <= now() < before
    task = DBTaskResult.objects.get(task_path="payments.capture.capture_soon")
    assert task.args_kwargs["args"] == [str(payment.pk)]
    assert captures(psps) == [], "no call to PayPal in the webhook"
    sweep()
    assert len(captures(psps)) == 1


def another_method(order: Order) -> None:
    assert hand_off(order, "card")


def given_up(order: Order) -> None:
    assert withdraw(order, Order.CancelReason.CUSTOMER, TimelineEntry.Actor.CUSTOMER)


def paid_by_an_older_page(order: Order) -> None:
    deliver(stripe_event(started(order, status="expired")))


@pytest.mark.parametrize("meanwhile", [another_method, given_up, paid_by_an_older_page])
def test_a_late_approval_is_not_captured(psps: Sandbox, meanwhile: Any) -> None:
    order, page = ordered("paypal")
    payment = order.payments.get()
    meanwhile(order)
    back = psps.approve_paypal(page).url

    bring_messages(psps)
    assert back
    assert Client().get(back).status_code == 303
    assert capture(payment.pk) == "nothing to capture"
    Payment.objects.update(next_try_at=now())
    sweep()

    assert captures(psps) == []
    assert not psps.payment(page)["received"]


def test_a_card_payment_is_never_captured(psps: Sandbox) -> None:
    order, _page = ordered("card")
    assert capture(order.payments.get().pk) == "nothing to capture"
    assert captures(psps) == []


@pytest.mark.parametrize("fault", ["lost", "late_500", "down"])
def test_case_44_a_capture_without_an_answer_is_asked_again_under_the_same_key(psps: Sandbox, fault: str) -> None:
    order, payment, page = approved(psps)
    psps.break_calls(fault, "/paypal/v2/*/capture", calls=2)

    assert capture(payment.pk) == "unknown"
    assert capture(payment.pk) == "unknown"
    payment.refresh_from_db()
    assert payment.claimed_at
    assert payment.capture_number == 1
    Payment.objects.update(next_try_at=now())
    sweep()
    bring_messages(psps)

    order.refresh_from_db()
    assert order.status == "effective"
    assert set(captures(psps)) == {f"cap-{payment.pk}-1"}
    assert psps.payment(page)["received"] == order.total


def test_a_declined_capture_whose_answer_was_lost_ends_all_the_same(psps: Sandbox) -> None:
    """PayPal shows its order as over, its message is lost too: the same capture tells what came of it."""
    order, payment, _page = approved(psps, capture="declined", webhook="lost")
    psps.break_calls("lost", "/paypal/v2/*/capture")
    assert capture(payment.pk) == "unknown"
    Payment.objects.update(next_try_at=now())

    sweep()

    payment.refresh_from_db()
    assert payment.status == "failed"
    assert hand_off(order, "card")


def test_a_claim_is_asked_about_again_only_after_a_while(psps: Sandbox) -> None:
    _order, payment, _page = approved(psps)
    Payment.objects.update(next_try_at=now())
    psps.break_calls("down", "/paypal/v2/*/capture", calls=1)

    capture(payment.pk)

    payment.refresh_from_db()
    assert payment.next_try_at
    assert payment.next_try_at > now() + timedelta(seconds=90)


def test_case_41_a_declined_account_takes_another_key_and_keeps_the_page(psps: Sandbox) -> None:
    order, payment, page = approved(psps, capture="instrument_declined")

    assert capture(payment.pk) == "declined"
    payment.refresh_from_db()
    assert (payment.status, payment.capture_number, payment.claimed_at) == ("started", 2, None)
    assert payment.refusal == "paypal"

    psps.approve_paypal(page)
    capture(payment.pk)
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == "effective"
    assert captures(psps) == [f"cap-{payment.pk}-1", f"cap-{payment.pk}-2"]


def test_a_page_that_is_not_approved_keeps_its_number(psps: Sandbox) -> None:
    order, _page = ordered("paypal")
    payment = order.payments.get()

    assert capture(payment.pk) == "open"
    assert capture(payment.pk) == "open"

    payment.refresh_from_db()
    assert (payment.status, payment.capture_number, payment.claimed_at) == ("started", 1, None)


def test_case_42_a_capture_that_paypal_refuses_for_good_fails_the_payment(psps: Sandbox) -> None:
    order, payment, page = approved(psps, capture="declined")

    assert capture(payment.pk) == "refused"

    payment.refresh_from_db()
    assert (payment.status, payment.refusal) == ("failed", "paypal")
    assert kinds(order)[-1] == "payment_failed"
    order.refresh_from_db()
    assert order.status == "pending", "another method may be tried"
    assert hand_off(order, "card")
    assert psps.payment(page)["state"] != "paid"


def test_woo_paypal_88_a_capture_that_was_answered_201_but_declined_is_not_paid(psps: Sandbox) -> None:
    order, payment, _page = approved(psps, capture="declined")
    capture(payment.pk)
    bring_messages(psps)

    order.refresh_from_db()
    assert (order.status, order.payments.get().status) == ("pending", "failed")


def test_ps_checkout_1471_a_capture_that_was_made_already_is_no_failure(psps: Sandbox) -> None:
    """Its key is forgotten, so PayPal answers ORDER_ALREADY_CAPTURED: what the order says counts."""
    order, payment, _page = approved(psps)
    assert capture(payment.pk) == "paid"
    psps.forget_keys()

    assert capture(payment.pk) == "paid"
    bring_messages(psps)

    order.refresh_from_db()
    assert order.status == "effective"


def test_a_capture_moves_no_order(psps: Sandbox) -> None:
    order, payment, _page = approved(psps)
    assert capture(payment.pk) == "paid"

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.status) == ("pending", "started")


@pytest.mark.parametrize("outcome", ["COMPLETED", "DENIED"])
def test_case_43_an_echeck_waits_for_days_and_then_counts_or_fails(psps: Sandbox, outcome: Any) -> None:
    order, payment, page = approved(psps, capture="echeck")
    assert capture(payment.pk) == "pending"
    bring_messages(psps)
    Order.objects.update(expires_at=now() - timedelta(days=1))
    Payment.objects.update(next_try_at=now())
    sweep()
    order.refresh_from_db()
    assert (order.status, order.holds_stock) == ("pending", True)

    psps.settle_capture(psps.payment(page)["money"], outcome)
    bring_messages(psps)

    order.refresh_from_db()
    payment.refresh_from_db()
    expected = ("effective", "authorised") if outcome == "COMPLETED" else ("pending", "failed")
    assert (order.status, payment.status) == expected
