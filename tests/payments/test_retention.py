"""What is forgotten when; and what the books keep."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils.timezone import now
from django_tasks_db.models import DBTaskResult

from orders.models import Order, TimelineEntry
from orders.moves import cancel, hold
from payments import attestation, links, retention
from payments.models import WebhookEvent
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import sweep
from tests.payments.histories.clock import Clock, moved_by_hand
from tests.payments.steps import bring_messages, paid
from tests.sandbox.client import Sandbox
from tests.shop import DETAILS, fill_cart, goods, placed, stripe_event

pytestmark = pytest.mark.django_db
ZURICH = ZoneInfo("Europe/Zurich")
CLAIRE = ["Claire Dufour", "claire@example.ch", "Rue du Lac", "079 123 45 67"]


@pytest.fixture
def clock() -> Iterator[Clock]:
    with moved_by_hand() as clock:
        yield clock


def manage(*arguments: str) -> str:
    said = StringIO()
    call_command(*arguments, stdout=said)
    return said.getvalue()


def purged(rule: str) -> int:
    """How much `manage.py purge --yes` says that it forgot by this rule."""
    (line,) = [line for line in manage("purge", "--yes").splitlines() if rule in line]
    return int(line.split()[0])


def kept_of(order: Order) -> str:
    """The order's row as it stands in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(orders_order)::text FROM orders_order WHERE id = %s", [order.pk])
        return str(cursor.fetchone()[0])


def cancelled() -> Order:
    order = placed(phone="079 123 45 67")
    with transaction.atomic():
        cancel(hold(pk=order.pk), Order.CancelReason.CUSTOMER, TimelineEntry.Actor.CUSTOMER)
    return order


def move_to(clock: Clock, moment: datetime) -> None:
    clock.move(moment - clock.now)


# By time


def test_the_person_in_an_order_that_was_never_paid_is_forgotten_after_thirty_days(clock: Clock) -> None:
    order = cancelled()
    clock.move(timedelta(days=30) - timedelta(seconds=1))
    assert purged("never paid") == 0
    assert order.email in kept_of(order)
    clock.move(timedelta(seconds=2))
    assert purged("never paid") == 1

    order.refresh_from_db()
    assert (order.email, order.phone, order.delivery_name, order.delivery_street) == ("", "", "", "")
    assert (order.total, order.status) == (3800, "cancelled")
    assert [line.kind for line in order.timeline.all()][-1] == "forgotten"
    assert purged("never paid") == 0, "once"


def test_the_link_of_a_forgotten_order_leads_nowhere(clock: Clock) -> None:
    order = cancelled()
    assert Client().get(f"/commande/{order.token}/").status_code == 200
    clock.move(timedelta(days=31))
    purged("never paid")
    assert Client().get(f"/commande/{order.token}/").status_code == 404


def test_an_order_that_money_came_for_is_kept_though_it_was_cancelled(psps: Sandbox, clock: Clock) -> None:
    order, _page = paid(psps)
    ask_back(psps, order)
    assert Order.objects.get(pk=order.pk).status == "cancelled"
    clock.move(timedelta(days=400))
    assert purged("never paid") == 0
    assert order.delivery_name in kept_of(order)


def ask_back(psps: Sandbox, order: Order, amount: int = 3800) -> None:
    refund = ask(order.payments.get().pk, Wanted(amount, "Retour"))
    carry_out(refund.pk)
    bring_messages(psps)


def test_the_books_are_kept_for_ten_years_after_the_end_of_their_year(psps: Sandbox, clock: Clock) -> None:
    order, _page = paid(psps)
    paper = attestation.of(order)
    move_to(clock, datetime(clock.now.year + 10, 12, 31, 23, 59, tzinfo=ZURICH))
    assert purged("ten years") == 0
    clock.move(timedelta(minutes=2))
    assert purged("ten years") == 1
    assert order.delivery_name not in kept_of(order)
    assert order.email not in kept_of(order)
    order.refresh_from_db()
    assert (order.status, order.total) == ("effective", 3800)
    assert Client().get(f"/v/{paper.code}/").status_code == 200


def test_a_later_refund_keeps_the_order_as_long_as_its_own_year(psps: Sandbox, clock: Clock) -> None:
    order, _page = paid(psps)
    year = clock.now.year
    move_to(clock, datetime(year + 1, 3, 1, tzinfo=ZURICH))
    ask_back(psps, order, 1000)
    move_to(clock, datetime(year + 11, 1, 1, 1, tzinfo=ZURICH))
    assert purged("ten years") == 0
    move_to(clock, datetime(year + 12, 1, 1, 1, tzinfo=ZURICH))
    assert purged("ten years") == 1


def test_the_telephone_is_forgotten_some_time_after_the_goods_were_sent(clock: Clock) -> None:
    order = placed(phone="079 123 45 67")
    clock.move(timedelta(days=100))
    assert purged("telephone") == 0, "they are not sent"
    Order.objects.filter(pk=order.pk).update(shipped_at=now())
    clock.move(timedelta(days=59))
    assert purged("telephone") == 0
    clock.move(timedelta(days=2))
    assert purged("telephone") == 1
    assert "079 123 45 67" not in kept_of(order)
    assert order.email in kept_of(order)


def test_the_telephone_of_an_order_that_was_refunded_is_forgotten_too(psps: Sandbox, clock: Clock) -> None:
    order, _page = paid(psps)
    Order.objects.filter(pk=order.pk).update(phone="079 123 45 67")
    ask_back(psps, order)
    clock.move(timedelta(days=61))
    assert purged("telephone") == 1
    assert "079 123 45 67" not in kept_of(order)
    assert order.delivery_name in kept_of(order)


def test_messages_about_none_of_our_orders_are_deleted_after_thirteen_months(psps: Sandbox, clock: Clock) -> None:
    order, _page = paid(psps)
    stranger = stripe_event(order.payments.get())
    ours = WebhookEvent.objects.count()
    stranger["id"] = "evt_stranger"
    stranger["data"]["object"] |= {"id": "cs_other", "client_reference_id": None, "metadata": {}}
    stranger["data"]["object"]["payment_intent"] = "pi_other"
    from tests.shop import deliver

    assert deliver(stranger).status_code == 200
    assert WebhookEvent.objects.count() == ours + 1
    clock.move(timedelta(days=394))
    assert purged("messages") == 0
    clock.move(timedelta(days=2))
    assert purged("messages") == 1
    assert WebhookEvent.objects.count() == ours


def test_sessions_and_finished_tasks_are_deleted_when_they_are_over(psps: Sandbox, clock: Clock) -> None:
    client = Client()
    fill_cart(client, goods())
    links.look_up.enqueue("KK-0000-0000", "x")
    DBTaskResult.objects.update(status="SUCCESSFUL", finished_at=now())
    clock.move(timedelta(days=1))
    assert (purged("sessions"), purged("tasks")) == (0, 0)
    clock.move(timedelta(days=30))
    assert DBTaskResult.objects.exists()
    purged("sessions")
    assert not Session.objects.exists()
    assert not DBTaskResult.objects.exists()


def test_by_hand_it_only_says_what_it_would_do_until_it_is_told_to_do_it(clock: Clock) -> None:
    order = cancelled()
    clock.move(timedelta(days=31))
    said = manage("purge")
    assert "1 orders that were never paid" in said
    assert "Nothing was changed" in said
    assert order.email in kept_of(order)
    assert "Forgotten." in manage("purge", "--yes")


@pytest.mark.parametrize(("hour", "minute"), [(14, 0), (2, 59), (4, 0)])
def test_the_sweep_leaves_it_alone_by_day(clock: Clock, hour: int, minute: int) -> None:
    order = cancelled()
    clock.move(timedelta(days=31))
    move_to(clock, clock.now.astimezone(ZURICH).replace(hour=hour, minute=minute))
    assert sweep()["purged"] == 0
    assert order.email in kept_of(order)


def test_the_sweep_does_it_at_night(clock: Clock) -> None:
    order = cancelled()
    clock.move(timedelta(days=31))
    move_to(clock, (clock.now.astimezone(ZURICH) + timedelta(days=1)).replace(hour=3, minute=2))
    assert sweep()["purged"] > 0
    assert order.email not in kept_of(order)
    assert sweep()["purged"] == 0


def test_the_sweep_does_a_little_each_time_however_much_is_due(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "OF_A_SWEEP", 2)
    orders = [cancelled() for _ in range(5)]
    clock.move(timedelta(days=31))
    move_to(clock, (clock.now.astimezone(ZURICH) + timedelta(days=1)).replace(hour=3, minute=2))
    left = []
    for _ in range(3):
        sweep()
        left.append(Order.objects.filter(pk__in=[one.pk for one in orders], forgotten_at=None).count())
    assert left == [3, 1, 0]


# On request


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss")


def test_a_person_gets_all_that_is_kept_of_her(psps: Sandbox) -> None:
    order, _page = paid(psps)
    placed(email="other@example.ch")
    (told,) = json.loads(manage("person", order.email.upper(), "--export"))
    assert told["order"] == order.number
    assert told["person"]["email"] == order.email
    assert told["person"]["delivery_street"] == order.delivery_street
    assert told["payments"][0]["received_amount"] == 3800
    assert told["lines"][0]["quantity"] == 1
    assert told["timeline"][-1]["what"] == "La commande est effective.", "in her language"
    assert (told["papers"], told["disputes"]) == ([], [])

    paper = attestation.of(order)
    order.payments.get().disputes.create(reference="dp_1", amount=900, reason="fraudulent")
    (told,) = json.loads(manage("person", order.email, "--export"))
    assert [one["number"] for one in told["papers"]] == [paper.number]
    assert [one["amount"] for one in told["disputes"]] == [900]


def test_every_field_of_an_order_that_tells_of_a_person_is_exported_and_forgotten() -> None:
    """A new field of an order must be thought of here."""
    facts = {field.name for field in Order._meta.concrete_fields} - set(retention.PERSON)
    assert facts == {
        *("id", "number", "token", "checkout_key", "cart", "status", "cancel_reason", "language"),
        *("delivery_country", "billing_country", "shipping_method", "shipping_name", "delivery_by"),
        *("vat", "goods_total", "shipping_total", "total", "currency", "terms_version"),
        *("created_at", "expires_at", "effective_at", "cancelled_at", "shipped_at", "tracking"),
        *("holds_stock", "next_try_at", "numbered", "forgotten_at", "journal"),
    }


def test_a_person_who_never_paid_is_erased_at_once(boss: User) -> None:
    order = cancelled()
    assert f"{order.number}: name, addresses, e-mail and telephone are erased" in manage(
        "person", order.email, "--erase", "--by", "boss"
    )
    assert order.email in kept_of(order), "not without --yes"
    manage("person", order.email, "--erase", "--by", "boss", "--yes")
    assert order.email not in kept_of(order)
    entry = order.timeline.last()
    assert entry
    assert (entry.kind, entry.actor_name) == ("forgotten", "boss (manage.py)")


def test_what_the_books_need_outlives_a_request(psps: Sandbox, boss: User) -> None:
    order, _page = paid(psps)
    sweep()
    Order.objects.filter(pk=order.pk).update(shipped_at=now(), phone="079 123 45 67")
    said = manage("person", order.email, "--erase", "--by", "boss", "--yes")
    assert "the books keep name, addresses and journal" in said
    kept = kept_of(order)
    assert order.delivery_name in kept
    assert order.email not in kept
    assert "079 123 45 67" not in kept
    assert order.token not in kept, "who has the link sees no address any more"
    with pytest.raises(CommandError, match="Nothing is kept of "):
        manage("person", order.email, "--export")
    (told,) = json.loads(manage("person", order.number.lower(), "--export"))
    assert told["person"]["delivery_name"] == order.delivery_name, "what is still kept, she may still ask for"


@pytest.mark.parametrize("why", ["pending", "to be sent", "a mail is due", "a refund is on its way", "disputed"])
def test_what_is_under_way_is_not_erased(psps: Sandbox, boss: User, why: str) -> None:
    if why == "pending":
        order = placed()
    else:
        order, page = paid(psps)
        sweep()
        Order.objects.filter(pk=order.pk).update(shipped_at=None if why == "to be sent" else now())
        if why == "a mail is due":
            order.letters.update(sent_at=None)
        if why == "a refund is on its way":
            ask(order.payments.get().pk, Wanted(1000, "Retour"))
        if why == "disputed":
            psps.dispute(page)
            bring_messages(psps)
            order.letters.update(sent_at=now())
    said = manage("person", order.email, "--erase", "--by", "boss", "--yes")
    assert f"{order.number}: under way" in said
    assert order.email in kept_of(order)


def test_sessions_in_which_she_typed_her_address_end_with_it(boss: User) -> None:
    hers, others = Client(), Client()
    for client, email in ((hers, "claire@example.ch"), (others, "other@example.ch")):
        fill_cart(client, goods())
        client.post("/coordonnees/", DETAILS | {"email": email})
    said = manage("person", "Claire@example.ch", "--erase", "--by", "boss", "--yes")
    assert "1 open sessions" in said
    assert Session.objects.count() == 1


@pytest.mark.parametrize("by", [(), ("--by", "nobody")])
def test_who_erases_must_say_his_name(by: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        manage("person", "claire@example.ch", "--erase", *by)
