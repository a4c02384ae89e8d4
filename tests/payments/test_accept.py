"""Money that the PSP shows and never told of: a named person lets it count, on what the PSP shows live."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils.timezone import now

from orders.models import Order, TimelineEntry
from payments import checking, recovery
from payments.attention import items
from payments.models import Payment, WebhookEvent
from payments.sweep import sweep
from tests.payments.office import office
from tests.payments.steps import paid, pay
from tests.sandbox.client import Sandbox
from tests.shop import fill_cart, order_and_pay, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return User.objects.create_superuser("anna")


def unannounced(client: Client, sandbox: Sandbox, method: str, **how: str) -> tuple[Order, Payment]:
    """Paid at the PSP, which made no event of it, not even for its list."""
    sandbox.change(hold_webhooks=True)
    fill_cart(client)
    page = order_and_pay(client, method)["Location"]
    client.get(pay(sandbox, method, page, webhook="never", **how))
    Payment.objects.update(next_try_at=now(), claimed_at=None)
    sweep()
    payment = Payment.objects.select_related("order").get()
    return payment.order, payment


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_case_37_it_is_listed_never_effective_by_itself_and_accepted_by_name(
    client: Client, sandbox: Sandbox, anna: User, method: str
) -> None:
    order, payment = unannounced(client, sandbox, method)
    assert (order.status, payment.status) == ("pending", "started")
    assert [item.kind for item in items(order)] == ["unannounced"]
    assert checking.check(order.pk, anna) == checking.PAID_THERE
    said = StringIO()
    call_command("recover", stdout=said)
    assert f"{order.number}  payment {payment.pk}  shown as paid" in said.getvalue()

    call_command("accept", str(payment.pk), by="anna")

    order.refresh_from_db()
    assert order.status == "effective"
    assert WebhookEvent.objects.get(source="read").order == order
    told = order.timeline.get(kind="accepted")
    provider = "Stripe" if method == "card" else "PayPal"
    assert (told.actor_name, told.data) == ("anna (manage.py)", {"provider": provider})
    assert items(order) == []
    page = office().get(f"/admin/orders/order/{order.pk}/change/").content.decode()
    assert "Aucun message n’est venu" in page


def test_a_wrong_amount_is_not_accepted_by_name_either(client: Client, sandbox: Sandbox, anna: User) -> None:
    order, payment = unannounced(client, sandbox, "card")
    Payment.objects.update(amount=payment.amount + 100)

    call_command("accept", str(payment.pk), by="anna")

    order.refresh_from_db()
    assert order.status == "pending"
    assert Payment.objects.get().why_not == "mismatch"


def test_nobody_accepts_what_does_not_wait_for_it(client: Client, anna: User, sandbox: Sandbox) -> None:
    fill_cart(client)
    order_and_pay(client, "card")
    payment = Payment.objects.get()
    with pytest.raises(CommandError, match="does not wait"):
        call_command("accept", str(payment.pk), by="anna")
    with pytest.raises(CommandError, match="no active member"):
        call_command("accept", str(payment.pk), by="eve")


def test_what_is_accepted_while_the_psp_falls_silent_counts_only_with_the_name(
    client: Client, sandbox: Sandbox, anna: User
) -> None:
    order, payment = unannounced(client, sandbox, "paypal")
    sandbox.break_calls("down", "*/captures/*", calls=99)
    with pytest.raises(CommandError, match="try again"):
        call_command("accept", str(payment.pk), by="anna")
    sandbox.mend()
    WebhookEvent.objects.update(received_at=now() - timedelta(minutes=5))
    sweep()
    order.refresh_from_db()
    assert order.status == "pending"

    call_command("accept", str(payment.pk), by="anna")

    order.refresh_from_db()
    assert order.status == "effective"
    assert order.timeline.get(kind="accepted").actor_name == "anna (manage.py)"


def test_nobody_is_named_for_money_that_was_here_already(client: Client, sandbox: Sandbox, anna: User) -> None:
    order, payment = unannounced(client, sandbox, "card")
    recovery.accept(payment, anna)
    recovery.accept(payment, anna)
    assert order.timeline.filter(kind="accepted").count() == 1


def test_nobody_is_named_for_money_whose_message_came_while_he_decided(psps: Sandbox, anna: User) -> None:
    order, _page = paid(psps)

    assert recovery.accept(order.payments.get(), anna) == "This money is already here"

    assert not order.timeline.filter(kind="accepted").exists()


def test_it_is_told_in_the_timeline_of_its_own_order(client: Client, sandbox: Sandbox, anna: User) -> None:
    placed()
    order, payment = unannounced(client, sandbox, "card")
    recovery.accept(payment, anna)
    assert TimelineEntry.objects.get(kind="accepted").order == order
