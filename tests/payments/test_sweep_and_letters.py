"""What is due is done, at least once, by whoever comes first."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from orders.models import Order, new_number
from payments import letters
from payments.attestation import give_numbers, of
from payments.models import Attestation, Letter, Payment
from payments.sweep import sweep
from payments.views import ASKS_FOR_LINKS_AN_HOUR
from tests.at_once import at_once
from tests.shop import deliver, placed, started, stripe_event
from tests.worker import work


def effective(**changes: Any) -> Order:
    order = placed(**changes)
    deliver(stripe_event(started(order)))
    order.refresh_from_db()
    assert order.status == "effective"
    return order


@pytest.mark.django_db
def test_a_letter_whose_task_was_lost_is_sent_by_the_sweep() -> None:
    effective()

    assert sweep()["letters"] == 1
    assert sweep()["letters"] == 0

    assert len(mail.outbox) == 1
    assert Letter.objects.get().sent_at


@pytest.mark.django_db
def test_django_oscar_3768_a_letter_that_could_not_leave_touches_nothing_and_leaves_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = effective()

    def refuse(*args: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as no_server:
        no_server.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        assert sweep()["letters"] == 0
    letter = Letter.objects.get()
    assert (letter.sent_at, letter.tries) == (None, 1)
    assert letter.due_at > now()
    order.refresh_from_db()
    assert (order.status, order.holds_stock, order.payments.get().settles) == ("effective", True, True)

    Letter.objects.update(due_at=now() - timedelta(seconds=1))
    assert sweep()["letters"] == 1


@pytest.mark.django_db
def test_a_worker_killed_between_sending_and_noting_sends_the_same_message_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    effective()
    letter = Letter.objects.get()

    def killed(*args: object, **kwargs: object) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(letters, "tell", killed)
        with pytest.raises(SystemExit):
            letters.send(letter.pk)
    Letter.objects.update(due_at=now() - timedelta(seconds=1))
    assert letters.send(letter.pk)

    first, second = mail.outbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]


@pytest.mark.django_db
def test_the_mail_is_the_shops_and_says_so() -> None:
    order = effective(delivery_name="Claire <b>Dufour</b>", email="claire@exemple.ch")
    letters.send(Letter.objects.get().pk)

    message = mail.outbox[0]
    assert message.to == ["claire@exemple.ch"]
    assert message.from_email.startswith("KOOKUT <")
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert isinstance(message, mail.EmailMultiAlternatives)
    html = str(message.alternatives[0][0])
    assert "&lt;b&gt;Dufour" in html
    assert "src=" not in html
    assert f"/commande/{order.token}/" in html


@pytest.mark.django_db
def test_a_name_with_a_line_break_adds_no_header() -> None:
    effective(delivery_name="Claire\r\nBcc: all@exemple.ch")
    letters.send(Letter.objects.get().pk)
    assert "Bcc" not in mail.outbox[0].message()


@pytest.mark.django_db
def test_case_28_a_payment_whose_page_was_never_learnt_of_is_given_up() -> None:
    payment = started(placed(), page_reference=None, next_try_at=now(), created_at=now() - timedelta(minutes=6))

    assert sweep()["payments"] == 1

    payment.refresh_from_db()
    assert (payment.status, payment.refusal) == ("failed", "opening")


@pytest.mark.django_db
def test_a_payment_that_is_being_opened_is_left_alone() -> None:
    payment = started(placed(), page_reference=None, next_try_at=now())
    sweep()
    payment.refresh_from_db()
    assert payment.status == "started"


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_do_everything_once() -> None:
    for _ in range(5):
        effective()

    at_once(*[sweep] * 4)

    assert len(mail.outbox) == 5
    assert Attestation.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_wpovernight_619_numbers_have_no_gap_and_no_twin_however_many_ask_at_once() -> None:
    orders = [effective() for _ in range(8)]

    at_once(*[lambda order=order: of(order) for order in orders])

    assert sorted(Attestation.objects.values_list("n", flat=True)) == list(range(1, 9))


@pytest.mark.django_db
def test_numbers_follow_the_order_in_which_orders_became_effective() -> None:
    orders = [effective() for _ in range(3)]
    Order.objects.filter(pk=orders[2].pk).update(effective_at=now() - timedelta(hours=1))

    assert give_numbers() == 3

    numbers = [of(order).n for order in (orders[2], orders[0], orders[1])]
    assert numbers == [1, 2, 3]
    assert of(orders[2]).number.startswith(f"AP-{now().year}-00000")


@pytest.mark.django_db
def test_a_pending_order_gets_no_number() -> None:
    with pytest.raises(Attestation.DoesNotExist):
        of(placed())


@pytest.mark.django_db
def test_the_command_sweeps_and_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    effective()
    call_command("sweep")
    assert "letters 1" in capsys.readouterr().out


def ask_for_link(email: str, number: str) -> tuple[int, str, str]:
    answer = Client().post("/commande/", {"email": email, "number": number})
    return answer.status_code, answer.get("Location", ""), answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_lost_link_comes_by_mail_to_the_orders_own_address() -> None:
    order = placed()
    said = ask_for_link("Claire@Exemple.ch", order.number.lower().replace("-", " "))
    work()

    assert said[:2] == (303, "/commande/?asked")
    assert "<form" not in Client().get("/commande/?asked").content.decode(), "it is done"
    assert mail.outbox[0].to == ["claire@exemple.ch"]
    assert order.token in str(mail.outbox[0].body)
    assert "Dufour" not in str(mail.outbox[0].body)


@pytest.mark.django_db(transaction=True)
def test_whether_there_is_such_an_order_is_told_to_nobody() -> None:
    order = placed()
    right = ask_for_link("claire@exemple.ch", order.number)
    assert ask_for_link("eve@exemple.ch", order.number) == right
    work()
    assert Letter.objects.count() == 1


@pytest.mark.django_db
def test_a_miss_costs_what_a_hit_costs() -> None:
    """What the shop does while somebody waits is the same: no clock tells whether there is such an order."""
    order = placed()
    done = []
    asked = [("claire@exemple.ch", order.number), ("eve@exemple.ch", order.number), ("claire@exemple.ch", new_number())]
    for email, number in asked:
        with CaptureQueriesContext(connection) as statements:
            assert Client().post("/commande/", {"email": email, "number": number}).status_code == 303
        done.append([re.sub(r"'[^']*'|[0-9]+", "?", one["sql"]) for one in statements])
    assert done[0] == done[1] == done[2]
    assert any("INSERT INTO" in one and "dbtask" in one for one in done[0])
    assert not any("orders_order" in one for one in done[0])


@pytest.mark.django_db
def test_of_who_asks_for_a_link_the_task_keeps_no_address() -> None:
    order = placed()
    ask_for_link("Eve@Exemple.ch", order.number)
    with connection.cursor() as cursor:
        cursor.execute("SELECT task::text FROM django_tasks_database_dbtaskresult task")
        rows = " ".join(row for (row,) in cursor.fetchall())
    assert order.number in rows
    assert "eve" not in rows.lower()


@pytest.mark.django_db(transaction=True)
def test_who_asks_for_links_by_the_dozen_has_to_wait() -> None:
    order = placed()
    asked = ["claire@exemple.ch", "eve@exemple.ch"] * ASKS_FOR_LINKS_AN_HOUR
    statuses = [ask_for_link(email, order.number)[0] for email in [*asked, "claire@exemple.ch"]]
    assert statuses == [303] * ASKS_FOR_LINKS_AN_HOUR + [429] * (ASKS_FOR_LINKS_AN_HOUR + 1)
    work()
    assert Letter.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_asking_many_times_writes_once() -> None:
    order = placed()
    for _ in range(5):
        ask_for_link("claire@exemple.ch", order.number)
    work()
    assert Letter.objects.count() == 1


@pytest.mark.django_db
def test_a_mistyped_number_is_told_before_anything_is_looked_up() -> None:
    number = placed().number
    wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
    status, _location, page = ask_for_link("claire@exemple.ch", wrong)
    assert status == 422
    assert "numéro" in page
    assert wrong in page


@pytest.mark.django_db
def test_only_the_first_visit_of_a_return_address_is_noted() -> None:
    payment = started(placed())
    address = f"/commande/{payment.order.token}/retour/{payment.pk}/"
    Client().get(address)
    first = Payment.objects.get().returned_at
    Client().get(address)
    assert Payment.objects.get().returned_at == first
