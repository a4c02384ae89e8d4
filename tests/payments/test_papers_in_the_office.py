"""Staff have an order's papers, and may let its letters leave again: by name, on purpose, and not twice at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from payments.models import Attestation, Letter, Refund
from payments.sweep import sweep
from tests.at_once import at_once
from tests.payments.papers import pages
from tests.payments.steps import give_back, kinds, paid
from tests.sandbox.client import Sandbox
from tests.shop import deliver, placed, started, stripe_event
from tests.staff import sign_in

pytestmark = pytest.mark.django_db
SEND_AGAIN, SEE = "send_letters_again", "view_order"


def effective(**changes: Any) -> Order:
    order = placed(**changes)
    deliver(stripe_event(started(order)))
    sweep()
    mail.outbox.clear()
    order.refresh_from_db()
    return order


def office(*allowed: str, name: str = "leila") -> Client:
    """The back office, for a member of staff with these permissions."""
    staff = User.objects.create_user(name, is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=allowed))
    return sign_in(Client(), staff)


def address(view: str, order: Order, *more: Any) -> str:
    return reverse(f"admin:orders_order_{view}", args=[order.pk, *more])


def send_again(client: Client, order: Order, letter: str) -> Any:
    return client.post(address("send_again", order, letter))


def test_the_attestation_is_had_from_the_orders_page(psps: Sandbox) -> None:
    order, _page = paid(psps)
    client = office(SEE)
    page = client.get(address("change", order)).content.decode()
    assert f'href="{address("attestation", order)}"' in page
    assert "Attestation de paiement (PDF, environ\u00a045\u00a0Ko)" in page

    answer = client.get(address("attestation", order))

    assert answer["Content-Type"] == "application/pdf"
    order.refresh_from_db()
    assert answer["Content-Disposition"] == f'attachment; filename="{order.attestation.number}.pdf"'
    assert "no-store" in answer["Cache-Control"]
    assert order.number in pages(answer.content)[0]
    size = order.attestation.kilobytes
    assert f"{order.attestation.number} (PDF, {size}\u00a0Ko)" in client.get(address("change", order)).content.decode()


def test_so_is_the_notice_of_each_refund(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    client = office(SEE)
    there = address("refund_notice", order, refund.pk)
    assert f'href="{there}"' in client.get(address("change", order)).content.decode()
    assert "CHF 10.00 – remboursé" in pages(client.get(there).content)[0]


def test_a_refund_of_another_order_is_not_found(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    assert office(SEE).get(address("refund_notice", effective(), refund.pk)).status_code == 404


def test_an_order_that_nobody_paid_has_no_paper_and_its_link_may_be_sent() -> None:
    order, client = placed(), office(SEE, SEND_AGAIN)
    page = client.get(address("change", order)).content.decode()
    assert "Aucun document" in page
    assert address("send_again", order, "confirmation") not in page
    assert client.get(address("attestation", order)).status_code == 404
    assert "pas possible" in client.get(send_again(client, order, "confirmation")["Location"]).content.decode()
    assert send_again(client, order, "link").status_code == 303
    assert [letter.kind for letter in order.letters.all()] == ["link"]


def test_who_may_not_see_orders_has_none_of_it() -> None:
    order = effective()
    client = office(SEND_AGAIN)
    for view in ("change", "attestation"):
        assert client.get(address(view, order)).status_code == 403
    assert send_again(client, order, "link").status_code == 403
    for asked in (Client().get(address("attestation", order)), send_again(Client(), order, "link")):
        assert asked["Location"].startswith("/admin/login/")
    assert not order.letters.filter(kind="link").exists()


def test_who_may_only_look_sends_nothing() -> None:
    order = effective()
    client = office(SEE)
    assert "Renvoyer" not in client.get(address("change", order)).content.decode()
    assert send_again(client, order, "link").status_code == 403
    assert not order.letters.filter(kind="link").exists()


@pytest.mark.parametrize(
    ("letter", "words", "subject"),
    [
        ("confirmation", "Confirmation avec l’attestation", "paiement accepté"),
        ("link", "Lien vers la commande", "lien"),
    ],
)
def test_a_letter_leaves_again_and_the_timeline_says_who_wanted_it(letter: str, words: str, subject: str) -> None:
    order, client = effective(), office(SEE, SEND_AGAIN, "view_timelineentry")

    answer = send_again(client, order, letter)

    assert (answer.status_code, answer["Location"]) == (303, address("change", order))
    page = client.get(answer["Location"]).content.decode().replace("\u00a0", " ")
    assert "L’e-\u2060mail est en route" in page
    assert f"Renvoi demandé : {words}" in page
    told = order.timeline.get(kind=TimelineEntry.Kind.LETTER_AGAIN)
    assert (told.actor, told.actor_name) == ("staff", "leila")

    sweep()

    (message,) = mail.outbox
    assert message.to == [order.email]
    assert subject in message.subject
    names = [attachment.filename if hasattr(attachment, "filename") else "" for attachment in message.attachments]
    order.refresh_from_db()
    assert names == ([f"{order.attestation.number}.pdf"] if letter == "confirmation" else [])
    assert kinds(order)[-2:] == ["letter_again", "letter_sent"]


def test_the_link_promises_the_attestation_only_of_what_is_paid() -> None:
    client = office(SEE, SEND_AGAIN)
    for order, promised in ((effective(), True), (placed(), False)):
        send_again(client, order, "link")
        sweep()
        (message,) = [one for one in mail.outbox if order.number in str(one.body)]
        assert ("son attestation de paiement" in message.body) == promised


def test_a_second_press_within_a_minute_sends_nothing_more() -> None:
    order, client = effective(), office(SEE, SEND_AGAIN)
    send_again(client, order, "link")

    answer = send_again(client, order, "link")

    assert (answer.status_code, "moins d’une minute" in answer.content.decode()) == (409, True)
    assert order.letters.filter(kind="link").count() == 1
    send_again(client, order, "confirmation")
    assert order.letters.filter(kind="confirmation").count() == 2, "another letter need not wait"


def test_after_a_minute_it_may_leave_again(monkeypatch: pytest.MonkeyPatch) -> None:
    order, client = effective(), office(SEE, SEND_AGAIN)
    send_again(client, order, "link")
    monkeypatch.setattr("payments.letters.now", lambda: now() + timedelta(seconds=61))
    send_again(client, order, "link")
    assert order.letters.filter(kind="link").count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_send_one_letter() -> None:
    order = effective()
    clients = [office(SEE, SEND_AGAIN, name=f"staff-{n}") for n in range(4)]
    at_once(*[lambda client=client: send_again(client, order, "link") for client in clients])
    assert order.letters.filter(kind="link").count() == 1
    assert kinds(order).count("letter_again") == 1


def test_its_page_says_what_goes_to_whom_and_pressed_twice_it_goes_once() -> None:
    order, client = effective(), office(SEE, SEND_AGAIN)
    page = client.get(address("send_again", order, "link"))
    assert "Lien vers la commande" in page.content.decode()
    assert order.email in page.content.decode().partition('class="desk-facts"')[2].partition("</dl>")[2]
    assert not order.letters.filter(kind="link").exists()

    pressed = [client.post(page.wsgi_request.path, {"seen": order.journal}).status_code for _ in range(2)]

    assert pressed == [303, 409]
    assert order.letters.filter(kind="link").count() == LogEntry.objects.count() == 1


def test_a_form_from_elsewhere_sends_nothing() -> None:
    order = effective()
    strict = sign_in(Client(enforce_csrf_checks=True), User.objects.create_superuser("leila"))
    assert send_again(strict, order, "link").status_code == 403
    assert not order.letters.filter(kind="link").exists()


@pytest.mark.parametrize("letter", ["refunded", "to_staff", "nothing"])
def test_no_other_letter_can_be_sent(letter: str) -> None:
    order = effective()
    before = Letter.objects.count()
    assert send_again(office(SEE, SEND_AGAIN), order, letter).status_code == 303
    assert Letter.objects.count() == before


def test_an_order_that_does_not_exist_is_not_found() -> None:
    client = office(SEE, SEND_AGAIN)
    for view, more in (("attestation", []), ("send_again", ["link"])):
        assert client.post(reverse(f"admin:orders_order_{view}", args=[4711, *more])).status_code == 404


def test_an_order_that_was_refunded_keeps_its_papers_but_not_the_good_news(psps: Sandbox) -> None:
    order, _page = paid(psps)
    give_back(psps, order, order.total)
    client = office(SEE, SEND_AGAIN)
    page = client.get(address("change", order)).content.decode()
    assert address("attestation", order) in page
    assert address("send_again", order, "confirmation") not in page
    assert address("send_again", order, "link") in page


# The notices of refunds


def test_the_notice_of_each_refund_may_be_sent_again(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refunds = [give_back(psps, order, amount) for amount in (1000, 500)]
    sweep()
    mail.outbox.clear()
    client = office(SEE, SEND_AGAIN)
    page = client.get(address("change", order)).content.decode().replace("\u00a0", " ")
    assert "Renvoyer l’e-\u2060mail « Remboursement avec avis, CHF 10.00 »" in page
    assert "Renvoyer l’e-\u2060mail « Remboursement avec avis, CHF 5.00 »" in page

    for refund in refunds:
        assert address("send_again", order, f"refunded:{refund.pk}") in page
        assert send_again(client, order, f"refunded:{refund.pk}").status_code == 303
    assert send_again(client, order, f"refunded:{refunds[0].pk}").status_code == 409, "again at once"
    sweep()

    names = [message.attachments[0][0] for message in mail.outbox]
    assert names == [f"{Attestation.objects.get(refund=refund).number}.pdf" for refund in refunds]
    assert all(message.to == [order.email] for message in mail.outbox)
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 2
    assert kinds(order).count("letter_again") == 2


def test_a_refund_that_bounced_or_is_another_orders_has_no_notice_to_send(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    client = office(SEE, SEND_AGAIN)
    other = effective()
    send_again(client, other, f"refunded:{refund.pk}")
    assert "letter_again" not in kinds(other)
    send_again(client, order, f"refunded:{refund.pk}")
    Refund.objects.filter(pk=refund.pk).update(status=Refund.Status.FAILED)
    send_again(client, order, f"refunded:{refund.pk}")
    assert kinds(order).count("letter_again") == 1
    mail.outbox.clear()
    sweep()
    assert not [message for message in mail.outbox if message.attachments]
