"""The page of a deed about an order: what it means, restated and confirmed, then done."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext

from orders.back_office import log_change, member_of_staff
from orders.models import Order
from orders.moves import Meanwhile
from orders.views import SeeOther
from payments.desk.deeds import Deed, NoAnswer, NotDone, Offer
from payments.desk.file import OrderFile, file_for


def address(order: Order, offer: Offer) -> str:
    """Of the page of what is offered."""
    name = f"admin:orders_order_{offer.deed.name.replace('-', '_')}"
    return reverse(name, args=[order.pk, *([offer.about] if offer.deed.has_about else [])])


def page(request: HttpRequest, pk: int, deed: Deed, about: str = "") -> HttpResponse:
    """A deed: what it means, restated and confirmed, then done (POST)."""
    file, by = file_for(request, pk), member_of_staff(request)
    if not deed.may(by, file, about):
        raise PermissionDenied(deed.why_not(by, file, about))
    back = SeeOther(reverse("admin:orders_order_change", args=[pk]))
    seen = request.POST.get("seen", file.order.journal)
    is_possible = any(offer.about == about for offer in deed.offers(file))
    if not is_possible:
        file = file_for(request, pk)  # while it was read somebody may have acted: what tells so is read once more
    if not is_possible and seen == file.order.journal:
        messages.warning(request, gettext("This is not possible now."))
        return back
    if not is_possible:
        return _confirm(request, file, deed, about, status=409, seen=seen)
    form = deed.form(file, about, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _confirm(request, file, deed, about, form=form)
    if not form.is_valid():
        return _confirm(request, file, deed, about, form=form, status=422)
    if deed.two_steps and (answer := _restated(request, file, deed, about, form)):
        return answer
    try:
        said = deed.do(file, about, form, by, seen)
    except Meanwhile:
        return _confirm(request, OrderFile.of(pk), deed, about, form=form, status=409, seen=seen)
    except NotDone as error:
        if isinstance(error, NoAnswer):
            log_change(by, file.order, told_in_log(deed.title, str(error)))
        return _confirm(request, OrderFile.of(pk), deed, about, form=form, status=409, why=str(error))
    log_change(by, file.order, told_in_log(deed.heading(by, file, about), said))
    messages.success(request, said)
    return back


def told_in_log(deed: Any, outcome: str) -> str:
    """What staff did and what came of it, as the log of what staff did keeps it."""
    return gettext("%(deed)s: %(outcome)s") % {"deed": deed, "outcome": outcome}


def _restated(request: HttpRequest, file: OrderFile, deed: Deed, about: str, form: Any) -> HttpResponse | None:
    """What was typed, to be confirmed; None once it was."""
    if why := deed.refuse(file, about, form):
        return _confirm(request, file, deed, about, form=form, status=422, why=why)
    if "confirmed" in request.POST:
        return None
    return _confirm(request, file, deed, about, form=form, is_restated=True)


def _confirm(
    request: HttpRequest,
    file: OrderFile,
    deed: Deed,
    about: str,
    *,
    form: Any = None,
    status: int = 200,
    seen: str = "",
    why: str = "",
    is_restated: bool = False,
) -> HttpResponse:
    is_possible = any(offer.about == about for offer in deed.offers(file))
    by = member_of_staff(request)
    context = {
        **admin.site.each_context(request),
        "opts": Order._meta,
        "title": deed.heading(by, file, about),
        "file": file,
        "order": file.order,
        "deed": deed,
        "form": form if is_possible else None,
        "facts": [
            *file.paid_facts,
            *(deed.facts(file, about, form if is_restated else None) if is_possible else []),
        ],
        "follows": deed.follows(file, about),
        "meanwhile": file.since(seen) if seen else [],
        "why": why,
        "is_restated": is_restated,
        "button": deed.button(by, file, about, form if is_restated else None),
    }
    return TemplateResponse(request, "admin/orders/order/act.html", context, status=status)
