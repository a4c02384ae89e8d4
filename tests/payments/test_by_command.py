"""What is done by a command bears the name of somebody who may do it in the office, and says that it was a command."""

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from kookut import roles
from orders.models import Order
from payments.models import Payment, Refund, SetAside
from payments.refunds import Wanted, ask
from tests.payments.steps import paid, settling
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db


def staff(role: str) -> User:
    roles.set_up()
    user = User.objects.create_user(f"in-{role}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def run(*command: str, by: str) -> None:
    call_command(*command, "--by", by, stdout=StringIO())


@pytest.mark.parametrize(
    ("role", "command"),
    [
        ("reading", "accept {payment}"),
        ("accounting", "accept {payment}"),
        ("support", "release {refund}"),
        ("support", "release {refund} --turn-down Non"),
        ("support", "refund {order} --reason Retour --amount 10.00"),
        ("accounting", "write_off {order}"),
        ("support", "set_aside doubt {payment} --reason Vu"),
        ("manager", "person {order} --erase --yes"),
    ],
)
def test_a_command_does_in_nobodys_name_what_his_role_does_not_allow(
    psps: Sandbox, sonia: User, role: str, command: str
) -> None:
    order, _page = paid(psps)
    payment = settling(order)
    Payment.objects.update(doubt="avs", paid_seen_at=now())
    refund = ask(payment.pk, Wanted(order.total, "Retour"), sonia)
    Refund.objects.update(status=Refund.Status.PROPOSED)
    told = list(order.timeline.values_list("hash", flat=True))

    named = command.format(order=order.number, payment=payment.pk, refund=refund.pk).split()
    with pytest.raises(CommandError, match="role of"):
        run(*named, by=staff(role).username)

    assert list(order.timeline.values_list("hash", flat=True)) == told
    assert [one.status for one in Refund.objects.all()] == ["proposed"]
    assert not SetAside.objects.exists()
    assert Order.objects.get(pk=order.pk).delivery_name


def test_the_timeline_and_the_log_say_that_it_was_a_command(psps: Sandbox, sonia: User, settings: object) -> None:
    settings.REFUND_FOUR_EYES_ABOVE = 2000  # type: ignore[attr-defined]
    order, _page = paid(psps)
    refund = ask(settling(order).pk, Wanted(2400, "Retour"), sonia)
    second = staff("accounting")

    run("release", str(refund.pk), by=second.username)

    entry = order.timeline.get(kind="refund_released")
    assert (entry.actor, entry.actor_name) == ("staff", "in-accounting (manage.py)")
    assert Refund.objects.get().released_by == second
    log = LogEntry.objects.get()
    assert (log.user, log.object_id, log.get_change_message()) == (second, str(order.pk), "manage.py release")
    assert User.objects.filter(username="in-accounting").exists()
