"""An order becomes effective by a proven message of the bank, and by nothing else."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from orders.days import day
from orders.delivery import delivery_date
from orders.models import Order, Product
from payments import attention
from payments.handoff import hand_off
from payments.models import Attestation, Letter, Payment, WebhookEvent
from payments.sweep import sweep
from tests.orders.steps import page
from tests.payments.steps import bring, bring_messages, kinds, only, ordered, paid, pay, take
from tests.sandbox.client import DECLINED, Sandbox
from tests.shop import deliver, placed, started, stripe_event, stripe_signature

pytestmark = pytest.mark.django_db


def test_case_04_the_banks_agreement_makes_the_order_effective_once(psps: Sandbox) -> None:
    """Nobody has come back from the PSP's page: the message alone decides."""
    order = placed()
    payment = started(order)

    answer = deliver(stripe_event(payment))

    assert answer.status_code == 200
    assert payment.returned_at is None
    order.refresh_from_db()
    payment.refresh_from_db()
    assert order.status == Order.Status.EFFECTIVE
    assert order.effective_at
    assert payment.settles
    assert payment.authorised_by == WebhookEvent.objects.get()
    assert (payment.received_amount, payment.received_currency) == (order.total, "CHF")
    assert payment.money_reference == f"pi_{payment.pk.hex}"
    assert Letter.objects.get().kind == Letter.Kind.CONFIRMATION
    assert [entry.kind for entry in order.timeline.all()] == ["payment_authorised", "effective"]
    for _twice in range(2):
        sweep()
    assert len(mail.outbox) == 1
    assert Attestation.objects.get().order == order
    assert Product.objects.get().stock == 9


def test_case_05_the_same_message_twice_has_one_effect() -> None:
    order = placed()
    event = stripe_event(started(order))

    answers = [deliver(event).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert Letter.objects.count() == 1
    assert order.timeline.count() == 2


def session_completed(payment: Payment) -> dict[str, Any]:
    return stripe_event(payment)


def session_succeeded(payment: Payment) -> dict[str, Any]:
    return stripe_event(payment, "checkout.session.async_payment_succeeded")


def intent_succeeded(payment: Payment) -> dict[str, Any]:
    money = {"id": f"pi_{payment.pk.hex}", "object": "payment_intent", "amount_received": payment.amount}
    return stripe_event(payment, "payment_intent.succeeded", **money)


@pytest.mark.parametrize(
    "messages",
    list(permutations([session_completed, session_succeeded, intent_succeeded])),
    ids=lambda messages: " ".join(message.__name__ for message in messages),
)
def test_case_07_other_messages_about_the_same_money_have_no_effect(messages: Any) -> None:
    order = placed()
    payment = started(order)

    answers = [deliver(message(payment)) for message in messages]

    assert [answer.status_code for answer in answers] == [200] * 3
    said = sorted(answer.content for answer in answers)
    assert said == [b"Ignored: nothing here follows from it", b"The order is effective", b"This money is already here"]
    assert Letter.objects.count() == 1
    assert kinds(order) == ["payment_authorised", "effective"]


def does_not_fit(**lie: Any) -> None:
    """Money is there that is not the order's: recorded, told to staff, and nothing becomes effective."""
    order = placed()
    payment = started(order)

    answer = deliver(stripe_event(payment, **lie))

    assert answer.status_code == 200
    order.refresh_from_db()
    payment.refresh_from_db()
    assert order.status == Order.Status.PENDING
    assert (payment.status, payment.settles, payment.why_not) == ("authorised", False, "mismatch")
    assert "payment_not_settling" in kinds(order)
    assert [item.kind for item in attention.items(order)] == ["mismatch"]
    assert "to_staff" in Letter.objects.values_list("kind", flat=True)


@pytest.mark.parametrize(
    "lie",
    [
        {"amount_total": 1},
        {"amount_total": 3799},
        {"amount_total": 3801},
        {"amount_total": None},
        {"payment_status": "no_payment_required"},
        {"id": "cs_test_of_another_page"},
    ],
    ids=str,
)
def test_case_13_another_amount_than_the_pages_is_recorded_but_makes_nothing_effective(lie: dict[str, Any]) -> None:
    does_not_fit(**lie)


@pytest.mark.parametrize(
    "lie",
    [
        {"currency": "eur"},
        {"currency": None},
        {"presentment_details": {"presentment_amount": 3800, "presentment_currency": "eur"}},
        {"presentment_details": {"presentment_amount": 4100, "presentment_currency": "eur"}},
    ],
    ids=str,
)
def test_case_14_another_currency_is_recorded_but_makes_nothing_effective(lie: dict[str, Any]) -> None:
    does_not_fit(**lie)


def test_an_order_pending_at_the_bank_stays_pending() -> None:
    order = placed()
    payment = started(order)

    deliver(stripe_event(payment, payment_status="unpaid"))

    payment.refresh_from_db()
    order.refresh_from_db()
    assert (order.status, payment.status) == ("pending", "started")


def test_case_08_the_late_agreement_of_a_delayed_method_counts() -> None:
    order = placed()
    payment = started(order)
    deliver(stripe_event(payment, payment_status="unpaid"))
    order.refresh_from_db()
    assert order.status == "pending"

    deliver(stripe_event(payment, "checkout.session.async_payment_succeeded"))

    order.refresh_from_db()
    assert order.status == "effective"


def test_pretix_1233_a_failure_that_is_told_after_the_money_has_no_effect() -> None:
    order = placed()
    payment = started(order, returned_at=now())
    deliver(stripe_event(payment))

    deliver(stripe_event(payment, "checkout.session.async_payment_failed", payment_status="unpaid"))

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.status, payment.settles, payment.refusal) == ("effective", "authorised", True, "")
    assert kinds(order) == ["payment_authorised", "effective"]
    assert [letter.kind for letter in Letter.objects.all()] == ["confirmation"]


def test_a_refused_try_that_is_told_after_the_money_has_no_effect(psps: Sandbox) -> None:
    order, page = ordered()
    psps.pay_by_card(page, DECLINED)
    refused = only(psps, "payment_intent.payment_failed")
    take(psps, "card", page)
    bring_messages(psps)

    assert bring(refused).status_code == 200

    order.refresh_from_db()
    payment = order.payments.get()
    assert (order.status, payment.status, payment.refusal) == ("effective", "authorised", "")


def test_case_08_a_late_refusal_ends_its_payment_and_the_order_can_be_paid_again(psps: Sandbox) -> None:
    order, page = ordered("twint")
    take(psps, "twint", page, pending=True)
    bring_messages(psps)
    assert order.payments.get().status == "started"

    psps.settle_session(page, paid=False)
    bring_messages(psps)

    order.refresh_from_db()
    assert (order.status, order.payments.get().status) == ("pending", "failed")
    assert kinds(order)[-1] == "payment_failed"
    assert hand_off(order, "twint") != page


@pytest.mark.parametrize("payment_status", ["unpaid", "paid"])
def test_case_09_the_late_agreement_may_come_before_the_completion(payment_status: str) -> None:
    """The completion says what was so when it was written: not paid yet."""
    order = placed()
    payment = started(order)
    assert deliver(session_succeeded(payment)).content == b"The order is effective"

    assert deliver(stripe_event(payment, payment_status=payment_status)).status_code == 200

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.status, payment.settles) == ("effective", "authorised", True)
    assert kinds(order) == ["payment_authorised", "effective"]
    assert Letter.objects.count() == 1


def test_a_second_payment_is_recorded_as_surplus() -> None:
    order = placed()
    first = started(order, status="expired")
    second = started(order, status="expired")
    deliver(stripe_event(first))

    answer = deliver(stripe_event(second))

    assert answer.status_code == 200
    second.refresh_from_db()
    assert (second.status, second.settles, second.why_not) == ("authorised", False, "second")
    assert sorted(Letter.objects.values_list("kind", flat=True)) == ["confirmation", "surplus_refunded"]
    refund = second.refunds.get()
    assert (refund.amount, refund.status, refund.requested_by) == (second.amount, "requested", None)


def test_kompassi_1016_money_for_a_cancelled_order_is_recorded_and_brings_no_attestation() -> None:
    order = placed(status="cancelled", cancel_reason="customer", cancelled_at=now(), holds_stock=False)
    payment = started(order, status="expired")

    assert deliver(stripe_event(payment)).status_code == 200

    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.why_not, order.status) == ("late", "cancelled")
    assert [letter.kind for letter in Letter.objects.all()] == ["late_refunded"]
    assert Client().get(f"/commande/{order.token}/attestation.pdf").status_code == 404


@pytest.mark.parametrize("ended", [{"status": "failed", "refusal": "generic"}, {"status": "expired"}], ids=str)
def test_case_11_late_truth_wins_over_a_payment_that_had_ended(ended: dict[str, Any]) -> None:
    order = placed()
    payment = started(order, **ended)

    deliver(stripe_event(payment))

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.settles, payment.refusal) == ("effective", True, "")


def test_the_expiry_of_a_page_ends_its_payment_only() -> None:
    order = placed()
    payment = started(order)

    deliver(stripe_event(payment, "checkout.session.expired"))

    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.status, order.status) == ("expired", "pending")


def test_woo_5812_late_expiry_of_an_abandoned_page_does_not_touch_a_paid_order() -> None:
    order = placed()
    abandoned = started(order, status="expired")
    paying = started(order)
    deliver(stripe_event(paying))

    deliver(stripe_event(abandoned, "checkout.session.expired"))

    order.refresh_from_db()
    paying.refresh_from_db()
    assert (order.status, order.holds_stock, paying.settles) == ("effective", True, True)
    assert Product.objects.get().stock == 9
    assert [letter.kind for letter in Letter.objects.all()] == ["confirmation"]


def test_case_10_an_expiry_after_the_money_has_no_effect() -> None:
    order = placed()
    payment = started(order)
    deliver(stripe_event(payment))

    answer = deliver(stripe_event(payment, "checkout.session.expired"))

    assert answer.status_code == 200
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.status, payment.settles) == ("authorised", True)
    assert (order.status, order.holds_stock) == ("effective", True)
    assert kinds(order) == ["payment_authorised", "effective"]


def test_case_03_a_message_ahead_of_the_hand_offs_answer_finds_its_payment() -> None:
    """The page's reference is not stored yet when the bank is quicker than Stripe's answer to us."""
    order = placed()
    payment = started(order, page_reference=None)
    event = stripe_event(payment)
    event["data"]["object"]["id"] = "cs_test_quick"

    deliver(event)

    payment.refresh_from_db()
    order.refresh_from_db()
    assert (order.status, payment.page_reference) == ("effective", "cs_test_quick")


def test_case_18_another_shops_session_on_the_same_account_is_none_of_ours() -> None:
    event = stripe_event(started(placed()))
    event["data"]["object"] |= {"id": "cs_other", "client_reference_id": "basket-17", "metadata": {}}

    answer = deliver(event)

    assert answer.status_code == 200
    assert Payment.objects.get().status == "started"


def test_a_message_that_names_nothing_finds_no_payment_that_has_no_money_yet() -> None:
    payment = started(placed())

    answer = deliver(stripe_event(payment, id=None, client_reference_id=None, metadata={}, payment_intent=None))

    assert answer.content == b"Ignored: another shop's"
    payment.refresh_from_db()
    assert payment.status == "started"


def test_statamic_cargo_190_a_message_with_our_mark_for_no_payment_is_kept_and_asked_for_again() -> None:
    payment = started(placed())
    event, id = stripe_event(payment), payment.pk
    payment.delete()

    assert deliver(event, client=Client(raise_request_exception=False)).status_code == 500
    kept = WebhookEvent.objects.get()
    assert kept.processed_at is None
    assert "not here" in kept.outcome

    payment.pk = id
    payment.save(force_insert=True)
    assert deliver(event).content == b"The order is effective"


def test_what_cannot_be_applied_for_an_hour_is_the_shops_own() -> None:
    payment = started(placed())
    event = stripe_event(payment)
    payment.delete()
    deliver(event, client=Client(raise_request_exception=False))
    WebhookEvent.objects.update(received_at=now() - timedelta(minutes=61))

    assert deliver(event).status_code == 200
    assert WebhookEvent.objects.get().processed_at is None


def test_case_17_an_event_of_the_other_mode_is_ignored() -> None:
    payment = started(placed())
    event = stripe_event(payment) | {"livemode": True}

    assert deliver(event).status_code == 200
    payment.refresh_from_db()
    assert (payment.status, payment.order.status) == ("started", "pending")
    assert not WebhookEvent.objects.exists()


def test_case_19_an_unknown_type_is_ignored_and_leaves_no_row() -> None:
    payment = started(placed())

    assert deliver(stripe_event(payment) | {"type": "customer.created"}).status_code == 200
    assert not WebhookEvent.objects.exists()


ODD = '{"zero":{}, "one":1.0,"big" : 1E+2, "path":"\\/x\\u00e9","none":[ ],\n'
"""What JSON means by this can be written in other ways too."""


@pytest.mark.parametrize(
    ("method", "type"), [("card", "checkout.session.completed"), ("paypal", "CHECKOUT.ORDER.APPROVED")]
)
def test_maho_1110_the_bytes_are_proven_as_they_came_not_as_one_would_write_them(
    psps: Sandbox, method: str, type: str
) -> None:
    order, page = ordered(method)
    pay(psps, method, page)
    message = only(psps, type)
    body = ODD.encode() + message.body.lstrip()[1:]
    odd = replace(message, body=body, headers=message.headers | psps.sign(message.psp, body))

    assert bring(replace(odd, body=json.dumps(json.loads(body)).encode())).status_code == 400
    assert not WebhookEvent.objects.exists()
    assert bring(odd).status_code == 200

    order.refresh_from_db()
    payment = order.payments.get()
    assert order.status == "effective" if method == "card" else payment.approved_at


@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_django_payments_469_all_that_came_is_known_and_can_go_back(psps: Sandbox, method: str) -> None:
    order, page = paid(psps, method)
    payment = order.payments.get()
    assert payment.received_amount == psps.payment(page)["received"] == order.total
    assert payment.refundable() == order.total


def test_only_the_allow_list_of_a_message_is_kept() -> None:
    deliver(stripe_event(started(placed())))

    kept = json.dumps(WebhookEvent.objects.get().facts)
    assert "claire" not in kept.lower()


def test_a_webhook_costs_at_most_twelve_statements_and_a_duplicate_four(
    client: Client,
) -> None:
    event = stripe_event(started(placed()))

    with CaptureQueriesContext(connection) as first:
        deliver(event, client=client)
    with CaptureQueriesContext(connection) as duplicate:
        deliver(event, client=client)

    # Inside a test's transaction BEGIN and COMMIT show as a savepoint and its release.
    assert len(first) <= 12, first.captured_queries
    assert len(duplicate) <= 4, duplicate.captured_queries


@pytest.mark.parametrize("revived", [False, True], ids=["the bank took its days", "late and accepted"])
def test_an_order_that_is_paid_days_later_promises_a_day_that_can_be_kept(client: Client, revived: bool) -> None:
    ordered_at = now() - timedelta(days=6)
    order = placed(created_at=ordered_at, delivery_by=delivery_date(2, ordered_at))
    payment = started(order)
    if revived:
        Order.objects.update(status="cancelled", cancel_reason="expired", cancelled_at=now(), holds_stock=False)

    with CaptureQueriesContext(connection) as statements:
        deliver(stripe_event(payment), client=client)

    order.refresh_from_db()
    assert (order.status, order.delivery_by) == ("effective", delivery_date(2, now()))
    if not revived:
        assert len(statements) <= 12
    sweep()
    letter: Any = mail.outbox[0]
    for told in (letter.body, letter.alternatives[0][0], page(client.get(f"/commande/{order.token}/"))):
        assert f"d’ici au {day(order.delivery_by)}" in told
        assert "Ce jour est plus tardif que celui affiché lors de la commande" in told


def test_the_database_refuses_an_authorised_payment_without_an_event() -> None:
    payment = started(placed())
    with pytest.raises(IntegrityError, match="authorised_by_an_event"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(status="authorised", authorised_at=now())


def test_the_database_refuses_two_settling_payments_of_one_order() -> None:
    order = placed()
    first, second = started(order, status="expired"), started(order, status="expired")
    deliver(stripe_event(first))
    deliver(stripe_event(second))
    with pytest.raises(IntegrityError, match="one_settling_an_order"), transaction.atomic():
        Payment.objects.filter(pk=second.pk).update(settles=True, why_not="")


def test_spree_13938_the_database_refuses_two_started_payments_of_one_order() -> None:
    order = placed()
    started(order)
    with pytest.raises(IntegrityError, match="one_started_an_order"), transaction.atomic():
        started(order)


def test_the_database_refuses_money_that_settles_with_another_amount() -> None:
    payment = started(placed())
    deliver(stripe_event(payment))
    with pytest.raises(IntegrityError, match="settles_with_its_amount"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(received_amount=payment.amount - 1)


def test_a_message_older_than_five_minutes_is_refused() -> None:
    body = json.dumps(stripe_event(started(placed()))).encode()
    assert deliver(body, stripe_signature(body, at=int(time.time()) - 301)).status_code == 400
