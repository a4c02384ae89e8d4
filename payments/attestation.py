"""The attestation of payment: its number, given once, and the paper, drawn anew each time."""

from typing import cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils.timezone import localdate, now

from orders.models import Order
from payments import paper
from payments.models import Attestation, Payment, Provider

NUMBERING = 5_816_204
"""The advisory lock under which numbers are given: one series has no gap and no twin."""
BATCH = 200


def of(order: Order) -> Attestation:
    """The attestation of an effective order, numbered now if it was not yet. Raises Attestation.DoesNotExist."""
    found = Attestation.objects.filter(order=order).first()
    while found is None:
        numbered = number_effective_orders()
        # Looked for again even when there was nothing to number: somebody else may just have done it.
        found = Attestation.objects.filter(order=order).first()
        if found is None and not numbered:
            raise Attestation.DoesNotExist(order.number)
    found.order = order
    return found


@transaction.atomic
def number_effective_orders() -> int:
    """Number the effective orders that have no attestation yet, oldest first; returns how many.

    Out of the bank's messages' way, which a counter would make wait for each other. The series starts anew with the
    year in Zurich and has no gap (Olico art. 2): numbers are given inside one transaction under an advisory lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERING])
    waiting = list(
        Order.objects.filter(effective_at__isnull=False, numbered=False).order_by("effective_at", "id")[:BATCH]
    )
    year = localdate().year
    series = Attestation.Series.ATTESTATION
    last = Attestation.objects.filter(series=series, year=year).aggregate(last=Max("n"))["last"] or 0
    Attestation.objects.bulk_create(
        [
            Attestation(series=series, year=year, n=n, order=order, issued_at=now())
            for n, order in enumerate(waiting, start=last + 1)
        ]
    )
    Order.objects.filter(pk__in=[order.pk for order in waiting]).update(numbered=True)
    return len(waiting)


def filename(attestation: Attestation) -> str:
    return f"{attestation.number}.pdf"


def draw(attestation: Attestation) -> bytes:
    """The paper as PDF, from the frozen rows of its order: the same rows give the same bytes."""
    order = attestation.order
    assert order is not None  # noqa: S101 - the database holds it for this series
    payment = Payment.objects.get(order=order, settles=True)
    assert payment.authorised_at is not None  # noqa: S101 - the database holds it for what settles
    pdf = paper.draw(
        paper.AttestationFacts(
            number=attestation.number,
            code=attestation.code,
            issued_at=attestation.issued_at,
            agreed_at=payment.authorised_at,
            language=order.language,
            seller=paper.Seller(**settings.SELLER),
            billing_address=tuple(order.billing_address),
            delivery_address=tuple(order.delivery_address),
            order_number=order.number,
            placed_at=order.created_at,
            lines=tuple(
                paper.Line(line.name, line.quantity, line.unit_price, line.vat_rate, line.sku)
                for line in order.lines.all()
            ),
            shipping=paper.Shipping(order.shipping_name, order.shipping_total),
            vat=tuple(paper.Vat(share.rate, share.base, share.tax) for share in order.vat_shares),
            total=order.total,
            method=cast(paper.Method, payment.method),
            provider=Provider(payment.provider).label,
            reference=payment.money_reference or "",
        )
    )
    size = max(1, round(len(pdf) / 1000))
    Attestation.objects.filter(pk=attestation.pk).exclude(kilobytes=size).update(kilobytes=size)
    return pdf
