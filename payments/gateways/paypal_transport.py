"""PayPal's HTTP: paypalrestsdk as authenticated transport to the v2 endpoints, and nothing else of it."""

import json
import logging
import re
import time
from threading import Lock
from typing import Any, TypeAlias, cast

import paypalrestsdk
import requests
from paypalrestsdk import exceptions

from payments.configuration import PayPalConfiguration
from payments.gateways.base import GatewayError, NotPermitted, Refused, Unreachable
from payments.gateways.deadline import SOCKET_SECONDS

log = logging.getLogger(__name__)

Body: TypeAlias = dict[str, Any] | list[dict[str, Any]]
TOKEN_MARGIN_SECONDS = 60
ISSUE = re.compile(r"[A-Z_]{1,60}")


class NotFound(Refused):
    """PayPal knows no such order, capture, refund or dispute."""


class PayPalTransport:
    """Calls that give PayPal's answer as a dict. Raise NotFound, Refused with PayPal's issue, or Unreachable.

    No error says more than PayPal's word for what is wrong: its bodies hold the payer's data.
    """

    def __init__(self, configuration: PayPalConfiguration) -> None:
        self._api = _Api(configuration)

    def get(self, path: str) -> dict[str, Any]:
        return self._called("GET", path)

    def post(self, path: str, body: dict[str, Any], request_id: str = "") -> dict[str, Any]:
        """The answer holds the whole object; PayPal gives the same one to the same request id for hours."""
        headers = {"Prefer": "return=representation"}
        return self._called("POST", path, body, headers | ({"PayPal-Request-Id": request_id} if request_id else {}))

    def patch(self, path: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
        return self._called("PATCH", path, changes)

    def _called(
        self, method: str, path: str, body: Body | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        failure: GatewayError
        try:
            answer = self._api.request(self._api.endpoint + path, method, body, headers)
        except exceptions.ConnectionError as error:
            failure = _failure(error.response.status_code, error.content)
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            failure = Unreachable(type(error).__name__)
        else:
            if isinstance(answer, dict):
                return answer
            failure = Unreachable("PayPal's answer is no object")
        raise failure


class _Api(paypalrestsdk.Api):  # type: ignore[misc]  # the package has no types
    """The package's client without its faults.

    As it comes it has no time-outs, follows redirects, logs credentials and bodies, sends a caller's headers with its
    credentials, asks for a token without end when it is refused, and returns an error 400 as if it were an answer.
    """

    def __init__(self, configuration: PayPalConfiguration) -> None:
        super().__init__(
            mode="live",  # what it does for `sandbox` is to log more; the address is the configuration's
            endpoint=configuration.api,
            client_id=configuration.client_id,
            client_secret=configuration.client_secret,
        )
        self._lock = Lock()
        self._good_until = 0.0

    def request(
        self,
        url: str,
        method: str,
        body: Body | None = None,
        headers: dict[str, str] | None = None,
        refresh_token: str | None = None,
    ) -> Any:
        token = self._token()
        try:
            return self._authorised(token, url, method, body, headers)
        except exceptions.UnauthorizedAccess:
            self._forget(token)
        return self._authorised(self._token(), url, method, body, headers)

    def http_call(self, url: str, method: str, **kwargs: Any) -> Any:
        response = requests.request(method, url, timeout=SOCKET_SECONDS, allow_redirects=False, **kwargs)
        return self.handle_response(response, response.content.decode("utf-8", "replace"))

    def _authorised(self, token: str, url: str, method: str, body: Body | None, headers: dict[str, str] | None) -> Any:
        sent = {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": self.user_agent}
        data = None
        if method != "GET":
            sent["Content-Type"] = "application/json"
            data = json.dumps(body or {})
        return self.http_call(url, method, data=data, headers=sent | (headers or {}))

    def _token(self) -> str:
        """The token, asked for once by however many threads. One that waits in vain asks by itself."""
        locked = self._lock.acquire(timeout=SOCKET_SECONDS[0])
        try:
            if self.token_hash is None or time.monotonic() > self._good_until:
                self._ask_for_token()
            return cast("str", self.token_hash["access_token"])
        finally:
            if locked:
                self._lock.release()

    def _ask_for_token(self) -> None:
        headers = {
            "Authorization": f"Basic {self.basic_auth()}",
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": self.user_agent,
        }
        asked_at = time.monotonic()
        token = self.http_call(
            f"{self.endpoint}/v1/oauth2/token", "POST", data="grant_type=client_credentials", headers=headers
        )
        self._good_until = asked_at + int(token["expires_in"]) - TOKEN_MARGIN_SECONDS
        self.token_hash = token

    def _forget(self, token: str) -> None:
        with self._lock:
            if self.token_hash and self.token_hash["access_token"] == token:
                self.token_hash = None


def _failure(status: int, content: str | None) -> GatewayError:
    issue = _issue(content)
    # Both say something about our account, nothing about the payment.
    if status == 401:
        log.error("PayPal does not accept our credentials: %s", issue)
        return Unreachable("HTTP 401")
    if status == 403:
        log.error("PayPal does not allow our app what it was asked for: %s", issue)
        return NotPermitted(issue or "HTTP 403")
    if not issue or status in (408, 409, 429) or not 400 <= status < 500:
        return Unreachable(f"HTTP {status}")
    return NotFound(issue, "paypal") if status == 404 else Refused(issue, "paypal")


def _issue(content: str | None) -> str:
    """PayPal's word for what is wrong, the more precise one; empty when this is no error of PayPal's API."""
    try:
        error = json.loads(content or "")
    except (ValueError, RecursionError):
        return ""
    if not isinstance(error, dict):
        return ""
    details = error.get("details")
    detail = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
    words = (str(word) for word in (detail.get("issue"), error.get("name")))
    return next((word for word in words if ISSUE.fullmatch(word)), "")
