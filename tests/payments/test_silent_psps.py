"""A PSP that does not answer ends its own batch; one odd row ends nobody's."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils.formats import date_format
from django.utils.timezone import localtime, now

from orders.models import Order
from payments import attention
from payments.models import Channel, Payment, Refund, WebhookEvent
from payments.sweep import sweep
from tests.payments.door import answers_refused
from tests.payments.steps import bring, only, ordered, take
from tests.sandbox.client import Sandbox
from tests.shop import placed, started

pytestmark = pytest.mark.django_db


def due(*orders: tuple[Order, str]) -> list[Payment]:
    """The orders' payments, whose turn it is in this order."""
    payments = [order.payments.get() for order, _page in orders]
    for n, payment in enumerate(payments):
        Payment.objects.filter(pk=payment.pk).update(next_try_at=now() - timedelta(minutes=60 - n))
    return payments


def statuses(payments: list[Payment]) -> list[str]:
    for payment in payments:
        payment.refresh_from_db()
    return [payment.status for payment in payments]


def test_one_row_without_an_answer_does_not_stop_the_others(psps: Sandbox) -> None:
    orders = [ordered() for _ in range(3)]
    payments = due(*orders)
    for _order, page in orders:
        psps.expire(page)
    psps.break_calls("500", f"/stripe/v1/checkout/sessions/{payments[1].page_reference}", calls=9)

    assert sweep()["payments"] == 2

    assert statuses(payments) == ["expired", "started", "expired"]
    assert not Channel.objects.filter(silent_since__isnull=False).exists()


def test_three_in_a_row_end_the_batch_and_the_others_are_due_in_a_minute(psps: Sandbox) -> None:
    orders = [ordered() for _ in range(5)]
    paypal, _page = ordered("paypal")
    payments = due(*orders)
    (at_paypal,) = due((paypal, ""))
    Order.objects.update(expires_at=now() + timedelta(hours=2))
    Payment.objects.update(created_at=now() - timedelta(minutes=20))
    Payment.objects.filter(pk=at_paypal.pk).update(claimed_at=now())
    for _order, page in orders:
        psps.expire(page)
    psps.forget_requests()
    psps.break_calls("429", "/stripe/*", calls=99)

    assert sweep()["payments"] == 1, "PayPal's"

    asked = {request["path"].rsplit("/", 1)[-1] for request in psps.requests("/checkout/sessions/")}
    assert asked == {payment.page_reference for payment in payments[:3]}
    assert statuses(payments) == ["started"] * 5
    for payment in payments[3:]:
        assert payment.next_try_at
        assert payment.next_try_at <= now() + timedelta(seconds=61)
    for payment in payments[:3]:
        assert payment.next_try_at
        assert payment.next_try_at > now() + timedelta(minutes=15), "the back-off grows with the age"
    assert Channel.objects.get(provider="stripe").silent_since
    assert not Channel.objects.get(provider="paypal").silent_since
    assert psps.requests("/capture"), "the other PSP's row was done"


def test_a_psp_that_is_silent_for_half_an_hour_is_told_to_staff_until_it_speaks_again(psps: Sandbox) -> None:
    due(ordered())
    psps.break_calls("down", "/stripe/*", calls=99)
    sweep()
    assert attention.items() == []
    Channel.objects.filter(silent_since__isnull=False).update(silent_since=now() - timedelta(minutes=31))

    (item,) = attention.items()
    assert item.kind == "silent"
    assert "Stripe" in item.sentence

    psps.mend()
    Channel.objects.update(next_try_at=now())
    sweep()
    assert attention.items() == []


@pytest.mark.parametrize(("provider", "path"), [("stripe", "/v1/events"), ("paypal", "/v1/notifications")])
def test_a_psp_that_answers_and_refuses_its_list_is_told_to_staff_too(psps: Sandbox, provider: str, path: str) -> None:
    """What was not delivered would never be heard of."""
    sweep()
    read_until = Channel.objects.get(provider=provider).read_until
    Channel.objects.update(next_try_at=now())
    with answers_refused(400, "INVALID_PARAMETER", path):
        sweep()

    assert Channel.objects.get(provider=provider).read_until == read_until
    Channel.objects.filter(silent_since__isnull=False).update(silent_since=now() - timedelta(minutes=31))
    assert [item.kind for item in attention.items()] == ["silent"]


def test_an_answer_between_two_silences_lets_the_batch_go_on(psps: Sandbox) -> None:
    orders = [ordered() for _ in range(5)]
    payments = due(*orders)
    for _order, page in orders:
        psps.expire(page)
    for n in (0, 3):
        psps.break_calls("500", f"/stripe/v1/checkout/sessions/{payments[n].page_reference}", calls=9)

    assert sweep()["payments"] == 3

    assert statuses(payments) == ["started", "expired", "expired", "started", "expired"]
    assert not Channel.objects.filter(silent_since__isnull=False).exists(), "its list answers"


def being_opened() -> Payment:
    """A payment whose page is not known yet: its turn needs no call."""
    return started(placed(), page_reference=None)


def test_what_needs_no_call_is_no_answer(psps: Sandbox) -> None:
    order, _page = ordered()
    sweep()
    psps.break_calls("down", "/stripe/*", calls=999)
    silent_since = set()
    for _minute in range(3):
        due((order, ""), (being_opened().order, ""))
        Channel.objects.update(next_try_at=now() + timedelta(hours=1))
        sweep()
        silent_since.add(Channel.objects.get(provider="stripe").silent_since)

    (first,) = silent_since
    assert first, "noted at once, since its list was asked for, and not noted anew each time"


def test_what_needs_no_call_between_silences_lets_no_batch_go_on(psps: Sandbox) -> None:
    orders = [ordered() for _ in range(5)]
    due(*(pair for order in orders for pair in (order, (being_opened().order, ""))))
    psps.forget_requests()
    psps.break_calls("429", "/stripe/v1/checkout/*", calls=99)

    sweep()

    assert len({request["path"] for request in psps.requests("/checkout/sessions/")}) == 3


def test_only_its_list_says_that_a_silent_psp_speaks_again(psps: Sandbox) -> None:
    order, page = ordered()
    Channel.objects.create(provider="stripe", silent_since=now() - timedelta(hours=1))
    psps.expire(page)
    due((order, page))
    psps.break_calls("down", "/stripe/v1/events", calls=99)

    assert sweep()["payments"] == 1, "one page was answered"
    assert [item.kind for item in attention.items()] == ["silent"]

    psps.mend()
    Channel.objects.update(next_try_at=now())
    sweep()
    assert attention.items() == []


def test_one_refund_without_an_answer_leaves_the_others_their_turn(psps: Sandbox) -> None:
    first, page = ordered()
    take(psps, "card", page)
    assert bring(only(psps, "checkout.session.completed")).status_code == 200
    payment = first.payments.get()
    odd = Refund.objects.create(payment=payment, amount=100, next_try_at=now() - timedelta(minutes=2))
    good = Refund.objects.create(payment=payment, amount=200, next_try_at=now() - timedelta(minutes=1))
    psps.break_calls("500", "/stripe/v1/refunds", calls=2)

    assert sweep()["refunds"] == 1

    odd.refresh_from_db()
    good.refresh_from_db()
    assert (odd.reference, bool(good.reference)) == (None, True)
    assert [refund["amount"] for refund in psps.payment(page)["refunds"]] == [200]


def test_an_event_that_cannot_be_read_live_does_not_hold_the_others_up(psps: Sandbox) -> None:
    waiting = []
    for _ in range(3):
        order, page = ordered("paypal")
        take(psps, "paypal", page)
        webhook = only(psps, "PAYMENT.CAPTURE.COMPLETED")
        psps.break_calls("down", "/paypal/v2/payments/*", calls=5)
        assert bring(webhook).status_code == 503
        psps.mend()
        waiting.append((order, psps.payment(page)["money"]))
    WebhookEvent.objects.update(received_at=now() - timedelta(minutes=5))
    psps.break_calls("500", f"/paypal/v2/payments/captures/{waiting[1][1]}", calls=9)

    assert sweep()["events"] >= 2

    for order, _money in waiting:
        order.refresh_from_db()
    assert [order.status for order, _money in waiting] == ["effective", "pending", "effective"]


def test_many_refunds_do_not_wait_for_a_silent_psp_one_after_the_other(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page)
    assert bring(only(psps, "checkout.session.completed")).status_code == 200
    payment = order.payments.get()
    for _ in range(6):
        Refund.objects.create(payment=payment, amount=100, next_try_at=now() - timedelta(minutes=1))
    psps.forget_requests()
    psps.break_calls("429", "/stripe/v1/refunds", calls=99)

    assert sweep()["refunds"] == 0

    assert len({request["key"] for request in psps.requests("/v1/refunds")}) == 3


def test_a_psp_that_is_silent_about_an_old_message_is_noted_as_silent(psps: Sandbox) -> None:
    _order, page = ordered("paypal")
    take(psps, "paypal", page)
    message = only(psps, "PAYMENT.CAPTURE.COMPLETED")
    psps.break_calls("429", "/paypal/v2/*", calls=99)
    assert bring(message).status_code == 503
    WebhookEvent.objects.update(received_at=now() - timedelta(hours=5), outcome="What it was before")
    psps.break_calls("429", "/paypal/v1/notifications/*", calls=99)
    Channel.objects.update(silent_since=None, next_try_at=now() + timedelta(hours=1))
    Payment.objects.update(next_try_at=now() + timedelta(hours=1))

    assert sweep()["events"] == 0

    assert Channel.objects.get(provider="paypal").silent_since
    (event,) = WebhookEvent.objects.filter(order=None)
    assert (event.processed_at, event.outcome) == (None, "The PSP did not answer when it was asked")


# What the customer reads


def answered(order: Order, button: str, method: str = "") -> str:
    answer = Client().post(f"/commande/{order.token}/{button}/", {"method": method})
    assert answer.status_code == 503
    return str(answer.content.decode()).replace("\u00a0", " ")


def test_who_cancels_while_the_psp_is_silent_reads_that_it_is_not_done(psps: Sandbox) -> None:
    order, _page = ordered()
    psps.break_calls("down", "/stripe/*", calls=9)

    said = answered(order, "annuler")

    assert "Elle n’est donc pas annulée" in said
    assert "Stripe" in said
    assert "autre moyen de paiement" not in said
    order.refresh_from_db()
    assert order.status == "pending"


def test_who_wants_another_means_reads_which_page_could_not_be_closed(psps: Sandbox) -> None:
    order, _page = ordered()
    psps.break_calls("down", "/stripe/*", calls=9)
    said = answered(order, "payer", "paypal")
    assert "(carte) n’a pas pu être fermée, car Stripe ne répond pas" in said
    assert "choisissez" not in said


def test_who_wants_the_same_page_is_not_sent_to_another_one_that_cannot_be_had(psps: Sandbox) -> None:
    order, _page = ordered()
    psps.break_calls("down", "/stripe/*", calls=9)
    said = answered(order, "payer", "card")
    assert "Stripe ne répond pas" in said
    assert "choisissez" not in said


def test_who_has_no_page_yet_may_choose_another_means(psps: Sandbox) -> None:
    psps.break_calls("down", "/stripe/*", calls=9)
    order = placed()
    said = answered(order, "payer", "card")
    assert "choisissez un autre moyen" in said
    order.refresh_from_db()
    until = date_format(localtime(order.expires_at), "G:i").replace(":", " h ")
    assert f"Les articles vous sont réservés jusqu’à {until}." in said
