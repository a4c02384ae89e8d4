"""The papers: attestation of payment and refund notice. Their numbers are given once; they are drawn anew each time."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.urls import reverse
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.utils.translation import override

from orders.codes import grouped
from orders.models import Order, OrderLine, VatShare
from payments import paper, parcel
from payments.gateways import gateway
from payments.gateways.base import GatewayError, PaymentDetails, Unclear
from payments.gateways.deadline import DETAILS_SECONDS, at_most
from payments.models import Attestation, Dispute, Payment, Provider, Refund
from payments.verification import initials

log = logging.getLogger(__name__)
NUMBERING = 5_816_204
"""The advisory lock under which numbers are given: no series has a gap or a twin."""
BATCH = 200
Series = Attestation.Series
Row = TypeVar("Row", Order, Refund)


def of(order: Order) -> Attestation:
    """The attestation of an effective order, numbered now if it was not yet. Raises Attestation.DoesNotExist."""
    found = _numbered(order.pk, order=order)
    found.order = order
    return found


def of_refund(refund: Refund) -> Attestation:
    """The notice of a refund that succeeded, numbered now if it was not yet. Raises Attestation.DoesNotExist."""
    found = _numbered(refund.payment.order_id, refund=refund)
    found.refund = refund
    return found


def _numbered(order_id: int, **what: Order | Refund) -> Attestation:
    found = Attestation.objects.filter(**what).first()
    if found is None:
        give_numbers(order_id)
        found = Attestation.objects.get(**what)
    return found


@transaction.atomic
def give_numbers(wanted: int | None = None) -> int:
    """Number the effective orders and the refunds that have no paper yet, oldest first; returns how many.

    Out of the bank's messages' way, which a counter would make wait for each other. Each series starts anew with the
    year in Zurich and has no gap (Olico art. 2): numbers are given inside one transaction under an advisory lock.
    One batch at a time, and with it what belongs to the order whose id is `wanted`: nobody waits for a backlog.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERING])
    at = now()
    orders = Order.objects.filter(effective_at__isnull=False, numbered=False).order_by("effective_at", "id")
    refunds = Refund.objects.filter(status=Refund.Status.SUCCEEDED, numbered=False).order_by("settled_at", "id")
    given = [
        *_next_numbers(Series.ATTESTATION, [Attestation(order=one) for one in _batch(orders, pk=wanted)], at),
        *_next_numbers(
            Series.REFUND_NOTICE, [Attestation(refund=one) for one in _batch(refunds, payment__order=wanted)], at
        ),
    ]
    Attestation.objects.bulk_create(given)
    Order.objects.filter(pk__in=[one.order_id for one in given if one.order_id]).update(numbered=True)
    Refund.objects.filter(pk__in=[one.refund_id for one in given if one.refund_id]).update(numbered=True)
    return len(given)


def _batch(rows: QuerySet[Row], **wanted: int | None) -> list[Row]:
    """The oldest, and behind them the wanted ones if the batch ended before them."""
    batch = list(rows[:BATCH])
    if len(batch) == BATCH:
        batch += rows.filter(**wanted).exclude(pk__in=[row.pk for row in batch])
    return batch


def _next_numbers(series: Series, papers: Sequence[Attestation], at: datetime) -> Sequence[Attestation]:
    """One moment for all: a paper's year is that of the time of issue which stands on it."""
    if papers:
        year = localtime(at).year
        last = Attestation.objects.filter(series=series, year=year).aggregate(last=Max("n"))["last"] or 0
        for n, one in enumerate(papers, start=last + 1):
            one.series, one.year, one.n, one.issued_at, one.seller = series, year, n, at, settings.SELLER
    return papers


def note_change(payment: Payment) -> None:
    """Note that what the attestation of this payment says beside it is another now, if there is one."""
    if payment.settles:
        Attestation.objects.filter(order=payment.order_id).update(updated_at=now())


def filename(attestation: Attestation) -> str:
    return f"{attestation.number}.pdf"


def draw(attestation: Attestation) -> bytes:
    """The paper as PDF, from frozen rows and what the PSP shows of the means of payment, which is forgotten again.

    The same rows and the same answer give the same bytes. Waits two seconds at most for the PSP, and does without.
    """
    facts = _refund_facts(attestation, attestation.refund) if attestation.refund else _attestation_facts(attestation)
    pdf = paper.draw(facts)
    size = max(1, round(len(pdf) / 1000))
    Attestation.objects.filter(pk=attestation.pk).exclude(kilobytes=size).update(kilobytes=size)
    return pdf


def words(
    attestation: Attestation,
    payment: Payment,
    lines: Iterable[OrderLine],
    refunds: Iterable[Refund],
    disputes: Iterable[Dispute],
    language: str,
    *,
    is_held: bool,
    going_back: int,
) -> dict[str, Any]:
    """What the attestation says, for the order's page where that is printed instead: of the means of payment only
    what the shop knows, as no page waits for a PSP. `refunds` are those of the payment that succeeded, `disputes`
    its own; `is_held` whether the parcel does not leave for now, `going_back` centimes: all that still
    stays paid, where it is asked back."""
    facts = _facts(attestation, payment, lines, refunds, disputes, PaymentDetails())
    return paper.worded(replace(facts, language=language, is_held=is_held, going_back=going_back))


def taxes_shown(order: Order, attestation: Attestation | None) -> list[VatShare]:
    """The VAT that was in an order's prices when they were agreed on, as far as the seller of its paper may show it:
    on the paper, in a mail, on the order's page."""
    return order.vat_shares if attestation is None or attestation.seller["vat_registered"] else []


def _attestation_facts(attestation: Attestation) -> paper.AttestationFacts:
    order = attestation.order
    assert order is not None  # noqa: S101 - the database holds it for this series
    payment = Payment.objects.select_related("order").get(order=order, settles=True)
    refunds = list(payment.refunds.order_by("settled_at"))
    disputes = list(payment.disputes.all())
    gone = [refund for refund in refunds if refund.status == Refund.Status.SUCCEEDED]
    facts = _facts(attestation, payment, order.lines.all(), gone, disputes, _details(payment))
    asked_back = sum(refund.amount for refund in refunds if refund.status == Refund.Status.REQUESTED)
    return replace(
        facts,
        is_held=not parcel.will_be_sent(order, payment, refunds, disputes),
        going_back=asked_back if asked_back >= facts.stays else 0,
    )


def _facts(
    attestation: Attestation,
    payment: Payment,
    lines: Iterable[OrderLine],
    refunds: Iterable[Refund],
    disputes: Iterable[Dispute],
    details: PaymentDetails | paper.NoDetails,
) -> paper.AttestationFacts:
    order = payment.order
    assert payment.authorised_at is not None  # noqa: S101 - the database holds it for what settles
    lines, refunds, disputes = list(lines), list(refunds), list(disputes)
    back = parcel.given_back(order, lines, refunds)
    seller = paper.Seller(**attestation.seller)
    return paper.AttestationFacts(
        number=attestation.number,
        code=attestation.code,
        verify_url=_verify_url(attestation, order),
        issued_at=attestation.issued_at,
        agreed_at=payment.authorised_at,
        language=order.language,
        seller=seller,
        billing_address=tuple(order.billing_address),
        initials=initials(order),
        delivery_address=tuple(order.delivery_address),
        delivery_by=order.delivery_by,
        shipped_at=order.shipped_at,
        order_number=order.number,
        placed_at=order.created_at,
        lines=tuple(
            paper.Line(line.name, line.quantity, line.unit_price, line.vat_rate, line.sku, back[line.pk])
            for line in lines
        ),
        shipping=paper.Shipping(order.shipping_name, order.shipping_total),
        vat=_taxes(taxes_shown(order, attestation)),
        total=order.total,
        method=cast(paper.Method, payment.method),
        provider=Provider(payment.provider).label,
        reference=payment.money_reference or "",
        details=details,
        refunds=tuple(paper.Gone(one.amount, one.settled_at) for one in refunds if one.settled_at),
        disputed_at=min((one.opened_at for one in disputes if one.status == Dispute.Status.OPEN), default=None),
        taken_back=_taken_back(disputes),
        updated_at=attestation.updated_at,
    )


def _taken_back(disputes: Iterable[Dispute]) -> paper.Gone | None:
    """What lost disputes took. PayPal tells of one twice, as a dispute and as a reversal: the larger, as in
    Payment.taken_back; of two as large the first that was told."""
    lost = [one for one in disputes if one.status == Dispute.Status.LOST]
    told = [paper.Gone(one.amount, one.decided_at) for one in lost if one.decided_at]
    return min(told, key=lambda gone: (-gone.amount, gone.at), default=None)


def _refund_facts(attestation: Attestation, refund: Refund) -> paper.RefundFacts:
    payment = Payment.objects.select_related("order").get(pk=refund.payment_id)
    order = payment.order
    assert refund.settled_at is not None  # noqa: S101 - written with its success
    corrected = of(order) if payment.settles else None
    seller = _seller_of_notice(attestation, corrected)
    shares = [VatShare(Decimal(share["rate"]), share["base"], share["tax"]) for share in refund.vat]
    return paper.RefundFacts(
        number=attestation.number,
        code=attestation.code,
        verify_url=_verify_url(attestation, order),
        issued_at=attestation.issued_at,
        refunded_at=refund.settled_at,
        language=order.language,
        seller=seller,
        billing_address=tuple(order.billing_address),
        initials=initials(order),
        order_number=order.number,
        placed_at=order.created_at,
        lines=_refunded_lines(order, refund),
        vat=_taxes(shares if seller.vat_registered else []),
        total=refund.amount,
        currency=payment.came_in,
        method=cast(paper.Method, payment.method),
        provider=Provider(payment.provider).label,
        reference=refund.reference or "",
        details=_details(payment),
        attestation=corrected.number if corrected else "",
    )


def _seller_of_notice(notice: Attestation, corrected: Attestation | None) -> paper.Seller:
    """Its own, in the register as when the sale was attested: a tax that was shown is corrected by who showed it, and
    one that was not is none to correct (LTVA art. 27)."""
    register = {name: corrected.seller[name] for name in ("uid", "vat_registered")} if corrected else {}
    return paper.Seller(**notice.seller | register)


def _taxes(shares: Iterable[VatShare]) -> tuple[paper.Vat, ...]:
    return tuple(paper.Vat(share.rate, share.base, share.tax) for share in shares)


def _refunded_lines(order: Order, refund: Refund) -> tuple[paper.Line, ...]:
    """The pieces that were given back, or the whole sale, where the amount is exactly theirs; one line for the amount
    otherwise."""
    rate = Decimal(refund.vat[0]["rate"]) if len(refund.vat) == 1 else None
    if refund.amount == order.total and refund.payment.settles:
        sold = [
            paper.Line(line.name, line.quantity, line.unit_price, line.vat_rate, line.sku) for line in order.lines.all()
        ]
        delivery = paper.Line(order.shipping_name, 1, order.shipping_total, rate)
        return (*sold, delivery) if order.shipping_total else tuple(sold)
    pieces = refund.pieces
    lines = tuple(
        paper.Line(line.name, pieces[line.pk], line.unit_price, line.vat_rate, line.sku)
        for line in order.lines.filter(pk__in=pieces)
    )
    if sum(line.total for line in lines) == refund.amount:
        return lines
    with override(order.language):
        name = _("Refund, order %(number)s") % {"number": order.number}
    return (paper.Line(name, 1, refund.amount, rate),)


def _details(payment: Payment) -> PaymentDetails | paper.NoDetails:
    """What the PSP shows of the means of payment now; or why it shows nothing."""
    try:
        with at_most(DETAILS_SECONDS):
            return gateway(payment.provider).details(payment)
    except GatewayError as error:
        log.warning("A paper is drawn without the means of payment", extra={"order": payment.order.number})
        return paper.NoDetails.NOT_SHOWN if isinstance(error, Unclear) else paper.NoDetails.SILENT


def _verify_url(attestation: Attestation, order: Order) -> str:
    """In the order's language; the code in groups, as people read it."""
    with override(order.language):
        return settings.SITE_URL + reverse("payments:verified", args=[grouped(attestation.code)])
