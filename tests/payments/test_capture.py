"""PayPal's money is taken once, only for an order that waits for it, and under one key until the answer is known."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now
from django_tasks_db.models import DBTaskResult

from orders.models import Order, TimelineEntry
from payments import attention
from payments.capture import capture
from payments.expiry import withdraw
from payments.handoff import hand_off
from payments.models import Channel, Payment
from payments.sweep import look_after, sweep
from tests.at_once import at_once
from tests.gateways.forgery import with_crc_of
from tests.payments.door import answers_changed, answers_meet, answers_refused
from tests.payments.steps import bring, bring_messages, kinds, only, ordered, take
from tests.sandbox.client import Sandbox, Webhook
from tests.shop import deliver, goods, placed, started, stripe_event
from tests.worker import work

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


@pytest.mark.django_db(transaction=True)
def test_a_worker_captures_what_was_approved(psps: Sandbox) -> None:
    _order, payment, page = approved(psps)
    bring(only(psps, "CHECKOUT.ORDER.APPROVED"))

    work()

    assert captures(psps) == [f"cap-{payment.pk}-1"]
    assert psps.payment(page)["state"] == "paid"


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


@pytest.mark.parametrize("approves", ["nobody", "Claire", "Eve"])
def test_case_38_a_return_with_the_token_of_another_order_captures_its_own_alone(psps: Sandbox, approves: str) -> None:
    """PayPal adds its order's id to the address of the return; Eve changes it to Claire's."""
    claire, claires_page = ordered("paypal")
    eve, eves_page = ordered("paypal")
    (claires, eves) = (claire.payments.get(), eve.payments.get())
    if approves != "nobody":
        psps.approve_paypal(claires_page if approves == "Claire" else eves_page)

    query = f"?token={claires.page_reference}&PayerID=EVE"
    answer = Client().get(f"/commande/{eve.token}/retour/{eves.pk}/{query}")
    assert (answer.status_code, answer["Location"]) == (303, f"/commande/{eve.token}/")
    assert Client().get(f"/commande/{eve.token}/retour/{claires.pk}/{query}").status_code == 404

    claires.refresh_from_db()
    assert (claires.returned_at, claires.claimed_at) == (None, None)
    assert set(captures(psps)) == {f"cap-{eves.pk}-1"}
    assert not psps.payment(claires_page)["received"]
    assert (psps.payment(eves_page)["received"] or 0) == (eve.total if approves == "Eve" else 0)


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


@pytest.mark.parametrize(
    ("status", "issue"),
    [(422, "ORDER_COMPLETION_IN_PROGRESS"), (409, "RESOURCE_CONFLICT"), (429, "RATE_LIMIT_REACHED")],
)
def test_pretix_1189_a_capture_that_another_call_is_making_is_no_failure(
    psps: Sandbox, status: int, issue: str
) -> None:
    order, payment, _page = approved(psps)

    with answers_refused(status, issue, "/capture", "POST"):
        assert capture(payment.pk) == "unknown"

    payment.refresh_from_db()
    assert (payment.status, payment.capture_number) == ("started", 1)
    assert payment.claimed_at
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == "effective"


@pytest.mark.django_db(transaction=True)
def test_case_40_the_way_back_and_the_approvals_message_at_once_capture_once(psps: Sandbox) -> None:
    for _ in range(3):
        order, payment, page = approved(psps)
        approval = only(psps, "CHECKOUT.ORDER.APPROVED")
        back = f"/commande/{order.token}/retour/{payment.pk}/?token={payment.page_reference}&PayerID=X"
        psps.forget_requests()

        visits = at_once(
            *[lambda back=back: Client().get(back).status_code] * 2,
            *[lambda approval=approval, payment=payment: _approved_and_captured(approval, payment)] * 2,
        )

        assert visits == [303, 303, 200, 200]
        assert set(captures(psps)) == {f"cap-{payment.pk}-1"}
        bring_messages(psps)
        order.refresh_from_db()
        assert order.status == "effective"
        assert kinds(order).count("effective") == 1
        assert psps.payment(page)["received"] == order.total


def _approved_and_captured(approval: Webhook, payment: Payment) -> int:
    """The message comes, and a worker does at once what it asks for."""
    status: int = bring(approval).status_code
    capture(payment.pk)
    return status


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


SAYS = {"instrument_declined": "PayPal n’a pas pu débiter", "payer_action": "confirmez dans l’app de votre banque"}


@pytest.mark.parametrize("keeps", [True, False], ids=["stays approved", "is approved no more"])
@pytest.mark.parametrize("how", SAYS)
def test_what_paypal_declines_leads_back_to_its_page_and_is_not_asked_for_again_by_itself(
    psps: Sandbox, how: Any, keeps: bool
) -> None:
    psps.change(paypal_keeps_approval=keeps)
    order, payment, page = approved(psps, capture=how, webhook="lost")
    back = f"/commande/{order.token}/retour/{payment.pk}/"

    said = Client().get(back, follow=True).content.decode()

    assert SAYS[how] in said
    assert "accord de PayPal" not in said.split("</h1>")[0]
    assert 'value="paypal"' in said
    for _ in range(2):
        Payment.objects.update(next_try_at=now())
        sweep()
    again = Client().post(f"/commande/{order.token}/payer/", {"method": "paypal"})
    assert (again.status_code, again["Location"]) == (303, page)
    assert captures(psps) == [f"cap-{payment.pk}-1"]

    psps.approve_paypal(page)
    Client().get(back)
    bring_messages(psps)

    order.refresh_from_db()
    assert order.status == "effective"
    assert captures(psps) == [f"cap-{payment.pk}-1", f"cap-{payment.pk}-2"]


@pytest.mark.parametrize("keeps", [True, False], ids=["stays approved", "is approved no more"])
def test_who_leaves_paypal_again_without_another_choice_still_reads_that_it_was_declined(
    psps: Sandbox, keeps: bool
) -> None:
    psps.change(paypal_keeps_approval=keeps)
    order, payment, _page = approved(psps, capture="instrument_declined")
    back = f"/commande/{order.token}/retour/{payment.pk}/"

    Client().get(back)
    said = Client().get(back, follow=True).content.decode()

    assert SAYS["instrument_declined"] in said


@pytest.mark.parametrize("webhook", ["none", "never"])
def test_a_new_approval_after_a_decline_is_captured_by_the_sweep(psps: Sandbox, webhook: str) -> None:
    """PayPal had called the first one approved no more."""
    order, payment, page = approved(psps, capture="instrument_declined")
    assert capture(payment.pk) == "declined"
    bring_messages(psps)

    psps.approve_paypal(page, webhook=webhook, capture_webhook="none")
    bring_messages(psps)
    Payment.objects.update(next_try_at=now())
    sweep()
    bring_messages(psps)

    order.refresh_from_db()
    assert order.status == "effective"


def test_a_new_approval_is_captured_though_paypal_had_kept_the_declined_one_for_a_while(psps: Sandbox) -> None:
    """She went back to PayPal, and came from there without a choice: nothing is approved any more."""
    psps.change(paypal_keeps_approval=True)
    order, payment, page = approved(psps, capture="instrument_declined")
    assert capture(payment.pk) == "declined"
    with answers_refused(422, "ORDER_NOT_APPROVED", "/capture", "POST"):
        assert capture(payment.pk) == "open"
    psps.forget_keys()

    psps.approve_paypal(page, webhook="never", capture_webhook="none")
    Payment.objects.update(next_try_at=now())
    sweep()
    bring_messages(psps)

    order.refresh_from_db()
    assert order.status == "effective"


def test_what_another_call_was_declined_meanwhile_is_not_asked_for_again_by_the_sweep(psps: Sandbox) -> None:
    """Rows before it took their time; meanwhile the customer has come back."""
    psps.change(paypal_keeps_approval=True)
    _order, payment, _page = approved(psps, capture="instrument_declined")
    read_before = Payment.objects.select_related("order").get()
    assert capture(payment.pk) == "declined"

    look_after(read_before)

    assert captures(psps) == [f"cap-{payment.pk}-1"]


def test_what_was_declined_and_is_chosen_no_other_ends_with_its_time(psps: Sandbox) -> None:
    psps.change(paypal_keeps_approval=True)
    order, payment, _page = approved(psps, capture="instrument_declined")
    capture(payment.pk)
    Order.objects.update(expires_at=now() - timedelta(minutes=1))

    sweep()

    order.refresh_from_db()
    assert (order.status, order.holds_stock) == ("cancelled", False)


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


def test_case_51_an_order_that_grew_too_old_at_paypal_leaves_ours_payable(psps: Sandbox) -> None:
    order, payment, page = approved(psps)
    psps.expire(page)

    assert capture(payment.pk) == "refused"

    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.status, payment.refusal, payment.claimed_at is None) == ("failed", "timeout", False)
    assert (order.status, order.holds_stock) == ("pending", True)
    assert hand_off(order, "paypal") != page
    assert not psps.payment(page)["received"]


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


def test_a_claim_of_unknown_outcome_ends_with_its_page_once_other_money_settled_the_order(psps: Sandbox) -> None:
    """PayPal did not answer the capture, and the card's page was paid all the same: nothing captures any more."""
    order, card_page = ordered("card")
    page = hand_off(order, "paypal")
    payment = order.payments.get(method="paypal")
    psps.approve_paypal(page)
    psps.break_calls("500", "/paypal/v2/*/capture", calls=9)
    assert capture(payment.pk) == "unknown"
    psps.mend()
    psps.reopen(card_page)
    psps.pay_by_card(card_page)
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == Order.Status.EFFECTIVE

    psps.expire(page)
    Payment.objects.filter(pk=payment.pk).update(next_try_at=now())
    sweep()

    payment.refresh_from_db()
    assert payment.status == Payment.Status.EXPIRED
    assert order.payments.get(settles=True).method == "card"


def test_a_capture_moves_no_order(psps: Sandbox) -> None:
    order, payment, _page = approved(psps)
    assert capture(payment.pk) == "paid"

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.status) == ("pending", "started")


@pytest.mark.parametrize("outcome", ["COMPLETED", "DENIED", "DECLINED"])
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


ANOTHER_MARK = "00000000-0000-4000-8000-000000000000"
LIES: dict[str, tuple[dict[str, Any], str]] = {
    "amount": ({"amount": {"currency_code": "CHF", "value": "0.05"}}, "mismatch"),
    "a centime": ({"amount": {"currency_code": "CHF", "value": "37.99"}}, "mismatch"),
    "currency": ({"amount": {"currency_code": "EUR", "value": "38.00"}}, "mismatch"),
    "page": ({"supplementary_data": {"related_ids": {"order_id": "5O1OTHER"}}}, "mismatch"),
    "mark": ({"custom_id": ANOTHER_MARK}, ""),
}


@pytest.mark.parametrize("lie", LIES)
def test_case_45_a_live_capture_that_does_not_fit_makes_nothing_effective(psps: Sandbox, lie: str) -> None:
    """Whatever the message says: what the capture says live is compared."""
    changes, why_not = LIES[lie]
    order, page = ordered("paypal")
    take(psps, "paypal", page)
    completed = only(psps, "PAYMENT.CAPTURE.COMPLETED")

    with answers_changed(lambda live: live | changes, "/v2/payments/captures/"):
        answer = bring(completed)

    order.refresh_from_db()
    payment = order.payments.get()
    assert (order.status, payment.settles, payment.why_not) == ("pending", False, why_not)
    if why_not:
        assert [item.kind for item in attention.items(order)] == ["mismatch"]
    else:
        assert answer.status_code == 500, "kept, and asked for again: our mark, and no such payment"
        assert payment.status == "started"


def test_case_46_a_body_forged_with_the_same_crc_pays_no_other_order(psps: Sandbox) -> None:
    """Eve paid for a cheap order, and sends its message again, rewritten for a dear one: PayPal's signature fits."""
    cheap, page = ordered("paypal")
    dear, _dears_page = ordered("paypal", goods(price=90_000))
    target = dear.payments.get()
    take(psps, "paypal", page)
    message = only(psps, "PAYMENT.CAPTURE.COMPLETED")
    wish = json.loads(message.body)
    wish |= {"id": "WH-FRESH", "summary": "FORGED"}
    wish["resource"] |= {
        "custom_id": str(target.pk),
        "amount": {"currency_code": "CHF", "value": "909.00"},
        "supplementary_data": {"related_ids": {"order_id": target.page_reference}},
    }
    forged = replace(message, body=with_crc_of(message.body, json.dumps(wish).encode()))

    assert bring(forged).status_code == 200, "its signature fits"

    cheap.refresh_from_db()
    dear.refresh_from_db()
    target.refresh_from_db()
    assert (dear.status, target.status) == ("pending", "started")
    assert (cheap.status, cheap.payments.get().received_amount) == ("effective", cheap.total)
    assert bring(message).content == b"This money is already here"


def without_its_mark(capture: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in capture.items() if name not in ("custom_id", "invoice_id")}


def without_its_order(capture: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in capture.items() if name != "supplementary_data"}


@pytest.mark.parametrize("told", [without_its_mark, without_its_order])
def test_pretix_6456_a_capture_finds_its_payment_by_our_mark_or_by_paypals_order(
    psps: Sandbox, told: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Its own id is not the one that we know."""
    order, page = ordered("paypal")
    take(psps, "paypal", page)
    completed = only(psps, "PAYMENT.CAPTURE.COMPLETED")

    with answers_changed(told, "/v2/payments/captures/"):
        assert bring(completed).status_code == 200

    order.refresh_from_db()
    assert order.status == "effective"


def test_case_52_a_rotated_secret_of_paypals_is_no_storm_and_is_told_to_staff(psps: Sandbox, settings: Any) -> None:
    order = placed()
    paypal = settings.PAYMENTS.paypal
    settings.PAYMENTS = replace(settings.PAYMENTS, paypal=replace(paypal, client_secret="of-yesterday"))
    answers: list[int] = []

    with answers_meet(lambda answer: answers.append(answer.status_code), "/paypal/"):
        answer = Client().post(f"/commande/{order.token}/payer/", {"method": "paypal"})

    assert answer.status_code == 503
    assert "ne répond pas" in answer.content.decode()
    assert answers == [401]
    sweep()
    Channel.objects.filter(silent_since__isnull=False).update(silent_since=now() - timedelta(minutes=31))
    assert [item.kind for item in attention.items()] == ["silent"]
