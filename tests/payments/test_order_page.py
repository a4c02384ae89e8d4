"""The order's page and its addresses: what they say of money, what they cost, and what they do not do."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format
from django.utils.timezone import localdate, localtime, now

from orders import days
from orders.models import Order, TimelineEntry
from orders.money import format_amount
from orders.moves import hold, tell
from payments import attestation
from payments.capture import capture
from payments.models import Attestation, Payment, Refund
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import sweep
from tests.orders.steps import BUREAU
from tests.payments.papers import pages
from tests.payments.steps import NOTHING_DEBITED, bring, bring_messages, only, ordered, paid, pay, take
from tests.sandbox.client import DECLINED, Sandbox
from tests.shop import deliver, fill_cart, goods, order_and_pay, placed, started, stripe_event

pytestmark = pytest.mark.django_db
LATER = "Ce jour est plus tardif"


def text(order: Order, client: Client | None = None) -> str:
    shown = (client or Client()).get(f"/commande/{order.token}/").content.decode()
    return re.sub(r'<span class="nowrap">(.*?)</span>', r"\1", shown).replace("\u00a0", " ")


def spoken(value: date) -> str:
    """As `text` has it."""
    return days.day(value).replace("\u00a0", " ")


def test_an_order_that_has_waited_for_as_long_as_it_can_says_so_and_lets_go(psps: Sandbox) -> None:
    order, page = ordered()
    psps.expire(page)
    bring_messages(psps)
    assert "Vous pouvez en ouvrir une nouvelle" in text(order)
    assert "/payer/" in text(order)
    Order.objects.update(created_at=now() - timedelta(hours=3, minutes=20))

    said = text(order)

    assert "Cette commande ne peut plus être payée" in said
    assert "Vous pouvez en ouvrir une nouvelle" not in said
    assert "/payer/" not in said
    cancels(order, page)
    assert "Commander à nouveau" in text(order)


# What it says of money


def note_visit(order: Order, how: str) -> None:
    payment = order.payments.latest("created_at")
    assert Client().get(f"/commande/{order.token}/{how}/{payment.pk}/").status_code == 303


def never_back(order: Order, page: str) -> None:
    """The browser died on the PSP's page."""


def back(order: Order, page: str) -> None:
    note_visit(order, "retour")


def back_by_the_link(order: Order, page: str) -> None:
    note_visit(order, "abandon")


def other_method(order: Order, page: str) -> None:
    assert Client().post(f"/commande/{order.token}/payer/", {"method": "twint"}).status_code == 303


def cancels(order: Order, page: str) -> None:
    assert Client().post(f"/commande/{order.token}/annuler/").status_code == 303


def time_over(order: Order, page: str) -> None:
    Order.objects.update(expires_at=now() - timedelta(seconds=1))
    sweep()


THEN = [never_back, back, back_by_the_link, other_method, cancels, time_over]


@pytest.mark.parametrize("declined_before", [False, True])
@pytest.mark.parametrize("then", THEN)
def test_pretix_1233_nobody_who_paid_is_told_that_nothing_was_debited(
    psps: Sandbox, then: Callable[[Order, str], None], declined_before: bool
) -> None:
    """Paid at the PSP, and no message says so: whatever happens next, the page does not deny the money."""
    order, page = ordered()
    if declined_before:
        psps.pay_by_card(page, DECLINED)
        bring_messages(psps)
        if then is back_by_the_link:
            note_visit(order, "abandon")
    psps.pay_by_card(page, webhook="never")
    if then is not back_by_the_link:
        then(order, page)
    Payment.objects.update(next_try_at=now())
    sweep()
    order.refresh_from_db()

    said = text(order)

    assert NOTHING_DEBITED not in said
    assert "refusé" not in said
    if order.status == "pending":
        assert "accord de votre banque" in said


def test_a_refusal_is_told_with_nothing_was_debited_once_the_customer_is_back(psps: Sandbox) -> None:
    order, page = ordered()
    psps.pay_by_card(page, DECLINED)
    bring_messages(psps)
    note_visit(order, "abandon")

    assert NOTHING_DEBITED in text(order)


@pytest.mark.parametrize(
    "waited", [None, timedelta(minutes=3), timedelta(minutes=11)], ids=["now", "slow", "very slow"]
)
def test_twint_59_a_payment_that_is_still_pending_at_the_return_waits_and_does_not_fail(
    psps: Sandbox, waited: timedelta | None
) -> None:
    order, page = ordered("twint")
    take(psps, "twint", page, pending=True)
    bring_messages(psps)
    back(order, page)
    if waited:
        Payment.objects.update(returned_at=now() - waited)

    said = text(order)

    assert NOTHING_DEBITED not in said
    assert "moins d’une minute" not in said and "des heures, parfois des jours" in said
    assert "ne payez pas une seconde fois" in said.lower() or "ne payez pas" in said.lower()
    psps.settle_session(page)
    bring_messages(psps)
    assert "Merci, votre paiement est accepté" in text(order)


@pytest.mark.parametrize("heard", [True, False], ids=["of the bank's delay", "of nothing"])
def test_while_a_bank_has_the_payment_no_other_means_is_offered(psps: Sandbox, heard: bool) -> None:
    """Its page cannot be closed, so that the choice would lead back here, again and again."""
    order, page = ordered("twint")
    take(psps, "twint", page, pending=True)
    if heard:
        bring_messages(psps)
    back(order, page)
    Payment.objects.update(returned_at=now() - timedelta(minutes=3))
    if not heard:
        assert "/payer/" in text(order)
        assert Client().post(f"/commande/{order.token}/payer/", {"method": "card"}).status_code == 303

    said = text(order)

    assert "prend plus de temps" in said
    assert "La banque a votre paiement" in said
    assert ("des heures, parfois des jours" in said) is heard
    assert (PROMISE in said) is not heard, "no day can be promised before the bank decides within days"
    assert "choisir un autre moyen" not in said
    assert "/payer/" not in said
    psps.settle_session(page, paid=False)
    bring_messages(psps)
    assert "/payer/" in text(order)


# What it says of the order


def test_a_paid_order_shows_its_way_so_far_and_where_it_is_delivered_to(psps: Sandbox) -> None:
    order = accepted(psps)
    Order.objects.update(delivery_by=localdate())
    attestation.of(order)
    steps = ["Commande passée", "Paiement accepté", "Attestation de paiement établie", "Colis à expédier"]
    assert way(order) == steps
    said = text(order)
    assert f"Passée le {days.dated(order.created_at)}" in said
    assert '<p class="address">Claire Dufour<br>Rue de Carouge 12<br>1205 Genève<br></p>' in said
    assert f"Livraison d’ici au {spoken(localdate())}" in said
    assert f", livré d’ici au {spoken(localdate())}</p>" in said
    assert f"il est livré d’ici au {spoken(localdate())}." in said
    assert "Nous préparons votre colis" in said

    Order.objects.update(shipped_at=now(), tracking="99.12.345678")

    assert way(order) == [*steps[:3], "Colis expédié"]
    said = text(order)
    assert "Numéro de suivi : 99.12.345678" in said
    assert "Nous préparons votre colis" not in said


PROMISE = "d’ici au"
"""Of a day of delivery; `Nous préparons` and the timeline's step promise the parcel itself."""


def test_an_order_that_is_not_paid_yet_shows_where_goods_and_bill_go_by_when_and_to_whom_we_write() -> None:
    promised = localdate() + timedelta(days=9)
    billing: dict[str, Any] = {name: typed for name, typed in BUREAU.items() if name != "other_billing"}
    order = placed(delivery_by=promised, **billing)
    payment = started(order)
    shown = text(order)
    assert f"livré d’ici au {spoken(promised)}" in shown
    assert "Bureau du Lac SA<br>Claire Dufour<br>Quai du Mont-Blanc 1<br>Case postale 20<br>1211 Genève" in shown
    assert "c•••@exemple.ch" in shown and "claire@" not in shown
    assert LATER not in shown

    Order.objects.update(created_at=now() - timedelta(days=8), expires_at=now() + timedelta(hours=1))
    shown = text(order)
    assert LATER in shown
    assert spoken(promised) not in shown

    deliver(stripe_event(payment))
    assert "Bureau du Lac SA" in text(order)


def test_a_day_of_delivery_that_is_over_is_not_promised_but_the_parcel_is(psps: Sandbox) -> None:
    order = accepted(psps)
    Order.objects.update(delivery_by=localdate() - timedelta(days=1))
    said = text(order)
    assert PROMISE not in shown(said)
    assert "Nous préparons votre colis.</li>" in said
    assert way(order)[-1] == "Colis à expédier"


def test_an_order_that_is_being_paid_back_in_full_promises_no_parcel(psps: Sandbox) -> None:
    order = accepted(psps)
    refund = order.payments.get().refunds.create(amount=order.total - 1)
    assert PROMISE in shown(text(order)), "a part of it may be sent"
    Refund.objects.filter(pk=refund.pk).update(amount=order.total)
    promises_nothing(order)


@pytest.mark.parametrize("status", ["needs_response", "lost"])
@pytest.mark.parametrize("amount", [1000, None], ids=["a part", "all"])
def test_an_order_whose_money_a_bank_asks_back_or_took_promises_no_parcel(
    psps: Sandbox, status: str, amount: int | None
) -> None:
    order, page = paid(psps)
    assert PROMISE in shown(text(order))
    dispute = psps.dispute(page, amount)
    if status == "lost":
        psps.move_dispute(dispute, status)
    bring_messages(psps)
    promises_nothing(order)


def promises_nothing(order: Order) -> None:
    said = text(order)
    assert PROMISE not in said, "nor on the sheet for the printer"
    assert "Nous préparons" not in said
    assert "Colis à expédier" not in way(order)
    assert "Rien n" in pages(attestation.draw(attestation.of(order)))[0]


def shown(said: str) -> str:
    """Without the sheet for the printer, which says what was agreed."""
    return said.partition('class="print-only')[0]


def test_the_way_of_an_order_tells_of_its_end(psps: Sandbox) -> None:
    assert {"Paiement accepté", "CHF 38.00 remboursés", "Commande clôturée"} <= set(way(refunded(psps)))
    assert way(cancelled(psps)) == ["Commande passée", "Commande annulée"]
    assert way(open_page(psps)) == []


def way(order: Order) -> list[str]:
    """The steps of the timeline, the oldest first."""
    text(order)  # gives the papers their numbers
    timeline = text(order).partition('class="timeline"')[2].partition("</ol>")[0]
    return re.findall(r"<li[^>]*>([^<]+)<", timeline)


@pytest.mark.parametrize("shipped", [False, True])
def test_a_refunded_order_says_that_nothing_will_be_sent_unless_it_was(psps: Sandbox, shipped: bool) -> None:
    order = refunded(psps)
    if shipped:
        Order.objects.update(shipped_at=now())
    assert ("rien ne sera envoyé" in text(order)) is not shipped
    assert "Cette commande est clôturée" in text(order)
    assert "Nous préparons" not in text(order)


def test_money_of_a_wrong_amount_is_told_beside_the_total_as_long_as_it_is_here(psps: Sandbox) -> None:
    for made in (under_review, going_back):
        order = made(psps)
        assert f"Nous avons reçu CHF 0.01 pour votre commande {order.number}, dont le total est de CHF 38.00" in text(
            order
        )


def test_the_steps_of_the_order_stand_at_the_payment_until_it_is_accepted_and_end_with_a_dispute(psps: Sandbox) -> None:
    for made in (waiting, under_review, going_back):
        assert 'aria-current="step">3.' in text(made(psps))
    order, page = paid(psps)
    assert 'aria-current="step">4.' in text(order)
    psps.dispute(page)
    bring_messages(psps)
    assert 'aria-current="step"' not in text(order)


def test_money_that_goes_back_says_what_to_do_and_when_the_order_can_be_paid_again(psps: Sandbox) -> None:
    order = going_back(psps)
    until = date_format(localtime(order.expires_at), "G:i").replace(":", " h ")
    said = text(order)
    assert "Ne payez pas de nouveau avant cela." in said
    assert f"jusqu’à {until}" in said
    assert "/payer/" not in said
    assert Client().post(f"/commande/{order.token}/payer/", {"method": "card"})["Location"].endswith(f"{order.token}/")

    Refund.objects.update(status="succeeded", settled_at=now())

    said = text(order)
    assert "vous pouvez la payer maintenant" in said
    assert "/payer/" in said


@pytest.mark.parametrize(
    ("method", "refusal", "chosen"),
    [
        ("twint", "funds", False),
        ("twint", "generic", True),  # its sentence begins with: try again
        ("twint", "technical", True),
        ("card", "generic", False),
        ("card", "authentication", True),
    ],
)
def test_the_means_that_was_used_last_is_chosen_already_unless_another_one_is_advised(
    psps: Sandbox, method: str, refusal: str, chosen: bool
) -> None:
    order = started(placed(), method, status="failed", refusal=refusal).order
    assert (f'id="id_method_{method}" checked' in text(order)) is chosen
    assert text(order).count(" checked") == chosen


def test_whoever_chose_no_means_may_load_the_page_anew(psps: Sandbox) -> None:
    """What answers a POST would be sent again, or not shown at all."""
    order = expired(psps)
    answer = Client().post(f"/commande/{order.token}/payer/")
    assert (answer.status_code, answer["Location"]) == (303, f"/commande/{order.token}/?choose")
    for _loaded_anew in range(2):
        page = Client().get(answer["Location"])
        assert page.status_code == 422
        assert "no-store" in page["Cache-Control"], "the order may have been paid since"
        assert "Choisissez un moyen de paiement" in page.content.decode()
    Order.objects.update(status="cancelled", cancel_reason="customer", cancelled_at=now())
    assert Client().get(answer["Location"]).status_code == 200, "nothing is to be chosen any more"


def test_the_error_leads_to_the_choice_whatever_can_be_chosen(psps: Sandbox) -> None:
    """The first row is one that takes no such amount, and has no field."""
    order = started(placed(goods(price=600_000)), status="failed", refusal="data").order
    said = Client().get(f"/commande/{order.token}/?choose").content.decode()
    (target,) = re.findall(r'<li><a href="#([^"]+)">Choisissez', said)
    assert re.findall(rf'<(\w+) id="{target}" tabindex="-1"', said) == ["fieldset"]
    ids = re.findall(r' id="([^"]+)"', said)
    assert len(ids) == len(set(ids))


# What it costs


def accepted(psps: Sandbox) -> Order:
    return paid(psps)[0]


def accepted_with_surplus(psps: Sandbox) -> Order:
    order = paid(psps)[0]
    deliver(stripe_event(started(order, "twint", status="expired")))
    return order


def accepted_after_another_went_back(psps: Sandbox) -> Order:
    order = placed()
    first = started(order)
    deliver(stripe_event(first, amount_total=1))
    first.refunds.create(amount=1, status="succeeded", settled_at=now())
    deliver(stripe_event(started(order)))
    return order


def accepted_late(psps: Sandbox) -> Order:
    order = accepted_with_surplus(psps)
    with transaction.atomic():
        tell(hold(pk=order.pk), TimelineEntry.Kind.REVIVED, TimelineEntry.Actor.BANK)
    return order


def refunded_in_part(psps: Sandbox) -> Order:
    order, page = paid(psps)
    psps.refund(page, 500)
    bring_messages(psps)
    carry_out(ask(order.payments.get().pk, Wanted(500, "Retour")).pk)
    return order


def refunded(psps: Sandbox) -> Order:
    order, page = paid(psps)
    psps.refund(page)
    bring_messages(psps)
    return order


def refunded_and_bounced(psps: Sandbox) -> Order:
    order = refunded(psps)
    deliver(stripe_event(started(order, "twint", status="expired")))
    order.payments.get(settles=True).refunds.update(status="failed")
    return order


def taken_back_in_part(psps: Sandbox) -> Order:
    order, page = paid(psps)
    psps.move_dispute(psps.dispute(page, 1000), "lost")
    bring_messages(psps)
    return order


def here_again(psps: Sandbox) -> Order:
    """Written off, and then the dispute was won after all."""
    order, page = paid(psps)
    psps.move_dispute(psps.dispute(page), "won")
    bring_messages(psps)
    Order.objects.update(status="cancelled", cancel_reason="disputed", cancelled_at=now())
    return order


def open_page(psps: Sandbox) -> Order:
    return ordered()[0]


def waiting(psps: Sandbox) -> Order:
    return started(placed(), returned_at=now()).order


def waiting_long(psps: Sandbox) -> Order:
    return started(placed(), returned_at=now() - timedelta(minutes=5)).order


def left(psps: Sandbox) -> Order:
    return started(placed(), left_at=now()).order


def refused(psps: Sandbox) -> Order:
    return started(placed(), status="failed", refusal="funds").order


def expired(psps: Sandbox) -> Order:
    return started(placed(), status="expired").order


def under_review(psps: Sandbox) -> Order:
    order = placed()
    deliver(stripe_event(started(order), amount_total=1))
    return order


def going_back(psps: Sandbox) -> Order:
    order = under_review(psps)
    order.payments.get().refunds.create(amount=1)
    return order


def cancelled(psps: Sandbox) -> Order:
    order = ordered()[0]
    Client().post(f"/commande/{order.token}/annuler/")
    return order


def late(psps: Sandbox) -> Order:
    order = cancelled(psps)
    deliver(stripe_event(order.payments.get()))
    return order


STATES: dict[str, Callable[[Sandbox], Order]] = {
    "Votre commande attend": open_page,
    "accord de votre banque": waiting,
    "prend plus de temps": waiting_long,
    "Paiement interrompu": left,
    "n’a pas abouti": refused,
    "Le délai de paiement est passé": expired,
    "Nous vérifions votre paiement": under_review,
    "Nous vous remboursons votre paiement": going_back,
    "annulée": cancelled,
    "arrivé trop tard": late,
    "Merci, votre paiement est accepté": accepted,
    "deux paiements": accepted_with_surplus,
    "qui ne correspond pas": accepted_after_another_went_back,
    "arrivé après le délai": accepted_late,
    "Remboursement partiel effectué": refunded_in_part,
    "Remboursement effectué": refunded,
    "Un remboursement nous est revenu": refunded_and_bounced,
    "repris une partie du paiement": taken_back_in_part,
    "de nouveau chez nous": here_again,
}


@pytest.mark.parametrize(("words", "made"), STATES.items(), ids=[made.__name__ for made in STATES.values()])
def test_the_page_says_its_state_in_at_most_six_statements(
    psps: Sandbox, words: str, made: Callable[[Sandbox], Order]
) -> None:
    order = made(psps)
    assert words in text(order)
    with CaptureQueriesContext(connection) as statements:
        said = text(order)
    assert words in said
    assert len(statements) <= 6, [statement["sql"][:90] for statement in statements]


NUMBERING = 16
"""Statements beyond those of the page, once in an order's life."""


def test_the_first_accepted_page_gives_the_paper_its_number(psps: Sandbox) -> None:
    order = accepted(psps)
    with CaptureQueriesContext(connection) as statements:
        said = text(order)
    paper = Attestation.objects.get(order=order)
    assert paper.number in said and paper.printed_code in said
    assert len(statements) <= 6 + NUMBERING, [statement["sql"][:90] for statement in statements]
    assert f"Télécharger l’attestation {paper.number} (PDF, environ 45 Ko)" in said
    download = Client().get(f"/commande/{order.token}/attestation.pdf")
    assert f"Télécharger l’attestation {paper.number} (PDF, {round(len(download.content) / 1000)} Ko)" in text(order)


def test_every_refund_notice_is_named_by_number_day_amount_type_and_size(psps: Sandbox) -> None:
    order = refunded_in_part(psps)
    said = text(order)
    notice = Attestation.objects.get(refund__payment__order=order)
    name = f"Télécharger l’avis de remboursement {notice.number} du {localdate():%d.%m.%Y} de CHF 5.00"
    assert f"{name} (PDF, environ 45 Ko)" in said
    download = Client().get(f"/commande/{order.token}/remboursement/{notice.refund_id}.pdf")
    assert f"{name} (PDF, {round(len(download.content) / 1000)} Ko)" in text(order)


def test_the_sheet_for_the_printer_says_what_went_back_and_how_it_was_paid(psps: Sandbox) -> None:
    order = refunded(psps)
    payment = order.payments.get()
    said = text(order)
    assert f"CHF {format_amount(order.total)} – payé" in said
    assert "Carte, par Stripe" in said
    assert f"Réf. {payment.money_reference}" in said
    assert "Remboursé le" in said
    assert "Reste payé" in said
    assert "Visa" not in said


def test_goods_keep_the_names_of_the_order_and_in_another_language_the_page_says_so(psps: Sandbox) -> None:
    order = accepted(psps)
    note = "Artikel und Lieferung stehen hier in der Sprache Ihrer Bestellung."
    assert note in Client().get(f"/de/commande/{order.token}/").content.decode()
    assert "dans la langue de votre commande" not in text(order)


@pytest.mark.parametrize("language", ["de", "it", "en"])
def test_the_sheet_speaks_the_language_of_the_page(psps: Sandbox, language: str) -> None:
    order = accepted(psps)
    said = Client().get(f"/{language}/commande/{order.token}/").content.decode()
    assert "Attestation de paiement" not in said
    assert "preuve" not in said


def test_no_page_prints_the_key_of_the_order(psps: Sandbox) -> None:
    for made in (waiting, accepted, refunded, cancelled):
        order = made(psps)
        page = Client().get(f"/commande/{order.token}/").content.decode()
        assert f"{order.token}" not in re.sub(r"<[^>]*>", "", page)


def test_a_backlog_of_unnumbered_orders_makes_nobody_wait(psps: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.attestation.BATCH", 2)
    orders = [accepted(psps) for _ in range(6)]
    assert "AP-" in text(orders[-1])
    assert Attestation.objects.count() == 3, "two of the oldest, and the one that was asked for"
    assert "AP-" in text(orders[3])
    assert sorted(Attestation.objects.values_list("n", flat=True)) == [1, 2, 3, 4, 5]


def test_the_first_accepted_page_costs_no_more_though_it_empties_the_cart(client: Client, psps: Sandbox) -> None:
    fill_cart(client)
    page = order_and_pay(client, "card")["Location"]
    take(psps, "card", page)
    bring_messages(psps)
    order = Order.objects.get()
    attestation.of(order)

    with CaptureQueriesContext(connection) as statements:
        said = text(order, client)
    assert "Merci" in said
    sql = [statement["sql"] for statement in statements]
    ours = [one for one in sql if "django_session" not in one and not one.startswith(("SAVEPOINT", "RELEASE"))]
    assert len(ours) <= 6, ours
    assert client.get("/panier/").context["quote"].lines == ()


# What its addresses do not do


@pytest.mark.parametrize("button", ["payer", "annuler", "reprendre"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_a_button_that_is_only_visited_shows_the_page(psps: Sandbox, button: str, method: str) -> None:
    order, _page = ordered()
    psps.forget_requests()

    answer = getattr(Client(), method)(f"/commande/{order.token}/{button}/")

    assert (answer.status_code, answer["Location"]) == (303, f"/commande/{order.token}/")
    order.refresh_from_db()
    assert order.status == "pending"
    assert order.payments.count() == 1
    assert psps.requests() == []


@pytest.mark.parametrize("visit", ["retour", "abandon"])
@pytest.mark.parametrize("method", ["head", "post", "options"])
def test_only_a_get_is_a_customer_who_comes_back(psps: Sandbox, visit: str, method: str) -> None:
    """A HEAD comes from a link checker or a preview."""
    order, page = ordered("paypal")
    payment = order.payments.get()
    psps.approve_paypal(page)

    answer = getattr(Client(), method)(f"/commande/{order.token}/{visit}/{payment.pk}/")

    assert answer.status_code == 405
    payment.refresh_from_db()
    assert (payment.returned_at, payment.left_at, payment.claimed_at) == (None, None, None)
    assert psps.requests("/capture") == []


def test_case_02_a_return_with_an_invented_payment_finds_nothing(psps: Sandbox) -> None:
    order, _page = ordered()
    invented = "00000000-0000-4000-8000-000000000000"
    assert Client().get(f"/commande/{order.token}/retour/{invented}/").status_code == 404
    assert Client().get(f"/commande/{'x' * 43}/retour/{order.payments.get().pk}/").status_code == 404


@pytest.mark.parametrize("method", ["card", "paypal"])
@pytest.mark.parametrize("visit", ["retour", "abandon"])
def test_opencart_8072_the_way_back_needs_no_session(psps: Sandbox, method: str, visit: str) -> None:
    """Some browsers send no cookie with what comes from another site; another browser has none."""
    order, page = ordered(method)
    if visit == "retour":
        pay(psps, method, page)
    browser = Client()

    answer = browser.get(f"/commande/{order.token}/{visit}/{order.payments.get().pk}/", follow=True)

    assert answer.redirect_chain == [(f"/commande/{order.token}/", 303)]
    assert answer.status_code == 200
    assert order.number in answer.content.decode()
    assert "session" not in browser.cookies
    bring_messages(psps)
    assert ("Merci, votre paiement est accepté" in text(order, browser)) == (visit == "retour")


def test_openedx_1338_the_same_cart_filled_again_is_another_order_with_its_own_page(
    client: Client, psps: Sandbox
) -> None:
    bowl = goods()
    pages, orders = [], []
    for n in (1, 2):
        fill_cart(client, bowl)
        pages.append(order_and_pay(client, "card")["Location"])
        orders.append(Order.objects.latest("created_at"))
        assert Order.objects.count() == n
        take(psps, "card", pages[-1])
        bring_messages(psps)
        assert "Merci" in text(orders[-1], client)

    assert len({*pages}) == 2
    assert orders[0].total == orders[1].total, "the first one's goods are not in the second"
    assert [book["received"] for book in psps.payments()] == [order.total for order in orders]
    for order in orders:
        order.refresh_from_db()
        assert order.status == "effective"
    assert orders[1].number not in text(orders[0], client)


# A silent PSP, other tabs


def test_woo_4878_after_a_silent_psp_a_changed_cart_leaves_one_pending_order(client: Client, psps: Sandbox) -> None:
    """Django saves no session with a 5xx answer: the order would be forgotten, and its goods held twice."""
    bowl = goods(stock=3)
    fill_cart(client, bowl, quantity=3)
    psps.break_calls("down", "*", calls=20)
    assert order_and_pay(client, "card").status_code == 503
    first = Order.objects.get()
    psps.mend()

    changed = {f"quantity-{bowl.pk}": "2", "shipping": first.shipping_method_id}
    assert client.post("/panier/", changed).status_code == 303
    assert order_and_pay(client, "card").status_code == 303

    first.refresh_from_db()
    assert (first.status, first.cancel_reason) == ("cancelled", "changed_cart")
    second = Order.objects.get(status="pending")
    bowl.refresh_from_db()
    assert bowl.stock == 1
    said = text(first, client)
    assert f"La commande <b>{second.number}</b> la remplace." in said
    assert f'href="/commande/{second.token}/"' in said
    stranger = text(first)
    assert second.number not in stranger
    assert second.token not in stranger
    assert '<a class="button" href="/panier/">Voir le panier</a>' in stranger
    assert "/reprendre/" not in said + stranger


def test_a_change_of_language_beside_a_silent_psp_keeps_the_chosen_means(client: Client, psps: Sandbox) -> None:
    fill_cart(client, goods())
    psps.break_calls("down", "*", calls=20)
    assert 'href="/de/paiement/?method=twint" lang="de"' in order_and_pay(client, "twint").content.decode()

    order = Order.objects.get()
    answer = client.post(f"/commande/{order.token}/payer/", {"method": "paypal"})
    assert answer.status_code == 503
    (led,) = re.findall(r'href="([^"]+)" lang="de"', answer.content.decode())
    shown = client.get(led, follow=True)
    assert shown.redirect_chain == [(f"/de/commande/{order.token}/?method=paypal", 303)]
    assert re.findall(r'value="(\w+)"[^>]*checked', shown.content.decode()) == ["paypal"]


def test_a_silent_psp_keeps_the_order_that_a_changed_cart_would_replace(client: Client, psps: Sandbox) -> None:
    bowl = goods(stock=3)
    fill_cart(client, bowl, quantity=2)
    order_and_pay(client, "card")
    first = Order.objects.get()
    client.post("/panier/", {f"quantity-{bowl.pk}": "1", "shipping": first.shipping_method_id})
    psps.break_calls("down", "*", calls=20)

    answer = order_and_pay(client, "card")

    assert answer.status_code == 503
    assert first.number in answer.content.decode()
    first.refresh_from_db()
    assert (first.status, Order.objects.count()) == ("pending", 1)


def test_a_stale_review_page_does_not_end_the_order_that_another_tab_pays(client: Client, psps: Sandbox) -> None:
    bowl = goods(stock=5)
    fill_cart(client, bowl)
    stale = client.get("/paiement/").context["form"].initial
    client.post(f"/articles/{bowl.slug}/", {"quantity": "1"})
    page = order_and_pay(client, "card")["Location"]
    order = Order.objects.get()

    answer = client.post("/paiement/", {**stale, "method": "twint"})

    assert answer.status_code == 409
    order.refresh_from_db()
    assert (order.status, order.payments.get().status) == ("pending", "started")
    assert psps.payment(page)["state"] == "open"


# A provider that is switched off


def switch_off(settings: Any, provider: str) -> None:
    settings.PAYMENTS = replace(settings.PAYMENTS, **{provider: None})


def test_a_page_of_a_provider_that_was_switched_off_leaves_a_way_on(psps: Sandbox, settings: Any) -> None:
    order, _page = ordered("paypal")
    switch_off(settings, "paypal")

    answer = Client().post(f"/commande/{order.token}/payer/", {"method": "card"})

    assert answer.status_code in (303, 503)
    if answer.status_code == 503:
        assert f"/commande/{order.token}/" in answer.content.decode()
    page_now = text(order)
    assert "PayPal" not in page_now.split("Moyen de paiement")[0]
    assert 'value="paypal"' not in page_now
    assert 'value="card"' in page_now
    sweep()
    order.refresh_from_db()
    assert order.status == "pending"


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_message_for_a_provider_that_was_switched_off_is_asked_for_again(
    psps: Sandbox, settings: Any, method: str
) -> None:
    order, page = ordered(method)
    take(psps, method, page)
    webhook = only(psps, "checkout.session.completed" if method == "card" else "PAYMENT.CAPTURE.COMPLETED")
    before = settings.PAYMENTS
    switch_off(settings, "stripe" if method == "card" else "paypal")

    assert bring(webhook).status_code == 503

    settings.PAYMENTS = before
    assert bring(webhook).status_code == 200
    order.refresh_from_db()
    assert order.status == "effective"


def test_a_return_from_a_provider_that_was_switched_off_shows_the_page(psps: Sandbox, settings: Any) -> None:
    order, page = ordered("paypal")
    psps.approve_paypal(page)
    switch_off(settings, "paypal")

    note_visit(order, "retour")

    assert "accord de PayPal" in text(order)
    assert capture(order.payments.get().pk) == "switched off"


def test_once_the_parcel_has_left_the_page_is_no_step_of_the_checkout_and_leads_back_to_the_shop(psps: Sandbox) -> None:
    order, _page = paid(psps)
    assert 'aria-current="step">4.' in text(order)
    Order.objects.update(shipped_at=now())
    said = text(order)
    assert 'aria-current="step"' not in said
    assert re.search(r"<h1>Votre colis est en route\s*</h1>", said)
    assert re.search('href="/panier/".*href="/">Continuer mes achats', said, re.DOTALL)
