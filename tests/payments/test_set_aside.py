"""What no event ends leaves the staff's list by a named person's word, with a reason, and moves nothing else."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from threading import Thread

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils.timezone import now
from django.utils.translation import override

from orders.models import Order
from orders.moves import hold
from payments import attention
from payments.attention import Item, NotListed, items, set_aside
from payments.models import Dispute, Letter, Payment, Refund, SetAside, WebhookEvent
from payments.refunds import Wanted, ask, carry_out
from tests.at_once import at_once
from tests.payments.steps import bring_messages, paid
from tests.sandbox.client import Sandbox
from tests.shop import deliver, placed, started, stripe_event
from tests.waiting import somebody_waits, until

pytestmark = pytest.mark.django_db
KINDS = SetAside.Kind


@pytest.fixture
def anna() -> User:
    return User.objects.create_superuser("anna")


def effective() -> Payment:
    payment = started(placed())
    deliver(stripe_event(payment))
    return Payment.objects.get(pk=payment.pk)


def doubtful() -> None:
    effective()
    Payment.objects.update(doubt="brand")


def lost() -> None:
    Dispute.objects.create(
        payment=effective(), reference="dp_1", reason="fraudulent", amount=3800, status="lost", decided_at=now()
    )


def not_refunded() -> None:
    Refund.objects.create(payment=effective(), amount=1000, status="failed")


def unapplied() -> None:
    event = stripe_event(started(placed()), client_reference_id="00000000-0000-4000-8000-000000000000")
    deliver(event, client=Client(raise_request_exception=False))
    WebhookEvent.objects.update(received_at=now() - timedelta(hours=2))


def undelivered() -> None:
    effective()
    Letter.objects.update(tries=Letter.MOST_TRIES)


HAPPENED: dict[str, Callable[[], None]] = {
    KINDS.DOUBT: doubtful,
    KINDS.LOST: lost,
    KINDS.REFUND_FAILED: not_refunded,
    KINDS.UNAPPLIED: unapplied,
    KINDS.UNDELIVERED: undelivered,
}


def the_item() -> Item:
    (item,) = items()
    return item


@pytest.mark.parametrize("kind", HAPPENED)
def test_a_named_person_closes_what_no_event_ends(anna: User, kind: str) -> None:
    HAPPENED[kind]()
    before = list(Order.objects.values("status")), list(Payment.objects.values("status", "doubt", "received_amount"))
    item = the_item()
    assert item.kind == kind

    call_command("set_aside", kind, str(item.about), by="anna", reason="Convenu  par téléphone", stdout=StringIO())

    assert items() == []
    row = SetAside.objects.get()
    assert (row.by, row.reason) == (anna, "Convenu par téléphone")
    assert before == (
        list(Order.objects.values("status")),
        list(Payment.objects.values("status", "doubt", "received_amount")),
    )


@pytest.mark.parametrize("kind", [kind for kind in HAPPENED if kind != KINDS.UNAPPLIED])
def test_the_orders_timeline_says_who_and_why(anna: User, kind: str) -> None:
    HAPPENED[kind]()
    set_aside(SetAside.Kind(kind), str(the_item().about), anna, "Vu")

    told = Order.objects.get().timeline.get(kind="set_aside")

    assert (told.actor, told.actor_name) == ("staff", "anna")
    with override("fr"):
        assert str(SetAside.Kind(kind).label) in told.sentence
        assert told.sentence.endswith("Vu")


def test_only_the_item_itself_is_closed(anna: User) -> None:
    not_refunded()
    Refund.objects.create(payment=Payment.objects.get(), amount=500, status="failed")
    first, second = items()
    set_aside(KINDS.REFUND_FAILED, str(first.about), anna, "Par virement")
    assert [item.about for item in items()] == [second.about]


def test_a_refund_that_bounces_again_is_listed_anew(anna: User, psps: Sandbox) -> None:
    order, _page = paid(psps)
    carry_out(ask(order.payments.get().pk, Wanted(1000, "Retour")).pk)
    bring_messages(psps)
    refund = Refund.objects.get()
    other = Refund.objects.create(payment=order.payments.get(), amount=500, status="failed")
    set_aside(KINDS.REFUND_FAILED, str(other.pk), anna, "Par virement")
    for state in ("failed", "succeeded"):
        psps.settle_refund(refund.reference or "", state)
        bring_messages(psps)
        for item in items():
            set_aside(KINDS.REFUND_FAILED, str(item.about), anna, "Par virement")
    assert items() == []

    psps.settle_refund(refund.reference or "", "failed")
    bring_messages(psps)

    assert (the_item().kind, the_item().about) == ("refund_failed", refund.pk)
    set_aside(KINDS.REFUND_FAILED, str(the_item().about), anna, "Par virement, encore")
    assert items() == []
    assert order.timeline.filter(kind="set_aside").count() == 3


def test_who_set_a_lost_dispute_aside_has_decided_about_its_reversal_too(anna: User) -> None:
    """PayPal tells of one twice, in either order."""
    payment = effective()
    for reference, amount in (("PP-D-1", 3000), ("4XR1", 3000)):
        Dispute.objects.create(
            payment=payment, reference=reference, reason="x", amount=amount, status="lost", decided_at=now()
        )
        for item in items():
            assert reference == "PP-D-1", "the twin is news to nobody"
            set_aside(KINDS.LOST, str(item.about), anna, "Elle a payé par virement")
    assert items() == []


def test_a_bank_that_takes_more_after_that_is_listed(anna: User) -> None:
    payment = effective()
    Dispute.objects.create(payment=payment, reference="dp_1", reason="x", amount=1000, status="lost", decided_at=now())
    set_aside(KINDS.LOST, str(the_item().about), anna, "On envoie quand même")
    Dispute.objects.create(payment=payment, reference="dp_2", reason="x", amount=2800, status="lost", decided_at=now())
    with override("fr"):
        assert "28.00" in the_item().sentence


def test_a_dispute_that_is_lost_a_second_time_is_listed_anew(anna: User, psps: Sandbox) -> None:
    _order, page = paid(psps)
    dispute = psps.dispute(page)
    psps.move_dispute(dispute, "lost")
    bring_messages(psps)
    # A mail may have the number of the dispute.
    mail = SetAside.objects.create(kind=KINDS.UNDELIVERED, about=Dispute.objects.get().pk, by=anna, reason="Vu")
    set_aside(KINDS.LOST, str(the_item().about), anna, "On envoie quand même")
    for state in ("needs_response", "lost"):
        psps.move_dispute(dispute, state)
        bring_messages(psps)
    assert the_item().kind == "lost"
    assert SetAside.objects.get() == mail


def test_money_that_waits_cannot_be_set_aside(anna: User) -> None:
    deliver(stripe_event(started(placed()), amount_total=3900))
    assert the_item().kind == "mismatch"
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("set_aside", "mismatch", str(Payment.objects.get().pk), by="anna", reason="Vu")


def test_what_is_not_on_the_list_cannot_be_set_aside(anna: User) -> None:
    payment = effective()
    with pytest.raises(CommandError, match="no such item"):
        call_command("set_aside", "doubt", str(payment.pk), by="anna", reason="Vu")
    assert not SetAside.objects.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"by": "anna", "reason": " "}, "--reason"),
        ({"by": "anna"}, "--reason"),
        ({"reason": "Vu"}, "--by"),
        ({"by": "eve", "reason": "Vu"}, "no active member"),
    ],
)
def test_nobody_closes_an_item_without_a_name_and_a_reason(anna: User, given: dict[str, str], said: str) -> None:
    doubtful()
    with pytest.raises(CommandError, match=said):
        call_command("set_aside", "doubt", str(the_item().about), **given)
    assert the_item().kind == "doubt"


def test_the_command_alone_shows_what_can_be_closed() -> None:
    out = StringIO()
    call_command("set_aside", stdout=out)
    assert out.getvalue() == "There is nothing to set aside.\n"
    doubtful()
    deliver(stripe_event(started(placed()), amount_total=3900))
    out = StringIO()
    call_command("set_aside", stdout=out)
    (line,) = out.getvalue().splitlines()
    payment = Payment.objects.exclude(doubt="").get()
    assert line.startswith(f"doubt {payment.pk}  ")
    assert payment.order.number in line


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_leave_one_decision(anna: User, psps: Sandbox) -> None:
    paid(psps)
    Payment.objects.update(doubt="brand")
    about = str(Payment.objects.get().pk)

    def close() -> bool:
        try:
            set_aside(KINDS.DOUBT, about, anna, "Vu")
        except NotListed:
            return False
        return True

    assert sorted(at_once(close, close, close)) == [False, False, True]
    assert Order.objects.get().timeline.filter(kind="set_aside").count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_ends_while_somebody_decides_is_not_set_aside(anna: User, psps: Sandbox) -> None:
    """The bank makes a refund after all, just as it is set aside."""
    order, _page = paid(psps)
    psps.change(refunds="failed")
    refund = ask(order.payments.get().pk, Wanted(1000, "Retour"))
    carry_out(refund.pk)
    bring_messages(psps)
    deciding = Thread(target=close, args=[KINDS.REFUND_FAILED, str(refund.pk), anna])

    with transaction.atomic():
        hold(pk=order.pk)
        deciding.start()
        until(somebody_waits)
        Refund.objects.filter(pk=refund.pk).update(status="succeeded")
    deciding.join(10)

    assert not SetAside.objects.exists()


def close(kind: str, about: str, by: User) -> None:
    try:
        with suppress(NotListed):
            set_aside(SetAside.Kind(kind), about, by, "Vu")
    finally:
        connection.close()


def test_the_database_takes_no_decision_without_a_reason(anna: User) -> None:
    with pytest.raises(IntegrityError, match="set_aside_for_a_reason"), transaction.atomic():
        SetAside.objects.create(kind="doubt", about="1", reason="", by=anna)


def test_what_is_far_down_a_long_list_can_be_set_aside_too(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "LIMIT", 1)
    refunds = [Refund.objects.create(payment=effective(), amount=1000, status="failed") for _ in range(2)]
    for refund in refunds:
        set_aside(KINDS.REFUND_FAILED, str(refund.pk), anna, "Par virement")
    assert items() == []
    with pytest.raises(NotListed):
        set_aside(KINDS.REFUND_FAILED, "no key", anna, "Par virement")
