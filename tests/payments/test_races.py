"""What happens at the same moment, with real threads on PostgreSQL."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError, connection
from django.test import Client
from django_tasks_db.models import DBTaskResult

from orders.models import Order, TimelineEntry
from payments import inbox
from payments.letters import send
from payments.models import Letter, Payment, WebhookEvent
from payments.sweep import sweep
from tests.at_once import at_once
from tests.payments.steps import bring, kinds, only, ordered, take
from tests.sandbox.client import Sandbox
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
    payments = [started(order, status="expired"), started(order, status="expired"), started(order)]
    events = [stripe_event(payment) for payment in payments]

    answers = at_once(*[lambda event=event: deliver(event).status_code for event in events])

    assert answers == [200] * 3
    came = Payment.objects.filter(order=order)
    assert sorted((payment.settles, payment.why_not) for payment in came) == [(False, "second")] * 2 + [(True, "")]
    assert kinds(order).count("effective") == 1
    assert Letter.objects.filter(kind="confirmation").count() == 1


def test_pretix_1166_the_way_back_and_the_message_at_once_send_one_mail(psps: Sandbox) -> None:
    for n in range(1, 4):
        order, page = ordered()
        take(psps, "card", page)
        message = only(psps, "checkout.session.completed")
        own_page = f"/commande/{order.token}/"
        visits = [f"{own_page}retour/{order.payments.get().pk}/", f"{own_page}etat.json", own_page]

        at_once(
            *[lambda message=message: bring(message)] * 2,
            *[lambda visit=visit: Client().get(visit) for visit in visits],
            *[sweep] * 2,
        )
        sweep()

        assert len(mail.outbox) == n
        assert kinds(order).count("effective") == 1


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


def for_good(statement: int, dies_at: int) -> bool:
    return statement >= dies_at


def for_a_moment(statement: int, dies_at: int) -> bool:
    return statement == dies_at


def test_whenever_the_message_comes_while_the_order_s_page_is_read_the_page_is_shown() -> None:
    shown = set()
    for comes_at in range(60):
        order = placed()
        event = stripe_event(started(order))
        statements = count()

        def comes(execute: Any, *statement: Any, event: Any = event, n: Any = statements, at: int = comes_at) -> Any:
            if next(n) == at:
                with connection.execute_wrapper(lambda run, *words: run(*words)):
                    deliver(event)
            return execute(*statement)

        with connection.execute_wrapper(comes):
            answer = Client(raise_request_exception=False).get(f"/commande/{order.token}/")
        assert answer.status_code == 200, comes_at
        shown.add("Télécharger l’attestation" in answer.content.decode())
        if next(statements) <= comes_at:
            break
    assert shown == {False, True}


@pytest.mark.parametrize("gone", [for_good, for_a_moment])
def test_case_20_at_whichever_statement_the_database_fails_nothing_is_half_written(
    gone: Callable[[int, int], bool],
) -> None:
    order = placed()
    event = stripe_event(started(order))
    psp = Client(raise_request_exception=False)

    def delivered(dies_at: int) -> int:
        statements = count()

        def fails(execute: Any, *statement: Any) -> Any:
            if gone(next(statements), dies_at):
                raise OperationalError("server closed the connection unexpectedly")
            return execute(*statement)

        with connection.execute_wrapper(fails):
            status: int = deliver(event, client=psp).status_code
        return status

    for dies_at in range(40):
        if (status := delivered(dies_at)) == 200:
            break
        assert status == 503, "sent again"
        order.refresh_from_db()
        payment = order.payments.get()
        assert (order.status, payment.status, payment.money_reference) == ("pending", "started", None)
        assert not WebhookEvent.objects.exclude(processed_at=None).exists()
        for model in (TimelineEntry, Letter, DBTaskResult):
            assert not model._default_manager.exists()

    assert 8 <= dies_at < 39, "it has failed at every statement"
    order.refresh_from_db()
    assert (order.status, order.payments.get().settles) == ("effective", True)
    assert Letter.objects.count() == 1
