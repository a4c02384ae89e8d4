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
RefundStatus = Literal["succeeded", "pending", "failed", "canceled"]
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
    # wrong_amount (the PSP takes 1.00 more and says so everywhere), event_amount (only the message says 1.00 more),
    # gaps (the first of every two is lost), never (no event was ever made: not in the PSP's list either).

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
        wallet: str | None = None,
    ) -> Result:
        """`confirm`: the 3-D Secure step, for the card that asks.

        `brand`, `network_status`, `wallet`: of the live charge.
        """
        return self._visit(
            f"stripe/{page_id(page)}/card",
            number=number,
            confirm=confirm,
            webhook=webhook,
            seconds=seconds,
            brand=brand,
            network_status=network_status,
            wallet=wallet,
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
        capture: Literal[
            "completed", "pending", "echeck", "declined", "instrument_declined", "payer_action"
        ] = "completed",
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

    def reopen(self, page: str) -> None:
        """Let an expired session of Stripe be paid all the same: its bank had agreed at the last moment."""
        self._post(f"stripe/{page_id(page)}/reopen")

    def settle_capture(self, capture: str, status: Literal["COMPLETED", "DENIED", "DECLINED"]) -> Json:
        """PayPal decides about a pending capture."""
        return self._post(f"paypal/captures/{capture}/settle", status=status)

    # Money that goes back. What becomes of the shop's own refunds is a setting: `change(refunds="pending")`.

    def refund(
        self,
        page: str,
        amount: int | None = None,
        *,
        status: RefundStatus = "succeeded",
        webhook: str = "none",
        seconds: float = 0,
    ) -> str:
        """Somebody at the PSP's dashboard gives money back (all that is left, or so many centimes); the refund's id."""
        path = f"payments/{page_id(page)}/refund"
        return str(self._post(path, amount=amount, status=status, webhook=webhook, seconds=seconds)["id"])

    def settle_refund(
        self, refund: str, status: RefundStatus, *, reason: str = "", webhook: str = "none", seconds: float = 0
    ) -> None:
        """A pending refund is decided, or one that succeeded bounces. `reason`: Stripe's failure_reason.

        PayPal sends no message of a refund that failed.
        """
        self._post(f"refunds/{refund}", status=status, reason=reason, webhook=webhook, seconds=seconds)

    def dispute(
        self,
        page: str,
        amount: int | None = None,
        *,
        reason: str = "",
        status: str = "",
        due_days: float = 10,
        webhook: str = "none",
        seconds: float = 0,
    ) -> str:
        """The customer's bank, or PayPal, asks for the money back; the dispute's id.

        `reason` and `status` are the PSP's words; usually fraudulent, needs_response (an inquiry:
        warning_needs_response) at Stripe, MERCHANDISE_OR_SERVICE_NOT_RECEIVED, WAITING_FOR_SELLER_RESPONSE at PayPal.
        """
        body = {"reason": reason, "status": status, "due_days": due_days, "webhook": webhook, "seconds": seconds}
        return str(self._post(f"payments/{page_id(page)}/dispute", amount=amount, **body)["id"])

    def move_dispute(
        self, dispute: str, status: str, *, outcome: str = "", webhook: str = "none", seconds: float = 0
    ) -> None:
        """A dispute goes on or ends: under_review, won, lost, warning_closed … at Stripe; at PayPal UNDER_REVIEW …, or
        RESOLVED with an `outcome` (RESOLVED_BUYER_FAVOUR and ACCEPTED take the money: PAYMENT.CAPTURE.REVERSED)."""
        self._post(f"disputes/{dispute}", status=status, outcome=outcome, webhook=webhook, seconds=seconds)

    def reverse(self, page: str, amount: int | None = None, *, webhook: str = "none", seconds: float = 0) -> str:
        """PayPal takes money back by itself (PAYMENT.CAPTURE.REVERSED); the reversal's id."""
        path = f"payments/{page_id(page)}/reverse"
        return str(self._post(path, amount=amount, webhook=webhook, seconds=seconds)["id"])

    def age(self, page: str, days: float) -> None:
        """Let a payment be older than it is: TWINT and PayPal give nothing back after 180 days."""
        self._post(f"payments/{page_id(page)}/age", days=days)

    # The balance: what each PSP has booked, with its fees.

    def ledger(self, psp: str = "") -> list[Json]:
        """psp, id, code (the PSP's own word), about (an id), amount, fee, currency, at (Unix seconds)."""
        return [line for line in self._list("ledger") if psp in ("", line["psp"])]

    def change_line(
        self, line: str, *, at: float | None = None, amount: int | None = None, currency: str | None = None
    ) -> None:
        """Let the PSP have booked it at another time, with another amount or in another currency."""
        self._post("ledger/change", id=line, at=at, amount=amount, currency=currency)

    def strike_line(self, line: str) -> None:
        """Let the PSP never have booked it."""
        self._post("ledger/strike", id=line)

    def shift_lines(self, seconds: float) -> None:
        """Let all that was booked be so much older."""
        self._post("ledger/shift", seconds=seconds)

    def take_from_a_stranger(self, psp: Psp, amount: int) -> str:
        """Another shop on the same account takes money; the line's id."""
        return str(self._post("ledger/stranger", psp=psp, amount=amount)["id"])

    def charge_a_fee(self, psp: Psp, amount: int) -> None:
        """The PSP takes something for itself."""
        self._post("ledger/fee", psp=psp, amount=amount)

    def pay_out(self, psp: Psp, *, automatic: bool = True, amount: int | None = None) -> str:
        """Send the balance to the shop's bank, or by hand a part of it; the payout's id."""
        return str(self._post("payouts", psp=psp, automatic=automatic, amount=amount)["id"])

    def return_payout(self, payout: str) -> None:
        """The shop's bank sends a payout of Stripe's back."""
        self._post(f"payouts/{payout}/return")

    # The books.

    def books(self) -> dict[str, Json]:
        """By the payment's id: taken, refunded (for good), refunding (pending), disputed (centimes); currency."""
        return dict(self._call("GET", "books"))

    def payments(self) -> list[Json]:
        """psp, page, reference, methods, state, amount, currency, money (its id), received, url, refunded, refunding,
        disputed, refunds [{id, amount, status, marks}], disputes [{id, amount, status, reason, outcome}]; oldest first.
        """
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
        """shop_url, stripe_methods, paypal_blocks_duplicate_invoices, paypal_keeps_approval (whether an order whose
        capture was declined stays APPROVED), paypal_token_seconds; paypal_reports (whether the app may search its
        transactions), paypal_report_seconds (how late they are told), paypal_report_most (how many may be found);
        hold_webhooks, retry_base_seconds, retry_cap_seconds, max_tries; refunds (what becomes of the shop's:
        succeeded, pending, failed, refused: the account is empty), refund_webhook, refund_seconds (how their messages
        go); stripe_secret, paypal_webhook (what messages are signed with, and for)."""
        return self._post("settings", **settings)

    def break_calls(
        self, fault: str, path: str = "*", *, method: str = "*", calls: int = 1, seconds: float = 0
    ) -> None:
        """The next calls to a path (a pattern: /stripe/v1/*, /paypal/v2/*/capture) fail.

        down, silent (nothing comes; the line is cut after `seconds`, or 60), 500, 429, html: before any effect;
        slow: `seconds` longer; lost, late_500: after the effect;
        kept_500: without any effect, and Stripe's key repeats it.
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
