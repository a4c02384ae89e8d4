"""Stripe: cards and TWINT, on Stripe's own page (Checkout)."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import requests
import stripe
from django.utils.translation import gettext, override
from stripe.checkout import Session
from stripe.params.checkout import SessionCreateParams

from payments.configuration import StripeConfiguration
from payments.gateways.allowed import flag, kept, parsed, reference, word
from payments.gateways.base import (
    BadSignature,
    Facts,
    GatewayError,
    HostedPage,
    Notice,
    PageState,
    PaymentFacts,
    Refused,
    Unreachable,
    Urls,
)
from payments.gateways.deadline import HAND_OFF_SECONDS, SOCKET_SECONDS, TASK_SECONDS, within
from payments.gateways.stripe_messages import KEPT, live_notice, notice_of, state_of

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

API_VERSION = "2026-10-28.endive"
"""The one of the installed package, and the one in which Stripe must render our webhook endpoint's events."""
CLOCK_SECONDS = 300
"""How far a message's time may lie from ours, in both directions (Stripe's own package looks at the past only)."""

stripe.enable_telemetry = False


class StripeGateway:
    """Stripe's adapter. A payment's id is the idempotency key of its page.

    Stripe keeps a key for at least 24 hours and a page lives for less than one: no key is ever used too late.
    """

    provider: ClassVar[str] = "stripe"
    api_version: ClassVar[str] = API_VERSION
    signature_covers_body: ClassVar[bool] = True

    def __init__(self, configuration: StripeConfiguration) -> None:
        self._configuration = configuration
        client = stripe.StripeClient(
            configuration.secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": configuration.api},
            http_client=stripe.RequestsClient(timeout=SOCKET_SECONDS, session=requests.Session()),
            max_network_retries=1,
        )
        self._sessions = client.v1.checkout.sessions

    # Out

    def open(self, payment: PaymentFacts, urls: Urls) -> HostedPage:
        params = _params(payment, urls)
        return _called(HAND_OFF_SECONDS, lambda: self._open(payment, params))

    def look(self, payment: PaymentFacts) -> PageState:
        if not payment.page_reference:
            return PageState.DEAD  # its address was never shown to anybody
        return state_of(self._read(payment.page_reference))

    def close(self, payment: PaymentFacts) -> PageState:
        """Expire the page; one that was paid meanwhile cannot be expired any more, and says so."""
        page = payment.page_reference
        if page:
            with suppress(Refused):
                _called(TASK_SECONDS, lambda: self._sessions.expire(page))
        return self.look(payment)

    def _open(self, payment: PaymentFacts, params: SessionCreateParams) -> HostedPage:
        if payment.page_reference:
            session = _told(self._sessions.retrieve(payment.page_reference))
            if session.get("status") != "open":
                raise Unreachable("the page is not open any more: look at it")
        else:
            session = _told(self._sessions.create(params, {"idempotency_key": str(payment.id)}))
        page = reference(session)
        if not page:
            raise Unreachable("Stripe's session has no id")
        if wrong := self._wrong(session, payment):
            log.error("Stripe opened another page than was asked for: %s", wrong)
            with suppress(stripe.StripeError):
                self._sessions.expire(page)
            raise Refused(wrong, "opening")
        return HostedPage(page, session["url"])

    def _wrong(self, session: dict[str, Any], payment: PaymentFacts) -> str:
        """What is not as it was asked for; empty when all is."""
        if session.get("payment_method_types") != [payment.method]:
            # A method that the dashboard does not enable is dropped without a word.
            return "method_unavailable"
        if (session.get("amount_total"), session.get("currency")) != (payment.amount, payment.currency.lower()):
            return "amount_differs"
        if session.get("livemode") != self._configuration.livemode:
            return "mode_differs"
        if urlsplit(session.get("url") or "")[:2] != urlsplit(self._configuration.pages)[:2]:
            return "page_elsewhere"
        return ""

    def _read(self, page: str) -> dict[str, Any]:
        """A session with its payment intent, as they are now. Raises Unreachable."""
        try:
            return _told(_called(TASK_SECONDS, lambda: self._sessions.retrieve(page, {"expand": ["payment_intent"]})))
        except Refused as refused:
            # Stripe forgets no session: whoever does not know ours is not our account.
            code = refused.code
        raise Unreachable(f"Stripe does not show the page: {code}")

    # In

    def verify(self, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        header = headers.get("Stripe-Signature", "")
        if not any(_signed(body, header, secret) for secret in self._configuration.webhook_secrets):
            raise BadSignature("not signed by Stripe")
        sent_at = next(item.split("=")[1] for item in header.split(",") if item.startswith("t="))
        if abs(time.time() - int(sent_at)) > CLOCK_SECONDS:
            raise BadSignature("signed at another time")
        payload = parsed(body)
        if payload.get("object") != "event":
            raise BadSignature("not an event")
        return payload

    def facts(self, payload: dict[str, Any]) -> Facts:
        event = kept(payload, {"id": reference, "type": word, "livemode": flag, "api_version": word})
        data = payload.get("data")
        thing = data.get("object") if isinstance(data, Mapping) else None
        if payload.get("object") != "event" or not {"id", "type", "livemode"} <= set(event):
            raise ValueError("not an event of Stripe")
        if not isinstance(thing, Mapping):
            raise ValueError("an event of Stripe without its object")
        allowed = KEPT.get(str(thing.get("object")), {})
        return Facts(event["id"], event["type"], event["livemode"], event.get("api_version", ""), kept(thing, allowed))

    def read(self, facts: Facts) -> Notice:
        return notice_of(facts)

    def confirm(self, facts: Facts) -> Notice:
        if facts.object.get("object") != "checkout.session":
            return notice_of(facts)  # it changes nothing, then or now
        return live_notice(self._read(facts.object["id"]))


def _params(payment: PaymentFacts, urls: Urls) -> SessionCreateParams:
    """One amount on one line, the language, the e-mail, our ids (docs.stripe.com/api/checkout/sessions/create)."""
    order = payment.order
    with override(order.language):
        line = gettext("Order %(number)s") % {"number": order.number}
    marks = {"payment": str(payment.id), "order": order.number}
    params: SessionCreateParams = {
        "mode": "payment",
        "submit_type": "pay",
        "locale": order.language,
        "allowed_payment_method_types": [payment.method],
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": payment.currency.lower(),
                    "unit_amount": payment.amount,
                    "tax_behavior": "inclusive",
                    "product_data": {"name": line},
                },
            }
        ],
        "client_reference_id": str(payment.id),
        "metadata": marks,
        # A session's own marks do not reach its charge, whose refunds and disputes must find their way home.
        "payment_intent_data": {"metadata": marks, "description": line},
        "customer_email": order.email,
        # Otherwise the dashboard's default may charge another currency.
        "adaptive_pricing": {"enabled": False},
        "success_url": urls.success,
        "cancel_url": urls.cancel,
        "expires_at": int(payment.expires_at.timestamp()),
    }
    if payment.method == "card":
        # The last one stands for Discover, Diners, JCB, UnionPay and Elo; there is no list of allowed brands.
        blocked = ["american_express", "discover_global_network"]
        params["payment_method_options"] = {"card": {"restrictions": {"brands_blocked": blocked}}}
        params["wallet_options"] = {"link": {"display": "never"}}
    return params


def _told(session: Session) -> dict[str, Any]:
    """What Stripe's answer says, without the package's objects."""
    told: dict[str, Any] = session.to_dict(for_json=True)
    return told


def _signed(body: bytes, header: str, secret: str) -> bool:
    """Whether Stripe's signature is right. Its package raises what it likes on hostile input, bodies in its errors."""
    try:
        return bool(stripe.WebhookSignature.verify_header(body, header, secret))
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False


def _called(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Make a call. Raises Refused or Unreachable, and nothing of Stripe's, whose errors hold bodies and addresses."""
    try:
        return within(seconds, call)
    except stripe.StripeError as error:
        failure = _failure(error)
    raise failure


def _failure(error: stripe.StripeError) -> GatewayError:
    code = word(error.code) or type(error).__name__
    match error:
        case stripe.AuthenticationError() | stripe.PermissionError():
            # Says something about our key, nothing about the payment.
            log.error("Stripe does not accept our key: %s", code)
            return Unreachable(code)
        case stripe.InvalidRequestError() | stripe.IdempotencyError() | stripe.CardError():
            log.error("Stripe refused a request: %s", code)
            return Refused(code, "opening")
        case _:
            return Unreachable(f"{type(error).__name__} {error.http_status or ''}".strip())
