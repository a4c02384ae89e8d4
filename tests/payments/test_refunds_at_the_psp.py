"""Money back at the PSP: told as done only when it says so, made once, and heard of when it was made there."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from orders.models import Product
from payments import attention
from payments.models import Letter, Refund
from payments.refunds import NotRefundable, Wanted, ask, carry_out
from payments.sweep import sweep
from tests.payments.steps import bring, bring_messages, given_back, is_in, kinds, page_of, paid, settling
from tests.sandbox.client import Sandbox, Webhook
from tests.shop import deliver, goods, placed, started, stripe_event
from tests.worker import work

pytestmark = pytest.mark.django_db
METHODS = ["card", "twint", "paypal"]


# Not done before the PSP says so


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_woo_4405_a_pending_refund_is_shown_as_on_its_way(psps: Sandbox, method: str) -> None:
    psps.change(refunds="pending")
    order, page = paid(psps, method)
    refund = given_back(order, order.total)
    bring_messages(psps)

    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, order.status) == ("requested", "effective")
    assert carry_out(refund.pk) == "not due", "the PSP has it"
    assert not Letter.objects.filter(kind="refunded").exists()
    said = page_of(order)
    assert "Un remboursement a été demandé" in said
    assert "Remboursement effectué" not in said

    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "succeeded")
    bring_messages(psps)
    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, order.status) == ("succeeded", "cancelled")


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_woo_1523_a_refund_that_fails_after_a_while_is_known_and_on_the_list(psps: Sandbox, method: str) -> None:
    """PayPal sends no message of it: it is read after a day."""
    psps.change(refunds="pending")
    order, page = paid(psps, method)
    refund = given_back(order)
    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed")
    bring_messages(psps)
    Refund.objects.update(next_try_at=now())

    sweep()

    refund.refresh_from_db()
    assert refund.status == "failed"
    assert refund.settled_by in order.events.all()
    assert "10.00" in order.timeline.get(kind="refund_failed").sentence
    assert "refund_failed" in [item.kind for item in attention.items()]


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_refund_that_the_psp_calls_failed_at_once_is_failed_at_once(psps: Sandbox, method: str) -> None:
    psps.change(refunds="failed")
    order, _page = paid(psps, method)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))
    assert carry_out(refund.pk) == "failed"
    refund.refresh_from_db()
    assert refund.status == "failed"


@pytest.mark.parametrize("method", METHODS)
def test_a_refund_of_which_the_psp_tells_nothing_is_read_after_a_day(psps: Sandbox, method: str) -> None:
    psps.change(refunds="pending")
    order, page = paid(psps, method)
    refund = given_back(order, order.total)
    psps.collect()
    other = ask(settling(paid(psps)[0]).pk, Wanted(100, "Retour"))
    Refund.objects.filter(pk=refund.pk).update(next_try_at=now())
    sweep()
    refund.refresh_from_db()
    other.refresh_from_db()
    assert refund.status == "requested"
    assert is_in(refund.next_try_at, timedelta(hours=24))
    assert is_in(other.next_try_at, timedelta(minutes=5))

    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "succeeded", webhook="never")
    Refund.objects.update(next_try_at=now())
    sweep()

    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, order.status) == ("succeeded", "cancelled")
    assert refund.settled_by
    assert refund.settled_by.source == "read"
    assert Letter.objects.filter(kind="refunded", about=refund.pk).count() == 1


def test_case_33_a_refund_that_bounces_is_turned_back_and_on_the_list(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = given_back(order, order.total)
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert attention.items() == []

    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed", reason="expired_or_canceled_card")
    bring_messages(psps)

    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, order.status) == ("failed", "cancelled"), "staff decide about the order"
    (item,) = attention.items()
    assert (item.kind, item.order) == ("refund_failed", order)
    given_back(order, order.total)
    assert attention.items() == [], "what was asked for again waits for nobody"


def test_case_33_a_message_that_the_refund_was_made_is_not_believed_after_it_bounced(psps: Sandbox) -> None:
    """Stripe promises no order: the message of the success may come last."""
    order, page = paid(psps)
    refund = given_back(order)
    first = psps.collect()
    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed")

    bring_messages(psps)
    for webhook in first:
        assert bring(webhook).status_code == 200

    refund.refresh_from_db()
    assert refund.status == "failed"


def test_late_truth_wins_over_a_refund_that_had_failed(psps: Sandbox) -> None:
    psps.change(refunds="failed")
    order, page = paid(psps)
    refund = given_back(order)
    bring_messages(psps)
    refund.refresh_from_db()
    assert refund.status == "failed"

    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "succeeded")
    bring_messages(psps)

    refund.refresh_from_db()
    assert refund.status == "succeeded"
    assert attention.items() == []


# Made at the PSP's dashboard


def told_again(psps: Sandbox, webhook: Webhook) -> Webhook:
    """The same news in another event."""
    body = webhook.body.replace(webhook.event.encode(), webhook.event[:-4].encode() + b"TWIN")
    return replace(webhook, body=body, headers=webhook.headers | psps.sign(webhook.psp, body))


@pytest.mark.parametrize("method", METHODS)
def test_case_32_refunds_of_the_dashboard_come_in_and_add_up(psps: Sandbox, method: str) -> None:
    order, page = paid(psps, method)

    psps.refund(page, 1000)
    psps.refund(page, 500)
    messages = psps.collect()
    for webhook in [*messages, *[told_again(psps, webhook) for webhook in messages]]:
        assert bring(webhook).status_code == 200

    order.refresh_from_db()
    assert [(refund.amount, refund.status, refund.requested_by) for refund in Refund.objects.all()] == [
        (1000, "succeeded", None),
        (500, "succeeded", None),
    ]
    assert order.status == "effective"
    assert settling(order).refundable() == order.total - 1500
    assert kinds(order).count("refund_found") == 2
    assert "Remboursement partiel effectué" in page_of(order)


def test_a_full_refund_of_the_dashboard_cancels_the_order_and_leaves_the_goods(psps: Sandbox) -> None:
    order, page = paid(psps, "paypal", goods(stock=3))
    psps.refund(page)
    bring_messages(psps)

    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "refunded")
    assert Product.objects.get().stock == 2


def test_what_went_back_beyond_what_came_is_recorded_all_the_same() -> None:
    """No sum may keep the truth out: a dashboard knows no bound of ours."""
    order = placed()
    payment = started(order)
    deliver(stripe_event(payment))
    payment.refresh_from_db()
    for n, amount in enumerate([order.total, 500]):
        Refund.objects.create(payment=payment, amount=amount, status="requested", reference=f"re_{n}")
    assert payment.refundable() == 0
    with pytest.raises(NotRefundable):
        ask(payment.pk, Wanted(1, "Retour"))


def test_woo_838_a_refunds_message_before_its_api_answer_is_the_same_refund(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))
    psps.break_calls("lost", "/stripe/v1/refunds", method="POST", calls=2)
    assert carry_out(refund.pk) == "unknown"
    refund.refresh_from_db()
    assert refund.reference is None

    bring_messages(psps)

    refund.refresh_from_db()
    assert (refund.status, Refund.objects.count()) == ("succeeded", 1)
    assert refund.reference == psps.payment(page)["refunds"][0]["id"]
    assert carry_out(refund.pk) == "not due"


@pytest.mark.parametrize("became", ["pending", "failed"])
def test_what_came_of_a_refund_whose_answer_was_lost_is_learnt_from_its_message(psps: Sandbox, became: str) -> None:
    psps.change(refunds=became)
    order, page = paid(psps)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))
    psps.break_calls("lost", "/stripe/v1/refunds", method="POST", calls=2)
    assert carry_out(refund.pk) == "unknown"

    bring_messages(psps)

    refund.refresh_from_db()
    assert refund.status == {"pending": "requested"}.get(became, became)
    assert refund.reference == psps.payment(page)["refunds"][0]["id"]
    if became == "pending":
        assert is_in(refund.next_try_at, timedelta(hours=24))


@pytest.mark.parametrize("method", ["card", "paypal"])
@pytest.mark.parametrize("fault", ["lost", "late_500"])
def test_pretix_4911_an_answer_that_was_lost_after_the_effect_gives_once(
    psps: Sandbox, method: str, fault: str
) -> None:
    order, page = paid(psps, method)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))
    psps.break_calls(fault, "*/refund*", method="POST", calls=2)
    assert carry_out(refund.pk) == "unknown"
    psps.mend()
    Refund.objects.update(next_try_at=now())

    sweep()
    bring_messages(psps)

    assert [made["amount"] for made in psps.payment(page)["refunds"]] == [1000]
    refund.refresh_from_db()
    assert (refund.status, Refund.objects.count()) == ("succeeded", 1)


@pytest.mark.parametrize(("method", "life"), [("card", timedelta(hours=21)), ("paypal", timedelta(days=41))])
@pytest.mark.parametrize("made", [True, False])
def test_case_28_after_the_life_of_its_key_a_refund_is_looked_for_before_it_is_made(
    psps: Sandbox, method: str, life: timedelta, made: bool
) -> None:
    order, page = paid(psps, method)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))
    psps.break_calls("lost" if made else "down", "*/refund*", method="POST", calls=2)
    assert carry_out(refund.pk) == "unknown"
    psps.mend()
    psps.forget_keys()
    Refund.objects.update(created_at=now() - life)

    carry_out(refund.pk)

    assert [found["amount"] for found in psps.payment(page)["refunds"]] == [1000]
    refund.refresh_from_db()
    assert refund.reference == psps.payment(page)["refunds"][0]["id"]
    assert refund.key_number == 1


def test_case_28_each_try_after_the_life_of_its_key_has_a_key_of_its_own(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund, other = (ask(settling(order).pk, Wanted(1000, "Retour")) for _ in range(2))
    Refund.objects.filter(pk=refund.pk).update(created_at=now() - timedelta(hours=21))
    psps.forget_requests()
    for _ in range(2):
        psps.break_calls("429", "/stripe/v1/refunds", method="POST", calls=9)
        assert carry_out(refund.pk) == "unknown"
        psps.mend()

    asked = {call["key"] for call in psps.requests("/v1/refunds") if call["method"] == "POST"}
    assert asked == {f"{refund.pk}-1", f"{refund.pk}-2"}
    other.refresh_from_db()
    assert other.key_number == 0


def test_a_refund_is_due_again_until_its_end_is_known(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = ask(settling(order).pk, Wanted(1, "Un centime"))
    assert is_in(refund.next_try_at, timedelta(minutes=5))

    psps.break_calls("down", "*/refund*", calls=2)
    Refund.objects.update(next_try_at=now())
    assert carry_out(refund.pk) == "unknown"
    refund.refresh_from_db()
    assert is_in(refund.next_try_at, timedelta(minutes=5))

    psps.mend()
    assert carry_out(refund.pk) == "succeeded"
    refund.refresh_from_db()
    assert refund.status == "requested", "the PSP's message alone says that it is done"
    assert is_in(refund.next_try_at, timedelta(hours=24))

    bring_messages(psps)
    refund.refresh_from_db()
    assert (refund.status, refund.next_try_at, refund.refusal) == ("succeeded", None, "")
    assert refund.settled_at
    assert is_in(refund.settled_at, timedelta(0))
    assert refund.settled_by in order.events.all()


def test_news_that_a_refund_is_on_its_way_changes_nothing_of_one_that_arrived(psps: Sandbox) -> None:
    psps.change(refunds="pending")
    order, page = paid(psps)
    refund = given_back(order)
    on_its_way = psps.collect()
    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "succeeded")
    bring_messages(psps)
    refund.refresh_from_db()
    reference = refund.reference

    for message in on_its_way:
        bring(message)

    refund.refresh_from_db()
    assert (refund.status, refund.next_try_at, refund.reference) == ("succeeded", None, reference)


def test_the_timeline_says_who_asked_for_what_and_what_came_of_it(psps: Sandbox, sonia: User) -> None:
    order, _page = paid(psps)
    by_sonia = ask(settling(order).pk, Wanted(1000, "Bol ébréché"), by=sonia)
    by_the_shop = ask(settling(order).pk, Wanted(500, "Geste"))
    assert (by_sonia.requested_by, by_the_shop.requested_by) == (sonia, None)
    carry_out(by_sonia.pk)
    bring_messages(psps)

    told = [(line.kind, line.actor, line.actor_name, line.data) for line in order.timeline.all()][-3:]
    assert told == [
        ("refund_requested", "staff", "sonia", {"amount": "CHF\u00a010.00", "reason": "Bol ébréché"}),
        ("refund_requested", "system", "", {"amount": "CHF\u00a05.00", "reason": "Geste"}),
        ("refund_succeeded", "bank", "", {"amount": "CHF\u00a010.00"}),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_worker_carries_a_refund_out_at_once(psps: Sandbox) -> None:
    order, page = paid(psps)
    ask(settling(order).pk, Wanted(1000, "Retour"))

    work()

    assert psps.payment(page)["refunding"] + psps.payment(page)["refunded"] == 1000
