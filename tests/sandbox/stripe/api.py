"""Stripe's HTTP, as far as the shop speaks it."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request
from stripe.params import (
    BalanceTransactionListParams,
    BalanceTransactionRetrieveParams,
    ChargeRetrieveParams,
    DisputeListParams,
    DisputeRetrieveParams,
    EventListParams,
    EventRetrieveParams,
    PaymentIntentRetrieveParams,
    PayoutListParams,
    PayoutRetrieveParams,
    RefundCreateParams,
    RefundListParams,
    RefundRetrieveParams,
    WebhookEndpointCreateParams,
    WebhookEndpointDeleteParams,
    WebhookEndpointListParams,
    WebhookEndpointRetrieveParams,
    WebhookEndpointUpdateParams,
)
from stripe.params.checkout import (
    SessionCreateParams,
    SessionExpireParams,
    SessionListParams,
    SessionRetrieveParams,
)

from tests.environment import STRIPE_API_VERSION, STRIPE_KEY
from tests.sandbox.manner import Manner
from tests.sandbox.names import stripe_id
from tests.sandbox.stripe import balance, disputes, endpoints, events, idempotency, lists, refunds, sessions
from tests.sandbox.stripe.errors import StripeError, no_such
from tests.sandbox.stripe.events import public
from tests.sandbox.stripe.form import decoded
from tests.sandbox.stripe.schema import checked
from tests.sandbox.world import world

api = Blueprint("stripe", __name__, url_prefix="/stripe/v1")


@api.before_request
def _know_the_caller() -> None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not key:
        raise StripeError("You did not provide an API key.", status=401)
    if key != STRIPE_KEY:
        raise StripeError(f"Invalid API Key provided: {key[:7]}***{key[-4:]}", status=401)
    version = request.headers.get("Stripe-Version", "none")
    if version != STRIPE_API_VERSION:
        raise StripeError(f"Invalid Stripe API version: {version}; the sandbox plays {STRIPE_API_VERSION}.")


@api.after_request
def _sign_the_answer(response: Response) -> Response:
    response.headers["Request-Id"] = stripe_id("req_", 14)
    response.headers["Stripe-Version"] = STRIPE_API_VERSION
    return response


@api.errorhandler(StripeError)
def _refuse(error: StripeError) -> tuple[Response, int]:
    return jsonify(error.body), error.status


@api.post("/checkout/sessions")
def create_session() -> Response:
    key = request.headers.get("Idempotency-Key")
    params = _params(SessionCreateParams)
    return _once(params, lambda: _expanded(sessions.create(world(), params, key), params))


@api.get("/checkout/sessions")
def list_sessions() -> Response:
    params = _params(SessionListParams)
    return _listed(sessions.listed(world(), params), params, "/v1/checkout/sessions")


@api.get("/checkout/sessions/<id>")
def retrieve_session(id: str) -> Response:
    params = _params(SessionRetrieveParams)
    return jsonify(_expanded(sessions.found(world(), id), params))


@api.post("/checkout/sessions/<id>/expire")
def expire_session(id: str) -> Response:
    key = request.headers.get("Idempotency-Key")
    params = _params(SessionExpireParams)
    return _once(params, lambda: _expanded(sessions.expire(world(), id, Manner(), key), params))


@api.get("/payment_intents/<id>")
def retrieve_payment_intent(id: str) -> Response:
    return _retrieved("payment_intent", id, PaymentIntentRetrieveParams)


@api.get("/charges/<id>")
def retrieve_charge(id: str) -> Response:
    return _retrieved("charge", id, ChargeRetrieveParams)


@api.post("/refunds")
def create_refund() -> Response:
    key = request.headers.get("Idempotency-Key")
    params = _params(RefundCreateParams)
    return _once(params, lambda: _expanded(refunds.create(world(), params, key), params))


@api.get("/refunds")
def list_refunds() -> Response:
    params = _params(RefundListParams)
    return _listed(refunds.listed(world().books, params), params, "/v1/refunds")


@api.get("/refunds/<id>")
def retrieve_refund(id: str) -> Response:
    return _retrieved("refund", id, RefundRetrieveParams)


@api.get("/disputes")
def list_disputes() -> Response:
    params = _params(DisputeListParams)
    return _listed(disputes.listed(world().books, params), params, "/v1/disputes")


@api.get("/disputes/<id>")
def retrieve_dispute(id: str) -> Response:
    return _retrieved("dispute", id, DisputeRetrieveParams)


@api.get("/balance_transactions")
def list_balance_transactions() -> Response:
    params = _params(BalanceTransactionListParams)
    return _listed(balance.listed(world().books, params), params, "/v1/balance_transactions")


@api.get("/balance_transactions/<id>")
def retrieve_balance_transaction(id: str) -> Response:
    return _retrieved("balance_transaction", id, BalanceTransactionRetrieveParams)


@api.get("/payouts")
def list_payouts() -> Response:
    params = _params(PayoutListParams)
    return _listed(list(reversed(world().books.all(balance.PAYOUTS))), params, "/v1/payouts")


@api.get("/payouts/<id>")
def retrieve_payout(id: str) -> Response:
    return _retrieved("payout", id, PayoutRetrieveParams)


@api.post("/webhook_endpoints")
def create_endpoint() -> Response:
    params = _params(WebhookEndpointCreateParams)
    return _once(params, lambda: endpoints.create(world(), params))


@api.get("/webhook_endpoints")
def list_endpoints() -> Response:
    return _listed(endpoints.listed(world()), _params(WebhookEndpointListParams), "/v1/webhook_endpoints")


@api.get("/webhook_endpoints/<id>")
def retrieve_endpoint(id: str) -> Response:
    _params(WebhookEndpointRetrieveParams)
    return jsonify(endpoints.found(world(), id))


@api.post("/webhook_endpoints/<id>")
def update_endpoint(id: str) -> Response:
    params = _params(WebhookEndpointUpdateParams)
    return _once(params, lambda: endpoints.update(world(), id, params))


@api.delete("/webhook_endpoints/<id>")
def delete_endpoint(id: str) -> Response:
    _params(WebhookEndpointDeleteParams)
    return jsonify(endpoints.delete(world(), id))


@api.get("/events")
def list_events() -> Response:
    params = _params(EventListParams)
    books = world().books
    return jsonify(lists.walked(books, events.KIND, events.wanted(books, params), params, "/v1/events"))


@api.get("/events/<id>")
def retrieve_event(id: str) -> Response:
    _params(EventRetrieveParams)
    return jsonify(events.found(world().books, id))


@api.route("/", defaults={"path": ""}, methods=["GET", "POST", "DELETE"])
@api.route("/<path:path>", methods=["GET", "POST", "DELETE"])
def unknown(path: str) -> Response:
    raise StripeError(f"Unrecognized request URL ({request.method}: /v1/{path}).", status=404)


def _params(shape: type) -> dict[str, Any]:
    text = request.get_data(as_text=True) if request.method == "POST" else request.query_string.decode()
    return checked(decoded(text), shape)


def _expanded(thing: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    return lists.expand(world().books, public(thing), params.get("expand", []))


def _listed(things: list[dict[str, Any]], params: dict[str, Any], url: str) -> Response:
    page = lists.page(things, params, url)
    return jsonify(lists.expand(world().books, page, params.get("expand", [])))


def _retrieved(noun: str, id: str, shape: type) -> Response:
    params = _params(shape)
    thing = world().books.get(f"stripe {noun}", id)
    if thing is None:
        raise no_such(noun, id)
    return jsonify(_expanded(thing, params))


def _once(params: dict[str, Any], act: Callable[[], dict[str, Any]]) -> Response:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return jsonify(act())
    (body, status), replayed = idempotency.once(world().books, key, request.path, params, lambda: (act(), 200))
    response = jsonify(body)
    response.status_code = status
    response.headers["Idempotency-Key"] = key
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
