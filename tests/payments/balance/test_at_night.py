"""Every night the last week is compared with the PSPs' accounts, and who keeps the books sees what differs."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils.timezone import localdate

from orders.models import Order
from payments.models import Channel, Refund
from payments.recovery import open_channels
from tests.payments.histories.clock import Clock
from tests.payments.office import cards, office
from tests.payments.steps import paid, settling
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db
CARD = "Differences, past 7 days"


def only_here(order: Order, clock: Clock) -> None:
    """The shop says that money went back, and the PSP has booked nothing."""
    Refund.objects.create(payment=settling(order), amount=500, status="succeeded", settled_at=clock.now)


def test_a_difference_is_on_the_first_page_the_next_morning_and_leads_to_the_balance(
    psps: Sandbox, clock: Clock
) -> None:
    open_channels()
    order, _page = paid(psps)
    only_here(order, clock)
    call_command("sweep")
    assert not Channel.objects.filter(compared_until__isnull=False).exists(), "not before a night has passed"

    clock.move(timedelta(days=1, minutes=1))
    call_command("sweep")
    yesterday = localdate(clock.now) - timedelta(days=1)
    found = dict(Channel.objects.values_list("provider", "differences"))
    assert found == {"stripe": 1, "paypal": 0}
    assert set(Channel.objects.values_list("compared_until", flat=True)) == {yesterday}

    client = office()
    card = cards(client)[CARD]
    assert (card.figure, [line.figure for line in card.lines]) == ("1", ["0", "1"])
    assert card.alarm == "Stripe booked otherwise than the shop."
    (sheet,) = client.get(card.lines[1].link).context["sheets"]
    assert sheet.balance.number_of_differences == 1
    assert sheet.differences[0].order_link == f"/admin/orders/order/{order.pk}/change/"


def test_a_night_asks_once_and_a_mended_difference_is_gone_the_night_after(psps: Sandbox, clock: Clock) -> None:
    open_channels()
    order, _page = paid(psps)
    only_here(order, clock)
    for _ in range(2):
        clock.move(timedelta(days=1))
        call_command("sweep")
    next_time = Channel.objects.get(provider="stripe").compare_at
    assert clock.now < next_time <= clock.now + timedelta(days=1)

    Refund.objects.update(status="failed")
    call_command("sweep")
    assert Channel.objects.get(provider="stripe").differences == 1, "asked already"
    clock.move(timedelta(days=1))
    call_command("sweep")
    assert Channel.objects.get(provider="stripe").differences == 0
    assert cards(office())[CARD].alarm == ""


def test_a_psp_that_does_not_answer_is_asked_again_and_said_to_be_late(psps: Sandbox, clock: Clock) -> None:
    open_channels()
    clock.move(timedelta(days=1, minutes=1))
    psps.break_calls("500", "/stripe/v1/balance_transactions*", calls=20)
    call_command("sweep")
    stripe = Channel.objects.get(provider="stripe")
    assert (stripe.compared_until, stripe.differences) == (None, None)
    assert cards(office())[CARD].lines[1].figure == "not compared yet"
    psps.mend()
    clock.move(timedelta(hours=1, minutes=1))
    call_command("sweep")
    assert Channel.objects.get(provider="stripe").differences == 0

    Channel.objects.update(compared_until=localdate(clock.now) - timedelta(days=3))
    assert "Not compared with Stripe since" in cards(office("noah"))[CARD].alarm


def test_only_who_keeps_the_books_sees_it() -> None:
    open_channels()
    assert CARD in cards(office("books", "payments.view_balance"))
    assert CARD not in cards(office("support", "orders.ship_order"))
