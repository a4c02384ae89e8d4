"""From the cart to the attestation, through the shop's pages and our PSPs over real HTTP."""

import re
import time
from io import BytesIO
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils.translation import override
from pypdf import PdfReader

from orders.models import Order, TimelineEntry
from payments import capture, letters
from payments.models import Letter, Payment, WebhookEvent
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import sweep
from tests.at_once import at_once
from tests.payments.steps import bring_messages, pay
from tests.sandbox.client import DECLINED, Sandbox
from tests.shop import fill_cart, goods, order_and_pay

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _messages_wait(sandbox: Sandbox) -> None:
    """The test itself brings the PSPs' messages, so that it knows when."""
    sandbox.change(hold_webhooks=True)


@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_a_customer_pays_and_the_order_is_effective_only_with_the_banks_word(
    client: Client, sandbox: Sandbox, method: str
) -> None:
    fill_cart(client)
    answer = order_and_pay(client, method)
    assert answer.status_code == 303
    order = Order.objects.get()
    assert order.status == "pending"
    page = f"/commande/{order.token}/"

    back = pay(sandbox, method, answer["Location"])
    visit = client.get(back)
    assert (visit.status_code, visit["Location"]) == (303, page)
    waiting = client.get(page)
    assert ("accord de PayPal" if method == "paypal" else "accord de votre banque") in waiting.content.decode()
    order.refresh_from_db()
    assert order.status == "pending"

    assert "The order is effective" in bring_messages(sandbox)
    order.refresh_from_db()
    assert order.status == "effective"
    accepted = client.get(page).content.decode()
    assert "Merci, votre paiement est accepté" in accepted
    assert client.get("/panier/").context["quote"].lines == ()


def test_staff_read_the_timeline_in_their_language_whatever_the_customers(client: Client) -> None:
    fill_cart(client)
    order_and_pay(client, "card")
    sent = Order.objects.get().timeline.get(kind="payment_started")
    with override("de"):
        assert sent.sentence == "Zur Zahlungsseite weitergeleitet (Karte)."


def test_the_attestation_is_downloaded_and_comes_by_mail(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "card")
    pay(sandbox, "card", answer["Location"])
    bring_messages(sandbox)
    order = Order.objects.get()

    assert letters.send(Letter.objects.get().pk)
    document = client.get(f"/commande/{order.token}/attestation.pdf")

    assert document["Content-Type"] == "application/pdf"
    assert "no-store" in document["Cache-Control"]
    text = PdfReader(BytesIO(document.content)).pages[0].extract_text()
    for fact in [order.number, "Claire Dufour", "38.00", order.attestation.number]:
        assert fact in text, fact
    message = mail.outbox[0]
    assert message.attachments[0].content == document.content
    assert order.number in message.subject
    assert order.token in str(message.body)
    assert message.extra_headers["Message-ID"] == letters.message_id(Letter.objects.get())


def test_there_is_no_attestation_before_the_bank_has_agreed(client: Client) -> None:
    fill_cart(client)
    order_and_pay(client, "card")
    order = Order.objects.get()
    assert client.get(f"/commande/{order.token}/attestation.pdf").status_code == 404


@pytest.mark.parametrize("query", ["", "?paid=1&status=success", "?session_id=cs_test_x&ok=1", "?token=x&PayerID=y"])
def test_case_01_a_return_without_the_banks_word_waits_and_makes_nothing_effective(
    client: Client, sandbox: Sandbox, query: str
) -> None:
    fill_cart(client)
    pay(sandbox, "card", order_and_pay(client, "card")["Location"])
    order, payment = Order.objects.get(), Payment.objects.get()

    for _twice in range(2):
        answer = Client().get(f"/commande/{order.token}/retour/{payment.pk}/{query}")
        assert (answer.status_code, answer["Location"]) == (303, f"/commande/{order.token}/")

    order.refresh_from_db()
    assert order.status == "pending"
    assert order.timeline.filter(kind="returned").count() == 1
    page = client.get(f"/commande/{order.token}/").content.decode()
    assert "accord de votre banque" in page
    assert 'http-equiv="refresh"' in page, "it looks again by itself"
    answer = client.get(f"/commande/{order.token}/etat.json").json()
    assert answer["state"] == "waiting"
    assert re.fullmatch(r"Dernière vérification à \d\d? h \d\d\.", answer["checked"].replace("\u00a0", " "))
    german = client.get(f"/de/commande/{order.token}/etat.json").json()
    assert german["checked"].startswith("Zuletzt geprüft um")


def test_case_02_the_return_address_of_another_order_finds_nothing(client: Client) -> None:
    fill_cart(client)
    order_and_pay(client, "card")
    first = Payment.objects.get()
    other = Client()
    fill_cart(other)
    order_and_pay(other, "card")
    second = Order.objects.exclude(pk=first.order_id).get()

    assert Client().get(f"/commande/{second.token}/retour/{first.pk}/").status_code == 404
    for payment in (first, second.payments.get()):
        payment.refresh_from_db()
        assert (payment.status, payment.returned_at) == ("started", None)
    assert not TimelineEntry.objects.filter(kind="returned").exists()


def test_woo_4878_a_second_submit_finds_the_same_order_and_the_same_page(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    form = client.get("/paiement/").context["form"].initial
    first = client.post("/paiement/", {**form, "method": "card"})
    second = client.post("/paiement/", {**form, "method": "card"})

    assert first["Location"] == second["Location"]
    assert Order.objects.count() == Payment.objects.count() == 1


def test_a_submit_after_the_payment_shows_the_paid_order(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    form = client.get("/paiement/").context["form"].initial
    answer = client.post("/paiement/", {**form, "method": "card"})
    pay(sandbox, "card", answer["Location"])
    bring_messages(sandbox)

    again = client.post("/paiement/", {**form, "method": "card"})

    assert again["Location"] == f"/commande/{Order.objects.get().token}/"
    assert Order.objects.count() == 1


@pytest.mark.parametrize("method", ["twint", "paypal"])
def test_case_53_another_method_closes_the_page_before_it_opens_its_own(
    client: Client, sandbox: Sandbox, method: str
) -> None:
    fill_cart(client)
    card = order_and_pay(client, "card")
    order = Order.objects.get()

    other = client.post(f"/commande/{order.token}/payer/", {"method": method})

    assert other.status_code == 303
    assert other["Location"] != card["Location"]
    assert sandbox.payment(card["Location"])["state"] == "expired"
    assert [payment.status for payment in order.payments.all()] == ["expired", "started"]
    asked = [request["path"] for request in sandbox.requests("/checkout/") if request["method"] == "POST"]
    assert asked[-2].endswith("/expire"), "closed first"
    assert asked[-1].endswith("/checkout/sessions" if method == "twint" else "/checkout/orders")


def test_case_12_no_second_page_opens_when_the_first_was_paid_meanwhile(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    card = order_and_pay(client, "card")
    order = Order.objects.get()
    pay(sandbox, "card", card["Location"])

    answer = client.post(f"/commande/{order.token}/payer/", {"method": "twint"})

    assert answer["Location"] == f"/commande/{order.token}/"
    assert order.payments.count() == 1


def test_a_changed_cart_closes_and_cancels_the_order_before_it(client: Client, sandbox: Sandbox) -> None:
    bowl = goods(stock=3)
    fill_cart(client, bowl, quantity=3)
    card = order_and_pay(client, "card")
    first = Order.objects.get()
    assert (
        client.post("/panier/", {f"quantity-{bowl.pk}": "2", "shipping": first.shipping_method_id}).status_code == 303
    )

    order_and_pay(client, "card")

    first.refresh_from_db()
    assert (first.status, first.cancel_reason) == ("cancelled", "changed_cart")
    assert sandbox.payment(card["Location"])["state"] == "expired"
    bowl.refresh_from_db()
    assert bowl.stock == 1
    assert Order.objects.filter(status="pending").count() == 1


def test_case_31_a_decline_leaves_the_page_open_and_the_order_pending(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "card")
    assert sandbox.pay_by_card(answer["Location"], DECLINED).outcome == "declined"
    bring_messages(sandbox)

    assert Payment.objects.get().status == "started"
    pay(sandbox, "card", answer["Location"])
    bring_messages(sandbox)
    assert Order.objects.get().status == "effective"


def test_a_page_that_lapsed_can_be_opened_anew(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "card")
    sandbox.expire(answer["Location"])
    bring_messages(sandbox)
    order = Order.objects.get()
    assert "Le délai de paiement est passé" in client.get(f"/commande/{order.token}/").content.decode()

    again = client.post(f"/commande/{order.token}/payer/", {"method": "card"})

    assert again.status_code == 303
    assert again["Location"] != answer["Location"]


def test_who_leaves_the_page_finds_the_order_and_may_go_on(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    first = order_and_pay(client, "twint")
    order, payment = Order.objects.get(), Payment.objects.get()

    visit = client.get(f"/commande/{order.token}/abandon/{payment.pk}/", follow=True)
    assert "Paiement interrompu" in visit.content.decode()

    again = client.post(f"/commande/{order.token}/payer/", {"method": "twint"})
    assert again["Location"] == first["Location"]


@pytest.mark.parametrize("fault", ["down", "500", "html"])
@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_silent_psp_leaves_the_order_and_a_way_on(client: Client, sandbox: Sandbox, fault: str, method: str) -> None:
    fill_cart(client)
    sandbox.break_calls(fault, calls=20)

    answer = order_and_pay(client, method)

    assert answer.status_code == 503
    assert "ne répond pas" in answer.content.decode()
    order = Order.objects.get()
    assert order.status == "pending"
    sandbox.mend()
    again = client.post(f"/commande/{order.token}/payer/", {"method": method})
    assert again.status_code == 303
    assert Payment.objects.count() == 1


def test_another_language_in_between_leads_to_the_same_page(client: Client, sandbox: Sandbox) -> None:
    """The PSP's key stands for one request: the addresses in it follow the order's language, not the reader's."""
    fill_cart(client)
    sandbox.break_calls("lost", "/stripe/v1/checkout/sessions", calls=5)
    assert order_and_pay(client, "card").status_code == 503
    sandbox.mend()

    again = client.post(f"/de/commande/{Order.objects.get().token}/payer/", {"method": "card"})

    assert again.status_code == 303
    assert len(sandbox.payments()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["card", "paypal"])
def test_case_30_a_double_click_places_one_order_and_opens_one_page(
    client: Client, sandbox: Sandbox, method: str
) -> None:
    fill_cart(client)
    form = client.get("/paiement/").context["form"].initial
    clicks = [Client() for _ in range(3)]
    for click in clicks:
        click.cookies = client.cookies

    answers = at_once(*[lambda c=click: c.post("/paiement/", {**form, "method": method}) for click in clicks])

    assert Order.objects.count() == Payment.objects.count() == len(sandbox.payments()) == 1
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer["Location"] for answer in answers}) == 1


@pytest.mark.django_db(transaction=True)
def test_two_tabs_with_two_methods_leave_one_page_open(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    order_and_pay(client, "card")
    order = Order.objects.get()

    def choose(method: str) -> Any:
        return Client().post(f"/commande/{order.token}/payer/", {"method": method})

    answers = at_once(lambda: choose("twint"), lambda: choose("paypal"), lambda: choose("card"))

    assert {answer.status_code for answer in answers} <= {303, 503}
    assert order.payments.filter(status="started").count() <= 1
    payable = [book for book in sandbox.payments() if book["state"] == "open"]
    assert len(payable) <= 1


def test_the_whole_hand_off_ends_in_time_however_slow_the_psp(client: Client, sandbox: Sandbox) -> None:
    """Closing one page and opening another are several calls; together they have the time of one."""
    fill_cart(client)
    order_and_pay(client, "card")
    order = Order.objects.get()
    sandbox.break_calls("slow", seconds=5, calls=10)

    began = time.monotonic()
    answer = client.post(f"/commande/{order.token}/payer/", {"method": "twint"})

    assert answer.status_code == 503
    assert time.monotonic() - began < 9
    assert order.payments.get().status == "started"


def test_an_approval_that_nobody_captured_is_captured_when_the_customer_asks_again(
    client: Client, sandbox: Sandbox
) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "paypal")
    pay(sandbox, "paypal", answer["Location"], webhook="lost", capture_webhook="none")
    order = Order.objects.get()

    again = client.post(f"/commande/{order.token}/payer/", {"method": "paypal"})
    assert again["Location"] == f"/commande/{order.token}/"
    assert "accord de PayPal" in client.get(again["Location"]).content.decode()

    bring_messages(sandbox)
    order.refresh_from_db()
    assert order.status == "effective"


def test_case_27_an_answer_lost_after_the_page_was_opened_leads_to_the_same_page(
    client: Client, sandbox: Sandbox
) -> None:
    fill_cart(client)
    sandbox.break_calls("lost", "/stripe/v1/checkout/sessions", calls=5)
    assert order_and_pay(client, "card").status_code == 503
    sandbox.mend()

    order = Order.objects.get()
    assert client.post(f"/commande/{order.token}/payer/", {"method": "card"}).status_code == 303

    asked = [request for request in sandbox.requests("/checkout/sessions") if request["method"] == "POST"]
    assert len(asked) >= 2
    assert {request["key"] for request in asked} == {str(Payment.objects.get().pk)}
    assert all(request["params"] == asked[0]["params"] for request in asked), "word for word"
    assert len(sandbox.payments()) == 1


def test_twint_above_its_limit_is_listed_with_its_reason_and_refused(client: Client) -> None:
    fill_cart(client, goods(price=500_100))
    page = client.get("/paiement/")
    assert "TWINT accepte les paiements jusqu’à" in page.content.decode()

    answer = order_and_pay(client, "twint")

    assert answer.status_code == 422
    assert not Order.objects.exists()


def test_case_26_a_method_that_the_psp_does_not_offer_is_said_so_on_the_page(client: Client, sandbox: Sandbox) -> None:
    sandbox.change(stripe_methods=["card"])
    fill_cart(client)

    answer = order_and_pay(client, "twint")

    assert answer.status_code == 422
    assert "pas disponible" in answer.content.decode()
    assert Payment.objects.get().status == "failed"


def test_no_choice_and_an_unknown_method_are_different_mistakes(client: Client) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "")
    assert (answer.status_code, answer["Location"]) == (303, "/paiement/?choose")
    for _loaded_anew in range(2):
        page = client.get(answer["Location"])
        assert page.status_code == 422
        assert "Choisissez un moyen de paiement" in page.content.decode()
    assert "pas disponible" in order_and_pay(client, "cash").content.decode()
    assert not Order.objects.exists()


def test_pretix_3958_paypals_approval_is_captured_when_the_browser_died(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "paypal")
    pay(sandbox, "paypal", answer["Location"])

    bring_messages(sandbox)
    order, payment = Order.objects.get(), Payment.objects.get()
    assert (order.status, bool(payment.approved_at)) == ("pending", True)
    capture.capture(payment.pk)
    bring_messages(sandbox)

    order.refresh_from_db()
    assert order.status == "effective"


def test_paypals_approval_is_captured_by_the_sweep_when_its_message_is_lost(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "paypal")
    pay(sandbox, "paypal", answer["Location"], webhook="lost", capture_webhook="none")
    Payment.objects.update(next_try_at="2026-01-01T00:00Z")

    assert sweep()["payments"] == 1
    bring_messages(sandbox)

    assert Order.objects.get().status == "effective"


def test_case_40_many_captures_take_the_money_once(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "paypal")
    back = pay(sandbox, "paypal", answer["Location"])
    payment = Payment.objects.get()

    for _visit in range(3):
        client.get(back)
        capture.capture(payment.pk)
    bring_messages(sandbox)

    assert len([request for request in sandbox.requests() if request["path"].endswith("/capture")]) >= 1
    taken = [book["received"] for book in sandbox.payments()]
    assert taken == [Order.objects.get().total]


def test_woo_paypal_222_an_account_that_paypal_declines_lets_the_customer_choose_another(
    client: Client, sandbox: Sandbox
) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "paypal")
    back = pay(sandbox, "paypal", answer["Location"], capture="instrument_declined")
    client.get(back)
    payment = Payment.objects.get()
    assert (payment.status, payment.claimed_at, payment.capture_number) == ("started", None, 2)

    pay(sandbox, "paypal", answer["Location"])
    capture.capture(payment.pk)
    bring_messages(sandbox)

    payment.refresh_from_db()
    assert (Order.objects.get().status, payment.capture_number) == ("effective", 2)
    assert Payment.objects.count() == 1, "the same try on the same page"


def test_a_capture_that_paypal_declines_fails_the_payment(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "paypal")
    client.get(pay(sandbox, "paypal", answer["Location"], capture="declined"))
    bring_messages(sandbox)

    assert Payment.objects.get().status == "failed"
    assert Order.objects.get().status == "pending"


def test_a_pending_capture_waits_for_the_bank(client: Client, sandbox: Sandbox) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "paypal")
    client.get(pay(sandbox, "paypal", answer["Location"], capture="pending"))
    bring_messages(sandbox)
    assert (Order.objects.get().status, Payment.objects.get().status) == ("pending", "started")

    sandbox.settle_capture(sandbox.payments()[0]["money"], "COMPLETED")
    bring_messages(sandbox)

    assert Order.objects.get().status == "effective"


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_wrong_amount_makes_nothing_effective(client: Client, sandbox: Sandbox, method: str) -> None:
    fill_cart(client)
    answer = order_and_pay(client, method)
    client.get(pay(sandbox, method, answer["Location"], webhook="wrong_amount"))
    bring_messages(sandbox)

    order, payment = Order.objects.get(), Payment.objects.get()
    assert (order.status, payment.why_not) == ("pending", "mismatch")
    assert "Nous vérifions votre paiement" in client.get(f"/commande/{order.token}/").content.decode()


def test_a_forged_paypal_body_has_no_effect_since_the_live_capture_counts(client: Client, sandbox: Sandbox) -> None:
    """PayPal signs a CRC32 of the body only; what the message claims is never acted upon."""
    fill_cart(client)
    answer = order_and_pay(client, "paypal")
    client.get(pay(sandbox, "paypal", answer["Location"], webhook="event_amount"))
    bring_messages(sandbox)

    order, payment = Order.objects.get(), Payment.objects.get()
    assert (order.status, payment.received_amount) == ("effective", order.total)


def test_vendure_3411_an_error_while_applying_is_not_acknowledged_and_finished_by_the_sweep(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from payments import inbox

    fill_cart(client)
    answer = order_and_pay(client, "card")
    pay(sandbox, "card", answer["Location"])
    (message,) = [webhook for webhook in sandbox.collect() if webhook.type == "checkout.session.completed"]

    def broken(*args: object) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as now_broken:
        now_broken.setattr(inbox, "_paid", broken)
        answer = Client(raise_request_exception=False).post(
            "/webhooks/stripe/", data=message.body, content_type="application/json", headers=message.django_headers
        )
    assert answer.status_code == 500
    kept = WebhookEvent.objects.get()
    assert (kept.processed_at, kept.outcome) == (None, "An error of the shop: the log has it")

    WebhookEvent.objects.update(received_at="2026-01-01T00:00Z")
    assert sweep()["events"] == 1
    assert Order.objects.get().status == "effective"


def test_who_got_unfitting_money_back_is_told_so_and_may_pay_anew(
    client: Client, sandbox: Sandbox, mailoutbox: list[Any]
) -> None:
    fill_cart(client)
    answer = order_and_pay(client, "card")
    client.get(pay(sandbox, "card", answer["Location"], webhook="wrong_amount"))
    bring_messages(sandbox)
    order, payment = Order.objects.get(), Payment.objects.get()

    refund = ask(payment.pk, Wanted(payment.received_amount or 0, "Montant faux"))
    carry_out(refund.pk)
    bring_messages(sandbox)
    sweep()

    assert "remboursement" in mailoutbox[-1].subject
    page = client.get(f"/commande/{order.token}/").content.decode()
    assert "Nous vérifions votre paiement" not in page
    assert client.post(f"/commande/{order.token}/payer/", {"method": "twint"}).status_code == 303
    assert order.payments.filter(status="started").count() == 1
