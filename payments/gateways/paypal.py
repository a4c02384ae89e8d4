"""PayPal: orders that the customer approves on PayPal's page, and that the shop captures (Orders v2)."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.utils.translation import gettext, override

from payments.configuration import PAYPAL_API, PayPalConfiguration
from payments.gateways.allowed import kept, parsed, reference, word
from payments.gateways.base import (
    Declined,
    Entry,
    Facts,
    HostedPage,
    Kind,
    MadeRefund,
    Notice,
    PageState,
    PaymentDetails,
    PaymentFacts,
    RefundFacts,
    RefundState,
    Refused,
    Registration,
    Unclear,
    Unreachable,
    Urls,
)
from payments.gateways.deadline import HAND_OFF_SECONDS, TASK_SECONDS, within
from payments.gateways.paypal_balance import entries, refreshed_at
from payments.gateways.paypal_channel import events_since, register
from payments.gateways.paypal_messages import (
    DISPUTE_EVENTS,
    KINDS,
    OUR_REFUND,
    REVERSED,
    allowed_for,
    charged,
    details_of,
    live_capture,
    live_dispute,
    live_order,
    live_refund,
    live_reversal,
    notice_of,
    of_capture,
    our_refund,
    page_of,
    refund_state,
    refunds_in,
    reversed_capture,
    state_of,
)
from payments.gateways.paypal_signature import Verifier
from payments.gateways.paypal_transport import NotFound, PayPalTransport

log = logging.getLogger(__name__)

FRESH_PAUSES = (0.5, 1.0, 2.0)
"""Seconds: PayPal may tell of an object before all of its machines know it."""

KEY_MEANS_ANOTHER = "PAYPAL_REQUEST_ID_PREVIOUSLY_USED"
# What PayPal answers to a capture when the customer can still do something about it on the same page, in our classes.
DECLINED = {
    "INSTRUMENT_DECLINED": "paypal",
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": "paypal",
    "PAYER_ACTION_REQUIRED": "authentication",
}


class PayPalGateway:
    """PayPal's adapter. A payment's id is the key of its order, `cap-<id>-<n>` that of a capture.

    PayPal keeps an order's keys for 6 hours and a page lives for less than one: no page's key is ever used too late.
    A refund's key is kept for 45 days.
    """

    provider: ClassVar[str] = "paypal"
    api_version: ClassVar[str] = "2.0"
    signature_covers_body: ClassVar[bool] = False

    def __init__(self, configuration: PayPalConfiguration) -> None:
        self._configuration = configuration
        self._livemode = configuration.api == PAYPAL_API["live"]
        self._transport = PayPalTransport(configuration)
        self._verifier = Verifier(
            configuration.webhook_ids, configuration.certificates, configuration.certificate_roots
        )

    # Out

    def open(self, payment: PaymentFacts, urls: Urls) -> HostedPage:
        body = _body(payment, urls)
        return within(HAND_OFF_SECONDS, lambda: self._open(payment, body))

    def look(self, payment: PaymentFacts) -> PageState:
        if not payment.page_reference:
            return PageState.DEAD  # its address was never shown to anybody
        order = self._read(f"/v2/checkout/orders/{payment.page_reference}", FRESH_PAUSES)
        return state_of(order) if order else PageState.DEAD

    def close(self, payment: PaymentFacts) -> PageState:
        """Nothing closes a page of PayPal's. Our not capturing does, which is the caller's to keep to."""
        state = self.look(payment)
        return PageState.DEAD if state in (PageState.OPEN, PageState.APPROVED) else state

    def capture(self, payment: PaymentFacts, n: int) -> PageState:
        path, key = f"/v2/checkout/orders/{payment.page_reference}/capture", f"cap-{payment.id}-{n}"
        try:
            state = state_of(within(TASK_SECONDS, lambda: self._transport.post(path, {}, key)))
        except NotFound as refused:
            if self.look(payment) != PageState.DEAD:
                raise Unreachable(refused.code) from None
            raise Refused(refused.code, "timeout") from None
        except Refused as refused:
            state = self._uncaptured(payment, refused)
        if state == PageState.DEAD:
            raise Refused("CAPTURE_DECLINED", "paypal")
        return state

    def _uncaptured(self, payment: PaymentFacts, refused: Refused) -> PageState:
        if refused.code == "ORDER_NOT_APPROVED":
            return PageState.OPEN
        if refused.code in DECLINED:
            raise Declined(refused.code, DECLINED[refused.code])
        if refused.code == "ORDER_ALREADY_CAPTURED":
            return self.look(payment)
        if refused.code == "ORDER_COMPLETION_IN_PROGRESS":
            raise Unreachable(refused.code)
        log.error("PayPal refused a capture: %s", refused.code)
        raise refused

    def refund(self, refund: RefundFacts, key: str) -> MadeRefund:
        money = refund.payment.money_reference
        if not money:
            raise Refused("no_money")
        body = {
            "amount": _amount(refund.amount, refund.payment.received_currency or refund.payment.currency),
            "custom_id": f"{OUR_REFUND}{refund.id}",
            "invoice_id": f"{refund.payment.order.number}-r{refund.id.hex[:8]}",
        }
        try:
            path = f"/v2/payments/captures/{money}/refund"
            return _made(within(TASK_SECONDS, lambda: self._transport.post(path, body, key)))
        except Refused as refused:
            if isinstance(refused, NotFound) or refused.code == KEY_MEANS_ANOTHER:
                # A capture that is not known everywhere yet; or a key that has made something else of this refund.
                raise Unreachable(refused.code) from None
            log.error("PayPal refused a refund: %s", refused.code)
            raise

    def find_refund(self, refund: RefundFacts) -> MadeRefund | None:
        """By its reference, or among those that PayPal's order lists: a capture itself lists none."""
        if refund.reference:
            return _made(self._shown(f"/v2/payments/refunds/{refund.reference}"))
        if not refund.payment.money_reference:
            return None
        for id in refunds_in(self._shown(f"/v2/checkout/orders/{refund.payment.page_reference}")):
            found = self._shown(f"/v2/payments/refunds/{id}")
            if our_refund(found) == refund.id:
                return _made(found)
        return None

    def _open(self, payment: PaymentFacts, body: dict[str, Any]) -> HostedPage:
        try:
            if payment.page_reference:
                order = self._transport.get(f"/v2/checkout/orders/{payment.page_reference}")
            else:
                order = self._transport.post("/v2/checkout/orders", body, str(payment.id))
        except NotFound as refused:
            raise Unreachable(refused.code) from None
        except Refused as refused:
            raise Refused(refused.code, "opening") from None
        url = page_of(order)
        if payment.page_reference:
            if state_of(order) not in (PageState.OPEN, PageState.APPROVED):
                raise Unreachable("the page is not open any more: look at it")
            # Of what is approved PayPal shows no page, and takes another choice on the same one all the same.
            url = url or f"{self._configuration.pages}/checkoutnow?token={payment.page_reference}"
        if charged(order) != (payment.amount, payment.currency):
            raise Refused("amount_differs", "opening")
        if urlsplit(url)[:2] != urlsplit(self._configuration.pages)[:2]:
            raise Refused("page_elsewhere", "opening")
        page = reference(order)
        if not page:
            raise Unreachable("PayPal's order has no id")
        return HostedPage(page, url)

    # In

    def verify(self, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        self._verifier.verify(body, headers)
        return parsed(body)

    def facts(self, payload: dict[str, Any]) -> Facts:
        event = kept(payload, {"id": reference, "event_type": word, "resource_version": word})
        resource = payload.get("resource")
        if not {"id", "event_type"} <= set(event) or not isinstance(resource, Mapping):
            raise ValueError("not an event of PayPal")
        return Facts(
            event["id"],
            event["event_type"],
            self._livemode,  # PayPal's events do not say: our credentials and our webhook are of one mode
            event.get("resource_version", ""),
            kept(resource, allowed_for(event["event_type"])),
        )

    def read(self, facts: Facts) -> Notice:
        return notice_of(facts)

    def confirm(self, facts: Facts) -> Notice:
        id = facts.object.get("id", "")
        if facts.type not in KINDS:
            return notice_of(facts)
        if facts.type.startswith(DISPUTE_EVENTS):
            dispute = self._shown(f"/v1/customer/disputes/{facts.object.get('dispute_id', '')}")
            return self._with_its_payment(live_dispute(dispute))
        if facts.type == REVERSED:
            return self._with_its_payment(self._reversal(facts))
        if KINDS[facts.type] == Kind.REFUND:
            return self._with_its_payment(live_refund(self._shown(f"/v2/payments/refunds/{id}")))
        if KINDS[facts.type] == Kind.APPROVED:
            order = self._read(f"/v2/checkout/orders/{id}", FRESH_PAUSES)
            # One that PayPal does not know is too old to be captured, or was never there.
            return live_order(order) if order else Notice(Kind.OTHER)
        return live_capture(self._shown(f"/v2/payments/captures/{id}"))

    def listed(self, since: datetime) -> Iterator[Facts]:
        for payload in events_since(self._transport, since):
            try:
                facts = self.facts(payload)
            except ValueError:
                log.exception("PayPal lists what is no event")
                continue
            yield facts

    def reading(self, payment: PaymentFacts) -> Facts:
        order = self._shown(f"/v2/checkout/orders/{payment.page_reference}")
        captures = [
            one for unit in order.get("purchase_units", []) for one in unit.get("payments", {}).get("captures", [])
        ]
        if not captures:
            raise Unclear("nothing was captured on this page")
        capture = {"id": reference(captures[-1])}
        return Facts(f"read-{payment.id}", "PAYMENT.CAPTURE.COMPLETED", self._livemode, self.api_version, capture)

    def reading_of_refund(self, refund: RefundFacts, state: RefundState) -> Facts:
        made, id = {"id": refund.reference}, f"read-{refund.id}-{state}"
        return Facts(id, "PAYMENT.CAPTURE.REFUNDED", self._livemode, self.api_version, made)

    def details(self, payment: PaymentFacts) -> PaymentDetails:
        return details_of(self._shown(f"/v2/checkout/orders/{payment.page_reference}", patient=False))

    def doubt(self, payment: PaymentFacts) -> str:
        """Nothing: with PayPal the customer's account pays, whatever stands behind it."""
        return ""

    def statement(self, since: datetime, until: datetime) -> Iterator[Entry]:
        return entries(self._transport, since, until)

    def listed_until(self) -> datetime:
        return refreshed_at(self._transport)

    def contents(self, payout: str) -> Iterator[Entry]:
        """Nothing: a withdrawal takes of the balance what there is, and PayPal ties it to no transaction."""
        return iter(())

    def register(self, url: str) -> Registration:
        return register(self._transport, url)

    def _reversal(self, facts: Facts) -> Notice:
        """Money that PayPal took back. The event shows it in the shape of a refund, or of the capture itself."""
        capture = facts.object.get("links")
        reversal = self._read(f"/v2/payments/refunds/{facts.object.get('id', '')}", FRESH_PAUSES if capture else ())
        if reversal:
            return live_reversal(reversal)
        return reversed_capture(self._shown(f"/v2/payments/captures/{capture or facts.object.get('id', '')}"))

    def _with_its_payment(self, notice: Notice) -> Notice:
        """The notice with our payment's id, which the capture knows."""
        if not notice.money_reference:
            return notice
        return of_capture(notice, self._read(f"/v2/payments/captures/{notice.money_reference}"))

    def _shown(self, path: str, *, patient: bool = True) -> dict[str, Any]:
        """An object that must be there, as it is now. Raises Unreachable."""
        found = self._read(path, FRESH_PAUSES if patient else ())
        if not found:
            raise Unclear("PayPal knows no such thing")
        return found

    def _read(self, path: str, pauses: tuple[float, ...] = ()) -> dict[str, Any] | None:
        """An object as it is now, asked for again after each pause; None when PayPal does not know it.

        Raises Unreachable.
        """
        try:
            return within(TASK_SECONDS, lambda: self._patiently(path, pauses))
        except NotFound:
            return None
        except Refused as refused:
            code = refused.code
        raise Unclear(f"PayPal does not show it: {code}")

    def _patiently(self, path: str, pauses: tuple[float, ...]) -> dict[str, Any]:
        for pause in pauses:
            with suppress(NotFound):
                return self._transport.get(path)
            time.sleep(pause)
        return self._transport.get(path)


def _body(payment: PaymentFacts, urls: Urls) -> dict[str, Any]:
    """One amount and no items, the language, our ids; nothing else (developer.paypal.com, Orders v2)."""
    order = payment.order
    with override(order.language):
        line = gettext("Order %(number)s") % {"number": order.number}
    return {
        "intent": "CAPTURE",
        "purchase_units": [
            {
                "custom_id": str(payment.id),
                # Unique for every try: an account may refuse a second payment of one invoice.
                "invoice_id": f"{order.number}-{payment.id.hex[:8]}",
                "description": line,
                "amount": _amount(payment.amount, payment.currency),
            }
        ],
        "payment_source": {
            "paypal": {
                "experience_context": {
                    "locale": f"{order.language}-CH",
                    "shipping_preference": "NO_SHIPPING",
                    "user_action": "PAY_NOW",
                    "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
                    "return_url": urls.success,
                    "cancel_url": urls.cancel,
                }
            }
        },
    }


def _amount(centimes: int, currency: str) -> dict[str, str]:
    francs, rest = divmod(centimes, 100)
    return {"currency_code": currency, "value": f"{francs}.{rest:02d}"}


def _made(refund: dict[str, Any]) -> MadeRefund:
    """A refund of PayPal's in our words. Raises Unreachable for nonsense."""
    id = reference(refund)
    if not id:
        raise Unreachable("PayPal's refund has no id")
    return MadeRefund(id, refund_state(refund))
