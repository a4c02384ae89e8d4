"""A bank's message that is about no order of ours: the page that takes it off the staff's list."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext

from orders.back_office import log_change, member_of_staff
from orders.views import SeeOther
from payments import attention, unresolved
from payments.desk.deeds.care import IT_LEAVES, PutAside
from payments.desk.doing import told_in_log
from payments.desk.forms import ReasonForm
from payments.models import SetAside, WebhookEvent

SEE = "payments.view_webhookevent"


def may_put_aside(request: HttpRequest, pk: str) -> bool:
    """Whether this person may, and the message waits for it. What is about an order is marked on the order's page."""
    if not request.user.has_perm(PutAside.permission):
        return False
    try:
        return unresolved.late_messages().filter(pk=pk, order=None).exists()
    except ValidationError:
        return False


def put_aside(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mark it as looked at, for a reason (POST)."""
    by = member_of_staff(request)
    if not by.has_perm(SEE) or not by.has_perm(PutAside.permission):
        raise PermissionDenied
    event = get_object_or_404(WebhookEvent, pk=pk, order=None)
    back = SeeOther(reverse("admin:payments_webhookevent_change", args=[pk]))
    if not may_put_aside(request, str(pk)):
        messages.warning(request, gettext("This is not possible now."))
        return back
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _page(request, event, form)
    try:
        attention.set_aside(SetAside.Kind.UNAPPLIED, str(pk), by, form.cleaned_data["reason"])
    except attention.NotListed:
        messages.warning(request, gettext("It is not on the list any more: somebody was quicker, or it has ended."))
        return back
    said = gettext("It is off the list.")
    log_change(by, event, told_in_log(PutAside.title, f"{said} {form.cleaned_data['reason']}"))
    messages.success(request, said)
    return back


def _page(request: HttpRequest, event: WebhookEvent, form: ReasonForm) -> HttpResponse:
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "opts": WebhookEvent._meta,
        "title": PutAside.title,
        "event": event,
        "form": form,
        "follows": IT_LEAVES,
    }
    return TemplateResponse(
        request, "admin/payments/webhookevent/put_aside.html", context, status=422 if form.errors else 200
    )
