"""What happens at the same moment, with real threads on PostgreSQL."""

import pytest
from django.core import mail

from orders.models import Order, TimelineEntry
from payments import inbox
from payments.letters import send
from payments.models import Letter, Payment, WebhookEvent
from tests.at_once import at_once
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db(transaction=True)


def test_case_06_ten_deliveries_of_one_message_at_once_have_one_effect() -> None:
    order = placed()
    event = stripe_event(started(order))

    answers = at_once(*[lambda: deliver(event).status_code] * 10)

    assert answers == [200] * 10
    order.refresh_from_db()
    assert order.status == Order.Status.EFFECTIVE
    assert WebhookEvent.objects.count() == 1
    assert Letter.objects.count() == 1
    assert order.timeline.filter(kind=TimelineEntry.Kind.EFFECTIVE).count() == 1


def test_one_mail_leaves_however_many_send_it_at_once() -> None:
    order = placed()
    deliver(stripe_event(started(order)))
    letter = Letter.objects.get()

    sent = at_once(*[lambda: send(letter.pk)] * 6)

    assert sorted(sent) == [False] * 5 + [True]
    assert len(mail.outbox) == 1


def test_pinelab_620_payments_of_one_order_authorised_at_once_settle_it_once() -> None:
    order = placed()
    first = started(order, status="expired")
    second = started(order)
    events = [stripe_event(first), stripe_event(second)]

    answers = at_once(*[lambda event=event: deliver(event).status_code for event in events])

    assert answers == [200, 200]
    payments = Payment.objects.filter(order=order)
    assert sorted((payment.settles, payment.why_not) for payment in payments) == [(False, "second"), (True, "")]


def test_saleor_14649_two_messages_about_one_money_at_once_count_it_once() -> None:
    payment = started(placed())
    events = [stripe_event(payment), stripe_event(payment, "checkout.session.async_payment_succeeded")]

    assert at_once(*[lambda event=event: deliver(event).status_code for event in events]) == [200, 200]
    assert Letter.objects.count() == 1


def test_a_crash_between_storing_and_applying_is_healed_by_the_resend(monkeypatch: pytest.MonkeyPatch) -> None:
    order = placed()
    event = stripe_event(started(order))

    def crash(*args: object, **kwargs: object) -> None:
        raise SystemExit

    # The process dies where the order would be marked: nothing of it is committed but what was stored before.
    with monkeypatch.context() as broken:
        broken.setattr(inbox, "mark_effective", crash)
        with pytest.raises(SystemExit):
            deliver(event)
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING

    assert deliver(event).status_code == 200
    order.refresh_from_db()
    assert order.status == Order.Status.EFFECTIVE
