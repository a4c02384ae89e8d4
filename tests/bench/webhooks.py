"""Webhooks: Stripe's own message, truly signed, at the real server; beside them the floors, round by round."""

from dataclasses import dataclass, field
from pathlib import Path

from django.test import Client
from django_tasks_db.models import DBTaskResult

from orders.models import Order, TimelineEntry
from payments.models import Letter, Payment, WebhookEvent
from tests.bench import cast, floor
from tests.bench.callers import Wrong, request
from tests.bench.measure import MANY, ROUNDS, Line, over_http, rounds
from tests.bench.meter import Ruler
from tests.bench.stage import Stage
from tests.shop import deliver, stripe_event

SECONDS = 40.0
"""After which no round begins."""
ALONE = 40
"""Webhooks of a round that come one after another."""
TOGETHER = 160
"""Webhooks of a round that come sixteen at a time."""
EACH = 40
"""pgbench's transactions of a round, per client."""
WARM_UP = 5 * MANY
FIRST, SAMPLE, FLOOR = 100_000, 600_000, 700_000
"""Numbers of orders: the webhooks', the one whose statements are recorded, pgbench's."""


@dataclass
class Webhooks:
    empty: Line = field(default_factory=lambda: Line("floor: an empty view (/health/live), 16 at once"))
    sql: Line = field(default_factory=lambda: Line("floor: a webhook's statements in pgbench, 16 at once"))
    alone: Line = field(default_factory=lambda: Line("webhook, one at a time"))
    together: Line = field(default_factory=lambda: Line("webhook, 16 at once"))
    twice: Line = field(default_factory=lambda: Line("the same webhook again, 16 at once"))
    forged: Line = field(default_factory=lambda: Line("a forged webhook (400), 16 at once"))
    ruler: Ruler = field(default_factory=Ruler)
    """Laid between the webhooks that come alone."""
    statements: int = 0
    """Of a webhook, BEGIN and COMMIT included."""


def measure(stage: Stage) -> Webhooks:
    """Raises Wrong when an answer is wrong, or an order not effective afterwards."""
    found = Webhooks()
    payments = cast.payments_under_way(range(FIRST, FIRST + WARM_UP + ROUNDS * (ALONE + TOGETHER)))
    script = _script(found, stage.folder)
    cast.tidy()
    over_http(Line("warm-up"), stage, cast.deliveries(stage.host, payments[:WARM_UP]), callers=MANY)
    for number in rounds(SECONDS):
        _round(found, stage, payments[WARM_UP + number :: ROUNDS], script, number)
    _check(WARM_UP + 1 + sum(line.count for line in (found.alone, found.together, found.sql)))
    return found


def _round(found: Webhooks, stage: Stage, payments: list[Payment], script: Path, number: int) -> None:
    live = [request("GET", stage.host, "/health/live", {})] * 200
    over_http(found.empty, stage, live, callers=MANY)
    sent = cast.deliveries(stage.host, payments)
    alone, together = sent[:ALONE], sent[ALONE:]
    over_http(found.alone, stage, alone, callers=1, says=b"The order is effective", between=found.ruler.lay)
    over_http(found.together, stage, together, callers=MANY, says=b"The order is effective")
    over_http(found.twice, stage, together, callers=MANY, says=b"Already here")
    forged = [cast.delivery(stage.host, b'{"object": "event"}', "t=1,v1=00")] * TOGETHER
    over_http(found.forged, stage, forged, callers=MANY, status=400)
    floor.pgbench(found.sql, stage, script, first=FLOOR + number * MANY * EACH - 1, each=EACH)


def _script(found: Webhooks, folder: Path) -> Path:
    """Let pgbench have orders of its own, and the statements of a webhook with their numbers in place of the sample's.

    The names of a message, a payment and its references all end in the order's number (see cast.py).
    """
    cast.payments_under_way(range(FLOOR, FLOOR + ROUNDS * MANY * EACH))
    (sample,) = cast.payments_under_way([SAMPLE])
    event = stripe_event(sample) | {"id": f"evt_{SAMPLE}"}
    webhook = floor.record(lambda: deliver(event, client=Client(SERVER_NAME="localhost")))
    found.statements = len(webhook.statements)
    names = {
        str(WebhookEvent.objects.get(event_id=event["id"]).pk): "10000000-0000-4000-8000-000000:n",
        str(DBTaskResult.objects.latest("enqueued_at").pk): "20000000-0000-4000-8000-000000:n",
        str(SAMPLE): ":n",
    }
    path = folder / "webhook.sql"
    path.write_text(webhook.script(names))
    return path


def _check(expected: int) -> None:
    """So many payments settle their orders, each with one letter and two lines in the timeline."""
    effective = Order.objects.filter(status=Order.Status.EFFECTIVE, payments__settles=True).count()
    letters, told = Letter.objects.count(), TimelineEntry.objects.count()
    if (effective, letters, told) != (expected, expected, 2 * expected):
        raise Wrong(f"{effective} orders effective, {letters} letters, {told} entries after {expected} webhooks")
