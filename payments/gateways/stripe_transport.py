"""Stripe's HTTP: its package, with total deadlines and our errors."""

import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

import requests
import stripe

from payments.configuration import StripeConfiguration
from payments.gateways.allowed import word
from payments.gateways.base import GatewayError, NotPermitted, Refused, Replayed, Unclear, Unreachable
from payments.gateways.deadline import SOCKET_SECONDS, TASK_SECONDS, within

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

API_VERSION: Final = "2026-10-28.endive"
"""The one of the installed package, and the one in which Stripe must render our webhook endpoint's events."""
KEY_MEANS_ANOTHER = "idempotency_error"

stripe.enable_telemetry = False


def client_for(configuration: StripeConfiguration) -> stripe.StripeClient:
    return stripe.StripeClient(
        configuration.secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": configuration.api},
        http_client=stripe.RequestsClient(timeout=SOCKET_SECONDS, session=requests.Session()),
        max_network_retries=1,
    )


def called(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Make a call. Raises Refused or Unreachable, and nothing of Stripe's, whose errors hold bodies and addresses."""
    try:
        return within(seconds, call)
    except stripe.StripeError as error:
        failure = _failure(error)
    raise failure


def shown(what: str, call: Callable[[], stripe.StripeObject]) -> dict[str, Any]:
    """What Stripe shows of something as it is now. Raises Unreachable."""
    try:
        return told(called(TASK_SECONDS, call))
    except Refused as refused:
        # Stripe forgets nothing of ours: whoever does not know it is not our account.
        code = refused.code
    raise Unclear(f"Stripe does not show {what}: {code}")


def told(thing: object) -> dict[str, Any]:
    """What Stripe's answer says, without the package's objects. Raises Unreachable for JSON that is no object."""
    if not isinstance(thing, stripe.StripeObject):
        raise Unreachable("Stripe's answer is no object")
    said: dict[str, Any] = thing.to_dict(for_json=True)
    return said


def is_signed(body: bytes, header: str, secret: str) -> bool:
    """Whether Stripe's signature is right. Its package raises what it likes on hostile input, bodies in its errors."""
    try:
        return bool(stripe.WebhookSignature.verify_header(body, header, secret))
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False


def _failure(error: stripe.StripeError) -> GatewayError:
    code = word(error.code) or word(getattr(error, "param", None)) or type(error).__name__
    match error:
        case stripe.AuthenticationError():
            # Says something about our key, nothing about the payment.
            log.error("Stripe does not accept our key: %s", code)
            return Unreachable(code)
        case stripe.PermissionError():
            log.error("Stripe does not allow our key what it was asked for: %s", code)
            return NotPermitted(code)
        case stripe.IdempotencyError():
            log.error("Stripe knows a key of ours from another request")
            return Refused(KEY_MEANS_ANOTHER)
        case stripe.InvalidRequestError() | stripe.CardError():
            log.error("Stripe refused a request: %s", code)
            return Refused(code)
        case _ if (error.headers or {}).get("Idempotent-Replayed") == "true":
            return Replayed(f"{type(error).__name__} {error.http_status or ''}".strip())
        case _:
            return Unreachable(f"{type(error).__name__} {error.http_status or ''}".strip())
