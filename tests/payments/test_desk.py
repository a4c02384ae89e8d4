"""What staff do about an order: each deed restated, confirmed, told and logged, once, whoever presses how often."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from orders.moves import hold, tell
from payments import attention
from payments.models import Dispute, Letter, Payment, Refund, SetAside, WebhookEvent
from payments.refunds import Wanted, ask
from tests.at_once import at_once
from tests.payments.office import address, confirm, effective, office
from tests.payments.steps import kinds, ordered, paid, take
from tests.sandbox.in_process import SandboxInProcess
from tests.shop import deliver, goods, placed, started, stripe_event
from tests.staff import sign_in

pytestmark = pytest.mark.django_db


def page_of(client: Client, order: Order) -> str:
    return str(client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode())


# The page ------------------------------------------------------------------------------------------------------------


def test_the_page_tells_why_it_waits_what_needs_a_person_and_what_may_be_done() -> None:
    order = placed()
    deliver(stripe_event(started(order), amount_total=100))

    page = page_of(office(), order)

    assert "Encaissement qui ne correspond pas" in page or "ne correspond" in page
    assert "Remboursez les CHF\u00a01.00" in page
    payment = Payment.objects.get()
    assert address(order, "refund", payment.pk) in page
    assert address(order, "note") in page
    assert address(order, "ship") not in page


def test_the_history_tells_each_message_with_its_facts_and_the_place_at_the_psp(settings: Any) -> None:
    order = effective()
    page = page_of(office(), order)
    assert "checkout.session.completed" in page
    assert "&quot;payment_status&quot;: &quot;paid&quot;" in page
    assert 'href="http://127.0.0.1:' in page


def test_only_the_message_of_the_payment_is_timed_from_the_customers_return() -> None:
    order = effective()
    message = order.events.get()
    order.payments.update(returned_at=message.received_at - timedelta(seconds=7))
    deliver(stripe_event(order.payments.get(), "checkout.session.expired"))
    page = page_of(office(), order)
    assert "checkout.session.expired" in page
    assert re.findall(r"(\d+) s après le retour du client", page) == ["7"]


@pytest.mark.parametrize(
    ("mode", "provider", "reference", "expected"),
    [
        ("live", "stripe", "pi_1", "https://dashboard.stripe.com/payments/pi_1"),
        ("test", "stripe", "pi_1", "https://dashboard.stripe.com/test/payments/pi_1"),
        ("test", "stripe", "evt_1", "https://dashboard.stripe.com/test/events/evt_1"),
        ("live", "paypal", "3C679366HH908993F", "https://www.paypal.com/activity/payment/3C679366HH908993F"),
        ("test", "paypal", "PP-D-1", "https://www.sandbox.paypal.com/resolutioncenter/view/PP-D-1"),
        ("test", "stripe", "re_1", "https://dashboard.stripe.com/test/search?query=re_1"),
        ("live", "stripe", "unknown", ""),
    ],
)
def test_ids_lead_to_the_dashboard_of_their_mode(
    settings: Any, mode: Any, provider: str, reference: str, expected: str
) -> None:
    from dataclasses import replace

    from payments.desk.links import at_psp

    settings.PAYMENTS = replace(settings.PAYMENTS, mode=mode)
    assert at_psp(provider, reference) == expected


def test_money_is_shown_in_the_currency_in_which_it_came_with_what_is_left_of_it() -> None:
    order = placed()
    deliver(stripe_event(started(order), currency="eur"))
    payment, dispute = Payment.objects.get(), {"reference": "dp_1", "reason": "fraudulent"}
    payment.disputes.create(amount=900, status=Dispute.Status.WON, decided_at=now(), **dispute)
    payment.refunds.create(amount=1000)
    page = page_of(office(), order)
    assert '<td class="figure">EUR\u00a09.00</td>' in page
    assert "reste EUR\u00a028.00" in page


def test_what_a_customer_typed_is_only_text_on_every_page() -> None:
    order = effective(delivery_name="Claire <script>alert(1)</script>")
    client = office()
    for where in (reverse("admin:orders_order_changelist"), address(order, "ship"), address(order, "note")):
        assert "<script>alert" not in client.get(where).content.decode()
    assert "<script>alert" not in page_of(client, order)


def test_a_role_sees_only_what_it_may_do_and_can_do_nothing_else() -> None:
    order = effective()
    reader = office("reader", "orders.view_order")
    assert "/note/" not in page_of(reader, order)
    payment = Payment.objects.get()
    for where in [address(order, deed) for deed in ("check", "ship", "note", "close_page", "cancel", "write_off")] + [
        address(order, "refund", payment.pk),
        address(order, "accept", payment.pk),
        address(order, "set_aside", f"doubt:{payment.pk}"),
    ]:
        assert reader.get(where).status_code == 403
        assert reader.post(where, {"seen": order.journal, "reason": "x", "text": "x"}).status_code == 403
    order.refresh_from_db()
    assert (order.shipped_at, Refund.objects.count()) == (None, 0)


def test_a_deed_needs_its_token_against_forged_forms() -> None:
    order = effective()
    client = Client(enforce_csrf_checks=True)
    sign_in(client, User.objects.create_superuser("leila"))
    assert client.post(address(order, "note"), {"seen": order.journal, "text": "x"}).status_code == 403


# Notes, parcels ------------------------------------------------------------------------------------------------------


def test_a_note_stands_in_the_timeline_and_in_the_admins_log() -> None:
    order = effective()
    answer = confirm(office(), address(order, "note"), text="Le client a téléphoné.")
    assert answer.status_code == 303
    told = order.timeline.last()
    assert told
    assert (told.sentence, told.actor_name) == ("Note\u00a0: Le client a téléphoné.", "leila")
    assert LogEntry.objects.get().object_id == str(order.pk)


def test_a_card_number_is_not_taken_into_a_note() -> None:
    order = effective()
    answer = confirm(office(), address(order, "note"), text="sa carte est 4242 4242 4242 4242")
    assert answer.status_code == 422
    assert "note" not in kinds(order)


def test_a_parcel_is_marked_as_sent_once_and_its_customer_written_to() -> None:
    order = effective()
    client = office()
    where = address(order, "ship")
    typed = {"seen": client.get(where).context["order"].journal, "tracking": "99.00.123456"}

    assert client.post(where, typed).status_code == 303
    again = client.post(where, typed)

    assert again.status_code == 409
    assert "99.00.123456" in again.content.decode()
    order.refresh_from_db()
    assert order.shipped_at
    assert order.tracking == "99.00.123456"
    assert kinds(order).count("shipped") == LogEntry.objects.count() == 1
    assert Letter.objects.filter(kind=Letter.Kind.SHIPPED).count() == 1


@pytest.mark.parametrize("why", ["disputed", "proposed", "requested"])
def test_nothing_is_sent_while_the_payment_is_disputed_or_all_of_it_goes_back(why: str) -> None:
    order = effective()
    client = office()
    seen = client.get(address(order, "ship")).context["order"].journal
    payment = Payment.objects.get()
    if why == "disputed":
        Dispute.objects.create(payment=payment, reference="dp_1", amount=3800, reason="fraudulent")
    else:
        payment.refunds.create(amount=3800, status=why)
    assert client.post(address(order, "ship"), {"seen": seen}).status_code == 303
    order.refresh_from_db()
    assert order.shipped_at is None
    assert address(order, "ship") not in page_of(client, order)


# Money back ----------------------------------------------------------------------------------------------------------


def give(client: Client, order: Order, **typed: object) -> Any:
    """Fill the refund's form, and confirm what is restated."""
    where = address(order, "refund", Payment.objects.get(order=order, settles=True).pk)
    form = {"how": "all", "reason": "Fêlé à l’arrivée", **typed}
    restated = confirm(client, where, **form)
    if not restated.context or not restated.context.get("is_restated"):
        return restated
    return client.post(where, {"seen": restated.context["order"].journal, "confirmed": "1", **form})


def test_a_refund_restates_amount_method_and_customer_before_anything_happens() -> None:
    order = effective()
    client = office()
    where = address(order, "refund", Payment.objects.get().pk)
    restated = confirm(client, where, how="amount", amount="12,50", reason="Fêlé")
    page = restated.content.decode()
    for fact in ["CHF\u00a012.50", "Carte", "Claire Dufour", order.number, "Fêlé"]:
        assert fact in page
    assert not Refund.objects.exists()


@pytest.mark.parametrize(
    ("typed", "amount"),
    [({}, 3800), ({"how": "amount", "amount": "12.50"}, 1250), ({"how": "pieces", "PIECE": "1"}, 2900)],
)
def test_the_whole_a_part_or_pieces_go_back(typed: dict[str, str], amount: int) -> None:
    order = effective()
    if "PIECE" in typed:
        typed = {"how": "pieces", f"piece_{order.lines.get().pk}": "1", "goods_back": "on"}
    assert give(office(), order, **typed).status_code == 303
    refund = Refund.objects.get()
    assert (refund.amount, refund.status) == (amount, Refund.Status.REQUESTED)
    assert refund.requested_by
    assert refund.requested_by.username == "leila"
    assert refund.goods_back == ("goods_back" in typed)
    assert "refund_requested" in kinds(order)
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "typed", "said", "goods_back"),
    [
        (False, {"how": "all", "goods_back": "on"}, "return to the stock", True),
        (False, {"how": "all"}, "nobody can buy them", False),
        (False, {"how": "amount", "amount": "5.00", "goods_back": "on"}, "sent as ordered", False),
        (True, {"how": "all"}, "do not return", False),
        (True, {"how": "all", "goods_back": "on"}, "return to the stock", True),
    ],
)
def test_goods_that_never_left_return_to_the_stock_unless_staff_say_otherwise(
    sent: bool, typed: dict[str, str], said: str, goods_back: bool, settings: Any
) -> None:
    settings.REFUND_FOUR_EYES_ABOVE = 100
    order = effective()
    Order.objects.filter(pk=order.pk).update(shipped_at=now() if sent else None)
    client = office()
    where = address(order, "refund", Payment.objects.get().pk)
    assert client.get(where).context["form"]["goods_back"].value() is not sent

    english = {"Accept-Language": "en"}
    form = {"seen": client.get(where).context["order"].journal, "reason": "Retour", **typed}
    assert said in client.post(where, form, headers=english).content.decode()
    assert client.post(where, form | {"confirmed": "1"}).status_code == 303

    refund = Refund.objects.get()
    assert refund.goods_back is goods_back
    assert said in office("noah").get(address(order, "release", refund.pk), headers=english).content.decode()


@pytest.mark.parametrize(
    "typed",
    [
        {"reason": ""},
        {"how": "amount", "amount": ""},
        {"how": "amount", "amount": "38.01"},
        {"how": "amount", "amount": "-1"},
        {"how": "amount", "amount": "1e3"},
        {"how": "pieces"},
        {"how": "all", "amount": "10.00"},
    ],
)
def test_a_refund_that_cannot_be_says_why_and_keeps_what_was_typed(typed: dict[str, str]) -> None:
    order = effective()
    answer = give(office(), order, **typed)
    assert answer.status_code == 422
    assert "desk-error" in answer.content.decode() or answer.context["why"]
    assert not Refund.objects.exists()


def test_a_button_pressed_twice_gives_once() -> None:
    order = effective()
    client = office()
    where = address(order, "refund", Payment.objects.get().pk)
    seen = client.get(where).context["order"].journal
    form = {"how": "amount", "amount": "5.00", "reason": "Fêlé", "confirmed": "1", "seen": seen}
    assert client.post(where, form).status_code == 303
    again = client.post(where, form)
    assert again.status_code == 409
    assert "CHF\u00a05.00" in again.content.decode()
    assert Refund.objects.count() == 1


def test_a_mail_that_left_meanwhile_stops_nobody_and_a_second_press_is_still_told() -> None:
    order, client = effective(), office()
    where = address(order, "note")
    typed = {"seen": client.get(where).context["order"].journal, "text": "Rappelée"}
    with transaction.atomic():
        tell(hold(pk=order.pk), TimelineEntry.Kind.LETTER_SENT, TimelineEntry.Actor.SYSTEM, subject="Paiement accepté")
    assert client.post(where, typed).status_code == 303
    assert client.post(where, typed).status_code == 409
    assert order.timeline.filter(kind="note").count() == 1


def propose(order: Order, name: str = "leila") -> Refund:
    assert give(office(name), order).status_code == 303
    return Refund.objects.get()


@pytest.fixture
def dear(settings: Any) -> Order:
    """An order whose refund needs two people."""
    settings.REFUND_FOUR_EYES_ABOVE = 2000
    return effective()


def test_above_the_limit_one_proposes_and_another_releases(dear: Order) -> None:
    refund = propose(dear)
    assert (refund.status, refund.next_try_at) == (Refund.Status.PROPOSED, None)

    own = sign_in(Client(), User.objects.get(username="leila"))
    refused = own.get(address(dear, "release", refund.pk), headers={"Accept-Language": "en"})
    assert refused.status_code == 403
    assert "another person has to release it" in refused.content.decode()
    assert own.post(address(dear, "release", refund.pk), {"seen": dear.journal}).status_code == 403

    noah = office("noah")
    assert "Expédiée le" not in noah.get(address(dear, "release", refund.pk)).content.decode()
    Order.objects.filter(pk=dear.pk).update(shipped_at=now())
    assert "Expédiée le" in noah.get(address(dear, "release", refund.pk)).content.decode()
    assert confirm(noah, address(dear, "release", refund.pk)).status_code == 303
    refund.refresh_from_db()
    assert refund.status == Refund.Status.REQUESTED
    assert refund.released_by
    assert refund.released_by.username == "noah"
    assert [kind for kind in kinds(dear) if kind.startswith("refund")] == ["refund_proposed", "refund_released"]


def test_many_small_refunds_by_one_person_need_a_second_one_too(dear: Order) -> None:
    client = office()
    assert give(client, dear, how="amount", amount="15.00").status_code == 303
    assert give(client, dear, how="amount", amount="6.00").status_code == 303
    assert [one.status for one in Refund.objects.order_by("created_at")] == ["requested", "proposed"]


def test_who_proposed_may_withdraw_and_nothing_is_sent_meanwhile(dear: Order) -> None:
    refund = propose(dear)
    own, other = sign_in(Client(), User.objects.get(username="leila")), office("noah")
    assert "Retirer ma proposition (CHF\u00a038.00)" in page_of(own, dear)
    assert "Retirer ma proposition" not in page_of(other, dear)
    assert address(dear, "ship") not in page_of(other, dear)
    assert "<h1>Retirer ma proposition</h1>" in own.get(address(dear, "turn_down", refund.pk)).content.decode()
    answer = confirm(own, address(dear, "turn_down", refund.pk), reason="Erreur")
    assert "La proposition est retirée." in own.get(answer["Location"]).content.decode()
    assert address(dear, "ship") in page_of(own, dear)


def test_a_proposal_stands_on_the_list_until_it_is_turned_down(dear: Order) -> None:
    refund = propose(dear)
    other = office("noah")
    assert "leila" in page_of(other, dear)
    assert confirm(other, address(dear, "turn_down", refund.pk), reason="Déjà remplacé").status_code == 303
    assert not Refund.objects.exists()
    assert kinds(dear)[-1] == "refund_turned_down"
    assert Payment.objects.get().refundable() == 3800


def test_the_command_proposes_too(dear: Order) -> None:
    user = User.objects.create_superuser("leila")
    refund = ask(Payment.objects.get().pk, Wanted(3800, "Fêlé"), user)
    assert refund.status == Refund.Status.PROPOSED


# Pages and orders -----------------------------------------------------------------------------------------------------


def test_the_psp_is_asked_and_its_word_taken(psps: SandboxInProcess) -> None:
    order, page = ordered("card")
    take(psps, "card", page)
    answer = confirm(office(), address(order, "check"))
    assert answer.status_code == 303
    order.refresh_from_db()
    assert order.status == Order.Status.EFFECTIVE
    assert kinds(order)[-1] == "checked"


def test_a_psp_that_does_not_answer_is_told_and_logged_too(psps: SandboxInProcess) -> None:
    order, _page = ordered("card")
    psps.break_calls("down", "/stripe/*", calls=99)
    answer = confirm(office(), address(order, "check"))
    psps.mend()
    assert (answer.status_code, kinds(order)[-1]) == (409, "checked")
    assert "ne répond pas" in LogEntry.objects.get().change_message


def test_a_page_is_closed_and_the_order_stays(psps: SandboxInProcess) -> None:
    order, _page = ordered("card")
    assert confirm(office(), address(order, "close_page")).status_code == 303
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING
    assert Payment.objects.get().status == Payment.Status.EXPIRED
    told = order.timeline.last()
    assert told
    assert (told.kind, told.actor_name) == ("payment_expired", "leila")


def test_a_pending_order_is_cancelled_and_its_goods_come_back(psps: SandboxInProcess) -> None:
    bowl = goods(stock=10)
    order, _page = ordered("card", bowl)
    assert confirm(office(), address(order, "cancel")).status_code == 303
    order.refresh_from_db()
    bowl.refresh_from_db()
    assert (order.status, order.cancel_reason, bowl.stock) == ("cancelled", "staff", 10)
    assert kinds(order)[-3:] == ["asked", "payment_expired", "cancelled"]


@pytest.mark.parametrize("under_way", ["with_bank_at", "claimed_at"])
def test_what_may_be_paid_already_is_neither_closed_nor_cancelled(under_way: str) -> None:
    order = placed()
    payment = started(order)
    page = page_of(office(), order)
    assert address(order, "cancel") in page and address(order, "close_page") in page
    Payment.objects.filter(pk=payment.pk).update(**{under_way: now()})
    page = page_of(office("noah"), order)
    assert address(order, "cancel") not in page and address(order, "close_page") not in page


REFUSED = {
    "lost_or_stolen_card": "la carte est déclarée perdue ou volée",
    "CAPTURE_FULLY_REFUNDED": "tout avait déjà été remboursé",
    "new_word": "le prestataire l’a refusé (new_word)",
}


@pytest.mark.parametrize("code", REFUSED)
def test_why_a_refund_failed_is_told_in_words(code: str) -> None:
    order = effective()
    order.payments.get().refunds.create(amount=100, status="failed", refusal=code)
    page = page_of(office(), order)
    assert REFUSED[code] in page
    assert f"<code>{code}" not in page


def test_an_order_whose_page_is_paid_is_not_cancelled(psps: SandboxInProcess) -> None:
    order, page = ordered("card")
    take(psps, "card", page)
    answer = confirm(office(), address(order, "cancel"))
    assert answer.status_code == 409
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING


def test_a_doubt_is_set_aside_with_a_reason() -> None:
    order = effective()
    payment = Payment.objects.get()
    Payment.objects.update(doubt="brand")
    where = address(order, "set_aside", f"doubt:{payment.pk}")
    client = office()
    assert confirm(client, where, reason="").status_code == 422
    assert confirm(client, where, reason="Vu avec Stripe").status_code == 303
    assert SetAside.objects.get().reason == "Vu avec Stripe"
    assert where not in page_of(client, order)


def test_nothing_is_set_aside_by_who_has_not_seen_what_somebody_noted_meanwhile() -> None:
    order = effective()
    Payment.objects.update(doubt="brand")
    where = address(order, "set_aside", f"doubt:{Payment.objects.get().pk}")
    leila, noah = office(), office("noah")
    seen = leila.get(where).context["order"].journal
    confirm(noah, address(order, "note"), text="Ne pas clore: la banque rappelle demain.")
    answer = leila.post(where, {"seen": seen, "reason": "Vu avec Stripe"})
    assert (answer.status_code, "la banque rappelle demain" in answer.content.decode()) == (409, True)
    assert not SetAside.objects.exists()


def test_a_message_about_no_order_is_marked_as_looked_at_on_its_own_page() -> None:
    started(placed())
    event = stripe_event(Payment.objects.get(), client_reference_id="00000000-0000-4000-8000-000000000000")
    deliver(event, client=Client(raise_request_exception=False))
    WebhookEvent.objects.update(received_at=now() - timedelta(hours=2))
    key = WebhookEvent.objects.get(order=None).pk
    page, where = (reverse(f"admin:payments_webhookevent_{name}", args=[key]) for name in ("change", "put_aside"))
    leila, noah = office(), office("noah", "payments.view_webhookevent")
    assert where in leila.get(page).content.decode()
    assert (where in noah.get(page).content.decode(), noah.post(where, {"reason": "x"}).status_code) == (False, 403)
    assert (leila.get(where).status_code, leila.post(where, {"reason": ""}).status_code) == (200, 422)

    assert [leila.post(where, {"reason": "Autre boutique"}).status_code for _ in range(2)] == [303, 303]

    assert (SetAside.objects.get().reason, attention.items()) == ("Autre boutique", [])
    assert "Autre boutique" in LogEntry.objects.get().change_message
    assert where not in leila.get(page).content.decode()


def test_an_unannounced_payment_is_accepted_in_somebodys_name(psps: SandboxInProcess) -> None:
    order, page = ordered("card")
    take(psps, "card", page)
    Payment.objects.update(paid_seen_at=now())
    assert confirm(office(), address(order, "accept", Payment.objects.get().pk)).status_code == 303
    order.refresh_from_db()
    assert order.status == Order.Status.EFFECTIVE
    assert "accepted" in kinds(order)


def test_an_order_whose_money_a_dispute_took_is_written_off() -> None:
    order = effective()
    Dispute.objects.create(
        payment=Payment.objects.get(),
        reference="dp_1",
        amount=3800,
        reason="fraudulent",
        status=Dispute.Status.LOST,
        decided_at=now(),
    )
    assert confirm(office(), address(order, "write_off"), goods_back="on").status_code == 303
    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "disputed")


# Races ----------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def both(self, where: str, typed: dict[str, Any], *names: str) -> list[int]:
        clients = [office(name) for name in names]
        seen = clients[0].get(where).context["order"].journal
        press = [lambda client=client: client.post(where, {"seen": seen, **typed}).status_code for client in clients]
        return sorted(at_once(*press))

    def test_one_parcel_leaves(self) -> None:
        order = effective()
        assert self.both(address(order, "ship"), {"tracking": "991234"}, "leila", "noah") == [303, 409]
        assert Letter.objects.filter(kind=Letter.Kind.SHIPPED).count() == 1
        assert LogEntry.objects.count() == kinds(order).count("shipped") == 1

    def test_one_refund_is_asked_for(self) -> None:
        order = effective()
        form = {"how": "amount", "amount": "5.00", "reason": "Fêlé", "confirmed": "1"}
        where = address(order, "refund", Payment.objects.get().pk)
        assert self.both(where, form, "leila", "noah") == [303, 409]
        assert Refund.objects.count() == 1

    def test_one_releases_or_turns_down(self, settings: Any) -> None:
        settings.REFUND_FOUR_EYES_ABOVE = 2000
        order = effective()
        refund = propose(order)
        release, turn_down = (address(order, deed, refund.pk) for deed in ("release", "turn_down"))
        noah, zoe = office("noah"), office("zoe")
        seen = noah.get(release).context["order"].journal
        answers = at_once(
            lambda: noah.post(release, {"seen": seen}).status_code,
            lambda: zoe.post(turn_down, {"seen": seen, "reason": "non"}).status_code,
        )
        assert sorted(answers) == [303, 409]
        assert LogEntry.objects.count() == 2


def test_a_refund_that_failed_is_asked_for_again_in_its_place(psps: SandboxInProcess) -> None:
    order, _page = paid(psps, "card")
    payment = Payment.objects.get()
    failed = payment.refunds.create(
        amount=3800, status=Refund.Status.FAILED, reason="x", created_at=now() - timedelta(days=1)
    )
    where = address(order, "refund_again", failed.pk)
    client = office()
    assert where in page_of(client, order)
    form = {"how": "all", "reason": "De nouveau", "confirmed": "1"}
    assert confirm(client, where, **form).status_code == 303
    assert Refund.objects.get(instead_of=failed).amount == 3800
