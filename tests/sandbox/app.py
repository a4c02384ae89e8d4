"""The sandbox as one Flask application."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask

from tests.sandbox import faults, log
from tests.sandbox.control import control
from tests.sandbox.desk import desk
from tests.sandbox.mailbox import pages as mailbox_pages
from tests.sandbox.paypal.api import api as paypal_api
from tests.sandbox.paypal.hosted import pages as paypal_pages
from tests.sandbox.stripe.api import api as stripe_api
from tests.sandbox.stripe.hosted import pages as stripe_pages
from tests.sandbox.world import World

ZURICH = ZoneInfo("Europe/Zurich")


def create_app(state: Path, *, url: str, shop_url: str, in_memory: bool = False) -> Flask:
    """Our PSPs over the books in `state`. `url`: where they will answer; `shop_url`: where webhooks go.

    Webhooks leave only after `app.extensions["sandbox"].courier.start()`; `in_memory` they are held from the start.
    """
    app = Flask(__name__)
    app.extensions["sandbox"] = world = World.at(state, url=url.rstrip("/"), shop_url=shop_url, in_memory=in_memory)
    # Flask runs these last to first: the call is noted even if its answer is then lost.
    faults.install(app, world)
    log.install(app, world)
    app.add_template_filter(amount)
    app.add_template_filter(moment)
    for part in (stripe_pages, paypal_pages, stripe_api, paypal_api, control, desk, mailbox_pages):
        app.register_blueprint(part)
    return app


def amount(centimes: int, currency: str) -> str:
    """CHF 1’234.50"""
    return f"{currency.upper()}\u00a0{centimes // 100:,}.{centimes % 100:02d}".replace(",", "’")


def moment(at: float) -> str:
    """Day and time in Switzerland, as the shop says them, wherever this machine stands."""
    return datetime.fromtimestamp(at, ZURICH).strftime("%d.%m.%Y %H:%M:%S")
