"""What is done to a timeline behind the application's back is found, whatever it is."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from orders.models import Order, TimelineEntry
from orders.moves import cancel, hold, tell
from tests.payments.histories.clock import moved_by_hand
from tests.shop import placed

pytestmark = pytest.mark.django_db
Kind, Actor = TimelineEntry.Kind, TimelineEntry.Actor


def verified(*arguments: str) -> tuple[int, str]:
    """The exit code of `manage.py verify_journal`, and what it prints."""
    said = StringIO()
    try:
        call_command("verify_journal", *arguments, stdout=said)
    except SystemExit as end:
        return int(str(end.code)), said.getvalue()
    return 0, said.getvalue()


def told(lines: int = 3) -> Order:
    """An order with so many lines."""
    order = placed()
    with transaction.atomic():
        held = hold(pk=order.pk)
        for _n in range(lines):
            tell(held, Kind.RETURNED, Actor.CUSTOMER)
    return order


def behind_the_back(statement: str, *values: Any) -> None:
    """Do what somebody may do who has the database to himself."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE orders_timelineentry DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE orders_timelineentry ENABLE TRIGGER USER")


def ids(order: Order) -> list[int]:
    return list(order.timeline.values_list("pk", flat=True))


def test_a_timeline_that_nobody_touched_holds() -> None:
    told()
    order = told(1)
    with transaction.atomic():
        cancel(hold(pk=order.pk), Order.CancelReason.CUSTOMER, Actor.CUSTOMER)
    code, said = verified()
    assert code == 0
    assert "5 lines of 2 orders read: no faults found" in said


@pytest.mark.parametrize(
    "change",
    [
        "actor_name = 'Nobody'",
        "actor = 'bank'",
        "kind = 'left'",
        'data = \'{"total": "CHF 1.00"}\'',
        "at = at - interval '1 microsecond'",
    ],
)
@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_changed_line_is_found(change: str, line: int) -> None:
    order = told()
    behind_the_back(f"UPDATE orders_timelineentry SET {change} WHERE id = %s", ids(order)[line])  # noqa: S608
    code, said = verified()
    assert code == 1
    fault = f"{order.number}, line {ids(order)[line]}: it is not as it was written\n"
    assert said.startswith(f"{fault}3 lines of 1 orders read: 1 faults found\n")


def test_a_line_that_was_taken_out_of_the_middle_is_found() -> None:
    order = told()
    _first, second, third = ids(order)
    behind_the_back("DELETE FROM orders_timelineentry WHERE id = %s", second)
    code, said = verified()
    assert code == 1
    assert f"{order.number}, line {third}: a line before it is missing" in said


def test_lines_that_were_taken_from_the_end_are_found() -> None:
    order = told()
    behind_the_back("DELETE FROM orders_timelineentry WHERE id = %s", ids(order)[-1])
    code, said = verified()
    assert code == 1
    assert f"{order.number}: its last lines are gone" in said


def test_an_order_without_any_line_is_found() -> None:
    order = told()
    behind_the_back("DELETE FROM orders_timelineentry WHERE order_id = %s", order.pk)
    code, said = verified()
    assert code == 1
    assert f"{order.number}: all its lines are gone" in said


def test_lines_that_changed_places_are_found() -> None:
    order = told()
    first, second, _third = ids(order)
    behind_the_back(
        "UPDATE orders_timelineentry SET id = CASE id WHEN %s THEN -1 ELSE id END WHERE order_id = %s", second, order.pk
    )
    code, said = verified()
    assert code == 1
    assert f"{order.number}, line -1: a line before it is missing" in said
    assert f"{order.number}, line {first}: a line before it is missing" in said


def test_an_invented_line_is_found_though_it_stands_in_its_place() -> None:
    order = told()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_timelineentry (order_id, at, actor, actor_name, kind, data, previous, hash) "
            "SELECT id, now(), 'staff', 'boss', 'returned', '{}', journal, repeat('0', 64) FROM orders_order"
        )
    code, said = verified()
    assert code == 1
    assert f"{order.number}, line {ids(order)[-1]}: it is not as it was written" in said


def test_a_line_of_another_order_is_found() -> None:
    order, other = told(1), told(1)
    behind_the_back("UPDATE orders_timelineentry SET order_id = %s WHERE order_id = %s", order.pk, other.pk)
    code, said = verified()
    assert code == 1
    assert f"{order.number}, line {ids(order)[-1]}" in said
    assert f"{other.number}: all its lines are gone" in said


def test_postgresql_lets_a_line_in_only_where_the_chain_ends() -> None:
    """So two that were written at once, or by somebody who did not hold the order, never fork it."""
    order = told()
    stale = Order.objects.get(pk=order.pk)
    with transaction.atomic():
        tell(hold(pk=order.pk), Kind.RETURNED, Actor.CUSTOMER)
    with pytest.raises(DatabaseError, match="does not end where this line begins"), transaction.atomic():
        tell(stale, Kind.LEFT, Actor.CUSTOMER)
    assert verified()[0] == 0


def test_a_journal_that_was_put_back_to_an_earlier_state_breaks_an_earlier_seal() -> None:
    """Within itself it holds: somebody put a backup in its place."""
    with moved_by_hand() as clock:
        order = told()
        before = Order.objects.get(pk=order.pk).journal
        with transaction.atomic():
            tell(hold(pk=order.pk), Kind.RETURNED, Actor.CUSTOMER)
        clock.move(timedelta(hours=1))
        seal = verified()[1].rpartition("Seal: ")[2].strip()
        clock.move(timedelta(hours=1))
        told()
        assert verified("--seal", seal)[0] == 0, "what came since does not matter"

        behind_the_back("DELETE FROM orders_timelineentry WHERE id = %s", ids(order)[-1])
        Order.objects.filter(pk=order.pk).update(journal=before)
        assert verified()[0] == 0
        code, said = verified("--seal", seal)
    assert code == 1
    assert re.search(r"The lines up to \S+ \S+ UTC are not those that were sealed", said)


def test_a_seal_leaves_out_what_may_not_be_committed_yet() -> None:
    told()
    assert "/0/" in verified()[1].rpartition("Seal: ")[2]


@pytest.mark.parametrize("word", ["nonsense", "20261122/3/ff", ""])
def test_what_is_no_seal_is_refused(word: str) -> None:
    if word:
        with pytest.raises(CommandError, match="is no seal"):
            verified("--seal", word)
    else:
        assert verified("--seal", word)[0] == 0


def test_the_key_may_be_changed_while_the_old_one_is_kept_for_what_it_sealed() -> None:
    told()
    with override_settings(JOURNAL_KEYS=["n" * 32, *keys()]):
        told()
        assert verified()[0] == 0
    with override_settings(JOURNAL_KEYS=["n" * 32]):
        assert verified()[0] == 1


def keys() -> list[str]:
    from django.conf import settings

    return list(settings.JOURNAL_KEYS)
