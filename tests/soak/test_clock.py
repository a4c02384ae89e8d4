"""The soak's clock: all rows of the shop grow older together, and none is forgotten."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db.models import DateTimeField
from django.utils.timezone import now
from django_tasks_db.models import DBTaskResult

from orders.models import StockAdjustment, TimelineEntry
from payments.letters import send_soon
from payments.models import Payment
from tests.shop import placed, started
from tests.soak.clock import AGEING, let_pass

HOUR = timedelta(hours=1)


@pytest.mark.django_db
def test_everything_that_a_row_waits_for_comes_nearer() -> None:
    payment = started(placed(), next_try_at=now() + HOUR)
    waiting = send_soon.using(run_after=now() + HOUR).enqueue(payment.order.pk)
    at_once = send_soon.enqueue(payment.order.pk)
    assert {str(task.pk) for task in DBTaskResult.objects.ready()} == {at_once.id}
    let_pass(HOUR)
    assert {str(task.pk) for task in DBTaskResult.objects.ready()} == {at_once.id, waiting.id}
    older = Payment.objects.select_related("order").get()
    assert older.next_try_at is not None
    assert older.next_try_at <= now()
    assert payment.expires_at - older.expires_at == HOUR
    assert payment.order.expires_at - older.order.expires_at == HOUR


def test_it_knows_every_model_that_holds_a_moment() -> None:
    with_moments = {
        model
        for app in ("orders", "payments", "django_tasks_database")
        for model in apps.get_app_config(app).get_models()
        if any(isinstance(field, DateTimeField) for field in model._meta.concrete_fields)
    }
    assert with_moments - set(AGEING) == {TimelineEntry, StockAdjustment}
