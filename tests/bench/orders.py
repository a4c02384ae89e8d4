"""Orders of three goods: placed, and placed and handed off by the review page's button; beside them the floor."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils.crypto import get_random_string

from orders import checkout
from orders.checkout import Shown
from orders.models import Order, Product
from orders.quote import quote
from payments.forms import ReviewForm
from tests.bench import cast, floor
from tests.bench.callers import Wrong, request
from tests.bench.measure import MANY, ROUNDS, Line, in_process, over_http, rounds
from tests.bench.stage import Stage
from tests.shop import fill_cart, goods

SECONDS = 20.0
"""After which no round begins."""
PLACED = 60
"""Orders of a round that are placed in this process."""
HANDED_OFF = 20
"""Orders of a round that are placed and handed off over HTTP, four at a time, card."""
CALLERS = 4
EACH = 15
"""pgbench's transactions of a round, per client."""
PLENTY = 1_000_000
SAMPLE = 800_000
FLOOR = 810_000


@dataclass
class Orders:
    sql: Line = field(default_factory=lambda: Line("floor: a placing's statements in pgbench, 16 at once"))
    placed: Line = field(default_factory=lambda: Line("order of three goods placed (in one process)"))
    handed_off: Line = field(default_factory=lambda: Line("the same, through the page, with hand-off to Stripe"))
    statements: int = 0
    """Of a placing, BEGIN and COMMIT included."""


def measure(stage: Stage) -> Orders:
    """Raises Wrong when an answer is wrong, or an order missing afterwards."""
    found = Orders()
    products = [goods(stock=PLENTY) for _ in range(3)]
    place = _placing(products)
    script = _script(found, place, stage.folder)
    buyers = [_buyer(stage, products) for _ in range(HANDED_OFF * (ROUNDS + 1))]
    cast.tidy()
    for _ in range(10):
        place()
    over_http(Line("warm-up"), stage, buyers[:HANDED_OFF], callers=MANY, status=303)
    before = Order.objects.count()
    for number in rounds(SECONDS):
        in_process(found.placed, stage.own_meter, [place] * PLACED)
        sent = buyers[HANDED_OFF * (number + 1) :][:HANDED_OFF]
        load = over_http(found.handed_off, stage, sent, callers=CALLERS, status=303)
        if not all("/stripe/" in answer.head for answer in load.answers):
            raise Wrong("A buyer was not sent to Stripe's page")
        floor.pgbench(found.sql, stage, script, first=FLOOR + number * MANY * EACH - 1, each=EACH)
    expected = found.placed.count + found.handed_off.count + found.sql.count
    if (placed := Order.objects.count() - before) != expected:
        raise Wrong(f"{placed} orders placed instead of {expected}")
    return found


def _buyer(stage: Stage, products: list[Product]) -> bytes:
    """The request that a customer sends who presses « Commander et payer »."""
    client = Client(SERVER_NAME="localhost")
    fill_cart(client, *products)
    cart, details = checkout.complete(client.session)
    token = get_random_string(32)
    named = ReviewForm.naming(Shown.of(quote(cart, country=details.delivery_country)))
    form = {"csrfmiddlewaretoken": token, **named, "method": "card"}
    headers = {
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}; {settings.CSRF_COOKIE_NAME}={token}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return request("POST", stage.host, "/paiement/", headers, urlencode(form).encode())


def _placing(products: list[Product]) -> Callable[[], Order]:
    """A function that places one more order of these goods."""
    client = Client(SERVER_NAME="localhost")
    fill_cart(client, *products)
    cart, details = checkout.complete(client.session)
    shown = Shown.of(quote(cart, country=details.delivery_country))

    def place() -> Order:
        key = uuid4()
        return checkout.place(replace(cart, key=key), details, replace(shown, key=key), language="fr")

    return place


def _script(found: Orders, place: Callable[[], Order], folder: Path) -> Path:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('orders_order', 'id'), %s)", [SAMPLE])
    placed: list[Order] = []
    recording = floor.record(lambda: placed.append(place()))
    found.statements = len(recording.statements)
    (order,) = placed
    names = {
        order.number: "KK-:n",
        order.token: "token-:n",
        str(order.checkout_key): "30000000-0000-4000-8000-000000:n",
        str(order.pk): ":id",
    }
    path = folder / "placing.sql"
    path.write_text(recording.script(names, keep='INSERT INTO "orders_order"'))
    return path
