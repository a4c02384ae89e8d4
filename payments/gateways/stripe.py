"""Stripe: cards and TWINT, on Stripe's own page (Checkout)."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import stripe
from django.utils.translation import gettext, override
from stripe.params import RefundCreateParams, RefundListParams
from stripe.params.checkout import SessionCreateParams

from payments.configuration import StripeConfiguration
from payments.gateways.allowed import flag, kept, parsed, reference, word
from payments.gateways.base import (
    BadSignature,
    Entry,
    Facts,
    HostedPage,
    MadeRefund,
    Move,
    Notice,
    PageState,
    PaymentDetails,
    PaymentFacts,
    RefundFacts,
    RefundState,
    Refused,
    Registration,
    Replayed,
    Unreachable,
    Urls,
)
from payments.gateways.deadline import HAND_OFF_SECONDS, TASK_SECONDS
from payments.gateways.stripe_balance import BOOKED_LATE, entries
from payments.gateways.stripe_channel import events_since, register
from payments.gateways.stripe_messages import (
    KINDS,
    allowed_for,
    details_of,
    doubt_of,
    live_dispute,
    live_intent,
    live_refund,
    live_session,
    notice_of,
    our_refund,
    refund_state,
    state_of,
)
from payments.gateways.stripe_transport import (
    API_VERSION,
    KEY_MEANS_ANOTHER,
    called,
    client_for,
    is_signed,
    shown,
    told,
)

log = logging.getLogger(__name__)

CLOCK_SECONDS = 300
"""How far a message's time may lie from ours, in both directions (Stripe's own package looks at the past only)."""


class StripeGateway:
    """Stripe's adapter. A payment's id is the idempotency key of its page.

    Stripe keeps a key for at least 24 hours and a page lives for less than one: no page's key is ever used too late.
    """

    provider: ClassVar[str] = "stripe"
    api_version: ClassVar[str] = API_VERSION
    signature_covers_body: ClassVar[bool] = True

    def __init__(self, configuration: StripeConfiguration) -> None:
        self._configuration = configuration
        self._client = client_for(configuration)
        self._sessions = self._client.v1.checkout.sessions

    # Out

    def open(self, payment: PaymentFacts, urls: Urls) -> HostedPage:
        params = _params(payment, urls)
        try:
            return called(HAND_OFF_SECONDS, lambda: self._open(payment, params))
        except Refused as refused:
            raise Refused(refused.code, "opening") from None
        except Replayed:
            # This key opens nothing any more, and nobody was sent to what it may have opened.
            raise Refused("replayed", "opening") from None

    def look(self, payment: PaymentFacts) -> PageState:
        if not payment.page_reference:
            return PageState.DEAD  # its address was never shown to anybody
        return state_of(self._session(payment.page_reference))

    def close(self, payment: PaymentFacts) -> PageState:
        """Expire the page; one that was paid meanwhile cannot be expired any more, and says so."""
        page = payment.page_reference
        if page:
            with suppress(Refused):
                called(TASK_SECONDS, lambda: self._sessions.expire(page))
        return self.look(payment)

    def _open(self, payment: PaymentFacts, params: SessionCreateParams) -> HostedPage:
        if payment.page_reference:
            session = told(self._sessions.retrieve(payment.page_reference))
            if session.get("status") != "open":
                raise Unreachable("the page is not open any more: look at it")
        else:
            session = told(self._sessions.create(params, {"idempotency_key": str(payment.id)}))
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

    def refund(self, refund: RefundFacts, key: str) -> MadeRefund:
        money = refund.payment.money_reference
        if not money:
            raise Refused("no_money")
        params: RefundCreateParams = {
            "payment_intent": money,
            "amount": refund.amount,
            "metadata": {"refund": str(refund.id), "payment": str(refund.payment.id)},
        }
        try:
            made = called(TASK_SECONDS, lambda: self._client.v1.refunds.create(params, {"idempotency_key": key}))
        except Refused as refused:
            if refused.code == KEY_MEANS_ANOTHER:
                # This key has made something else of this refund: whatever it was must be looked at first.
                raise Unreachable(refused.code) from None
            raise
        return _made(told(made))

    def find_refund(self, refund: RefundFacts) -> MadeRefund | None:
        known = refund.reference
        if known:
            return _made(shown("a refund", lambda: self._client.v1.refunds.retrieve(known)))
        if not refund.payment.money_reference:
            return None
        for found in self._refunds(refund.payment.money_reference):
            if our_refund(found) == refund.id:
                return _made(found)
        return None

    def _refunds(self, money: str) -> Iterator[dict[str, Any]]:
        """All refunds of one payment, whoever made them."""
        params: RefundListParams = {"payment_intent": money, "limit": 100}
        page = self._page_of_refunds(params)
        while refunds := page.get("data"):
            yield from refunds
            if page.get("has_more") is not True:
                return
            page = self._page_of_refunds({**params, "starting_after": refunds[-1]["id"]})

    def _page_of_refunds(self, params: RefundListParams) -> dict[str, Any]:
        return shown("refunds", lambda: self._client.v1.refunds.list(params))

    def _session(self, page: str) -> dict[str, Any]:
        """A session with its payment intent and charge, as they are now. Raises Unreachable."""
        return shown("a page", lambda: self._sessions.retrieve(page, {"expand": ["payment_intent.latest_charge"]}))

    # In

    def verify(self, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        header = headers.get("Stripe-Signature", "")
        if not any(is_signed(body, header, secret) for secret in self._configuration.webhook_secrets):
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
        allowed = allowed_for(event["type"], str(thing.get("object")))
        return Facts(event["id"], event["type"], event["livemode"], event.get("api_version", ""), kept(thing, allowed))

    def read(self, facts: Facts) -> Notice:
        return notice_of(facts)

    def confirm(self, facts: Facts) -> Notice:
        id = facts.object.get("id", "")
        v1 = self._client.v1
        match facts.object.get("object"):
            case _ if facts.type not in KINDS:
                return notice_of(facts)
            case "checkout.session":
                return live_session(self._session(id))
            case "payment_intent":
                return live_intent(shown("a payment", lambda: v1.payment_intents.retrieve(id)))
            case "refund":
                return live_refund(shown("a refund", lambda: v1.refunds.retrieve(id, {"expand": ["payment_intent"]})))
            case "dispute":
                found = shown("a dispute", lambda: v1.disputes.retrieve(id, {"expand": ["payment_intent"]}))
                return live_dispute(found)
            case _:
                return notice_of(facts)

    def listed(self, since: datetime) -> Iterator[Facts]:
        for payload in events_since(self._client, since):
            try:
                facts = self.facts(payload)
            except ValueError:
                log.exception("Stripe lists what is no event")
                continue
            yield facts

    def reading(self, payment: PaymentFacts) -> Facts:
        session = {"object": "checkout.session", "id": payment.page_reference}
        livemode = self._configuration.livemode
        return Facts(f"read-{payment.id}", "checkout.session.completed", livemode, API_VERSION, session)

    def reading_of_refund(self, refund: RefundFacts, state: RefundState) -> Facts:
        made = {"object": "refund", "id": refund.reference}
        return Facts(f"read-{refund.id}-{state}", "refund.updated", self._configuration.livemode, API_VERSION, made)

    def details(self, payment: PaymentFacts) -> PaymentDetails:
        return details_of(self._session(payment.page_reference)) if payment.page_reference else PaymentDetails()

    def doubt(self, payment: PaymentFacts) -> str:
        return doubt_of(self._session(payment.page_reference)) if payment.page_reference else ""

    def statement(self, since: datetime, until: datetime) -> Iterator[Entry]:
        return entries(self._client, {"created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())}})

    def listed_until(self) -> datetime:
        return datetime.now(UTC) - BOOKED_LATE

    def contents(self, payout: str) -> Iterator[Entry]:
        lines = entries(self._client, {"payout": payout})
        return (one for one in lines if not (one.move == Move.PAYOUT and one.reference == payout and one.amount < 0))

    def register(self, url: str) -> Registration:
        return register(self._client, url)


def _made(refund: dict[str, Any]) -> MadeRefund:
    """A refund of Stripe's in our words. Raises Unreachable for nonsense."""
    id = reference(refund)
    if not id:
        raise Unreachable("Stripe's refund has no id")
    return MadeRefund(id, refund_state(refund))


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
