"""Finding orders by what staff have in hand: a number, an address, a name, an id of the PSP's, a paper."""

import re
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from orders.codes import is_valid, normalise
from orders.models import Order
from orders.search import begins_with, words_of_the_customer
from payments.models import CODE_LENGTH, Attestation, Dispute, Payment, Refund, WebhookEvent
from payments.verification import code_in

PAPER = re.compile(r"(A[PR])-?([0-9]{4})-?([0-9]{1,9})", re.IGNORECASE)
REFERENCE = re.compile(r"(?=.*[0-9])[A-Za-z0-9_-]{8,100}")


def exactly(typed: str) -> QuerySet[Order] | None:
    """The orders that an exact number, code, id or e-mail address names; None when what was typed is none of these, or
    names nothing."""
    typed = typed.strip()[:100]
    for orders in (_by_number(typed), _by_paper(typed), _by_address(typed), _by_reference(typed)):
        if orders is not None and orders.exists():
            return orders
    return None


def find(orders: QuerySet[Order], typed: str) -> QuerySet[Order]:
    """The orders that what was typed names, else those whose customer's words (orders.search) begin with its words, or
    whose e-mail address begins with it."""
    named = exactly(typed)
    if named is not None:
        return orders.filter(pk__in=named.values("pk"))
    if "@" in typed:
        return orders.alias(address=Lower("email")).filter(address__startswith=typed.strip().lower())
    words = begins_with(typed)
    if words is None:
        return orders.none()
    return orders.alias(words=words_of_the_customer()).filter(words=words)


def _by_number(typed: str) -> QuerySet[Order] | None:
    """With or without hyphens and the KK, and however the letters were read."""
    code = normalise(typed)
    code = code[2:] if code.startswith("KK") and len(code) == 10 else code
    return Order.objects.filter(number=f"KK-{code[:4]}-{code[4:]}") if len(code) == 8 and is_valid(code) else None


def _by_paper(typed: str) -> QuerySet[Order] | None:
    if numbered := PAPER.fullmatch(typed):
        series, year, n = numbered.groups()
        papers = Attestation.objects.filter(series=series.upper(), year=int(year), n=int(n))
    else:
        code = code_in(typed)
        if len(code) != CODE_LENGTH + 1 or not is_valid(code):
            return None
        papers = Attestation.objects.filter(code=code)
    of_refunds = Refund.objects.filter(pk__in=papers.values("refund"))
    return Order.objects.filter(Q(pk__in=papers.values("order")) | Q(pk__in=of_refunds.values("payment__order")))


def _by_address(typed: str) -> QuerySet[Order] | None:
    if "@" not in typed:
        return None
    return Order.objects.alias(address=Lower("email")).filter(address=typed.lower())


def _by_reference(typed: str) -> QuerySet[Order] | None:
    """An id of the PSP's, or of a payment or refund of ours."""
    if not REFERENCE.fullmatch(typed):
        return None
    providers = ["stripe", "paypal"]  # the indexes of references begin with them
    ids: list[QuerySet[Payment]] = [
        Payment.objects.filter(provider__in=providers, page_reference=typed),
        Payment.objects.filter(provider__in=providers, money_reference=typed),
        Payment.objects.filter(pk__in=Dispute.objects.filter(reference=typed).values("payment")),
        Payment.objects.filter(pk__in=Refund.objects.filter(reference=typed).values("payment")),
    ]
    try:
        ours = UUID(typed)
    except ValueError:
        pass
    else:
        ids.append(Payment.objects.filter(pk=ours))
        ids.append(Payment.objects.filter(pk__in=Refund.objects.filter(pk=ours).values("payment")))
    orders = [one.order_by().values("order_id") for one in ids]
    told = WebhookEvent.objects.filter(provider__in=providers, event_id=typed, order__isnull=False)
    return Order.objects.filter(pk__in=orders[0].union(*orders[1:], told.order_by().values("order_id")))
