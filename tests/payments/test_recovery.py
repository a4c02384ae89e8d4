"""What the shop did not hear is read from the PSPs' own lists, by the same road, as often as one likes."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from payments import attention, inbox, recovery
from payments.gateways import gateway
from payments.models import Channel, Dispute, Letter, Payment, Refund, WebhookEvent
from payments.sweep import sweep
from tests.at_once import at_once
from tests.payments.steps import bring, bring_messages, kinds, only, ordered, paid, take
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db
METHODS = ["card", "paypal"]


def recovered(*options: str) -> str:
    """What `manage.py recover` prints."""
    out = io.StringIO()
    call_command("recover", "--since", "48h", *options, stdout=out)
    return out.getvalue()


def read_until(provider: str) -> datetime:
    """The watermark of a PSP's list."""
    return Channel.objects.values_list("read_until", flat=True).get(provider=provider) or datetime.min.replace(
        tzinfo=UTC
    )


def everything() -> list[Any]:
    """All that the shop's books say, to be compared."""
    return [
        list(model._default_manager.order_by("pk").values())
        for model in (Order, Payment, Refund, Dispute, Letter, TimelineEntry, WebhookEvent)
    ]


@pytest.mark.parametrize("method", METHODS)
def test_case_36_lost_messages_are_found_by_hand_and_twice_changes_nothing(psps: Sandbox, method: str) -> None:
    order, page = ordered(method)
    take(psps, method, page, webhook="lost")
    assert psps.collect() == []

    assert "The order is effective" in recovered()

    order.refresh_from_db()
    assert order.status == "effective"
    event = order.payments.get().authorised_by
    assert event
    assert (event.source, event.body_sha256) == ("fetched", "")
    before = everything()
    again = recovered()
    assert "0 events" in again
    assert "effective" not in again
    assert everything() == before


@pytest.mark.parametrize("method", METHODS)
def test_a_dry_run_says_what_it_would_take_and_changes_nothing(psps: Sandbox, method: str) -> None:
    order, page = ordered(method)
    take(psps, method, page, webhook="lost")
    before = everything()

    said = recovered("--dry-run")

    wanted = "checkout.session.completed" if method == "card" else "PAYMENT.CAPTURE.COMPLETED"
    assert f"{wanted}  " in said
    assert "Would be taken" in said
    assert everything() == before
    order.refresh_from_db()
    assert order.status == "pending"


def test_everything_that_was_lost_comes_back_in_its_order(psps: Sandbox) -> None:
    """Paid, refunded in part, disputed: not a word arrived."""
    order, page = ordered()
    take(psps, "card", page, webhook="lost")
    psps.refund(page, 500, webhook="lost")
    psps.dispute(page, webhook="lost")

    recovered()

    order.refresh_from_db()
    assert order.status == "effective"
    assert Refund.objects.get().status == "succeeded"
    assert Dispute.objects.get().status == "open"
    assert not WebhookEvent.objects.filter(processed_at=None).exists()


def test_mollie_740_gaps_are_filled_by_the_sweep_within_the_hour(psps: Sandbox) -> None:
    orders = []
    for _ in range(3):
        order, page = ordered()
        take(psps, "card", page, webhook="gaps")
        orders.append(order)
    bring_messages(psps)
    sweep()
    Channel.objects.update(next_try_at=now())

    sweep()

    for order in orders:
        order.refresh_from_db()
        assert order.status == "effective"
        assert kinds(order).count("effective") == 1


def test_woo_5691_a_page_that_is_seen_paid_lets_the_list_be_read_at_once(psps: Sandbox) -> None:
    sweep()
    order, page = ordered()
    take(psps, "card", page, webhook="lost")
    Payment.objects.update(next_try_at=now())

    sweep()

    order.refresh_from_db()
    assert order.status == "effective"


@pytest.mark.parametrize("method", METHODS)
def test_events_acknowledged_before_a_database_was_restored_come_back(psps: Sandbox, method: str) -> None:
    """The PSP believes them delivered, and the backup knows nothing of them."""
    order, _page = paid(psps, method)
    money = order.payments.get().money_reference
    Letter.objects.all().delete()
    Payment.objects.update(
        status="started",
        settles=False,
        authorised_by=None,
        authorised_at=None,
        received_amount=None,
        received_currency="",
        money_reference=None,
        claimed_at=None,
    )
    Order.objects.update(status="pending", effective_at=None)
    WebhookEvent.objects.all().delete()

    recovered()

    order.refresh_from_db()
    payment = order.payments.get()
    assert (order.status, payment.settles, payment.money_reference) == ("effective", True, money)
    assert Letter.objects.get().kind == "confirmation"


def test_the_watermark_moves_only_when_the_list_was_read(psps: Sandbox) -> None:
    sweep()
    assert Channel.objects.get(provider="stripe").read_until
    long_ago = now() - timedelta(days=2)
    Channel.objects.update(read_until=long_ago, next_try_at=now())
    psps.break_calls("down", "/stripe/*", calls=50)

    sweep()

    assert read_until("stripe") == long_ago
    assert Channel.objects.filter(provider="stripe", silent_since__isnull=False).exists()
    assert read_until("paypal") > long_ago
    psps.mend()
    Channel.objects.update(next_try_at=now())
    sweep()
    assert read_until("stripe") > long_ago
    assert not Channel.objects.filter(provider="stripe", silent_since__isnull=False).exists()


def test_the_list_is_read_from_three_days_before_the_watermark(psps: Sandbox) -> None:
    sweep()
    mark = now() - timedelta(days=5)
    Channel.objects.filter(provider="stripe").update(read_until=mark, next_try_at=now())
    psps.forget_requests()

    sweep()

    (first, *_rest) = psps.requests("/v1/events")
    asked = str(first["params"])
    since = int((mark - timedelta(hours=72)).timestamp())
    assert str(since) in asked


def test_events_whose_objects_cannot_be_read_do_not_hide_the_others(psps: Sandbox) -> None:
    orders = []
    for _ in range(5):
        order, page = ordered()
        take(psps, "card", page, webhook="lost")
        orders.append(order)
    for n in (0, 1, 3, 4):
        odd = orders[n].payments.get().page_reference
        psps.break_calls("500", f"/stripe/v1/checkout/sessions/{odd}", calls=9)

    said = recovered()

    for order in orders:
        order.refresh_from_db()
    assert [order.status for order in orders] == ["pending", "pending", "effective", "pending", "pending"]
    assert said.count("could not be read") == 4
    psps.mend()
    recovered()
    assert set(Order.objects.values_list("status", flat=True)) == {"effective"}


def test_many_objects_that_cannot_be_read_are_a_silent_psp_and_the_watermark_stays(psps: Sandbox) -> None:
    sweep()
    for _ in range(4):
        _order, page = ordered()
        take(psps, "card", page, webhook="lost")
    long_ago = now() - timedelta(hours=5)
    Channel.objects.update(read_until=long_ago, next_try_at=now())
    psps.break_calls("429", "/stripe/v1/checkout/sessions/*", calls=99)

    sweep()

    assert read_until("stripe") == long_ago
    assert Channel.objects.filter(provider="stripe", silent_since__isnull=False).exists()
    assert WebhookEvent.objects.count() == 3, "what was tried is kept"


def test_a_silent_psp_ends_the_command_with_an_error_and_the_other_one_is_read(psps: Sandbox) -> None:
    order, page = ordered("paypal")
    take(psps, "paypal", page, webhook="lost")
    psps.break_calls("down", "/stripe/*", calls=50)

    with pytest.raises(CommandError, match="Stripe"):
        recovered()

    order.refresh_from_db()
    assert order.status == "effective"


def test_an_event_that_cannot_be_applied_leaves_those_behind_it_their_turn(
    psps: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = []
    for _ in range(2):
        order, page = ordered()
        take(psps, "card", page, webhook="lost")
        orders.append(order)
    sound = inbox._paid

    def defective(event: WebhookEvent, order: Order, *args: Any) -> str:
        if order.pk == orders[0].pk:
            raise RuntimeError("a defect")
        return sound(event, order, *args)

    with monkeypatch.context() as now_broken:
        now_broken.setattr(inbox, "_paid", defective)
        assert "An error of the shop" in recovered()

    orders[1].refresh_from_db()
    assert orders[1].status == "effective"
    kept = WebhookEvent.objects.get(processed_at=None)
    assert kept.outcome == "An error of the shop: the log has it"
    WebhookEvent.objects.update(received_at=now() - timedelta(hours=2))
    assert "unapplied" in [item.kind for item in attention.items()]
    sweep()
    orders[0].refresh_from_db()
    assert orders[0].status == "effective", "after the fix the sweep applies it"


@pytest.mark.django_db(transaction=True)
def test_a_message_that_is_delivered_and_fetched_at_once_has_one_effect(psps: Sandbox) -> None:
    for _ in range(3):
        order, page = ordered()
        take(psps, "card", page)
        webhook = only(psps, "checkout.session.completed")

        at_once(
            lambda webhook=webhook: bring(webhook).status_code,  # type: ignore[misc]
            lambda: len(recovered()),
        )

        order.refresh_from_db()
        assert order.status == "effective"
        assert kinds(order).count("effective") == 1
        assert WebhookEvent.objects.filter(order=order).count() == 1
        assert Letter.objects.filter(order=order).count() == 1
        connection.close()


def test_medusa_13301_a_second_event_of_one_money_undoes_nothing(psps: Sandbox) -> None:
    """Whoever comes second finds the work done, and neither refunds nor writes again."""
    order, _page = paid(psps)
    (listed,) = [facts for facts in gateway("stripe").listed(now() - timedelta(hours=1)) if "completed" in facts.type]
    WebhookEvent.objects.filter(event_id=listed.event_id).update(event_id="evt_of_another_endpoint")

    assert inbox.take("stripe", listed, "fetched") == "This money is already here"

    assert not Refund.objects.exists()
    assert kinds(order).count("effective") == 1


@pytest.mark.parametrize("since", ["48", "h48", "-1h", "0h", "99999d", "2w", ""])
def test_a_time_span_that_is_none_is_refused(psps: Sandbox, since: str) -> None:
    with pytest.raises(CommandError, match="time span"):
        call_command("recover", f"--since={since}")


@pytest.mark.parametrize("since", ["90m", "48h", "7d"])
def test_minutes_hours_and_days_are_time_spans(psps: Sandbox, since: str) -> None:
    call_command("recover", f"--since={since}", stdout=io.StringIO())


def test_a_named_person_cannot_let_money_count_that_is_not_there(psps: Sandbox, django_user_model: type[User]) -> None:
    order, _page = ordered()

    sonia = django_user_model.objects.create_user("sonia", is_staff=True)
    with pytest.raises(recovery.NotShown):
        recovery.accept(order.payments.get(), sonia)

    order.refresh_from_db()
    assert (order.status, order.payments.get().status) == ("pending", "started")


def test_a_list_that_was_never_read_is_read_from_the_first_payment_on(psps: Sandbox) -> None:
    ordered()
    Payment.objects.update(created_at=now() - timedelta(days=5), next_try_at=None)
    psps.forget_requests()
    sweep()
    since = int(psps.requests("/v1/events")[-1]["params"]["created"]["gte"])
    assert timedelta(days=8) <= now() - datetime.fromtimestamp(since, UTC) < timedelta(days=8, minutes=1)
