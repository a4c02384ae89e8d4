"""The back office over a million orders: what a page of its lists and its first page cost, and how many statements
they take. The aims are of the clock, on a machine that does nothing else; on any other only CPU time says something.

`python -m tests.bench desk` measures it alone.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate

from tests.bench.callers import Wrong
from tests.bench.measure import Line, in_process, rounds
from tests.bench.meter import Ruler
from tests.bench.stage import Stage
from tests.staff import sign_in

if TYPE_CHECKING:
    from orders.models import Order
    from payments.models import Payment, Refund

ORDERS, MESSAGES = 1_000_000, 100_000
UNSENT_MAILS, OPEN_DISPUTES, FAILED_REFUNDS = 3000, 500, 200
"""What waits for a person: far more than any shop should let lie."""
SECONDS = 60.0
EACH = 8
"""Pages of a round."""
MOST_STATEMENTS, MOST_OF_FRONT = 12, 28
LIST = "/admin/orders/order/"


@dataclass
class Page:
    line: Line
    address: str
    aim_ms: float
    status: int = 200
    most: int = MOST_STATEMENTS
    statements: int = 0


@dataclass
class Desk:
    seconds: float
    """That the million took to be written."""
    pages: list[Page]
    slowness: float
    """How many times longer than at its quickest a fixed piece of Python took meanwhile."""


def measure(stage: Stage) -> Desk:
    """Raises Wrong when a page is wrong."""
    began = time.monotonic()
    known = seed()
    seconds = time.monotonic() - began
    client = sign_in(Client(SERVER_NAME="localhost"), User.objects.create_superuser("bench"))
    day = localdate() - timedelta(days=400)
    pages = [
        Page(Line("first page of the back office"), "/admin/", 300, most=MOST_OF_FRONT),
        Page(Line("list of orders: first page"), LIST, 75),
        Page(Line("page 1000"), f"{LIST}?p=1000", 130),
        Page(Line("search: an exact number"), f"{LIST}?q={known}", 25, status=302),
        Page(Line("search: an id of the PSP's"), f"{LIST}?q=pi_s777777", 25, status=302),
        Page(Line("search: a name and a town"), f"{LIST}?q=zimmermann+rare", 75),
        Page(Line("search: a common name"), f"{LIST}?q=dufour", 75),
        Page(Line("placed on one day"), f"{LIST}?placed_from={day}&placed_to={day}", 80),
        Page(Line("paid on one day, with TWINT"), f"{LIST}?paid_from={day}&paid_to={day}&method=twint", 80),
        Page(Line("paid with PayPal"), f"{LIST}?method=paypal", 80),
        Page(Line("to be looked at"), f"{LIST}?attention=1", 80),
        Page(Line("to be sent"), f"{LIST}?state=to_send", 80),
        Page(Line("with a refund this month"), f"{LIST}?refunded=month", 80),
        Page(Line("list of payments"), "/admin/payments/payment/", 130),
    ]
    for page in pages:
        with CaptureQueriesContext(connection) as captured:
            _ask(client, page)()
        page.statements = len(captured)
    ruler = Ruler()
    for _number in rounds(SECONDS):
        for page in pages:
            ruler.lay()
            in_process(page.line, stage.own_meter, [_ask(client, page)] * EACH)
    return Desk(seconds, pages, ruler.slowness)


def _ask(client: Client, page: Page) -> Callable[[], object]:
    def ask() -> None:
        answer = client.get(page.address)
        if answer.status_code != page.status:
            raise Wrong(f"{page.address} answered {answer.status_code}")

    return ask


def of_desk(desk: Desk) -> str:
    """What is printed."""
    title = "The back office at a million orders: CPU ms, clock"
    head = f"{title:52}  count    web    PG   both  clock   aim   statements"
    rows = [
        f"{page.line.name:52}{page.line.count:7}{page.line.web_ms:7.1f}{page.line.postgres_ms:6.1f}{page.line.cpu_ms:7.1f}"
        f"{page.line.wall_ms:7.1f}{page.aim_ms:6.0f}   {page.statements} (at most {page.most})"
        for page in desk.pages
    ]
    told = f"Meanwhile a fixed piece of Python took {desk.slowness:.1f} times its quickest."
    return "\n".join([f"\n{ORDERS} orders written in {desk.seconds:.0f} s.", head, *rows, told, ""])


def seed() -> str:
    """A million orders over three years, nine in ten paid, one in a hundred refunded in part, some thousands of which
    something waits for a person, and the bank's messages of the last months; returns the number of one that was
    placed beside them."""
    # These need Django, which the stage has set up.
    from orders.models import Order
    from payments.models import Dispute, Letter, Payment, Refund, WebhookEvent
    from tests.shop import deliver, placed, started, stripe_event

    order = placed()
    deliver(stripe_event(started(order)), client=Client(SERVER_NAME="localhost"))
    payment = Payment.objects.get(order=order)
    refund = payment.refunds.create(amount=100, status="succeeded", settled_at=order.created_at, reference="re_1")
    at = f"now() - ({ORDERS} - g) * interval '95 seconds'"
    names = "(ARRAY['Claire','Noah','Zoé','Luca','Beat','Ursula','Anna','Jean'])[1 + g % 8]"
    last = "(ARRAY['Dufour','Keller','Rossi','Müller','Favre','Meier','Bianchi','Weber','Rochat'])[1 + g % 9]"
    surnames = f"CASE WHEN g % 20 = 3 THEN {last} ELSE {last} || to_char(g % 9000, 'FM0000') END"
    whole = f"{names} || ' ' || {surnames}"
    methods = "(ARRAY['card','card','card','card','card','twint','twint','twint','twint','paypal'])"
    paid = "g % 10 > 0"
    unsent = f"g > {ORDERS - 2000}"
    with connection.cursor() as cursor:
        # The million refers to rows that are there: nothing need be looked up a million times.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("DROP INDEX order_words_of_customer")
        _copy(
            cursor,
            order,
            f"generate_series(1, {ORDERS}) g",
            {
                "id": "1000000 + g",
                "number": "'S' || g",
                "token": "'s' || g",
                "checkout_key": "gen_random_uuid()",
                "cart": "gen_random_uuid()",
                "email": "'c' || g % 300000 || '@exemple.ch'",
                "delivery_name": f"CASE WHEN g % 50000 = 7 THEN 'Rare Zimmermann' ELSE {whole} END",
                "goods_total": "2000 + g % 9000",
                "total": "2900 + g % 9000",
                "created_at": at,
                "expires_at": at,
                "status": f"CASE WHEN {paid} THEN 'effective' ELSE 'cancelled' END",
                "cancel_reason": f"CASE WHEN {paid} THEN '' ELSE 'expired' END",
                "cancelled_at": f"CASE WHEN {paid} THEN NULL ELSE {at} END",
                "effective_at": f"CASE WHEN {paid} THEN {at} END",
                "shipped_at": f"CASE WHEN {paid} AND NOT {unsent} THEN {at} END",
                "numbered": "true",
                "journal": "''",
            },
        )
        _copy(
            cursor,
            payment,
            f"generate_series(1, {ORDERS}) g",
            {
                "id": "gen_random_uuid()",
                "order_id": "1000000 + g",
                "method": f"{methods}[1 + g % 10]",
                "provider": "CASE WHEN g % 10 = 9 THEN 'paypal' ELSE 'stripe' END",
                "amount": "2900 + g % 9000",
                "page_reference": "'cs_s' || g",
                "money_reference": f"CASE WHEN {paid} THEN 'pi_s' || g END",
                "received_amount": f"CASE WHEN {paid} THEN 2900 + g % 9000 END",
                "status": f"CASE WHEN {paid} THEN 'authorised' WHEN g % 20 = 0 THEN 'failed' ELSE 'expired' END",
                "returned_at": f"CASE WHEN {paid} THEN {at} - (g % 40 - 5) * interval '1 second' END",
                "settles": paid,
                "authorised_at": f"CASE WHEN {paid} THEN {at} END",
                "authorised_by_id": f"CASE WHEN {paid} THEN t.authorised_by_id END",
                "created_at": at,
                "next_try_at": "NULL::timestamptz",
            },
        )
        _copy(
            cursor,
            refund,
            "payments_payment p",
            {
                "id": "gen_random_uuid()",
                "payment_id": "p.id",
                "reference": "'re_s' || p.order_id",
                "created_at": "p.created_at",
                "settled_at": "p.created_at + interval '3 days'",
                "numbered": "true",
            },
            where="p.settles AND p.order_id % 100 = 1",
        )
        _copy(
            cursor,
            WebhookEvent.objects.get(order=order),
            f"generate_series({ORDERS - MESSAGES + 1}, {ORDERS}) g",
            {
                "id": "gen_random_uuid()",
                "order_id": "1000000 + g",
                "provider": "CASE WHEN g % 10 = 9 THEN 'paypal' ELSE 'stripe' END",
                "source": "CASE WHEN g % 50 = 1 THEN 'fetched' ELSE 'delivered' END",
                "event_id": "'evt_s' || g",
                "received_at": at,
                "processed_at": at,
            },
        )
        _backlog(cursor, order, payment, refund)
        cursor.execute("SET session_replication_role = DEFAULT")
    index = next(one for one in Order._meta.indexes if one.name == "order_words_of_customer")
    with connection.schema_editor() as editor:
        editor.add_index(Order, index)
    with connection.cursor() as cursor:
        for model in (Order, Payment, Refund, WebhookEvent, Letter, Dispute):
            cursor.execute(f'VACUUM (ANALYZE) "{model._meta.db_table}"')
    return order.number


def _backlog(cursor: object, order: "Order", payment: "Payment", refund: "Refund") -> None:
    """What waits for a person, much of it about the newest orders."""
    newest = 1_000_000 + ORDERS
    dispute = payment.disputes.create(reference="dp_s", amount=100, reason="fraudulent")
    _copy(
        cursor,
        order.letters.get(),
        f"generate_series(1, {UNSENT_MAILS}) g",
        {"id": f"{newest} + g", "order_id": f"{newest} - 7 * g", "sent_at": "NULL::timestamptz", "tries": "150"},
    )
    of_payments = "payments_payment p"
    _copy(
        cursor,
        dispute,
        of_payments,
        {"id": "p.order_id", "payment_id": "p.id", "reference": "'dp_s' || p.order_id"},
        where=f"p.settles AND p.order_id > {newest} - 20 * {OPEN_DISPUTES} AND p.order_id % 20 = 3",
    )
    _copy(
        cursor,
        refund,
        of_payments,
        {"id": "gen_random_uuid()", "payment_id": "p.id", "reference": "NULL", "status": "'failed'"},
        where=f"p.settles AND p.order_id > {newest} - 500 * {FAILED_REFUNDS} AND p.order_id % 500 = 1",
    )


def _copy(cursor: object, row: Model, source: str, others: Mapping[str, str], where: str = "true") -> None:
    """Rows like this one, for each of a source, with other values in some columns."""
    table = row._meta.db_table
    columns = [field.column for field in row._meta.concrete_fields]
    values = ", ".join(others.get(str(column), f't."{column}"') for column in columns)
    named = ", ".join(f'"{column}"' for column in columns)
    chosen = f'SELECT {values} FROM {source}, "{table}" t WHERE {where}'.replace("%", "%%")  # noqa: S608 - no word of it comes from elsewhere
    cursor.execute(f'INSERT INTO "{table}" ({named}) {chosen} AND t.id = %s', [row.pk])  # type: ignore[attr-defined]
