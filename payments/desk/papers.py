"""An order's papers and mails in the back office: what there is, to be had and to be sent again."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext

from orders.back_office import log_change, member_of_staff
from orders.models import Order
from orders.views import SeeOther
from payments import attestation as attestations
from payments import letters
from payments.desk.file import SEE
from payments.models import Attestation, Refund
from payments.papers import pdf_of

SEND_AGAIN = "orders.send_letters_again"


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


def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send one of the order's letters once more (POST)."""
    order = _seen(request, pk)
    if not request.user.has_perm(SEND_AGAIN):
        raise PermissionDenied
    page = SeeOther(reverse("admin:orders_order_change", args=[pk]))
    if request.method != "POST":
        return page
    try:
        sent = letters.send_again(order.pk, request.POST.get("letter", ""), by=member_of_staff(request))
    except ValueError:
        raise Http404 from None
    if sent:
        said = gettext("The letter is on its way.")
        log_change(member_of_staff(request), order, said)
        messages.success(request, said)
    else:
        messages.warning(request, gettext("This letter was sent again less than a minute ago."))
    return page


def _seen(request: HttpRequest, pk: int) -> Order:
    """An order that this member of staff may see."""
    order = get_object_or_404(Order, pk=pk)
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    return order
