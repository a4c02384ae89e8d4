"""Staff find and understand everything about an order, and can change nothing of its money or state."""

import re
from typing import Any

import pytest
from django.contrib.admin import site
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime, now

from orders.models import Order
from payments.models import Letter, Payment, WebhookEvent
from payments.sweep import sweep
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def effective_order() -> Order:
    order = placed(delivery_name="Claire <script>alert(1)</script>")
    deliver(stripe_event(started(order)))
    sweep()
    order.refresh_from_db()
    return order


def test_the_orders_page_shows_everything_about_it(admin_client: Client, effective_order: Order) -> None:
    page = admin_client.get(reverse("admin:orders_order_change", args=[effective_order.pk])).content.decode()

    payment = Payment.objects.get()
    for fact in [
        effective_order.number,
        "CHF\u00a038.00",
        "Rue de Carouge 12",
        effective_order.lines.get().name,
        str(payment.money_reference),
        str(payment.page_reference),
        WebhookEvent.objects.get().event_id,
        "checkout.session.completed",
        "La commande est effective",
    ]:
        assert fact in page, fact
    assert "<script>alert" not in page


@pytest.mark.parametrize("asked", ["number", "email", "money"])
def test_an_order_is_found_by_what_staff_know_of_it(admin_client: Client, effective_order: Order, asked: str) -> None:
    known = {
        "number": effective_order.number,
        "email": effective_order.email,
        "money": str(Payment.objects.get().money_reference),
    }[asked]
    placed(email="other@exemple.ch")
    answer = admin_client.get(reverse("admin:orders_order_changelist"), {"q": known})
    assert answer["Location"] == reverse("admin:orders_order_change", args=[effective_order.pk])


READ_ONLY = [model for model in site._registry if model._meta.app_label == "payments" or model is Order]


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_woo_900_nobody_adds_edits_or_deletes_what_concerns_money_or_state(
    admin_client: Client, effective_order: Order, model: Any
) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert admin_client.get(reverse(f"{name}_changelist")).status_code == 200
    assert admin_client.get(reverse(f"{name}_add")).status_code == 403
    assert admin_client.post(reverse(f"{name}_add"), {"status": "effective"}).status_code == 403
    row = model.objects.first()
    if row is None:
        return
    before = model.objects.values().get(pk=row.pk)
    assert admin_client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    assert admin_client.post(reverse(f"{name}_change", args=[row.pk]), {"status": "cancelled"}).status_code == 403
    assert admin_client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    admin_client.post(reverse(f"{name}_changelist"), bulk)
    assert model.objects.values().get(pk=row.pk) == before


def test_the_fields_of_money_are_no_form_fields(admin_client: Client, effective_order: Order) -> None:
    page = admin_client.get(reverse("admin:orders_order_change", args=[effective_order.pk])).content.decode()
    assert 'name="status"' not in page
    assert 'name="total"' not in page


def test_the_lists_of_staff_cost_the_same_whatever_their_length(admin_client: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(reverse("admin:orders_order_changelist")).status_code == 200
        return len(captured)

    placed()
    few = statements()
    for _ in range(10):
        placed()
    assert statements() == few <= 12


def test_a_customer_is_no_member_of_staff(client: Client, effective_order: Order) -> None:
    for address in ["/admin/", reverse("admin:orders_order_change", args=[effective_order.pk])]:
        assert client.get(address)["Location"].startswith("/admin/login/")


def test_letters_and_their_fate_are_seen(admin_client: Client, effective_order: Order) -> None:
    page = admin_client.get(reverse("admin:orders_order_change", args=[effective_order.pk])).content.decode()
    assert Letter.objects.get().get_kind_display() in page


def test_a_mail_that_has_left_is_not_said_to_leave_later(admin_client: Client, effective_order: Order) -> None:
    letter = Letter.objects.get()
    row = r"field-next_try[^>]*>([^<]*)<"
    for sent_at, shown in ((now(), "–"), (None, date_format(localtime(letter.due_at), "SHORT_DATETIME_FORMAT"))):
        Letter.objects.update(sent_at=sent_at)
        page = admin_client.get(reverse("admin:payments_letter_changelist")).content.decode()
        assert re.findall(row, page) == [shown]
        one = admin_client.get(reverse("admin:payments_letter_change", args=[letter.pk])).content.decode()
        assert one.count("Prochain essai le") == 1


def test_what_an_order_needs_of_a_person_stands_on_its_page(admin_client: Client) -> None:
    order = placed()
    deliver(stripe_event(started(order), amount_total=100))

    page = admin_client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()

    assert "CHF\u00a01.00" in page
    assert "CHF\u00a038.00" in page
