"""An order's papers in the back office: what there is, and the files.

A paper, a slip or an export changes nothing about an order: none has a page of its own before it.
"""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext

from orders.models import Order
from payments import attestation as attestations
from payments.desk.file import SEE
from payments.models import Attestation, Refund
from payments.papers import pdf_of


def of(order: Order) -> list[dict[str, str]]:
    """The order's documents: what each is called, with its kind and size, and where it can be had."""
    found = []
    if order.effective_at:
        found.append(
            {
                "name": _paper_name(gettext("Attestation of payment"), getattr(order, "attestation", None)),
                "address": reverse("admin:orders_order_attestation", args=[order.pk]),
            }
        )
    refunds = Refund.objects.filter(payment__order=order, status=Refund.Status.SUCCEEDED).order_by("settled_at")
    for refund in refunds.select_related("notice", "payment"):
        name = gettext("Refund notice over %(amount)s") % {"amount": refund.printed}
        found.append(
            {
                "name": _paper_name(name, getattr(refund, "notice", None)),
                "address": reverse("admin:orders_order_refund_notice", args=[order.pk, refund.pk]),
            }
        )
    return found


def _paper_name(name: str, numbered: Attestation | None) -> str:
    paper = numbered or Attestation()
    return f"{name}{f' {paper.number}' if numbered else ''} (PDF, {paper.size})"


def attestation(request: HttpRequest, pk: int) -> HttpResponse:
    """The order's attestation, as the customer has it."""
    order = _seen(request, pk)
    try:
        return pdf_of(attestations.of(order))
    except Attestation.DoesNotExist:
        raise Http404 from None


def refund_notice(request: HttpRequest, pk: int, refund: UUID) -> HttpResponse:
    order = _seen(request, pk)
    found = get_object_or_404(Refund, pk=refund, payment__order=order, status=Refund.Status.SUCCEEDED)
    return pdf_of(attestations.of_refund(found))


def _seen(request: HttpRequest, pk: int) -> Order:
    """An order that this member of staff may see."""
    order = get_object_or_404(Order, pk=pk)
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    return order
