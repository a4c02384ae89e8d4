"""PayPal's HTTP, as far as the shop speaks it."""

import base64
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from tests.environment import PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET
from tests.sandbox.books import Document
from tests.sandbox.names import paypal_id, stripe_id
from tests.sandbox.paypal import disputes, endpoints, events, orders, refunds, report, schema
from tests.sandbox.paypal.errors import NotAuthorised, PayPalError, PlainError, Unauthorised, malformed, not_found
from tests.sandbox.paypal.idempotency import ORDERS_LIFE, PAYMENTS_LIFE, once
from tests.sandbox.paypal.shapes import public
from tests.sandbox.world import world

api = Blueprint("paypal", __name__, url_prefix="/paypal")
OPEN = ("paypal.token", "paypal.certificate")  # the endpoints that need no bearer token
TOKEN_KIND = "paypal token"


@api.before_request
def _know_the_caller() -> None:
    if request.endpoint in OPEN:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    known = world().books.get(TOKEN_KIND, token) if scheme == "Bearer" else None
    if known is None:
        raise Unauthorised("invalid_token", "Token signature verification failed")
    if known["until"] < time.time():
        raise Unauthorised("invalid_token", "Access Token has expired")


@api.after_request
def _sign_the_answer(response: Response) -> Response:
    response.headers.setdefault("PayPal-Debug-Id", paypal_id(13).lower())
    return response


@api.errorhandler(PayPalError)
def _refuse(error: PayPalError) -> tuple[Response, int, dict[str, str]]:
    return jsonify(error.body), error.status, {"PayPal-Debug-Id": error.debug_id}


@api.errorhandler(PlainError)
def _refuse_plainly(error: PlainError) -> tuple[Response, int]:
    return jsonify(error.body), 400


@api.errorhandler(NotAuthorised)
def _forbid(error: NotAuthorised) -> tuple[Response, int]:
    return jsonify(error.body), 403


@api.errorhandler(Unauthorised)
def _send_away(error: Unauthorised) -> tuple[Response, int]:
    return jsonify(error.body), 401


@api.post("/v1/oauth2/token")
def token() -> Response:
    expected = base64.b64encode(f"{PAYPAL_CLIENT_ID}:{PAYPAL_CLIENT_SECRET}".encode()).decode()
    if request.headers.get("Authorization", "") != f"Basic {expected}":
        raise Unauthorised("invalid_client", "Client Authentication failed")
    if request.form.get("grant_type") != "client_credentials":
        raise malformed("INVALID_PARAMETER_VALUE", "grant_type must be client_credentials.", "grant_type")
    access = stripe_id("A21AA", 80)
    seconds = world().dashboard.read().paypal_token_seconds
    world().books.put(TOKEN_KIND, access, {"until": time.time() + seconds})
    return jsonify(
        scope="https://uri.paypal.com/services/payments/payment https://api.paypal.com/v1/payments/.*",
        access_token=access,
        token_type="Bearer",
        app_id="APP-SANDBOX",
        expires_in=seconds,
        nonce=f"{int(time.time())}{paypal_id(20)}",
    )


@api.get("/v1/notifications/certs/<id>")
def certificate(id: str) -> Response:
    if id != world().certificates.id:
        raise not_found()
    return Response(world().certificates.chain, mimetype="application/x-pem-file")


@api.post("/v2/checkout/orders")
def create_order() -> tuple[Response, int]:
    body = _body()
    key = request.headers.get("PayPal-Request-Id")
    if isinstance(body, dict) and "payment_source" in body and not key:
        raise malformed(
            "PAYPAL_REQUEST_ID_REQUIRED",
            "A PayPal-Request-Id is required if you are trying to process payment for an Order.",
            "PayPal-Request-Id",
        )
    schema.check_order(body)
    order, replayed = _once(body, lambda: orders.create(world(), body), _order_again, ORDERS_LIFE)
    return _order(order), 200 if replayed else 201


@api.get("/v2/checkout/orders/<id>")
def get_order(id: str) -> Response:
    return jsonify(public(orders.found(world(), id)))


@api.post("/v2/checkout/orders/<id>/capture")
def capture_order(id: str) -> tuple[Response, int]:
    body = _body()
    schema.check(schema.CAPTURE, body)
    order, replayed = _once(body, lambda: orders.capture(world(), id), _order_again, ORDERS_LIFE)
    return _order(order), 200 if replayed else 201


@api.get("/v2/payments/captures/<id>")
def get_capture(id: str) -> Response:
    return jsonify(public(orders.capture_found(world(), id)))


@api.post("/v2/payments/captures/<id>/refund")
def refund_capture(id: str) -> tuple[Response, int]:
    body = _body()
    schema.check(schema.REFUND, body)
    refund, replayed = _once(
        body, lambda: refunds.create(world(), id, body), lambda made: refunds.found(world(), made), PAYMENTS_LIFE
    )
    return _refund(refund), 200 if replayed else 201


@api.get("/v2/payments/refunds/<id>")
def get_refund(id: str) -> Response:
    return jsonify(public(refunds.found(world(), id)))


@api.get("/v1/customer/disputes")
def list_disputes() -> Response:
    for name in request.args.keys() - {"disputed_transaction_id", "page_size"}:
        raise malformed("UNKNOWN_PARAMETER", "The query parameter is not known.", name)
    found = disputes.listed(world(), request.args.get("disputed_transaction_id"))
    return jsonify(items=[public(dispute) for dispute in found], links=[])


@api.get("/v1/customer/disputes/<id>")
def get_dispute(id: str) -> Response:
    return jsonify(public(disputes.found(world(), id)))


@api.get("/v1/reporting/transactions")
def list_transactions() -> Response:
    return jsonify(report.listed(world(), request.args.to_dict()))


@api.post("/v1/notifications/webhooks")
def create_webhook() -> tuple[Response, int]:
    body = _body()
    schema.check(schema.WEBHOOK, body)
    return jsonify(endpoints.create(world(), body)), 201


@api.get("/v1/notifications/webhooks")
def list_webhooks() -> Response:
    return jsonify(webhooks=world().books.all(endpoints.KIND))


@api.get("/v1/notifications/webhooks/<id>")
def get_webhook(id: str) -> Response:
    return jsonify(endpoints.found(world(), id))


@api.patch("/v1/notifications/webhooks/<id>")
def change_webhook(id: str) -> Response:
    body = _body()
    schema.check(schema.WEBHOOK_PATCH, body)
    return jsonify(endpoints.change(world(), id, body))


@api.delete("/v1/notifications/webhooks/<id>")
def delete_webhook(id: str) -> Response:
    endpoints.delete(world(), id)
    return Response(status=204)


@api.get("/v1/notifications/webhooks-events")
def list_events() -> Response:
    return jsonify(events.listed(world(), request.args.to_dict()))


@api.get("/v1/notifications/webhooks-events/<id>")
def get_event(id: str) -> Response:
    return jsonify(events.found(world().books, id))


@api.route("/<path:path>", methods=["GET", "POST", "PATCH", "PUT", "DELETE"])
def unknown(path: str) -> Response:
    raise not_found()


def _body() -> Any:
    if request.mimetype != "application/json":
        raise PayPalError("UNSUPPORTED_MEDIA_TYPE", "INVALID_CONTENT_TYPE", "The body must be application/json.")
    if not request.get_data():
        return {}
    body = request.get_json(silent=True)
    if body is None:
        raise malformed("MALFORMED_REQUEST_JSON", "The request JSON is not well formed.", "/")
    return body


def _once(
    body: Any, act: Callable[[], Document], again: Callable[[str], Document], life: float
) -> tuple[Document, bool]:
    key = request.headers.get("PayPal-Request-Id")
    if not key:
        return act(), False
    return once(world().books, key, request.path, body, act, again, life)


def _order_again(id: str) -> Document:
    return orders.found(world(), id)


def _order(order: Document) -> Response:
    """All of it if the caller prefers that; else what PayPal tells anyway."""
    whole = public(order)
    if _wants_all():
        return jsonify(whole)
    if whole["status"] != "COMPLETED":
        return jsonify({name: whole[name] for name in ("id", "status", "payment_source", "links")})
    units = [{name: unit[name] for name in ("reference_id", "payments")} for unit in whole["purchase_units"]]
    short = {name: whole[name] for name in ("id", "status", "payment_source", "payer", "links")}
    return jsonify(short | {"purchase_units": units})


def _refund(refund: Document) -> Response:
    whole = public(refund)
    return jsonify(whole if _wants_all() else {name: whole[name] for name in ("id", "status", "links")})


def _wants_all() -> bool:
    return "return=representation" in request.headers.get("Prefer", "")
