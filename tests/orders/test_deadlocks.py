"""What PostgreSQL breaks off for another transaction's sake is tried once more."""

from collections.abc import Callable
from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction

from orders.deadlocks import tried_twice
from orders.models import Product
from tests.at_once import at_once
from tests.shop import goods

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_transactions_that_meet_crosswise_both_succeed() -> None:
    first, second = goods(), goods()
    met = Barrier(2)
    runs = []

    def take(*ones: Product) -> Callable[[], None]:
        @tried_twice
        @transaction.atomic
        def act() -> None:
            runs.append(ones)
            Product.objects.filter(pk=ones[0].pk).update(stock=1)
            if len(runs) <= 2:
                met.wait(10)
            Product.objects.filter(pk=ones[1].pk).update(stock=1)

        return act

    at_once(take(first, second), take(second, first))
    assert len(runs) == 3


def test_another_error_is_raised_at_once() -> None:
    runs = []

    @tried_twice
    def act() -> None:
        runs.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)")

    with pytest.raises(OperationalError, match="timeout"):
        act()
    assert runs == [1]
