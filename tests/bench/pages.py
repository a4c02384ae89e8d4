"""Every page on a buyer's way."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.test import Client

from orders.models import Product
from payments import attestation
from tests.bench import cast
from tests.bench.callers import request
from tests.bench.measure import Line, over_http
from tests.bench.stage import Stage
from tests.shop import DETAILS, deliver, fill_cart, stripe_event

EACH = 30
CALLERS = 4
WARM_UP = 16
FIRST = 400_000


@dataclass(frozen=True)
class Way:
    """The addresses of the pages by their names, and the session's cookie with which they are to be had."""

    cookie: tuple[str, str]
    pages: Mapping[str, str]


def lay() -> Way:
    """Fill a cart and the details of a customer, and make one order that waits and one that is effective."""
    client = Client(SERVER_NAME="localhost")
    goods = list(Product.objects.filter(active=True, stock__gte=3, picture__gt="")[:3])
    fill_cart(client, *goods)
    client.post("/coordonnees/", DETAILS)
    waiting, effective = cast.payments_under_way([FIRST, FIRST + 1])
    deliver(stripe_event(effective), client=Client(SERVER_NAME="localhost"))
    attestation.of(effective.order)  # numbers whatever was paid before it
    cast.tidy()
    pages = {
        "catalogue, 12 goods": "/",
        "category": "/rayons/vaisselle/",
        "search": "/?q=bol",
        "product": f"/articles/{goods[0].slug}/",
        "cart, three goods": "/panier/",
        "details": "/coordonnees/",
        "review and pay": "/paiement/",
        "order's page, waiting": f"/commande/{waiting.order.token}/",
        "order's page, effective": f"/commande/{effective.order.token}/",
        "terms": "/conditions/",
        "secure payment": "/paiement-securise/",
        "verification": "/v/",
    }
    return Way((settings.SESSION_COOKIE_NAME, client.session.session_key or ""), pages)


def measure(stage: Stage) -> list[Line]:
    """A line for each page, warm. Raises Wrong when one is not answered with 200."""
    way = lay()
    cookie = {"Cookie": "=".join(way.cookie)}
    lines = []
    for name, path in way.pages.items():
        sent = [request("GET", stage.host, path, cookie)] * EACH
        over_http(Line("warm-up"), stage, sent[:WARM_UP], callers=CALLERS)
        lines.append(Line(name))
        over_http(lines[-1], stage, sent, callers=CALLERS)
    return lines
