"""The sandbox as one Flask application."""

from pathlib import Path

from flask import Flask

from tests.sandbox import faults, log
from tests.sandbox.control import control
from tests.sandbox.paypal.api import api as paypal_api
from tests.sandbox.stripe.api import api as stripe_api
from tests.sandbox.world import World


def create_app(state: Path, *, url: str, shop_url: str) -> Flask:
    """Our PSPs over the books in `state`. `url`: where they will answer; `shop_url`: where webhooks go.

    Webhooks leave only after `app.extensions["sandbox"].courier.start()`.
    """
    app = Flask(__name__)
    app.extensions["sandbox"] = world = World.at(state, url=url.rstrip("/"), shop_url=shop_url)
    # Flask runs these last to first: the call is noted even if its answer is then lost.
    faults.install(app, world)
    log.install(app, world)
    for part in (stripe_api, paypal_api, control):
        app.register_blueprint(part)
    return app
