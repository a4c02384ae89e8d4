"""Every call that the shop made to our PSPs, for tests to look at."""

import time

from flask import Flask, Response, request

from tests.sandbox.books import Document
from tests.sandbox.names import paypal_id
from tests.sandbox.stripe.errors import StripeError
from tests.sandbox.stripe.form import decoded
from tests.sandbox.world import World


def install(app: Flask, world: World) -> None:
    @app.after_request
    def note(response: Response) -> Response:
        if request.path.startswith(("/stripe/v1", "/paypal/v1", "/paypal/v2")):
            id = f"r{paypal_id(12)}"
            world.books.put("request", id, _noted(response))
        return response


def _noted(response: Response) -> Document:
    stripe = request.path.startswith("/stripe")
    psp = "stripe" if stripe else "paypal"
    key = request.headers.get("Idempotency-Key" if stripe else "PayPal-Request-Id")
    return {
        "at": time.time(),
        "psp": psp,
        "method": request.method,
        "path": request.path.removeprefix(f"/{psp}"),
        "params": _stripe_params() if stripe else _paypal_params(),
        "key": key,
        "status": response.status_code,
        "replayed": response.headers.get("Idempotent-Replayed") == "true",
    }


def _stripe_params() -> object:
    text = request.get_data(as_text=True) if request.method == "POST" else request.query_string.decode()
    try:
        return decoded(text)
    except StripeError:
        return text


def _paypal_params() -> object:
    if request.method == "GET":
        return request.args.to_dict()
    if request.mimetype == "application/json":
        return request.get_json(silent=True) or {}
    return request.form.to_dict()
