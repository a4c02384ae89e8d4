"""Time that passes: the shop waits for hours and days, a soak does not, so the shop's rows grow older instead.

Every moment that a row of the shop holds is moved back by the same span, all in one transaction, between the waves of
customers. The PSPs' books keep their times: their pages live on, which is the harder case.
"""

import time
from datetime import timedelta

from django.db import OperationalError, connection, models, transaction
from django_tasks_db.models import DBTaskResult

from orders.models import Order
from payments.models import (
    Asked,
    Attestation,
    Channel,
    Dispute,
    Export,
    Letter,
    Payment,
    Refund,
    SetAside,
    WebhookEvent,
)

AGEING: tuple[type[models.Model], ...] = (
    Order,
    Payment,
    Refund,
    WebhookEvent,
    Letter,
    Channel,
    Dispute,
    Attestation,
    SetAside,
    Asked,
    Export,
    DBTaskResult,
)
"""All but what triggers keep as it is, and on which nothing waits: the timeline, changes of the stock."""
FAR = "'9000-01-01'"
"""Tasks that wait for nothing have a moment at the end of all time, which must stay."""
SECONDS_TO_TRY = 60.0


def let_pass(span: timedelta) -> None:
    """Make everything in the shop older by `span`. Raises OperationalError when the shop never lets go of its rows."""
    deadline = time.monotonic() + SECONDS_TO_TRY
    while True:
        try:
            _move(span)
        except OperationalError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


@transaction.atomic
def _move(span: timedelta) -> None:
    tables = ", ".join(model._meta.db_table for model in AGEING)
    with connection.cursor() as cursor:
        # Shorter than PostgreSQL's own patience with deadlocks: it is always we who step back.
        cursor.execute("SET LOCAL lock_timeout = '500ms'")
        cursor.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")
        for model in AGEING:
            moments = [f.column for f in model._meta.concrete_fields if isinstance(f, models.DateTimeField)]
            older = ", ".join(
                f"{moment} = CASE WHEN {moment} < {FAR} THEN {moment} - %(seconds)s * interval '1 s' ELSE {moment} END"
                for moment in moments
            )
            sql = f"UPDATE {model._meta.db_table} SET {older}"  # noqa: S608 (our own names)
            cursor.execute(sql, {"seconds": span.total_seconds()})
