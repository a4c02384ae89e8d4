"""What is kept of a message, which payment it names, and what of it the customer and staff are told."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.core import mail
from django.utils.timezone import now

from payments.models import Dispute, Letter, WebhookEvent
from payments.recovery import recover
from payments.sweep import sweep
from tests.payments.door import answers_changed
from tests.payments.steps import bring, bring_messages, only, ordered, paid, take
from tests.sandbox.client import INSUFFICIENT_FUNDS, Sandbox
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db


def test_a_message_is_kept_with_its_name_its_hash_and_what_came_of_it() -> None:
    order = placed()
    body = json.dumps(event := stripe_event(started(order))).encode()

    deliver(body)

    kept = WebhookEvent.objects.get()
    assert (kept.provider, kept.event_id, kept.type) == ("stripe", event["id"], "checkout.session.completed")
    assert (kept.source, kept.livemode, kept.api_version) == ("delivered", False, event["api_version"])
    assert kept.body_sha256 == sha256(body).hexdigest()
    assert (kept.order, kept.outcome) == (order, "The order is effective")
    assert kept.processed_at
    assert kept.next_try_at is None


def test_a_message_that_is_fetched_has_no_body_and_says_so(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page)
    psps.collect()

    list(recover("stripe", now() - timedelta(hours=1)))

    kept = WebhookEvent.objects.get(type="checkout.session.completed")
    assert (kept.source, kept.body_sha256, kept.order) == ("fetched", "", order)


def test_the_same_id_at_the_other_psp_is_another_message() -> None:
    order = placed()
    event = stripe_event(started(order))
    WebhookEvent.objects.create(
        provider="paypal", event_id=event["id"], type="odd", livemode=False, processed_at=now(), outcome="Old"
    )

    assert deliver(event).content == b"The order is effective"

    assert WebhookEvent.objects.get(provider="paypal").outcome == "Old"


def test_a_session_without_our_marks_is_known_by_its_page() -> None:
    order = placed()
    payment = started(order)

    deliver(stripe_event(payment, client_reference_id=None, metadata={}))

    order.refresh_from_db()
    assert order.status == "effective"


def test_a_dispute_without_our_marks_is_known_by_its_money(psps: Sandbox) -> None:
    order, page = paid(psps)
    psps.dispute(page)
    message = only(psps, "charge.dispute.created")

    def unmarked(dispute: dict[str, Any]) -> dict[str, Any]:
        return dispute | {"payment_intent": dispute["payment_intent"] | {"metadata": {}}}

    with answers_changed(unmarked, "/v1/disputes/"):
        assert bring(message).status_code == 200

    assert Dispute.objects.get().payment.order == order


def test_the_timeline_says_how_much_came_how_and_from_whom() -> None:
    order = placed()

    deliver(stripe_event(started(order, "twint")))

    money, effective = order.timeline.all()
    assert money.data == {"amount": "CHF\u00a038.00", "method": "TWINT"}
    assert (money.actor, money.actor_name, effective.actor, effective.actor_name) == (
        "bank",
        "Stripe",
        "bank",
        "Stripe",
    )


@pytest.mark.parametrize("went", ["returned_at", "left_at"])
def test_who_was_at_the_bank_is_told_of_a_refusal_after_some_time_to_try_again(went: str) -> None:
    payment = started(placed(), "twint", **{went: now()})
    before = now()

    deliver(stripe_event(payment, "checkout.session.async_payment_failed", payment_status="unpaid"))

    letter = Letter.objects.get()
    assert (letter.order, letter.kind, letter.about) == (payment.order, "refused", str(payment.pk))
    assert before + timedelta(minutes=10) <= letter.due_at <= now() + timedelta(minutes=10)


@pytest.mark.parametrize("since", ["returned_at", "with_bank_at"])
def test_who_was_promised_the_answer_by_mail_is_told_of_a_refusal_at_once(since: str) -> None:
    payment = started(placed(), "twint", **{"returned_at": now(), since: now() - timedelta(minutes=1)})

    deliver(stripe_event(payment, "checkout.session.async_payment_failed", payment_status="unpaid"))

    assert sweep()["letters"] == 1
    (message,) = mail.outbox
    assert message.to == [payment.order.email]
    assert f"/commande/{payment.order.token}/" in str(message.body), "the way to pay again"


def test_who_never_came_to_the_bank_gets_no_mail_of_its_refusal() -> None:
    payment = started(placed(), "twint")

    deliver(stripe_event(payment, "checkout.session.async_payment_failed", payment_status="unpaid"))

    assert payment.order.payments.get().status == "failed"
    assert not Letter.objects.exists()


def test_a_try_that_was_declined_leaves_its_reason_and_the_page_open(psps: Sandbox) -> None:
    order, page = ordered()
    psps.pay_by_card(page, INSUFFICIENT_FUNDS)

    bring_messages(psps)

    payment = order.payments.get()
    assert (payment.status, payment.refusal) == ("started", "funds")


def test_a_capture_that_paypal_denies_fails_by_paypals_word(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    take(psps, "paypal", page, capture="pending")
    bring_messages(psps)
    psps.settle_capture(psps.payment(page)["money"], "DENIED")

    bring_messages(psps)

    payment = order.payments.get()
    assert (payment.status, payment.refusal) == ("failed", "paypal")
