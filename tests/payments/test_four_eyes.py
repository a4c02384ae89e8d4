"""What one person alone may give back, and what a second one has to release."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now
from django_tasks_db.models import DBTaskResult

from orders.models import Order
from payments.models import Refund
from payments.refunds import NotRefundable, Wanted, ask, release, turn_down
from tests.payments.steps import is_in, paid, settling
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def urs() -> User:
    return User.objects.create_user("urs", is_staff=True)


@pytest.fixture(autouse=True)
def limit(settings: Any) -> None:
    settings.REFUND_FOUR_EYES_ABOVE = 2000


def wanted(order: Order, amount: int, by: User) -> Refund:
    return ask(settling(order).pk, Wanted(amount, "Bol ébréché"), by)


def to_carry_out() -> list[str]:
    tasks = DBTaskResult.objects.filter(task_path="payments.refunds.carry_out_soon")
    return [str(task.args_kwargs["args"][0]) for task in tasks]


def told(order: Order, kind: str) -> tuple[str, dict[str, Any]]:
    line = order.timeline.get(kind=kind)
    return line.actor_name, line.data


def test_the_limit_counts_what_one_person_gave_alone(psps: Sandbox, sonia: User, urs: User) -> None:
    order, _page = paid(psps)
    assert wanted(order, 2000, sonia).status == "requested"
    assert wanted(order, 1, urs).status == "proposed"


def test_what_failed_what_waits_and_what_was_released_does_not_count(psps: Sandbox, sonia: User, urs: User) -> None:
    order, _page = paid(psps)
    settling(order).refunds.create(amount=1500, status=Refund.Status.FAILED, requested_by=sonia)
    proposed = wanted(order, 2100, sonia)
    assert proposed.status == "proposed"
    assert wanted(order, 500, sonia).status == "requested"
    release(proposed.pk, urs)
    assert wanted(order, 1000, sonia).status == "requested"


def test_what_the_shop_gives_back_by_itself_needs_nobody(psps: Sandbox, sonia: User) -> None:
    order, _page = paid(psps)
    assert ask(settling(order).pk, Wanted(2500, "Retour")).status == "requested"
    assert wanted(order, 1000, sonia).status == "requested"


def test_a_release_moves_that_refund_alone_and_a_task_carries_it_out(psps: Sandbox, sonia: User, urs: User) -> None:
    order, _page = paid(psps)
    other, _page = paid(psps)
    waits, goes = wanted(other, 2500, sonia), wanted(order, 2400, sonia)
    assert to_carry_out() == []
    Refund.objects.update(created_at=now() - timedelta(days=3))

    release(goes.pk, urs)
    waits.refresh_from_db()
    goes.refresh_from_db()
    assert (waits.status, waits.released_by, waits.next_try_at) == ("proposed", None, None)
    assert (goes.status, goes.requested_by, goes.released_by) == ("requested", sonia, urs)
    assert is_in(goes.created_at, timedelta()), "it is due since now: nobody is late with it"
    assert is_in(goes.next_try_at, timedelta(minutes=5))
    assert told(order, "refund_released") == ("urs", {"amount": "CHF\u00a024.00", "proposer": "sonia"})
    assert to_carry_out() == [str(goes.pk)]


def test_what_is_turned_down_is_told_in_its_own_order(psps: Sandbox, sonia: User, urs: User) -> None:
    other, _page = paid(psps)
    order, _page = paid(psps)
    refund = wanted(order, 2400, sonia)
    turn_down(refund.pk, urs, "Le colis n’est pas revenu")
    data = {"amount": "CHF\u00a024.00", "reason": "Le colis n’est pas revenu"}
    assert told(order, "refund_turned_down") == ("urs", data)
    assert not other.timeline.filter(kind="refund_turned_down").exists()
    assert not Refund.objects.exists()


def test_what_was_decided_is_decided(psps: Sandbox, sonia: User, urs: User) -> None:
    order, _page = paid(psps)
    refund = wanted(order, 2400, sonia)
    with pytest.raises(NotRefundable) as own:
        release(refund.pk, sonia)
    assert "Une autre personne" in str(own.value.sentence)
    release(refund.pk, urs)
    for again in (lambda: release(refund.pk, urs), lambda: turn_down(refund.pk, urs, "non")):
        with pytest.raises(NotRefundable) as late:
            again()
        assert "entre-temps" in str(late.value.sentence)
    assert order.timeline.filter(kind__startswith="refund_").count() == 2
