"""The control API of a running sandbox, for tests: pay as a buyer does, break things, look into the books.

A `page` is a session's or order's id, or the address of its hosted page.
"""

import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import requests

Json = dict[str, Any]
Psp = Literal["stripe", "paypal"]
VISA, MASTERCARD, THREE_D_SECURE = "4242424242424242", "5555555555554444", "4000002500003155"
INSUFFICIENT_FUNDS, DECLINED, EXPIRED_CARD = "4000000000009995", "4000000000000002", "4000000000000069"
WRONG_CVC, PROCESSING_ERROR = "4000000000000127", "4000000000000119"
AMEX, DISCOVER = "378282246310005", "6011111111111117"


class SandboxRefused(Exception):
    """The sandbox could not do that: page paid or expired, brand not accepted, unknown id."""


@dataclass(frozen=True)
class Result:
    """What came of a visit: paid, declined, pending, approved or expired, and where the buyer's browser goes."""

    outcome: str
    url: str | None
    decline_code: str | None = None


@dataclass(frozen=True)
class Webhook:
    """One signed message that was held back, to be posted by the test."""

    psp: Psp
    event: str
    type: str
    body: bytes
    headers: dict[str, str]

    @property
    def django_headers(self) -> dict[str, str]:
        """For `client.post(url, data=body, content_type="application/json", headers=…)`."""
        return {name: value for name, value in self.headers.items() if name != "Content-Type"}


class Sandbox:
    """One running sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    # The buyer on the hosted pages. `webhook`: none, lost, twice, late (with `seconds`), reversed, unsigned,
    # wrong_amount (the PSP takes 1.00 more and says so everywhere), event_amount (only the message says 1.00 more).

    def pay_by_card(
        self,
        page: str,
        number: str = VISA,
        *,
        confirm: bool = True,
        webhook: str = "none",
        seconds: float = 0,
        brand: str | None = None,
        network_status: str | None = None,
    ) -> Result:
        """`confirm`: the 3-D Secure step, for the card that asks. `brand`, `network_status`: of the live charge."""
        return self._visit(
            f"stripe/{page_id(page)}/card",
            number=number,
            confirm=confirm,
            webhook=webhook,
            seconds=seconds,
            brand=brand,
            network_status=network_status,
        )

    def pay_by_twint(
        self, page: str, *, confirm: bool = True, pending: bool = False, webhook: str = "none", seconds: float = 0
    ) -> Result:
        """`pending`: the session completes unpaid, until `settle_session`."""
        path = f"stripe/{page_id(page)}/twint"
        return self._visit(path, confirm=confirm, pending=pending, webhook=webhook, seconds=seconds)

    def settle_session(self, page: str, *, paid: bool = True, webhook: str = "none", seconds: float = 0) -> None:
        """Stripe decides about a session that is complete and unpaid."""
        self._post(f"stripe/{page_id(page)}/settle", paid=paid, webhook=webhook, seconds=seconds)

    def approve_paypal(
        self,
        page: str,
        *,
        capture: Literal["completed", "pending", "declined", "instrument_declined"] = "completed",
        webhook: str = "none",
        capture_webhook: str | None = None,
        seconds: float = 0,
    ) -> Result:
        """`capture`: what the shop's capture will give. `capture_webhook`: how its messages go, if not as `webhook`."""
        return self._visit(
            f"paypal/{page_id(page)}/approve",
            capture=capture,
            webhook=webhook,
            capture_webhook=webhook if capture_webhook is None else capture_webhook,
            seconds=seconds,
        )

    def expire(self, page: str) -> Result:
        """Let a session or order grow too old at once."""
        id = page_id(page)
        return self._visit(f"{'stripe' if id.startswith('cs_') else 'paypal'}/{id}/expire")

    def settle_capture(self, capture: str, status: Literal["COMPLETED", "DENIED", "DECLINED"]) -> Json:
        """PayPal decides about a pending capture."""
        return self._post(f"paypal/captures/{capture}/settle", status=status)

    # The books.

    def payments(self) -> list[Json]:
        """psp, page, reference, methods, state, amount, currency, money (its id), received, url; oldest first."""
        return self._list("payments")

    def payment(self, page: str) -> Json:
        id = page_id(page)
        return next(row for row in self.payments() if row["page"] == id)

    def events(self) -> list[Json]:
        return self._list("events")

    def requests(self, path: str = "") -> list[Json]:
        """The calls to a path with `path` in it: psp, method, path, params, key, status, replayed."""
        return [call for call in self._list("requests") if path in call["path"]]

    def forget_requests(self) -> None:
        self._call("DELETE", "requests")

    # Webhooks.

    def deliveries(self) -> list[Json]:
        """psp, event, type, tries [{at, status, error}], state: waiting, delivered, lost, given up, held, collected."""
        return self._list("deliveries")

    def flush(self, *, early: bool = False, seconds: float = 30.0) -> None:
        """Wait until all that is due is sent. `early`: what is late, and the retries, are due now."""
        if not self._post("flush", early=early, seconds=seconds)["done"]:
            raise TimeoutError("webhooks are still under way")

    def collect(self) -> list[Webhook]:
        """Take all held or waiting messages, signed now, in their order (see `change(hold_webhooks=True)`)."""
        return [
            Webhook(d["psp"], d["event"], d["type"], d["body"].encode(), d["headers"])
            for d in self._call("POST", "collect")
        ]

    def sign(self, psp: Psp, body: bytes) -> dict[str, str]:
        """The PSP's signature headers for a body (UTF-8)."""
        return self._post("sign", psp=psp, body=body.decode())

    def send_webhook(self, psp: Psp, body: str, *, headers: dict[str, str] | None = None) -> int | None:
        """Send any message at once, signed unless `headers` are given; the shop's status."""
        status: int | None = self._post("webhooks", psp=psp, body=body, headers=headers)["status"]
        return status

    def resend(self, event: str) -> None:
        self._post(f"events/{event}/resend")

    # The dashboard, faults, keys, mails.

    def change(self, **settings: object) -> Json:
        """shop_url, stripe_methods, paypal_blocks_duplicate_invoices, paypal_token_seconds, hold_webhooks,
        retry_base_seconds, retry_cap_seconds, max_tries."""
        return self._post("settings", **settings)

    def break_calls(
        self, fault: str, path: str = "*", *, method: str = "*", calls: int = 1, seconds: float = 0
    ) -> None:
        """The next calls to a path (a pattern: /stripe/v1/*, /paypal/v2/*/capture) fail.

        down, 500, 429, html: before any effect; slow: `seconds` longer; lost, late_500: after the effect.
        """
        self._post("faults", fault=fault, path=path, method=method, calls=calls, seconds=seconds)

    def mend(self) -> None:
        self._call("DELETE", "faults")

    def forget_keys(self) -> None:
        """As if every idempotency key were too old."""
        self._post("forget-keys")

    def revoke_tokens(self) -> None:
        self._post("revoke-tokens")

    def mails(self, recipient: str = "") -> list[EmailMessage]:
        """The mails that the shop sent, oldest first."""
        return [
            email.message_from_bytes(mail["raw"].encode("latin-1"), policy=email.policy.default)
            for mail in self._list("mails")
            if not recipient or recipient in mail["recipients"]
        ]

    def forget_mails(self) -> None:
        self._call("DELETE", "mails")

    def reset(self) -> None:
        """Empty books, settings as at the start."""
        self._post("reset")

    def _visit(self, path: str, /, **body: object) -> Result:
        return Result(**self._post(path, **body))

    def _list(self, path: str) -> list[Json]:
        return list(self._call("GET", path))

    def _post(self, path: str, /, **body: object) -> Json:
        return dict(self._call("POST", path, body))

    def _call(self, method: str, path: str, body: Json | None = None) -> Any:
        answer = requests.request(method, f"{self.url}/control/{path}", json=body, timeout=60)
        if answer.status_code == 400:
            raise SandboxRefused(answer.json()["message"])
        answer.raise_for_status()
        return answer.json()


def page_id(page: str) -> str:
    """The id in a hosted page's address, or the id itself."""
    parts = urlsplit(page)
    return parse_qs(parts.query)["token"][0] if parts.query else parts.path.rsplit("/", 1)[-1]
