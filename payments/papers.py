"""The pages of the papers: each drawn anew as PDF, and what is true of one that somebody has in hand."""

from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_safe

from orders.codes import is_like_an_order_number
from orders.models import Order
from orders.views import SeeOther
from payments import attestation, verification
from payments.forms import CodeForm
from payments.guarding import private, wait
from payments.limits import address, is_too_often
from payments.models import Attestation, Refund
from payments.verification import Verdict

VERIFICATIONS_A_MINUTE = 30
TEN_MINUTES = 600
DRAWINGS_OF_AN_ORDER = 30
"""In ten minutes."""


@private
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """Where the code of a paper is typed."""
    if "language" in request.GET:
        form = CodeForm(initial={"code": request.GET.get("code", "")[:40]})
        return render(request, "payments/verify.html", {"form": form})
    code = verification.code_in(request.GET.get("code", ""))[:40]
    if code and not (verification.is_a_number(code) or is_like_an_order_number(code)):
        return SeeOther(reverse("payments:verified", args=[code]))
    form = CodeForm({"code": code and request.GET["code"]} if "code" in request.GET else None)
    return render(request, "payments/verify.html", {"form": form}, status=422 if form.errors else 200)


@private
@require_safe
def verified(request: HttpRequest, code: str) -> HttpResponse:
    """What is true of the paper that bears this code: anybody may ask, a few times a minute."""
    if is_too_often("verify", address(request), VERIFICATIONS_A_MINUTE, 60):
        return wait(request, 60)
    found = verification.verify(code)
    status = 404 if found.verdict in (Verdict.UNKNOWN, Verdict.MISTYPED) else 200
    mistyped = found.printed_code if found.verdict == Verdict.MISTYPED else ""
    form = CodeForm(initial={"code": request.GET.get("code", mistyped)[:40]})
    context = {"found": found, "verdict": found.verdict.value, "checked_at": now(), "form": form}
    context |= {"host": urlsplit(settings.SITE_URL).netloc, "address": settings.SITE_URL + request.path}
    return render(request, "payments/verified.html", context, status=status)


@private
@require_GET
def attestation_pdf(request: HttpRequest, token: str) -> HttpResponse:
    """The attestation of an effective order, drawn anew."""
    order = get_object_or_404(Order.objects.select_related("attestation"), token=token)
    if _is_drawn_too_often(order):
        return wait(request, TEN_MINUTES)
    try:
        return pdf_of(attestation.of(order))
    except Attestation.DoesNotExist:
        raise Http404 from None


@private
@require_GET
def refund_notice_pdf(request: HttpRequest, token: str, refund: UUID) -> HttpResponse:
    """The notice of a refund that succeeded, drawn anew."""
    rows = Refund.objects.select_related("payment__order")
    found = get_object_or_404(rows, pk=refund, payment__order__token=token, status=Refund.Status.SUCCEEDED)
    if _is_drawn_too_often(found.payment.order):
        return wait(request, TEN_MINUTES)
    return pdf_of(attestation.of_refund(found))


def _is_drawn_too_often(order: Order) -> bool:
    """Each drawing costs a page's time and asks the PSP: whoever has the link may have it done often, not endlessly."""
    return is_too_often("draw", order.token, DRAWINGS_OF_AN_ORDER, TEN_MINUTES)


def pdf_of(document: Attestation) -> HttpResponse:
    """A paper as a file to save."""
    name = attestation.filename(document)
    return HttpResponse(
        attestation.draw(document),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
