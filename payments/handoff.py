"""Out to the PSP: open a page for a pending order, or find the one that is open, and say where it is."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import override

from orders.models import TWINT_LIMIT, Order, TimelineEntry
from orders.moves import hold, tell
from payments import moves
from payments.capture import capture
from payments.gateways import close, gateway
from payments.gateways.base import PageState, Refused, Unreachable, Urls
from payments.gateways.deadline import HAND_OFF_SECONDS, at_most
from payments.models import Method, Payment, Provider
from payments.statement import name_on_statement

log = logging.getLogger(__name__)
Actor = TimelineEntry.Actor

PAGE_LIFE = timedelta(minutes=41)
"""How long a page can be paid on: more than the 30 minutes that Stripe asks for at least, whatever the clocks say."""
ORDER_GRACE = timedelta(minutes=5)
"""The order outlives its page by that much."""
LONGEST_HOLD = timedelta(hours=4)
"""However often a customer tries again, the goods are not set aside for longer."""
LEAST_LEFT = timedelta(minutes=10)
"""Of a page's life, for whoever is sent there again."""
LOOK_AFTER = timedelta(minutes=2)
"""When the sweep first asks after a payment."""
TWIN_PAUSES = (0.1, 0.2, 0.4, 0.8)
"""Seconds for which a click waits for its twin to learn the page's address."""

PROVIDERS = {Method.CARD: Provider.STRIPE, Method.TWINT: Provider.STRIPE, Method.PAYPAL: Provider.PAYPAL}


class NotPayable(Exception):
    """Nothing may be opened for this order now: it is not pending, or money may be on its way. Its page says which."""


class MethodUnavailable(Exception):
    """This method cannot be had for this order; another one can."""


@dataclass(frozen=True)
class Offer:
    """A method as the customer sees it."""

    code: str
    why_not: str = ""
    """A sentence when the method exists, but not for this amount."""
    again: bool = False
    """It failed just now."""


def offers(total: int, failed: str = "") -> list[Offer]:
    """The methods that are configured, for an amount of centimes; the one that failed just now comes last."""
    configured = {Provider.STRIPE: settings.PAYMENTS.stripe, Provider.PAYPAL: settings.PAYMENTS.paypal}
    found = [
        Offer(method.value, why_not=_why_not(method, total), again=method == failed)
        for method, provider in PROVIDERS.items()
        if configured[provider]
    ]
    return sorted(found, key=lambda offer: offer.again)


@dataclass(frozen=True)
class OnStatement:
    """What the customer's statement will call a payment by this method."""

    method: Method
    name: str
    """Empty where each bank prints it as it likes."""


def on_statements(offered: Iterable[Offer]) -> list[OnStatement]:
    """Of each method that can be chosen."""
    name = settings.SELLER["statement_name"]
    return [
        OnStatement(Method(offer.code), name_on_statement(offer.code, name)) for offer in offered if not offer.why_not
    ]


def _why_not(method: str, total: int) -> str:
    if method == Method.TWINT and total > TWINT_LIMIT:
        return _("TWINT accepts payments up to CHF 5’000. Choose another payment method for this amount.")
    return ""


def hand_off(order: Order, method: str) -> str:
    """The address of the PSP's page on which this order can be paid with this method, for a redirect at once.

    A page that is open for the same method is used again; one of another method is closed first, and only a dead page
    lets the next be opened. Raises NotPayable, MethodUnavailable, or Unreachable when the PSP does not answer: then
    nothing is lost, and the next try finds the same page.
    """
    if not any(offer.code == method and not offer.why_not for offer in offers(order.total)):
        raise MethodUnavailable(method)
    with at_most(HAND_OFF_SECONDS):
        return _open(_started(order, method))


def _open(payment: Payment) -> str:
    psp = gateway(payment.provider)
    try:
        page = psp.open(payment, _urls(payment))
    except Refused as refused:
        log.warning("The PSP refused to open a page: %s", refused.code, extra={"order": payment.order.number})
        _give_up(payment)
        raise MethodUnavailable(payment.method) from refused
    except Unreachable:
        if not _opened_by_another_click(payment):
            raise
        page = psp.open(payment, _urls(payment))
    if not _note_page(payment, page.reference):
        # Another tab chose another method meanwhile: nobody is sent to this page, and it is closed.
        payment.page_reference = page.reference
        psp.close(payment)
        raise NotPayable(payment.order.number)
    return page.url


def _opened_by_another_click(payment: Payment) -> bool:
    """A double click asks for one page twice at once; the PSP answers one of the two and turns the other away."""
    for pause in TWIN_PAUSES:
        payment.refresh_from_db(fields=["page_reference"])
        if payment.page_reference:
            return True
        time.sleep(pause)
    return False


def _started(order: Order, method: str) -> Payment:
    """The payment to open: the one that is under way with this method, or a new one."""
    for _once_more in range(2):
        payment = _start(order, method)
        if payment.method == method and payment.page_reference is None:
            return payment
        if _still_usable(payment, method):
            return payment
    raise NotPayable(order.number)


@transaction.atomic
def _start(order: Order, method: str) -> Payment:
    """The started payment of the order; a new one, committed before the PSP hears of it, where there is none."""
    held = hold(pk=order.pk)
    if held.status != Order.Status.PENDING:
        raise NotPayable(order.number)
    payments = list(held.payments.all())
    open_payment = next((payment for payment in payments if payment.status == Payment.Status.STARTED), None)
    if open_payment:
        if open_payment.method == method or open_payment.page_reference:
            return open_payment
        # Its page was never learnt of, so nobody was sent there.
        moves.give_up(held, open_payment)
    if any(payment.holds_money() or payment.is_unannounced for payment in payments):
        raise NotPayable(order.number)
    if not may_open(held):
        raise NotPayable(order.number)
    at = now()
    payment = Payment.objects.create(
        order=held,
        method=method,
        provider=PROVIDERS[Method(method)],
        amount=held.total,
        currency=held.currency,
        expires_at=at + PAGE_LIFE,
        next_try_at=at + LOOK_AFTER,
    )
    Order.objects.filter(pk=held.pk).update(expires_at=payment.expires_at + ORDER_GRACE)
    tell(held, TimelineEntry.Kind.PAYMENT_STARTED, Actor.CUSTOMER, method=Method(payment.method).label)
    return payment


def may_open(order: Order) -> bool:
    """Whether a new page would end before the goods have been set aside for the longest time."""
    return now() + PAGE_LIFE <= order.created_at + LONGEST_HOLD


def _still_usable(payment: Payment, method: str) -> bool:
    """Whether the open page is the one that is wanted; any other is closed, so that the next can be opened."""
    if payment.claimed_at:
        raise NotPayable(payment.order.number)
    same = payment.method == method
    state = gateway(payment.provider).look(payment) if same else close(payment.provider, payment)
    # What PayPal declined stays approved there until the customer chooses something else on the same page.
    if same and (state == PageState.OPEN or (state == PageState.APPROVED and payment.needs_another_choice)):
        if payment.expires_at - now() > LEAST_LEFT or not may_open(payment.order):
            return True
        # Too little time is left to pay there; the next page prolongs what is set aside.
        state = close(payment.provider, payment)
    if same and state == PageState.APPROVED:
        capture(payment.pk)
    if state in (PageState.PAID, PageState.PENDING):
        moves.note_with_bank(payment)
    if state != PageState.DEAD:
        raise NotPayable(payment.order.number)
    with transaction.atomic():
        moves.expire(hold(pk=payment.order_id), payment, Actor.CUSTOMER)
    return False


@transaction.atomic
def _note_page(payment: Payment, reference: str) -> bool:
    """Keep the page's reference, unless the payment ended meanwhile: then nobody may be sent there."""
    hold(pk=payment.order_id)
    started = Payment.objects.filter(pk=payment.pk, status=Payment.Status.STARTED)
    known = Q(page_reference__isnull=True) | Q(page_reference=reference)
    return bool(started.filter(known).update(page_reference=reference))


@transaction.atomic
def _give_up(payment: Payment) -> None:
    moves.give_up(hold(pk=payment.order_id), payment)


def _urls(payment: Payment) -> Urls:
    """Where the PSP sends the customer back to: the order's own page, so that no session is needed there.

    In the order's language, whatever language the customer reads now: one key, one request.
    """
    arguments = [payment.order.token, payment.pk]
    with override(payment.order.language):
        return Urls(
            success=settings.SITE_URL + reverse("payments:returned", args=arguments),
            cancel=settings.SITE_URL + reverse("payments:left", args=arguments),
        )
