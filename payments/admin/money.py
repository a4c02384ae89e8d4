"""Payments, refunds, disputes and the bank's messages."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from orders.money import format_money
from payments.admin.rows import OfOrders
from payments.desk import filters, message
from payments.models import Dispute, Payment, Refund, WebhookEvent


@admin.register(Payment)
class PaymentAdmin(OfOrders):
    list_display = ["started_at", "of_order", "method", "status", "settles", "why_not", "asked", "received", "refusal"]
    list_filter = [filters.OutcomeFilter, filters.StartedFilter, "method", "settles", "why_not"]
    list_select_related = ["order"]
    ordering = ["-created_at"]
    readonly_fields = ["asked", "received"]
    fields = [
        "order",
        "method",
        "provider",
        "status",
        "settles",
        "why_not",
        "asked",
        "received",
        "refusal",
        "doubt",
        "page_reference",
        "money_reference",
        "created_at",
        "expires_at",
        "returned_at",
        "left_at",
        "approved_at",
        "with_bank_at",
        "claimed_at",
        "next_try_at",
        "paid_seen_at",
        "authorised_at",
        "authorised_by",
    ]

    @admin.display(description=_("started at"), ordering="created_at")
    def started_at(self, payment: Payment) -> str:
        return date_format(localtime(payment.created_at), "SHORT_DATETIME_FORMAT")

    @admin.display(description=_("amount"))
    def asked(self, payment: Payment) -> str:
        return format_money(payment.amount, payment.currency)

    @admin.display(description=_("received"))
    def received(self, payment: Payment) -> str:
        return payment.printed_received


@admin.register(WebhookEvent)
class WebhookEventAdmin(OfOrders):
    list_display = ["received_at", "of_order", "provider", "type", "said", "source", "processed_at"]
    list_filter = ["provider", "source", ("processed_at", filters.DoneFilter)]
    list_select_related = ["order"]
    ordering = ["-received_at"]
    exclude = ["outcome"]
    readonly_fields = ["said"]
    change_form_template = "admin/payments/webhookevent/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        put_aside = self.admin_site.admin_view(message.put_aside)
        name = "payments_webhookevent_put_aside"
        return [path("<uuid:pk>/put-aside/", put_aside, name=name), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        offered = {"may_put_aside": message.may_put_aside(request, object_id)}
        return super().change_view(request, object_id, form_url, {**offered, **(extra_context or {})})

    @admin.display(description=_("outcome"))
    def said(self, event: WebhookEvent) -> str:
        return event.said


@admin.register(Refund)
class RefundAdmin(OfOrders):
    list_display = ["asked_at", "of_order", "printed", "status", "why", "requested_by", "released_by", "settled_at"]
    list_filter = ["status", "payment__settles", filters.WentFilter, "payment__method"]
    list_select_related = ["payment__order", "requested_by", "released_by"]
    ordering = ["-created_at"]
    order = "payment__order"
    readonly_fields = ["printed", "why", "why_refused"]
    fields = [
        "payment",
        "printed",
        "status",
        "why",
        "goods_back",
        "goods_returned",
        "requested_by",
        "released_by",
        "reference",
        "why_refused",
        "instead_of",
        "created_at",
        "settled_at",
        "settled_by",
        "next_try_at",
    ]

    @admin.display(description=_("requested at"), ordering="created_at")
    def asked_at(self, refund: Refund) -> str:
        return date_format(localtime(refund.created_at), "SHORT_DATETIME_FORMAT")

    @admin.display(description=_("amount"), ordering="amount")
    def printed(self, refund: Refund) -> str:
        return refund.printed

    @admin.display(description=_("reason"))
    def why(self, refund: Refund) -> str:
        return refund.told_reason or "–"

    @admin.display(description=_("refusal"))
    def why_refused(self, refund: Refund) -> str:
        return refund.told_refusal or "–"


@admin.register(Dispute)
class DisputeAdmin(OfOrders):
    list_display = ["reference", "of_order", "printed", "why", "status", "due_at", "opened_at", "decided_at"]
    readonly_fields = ["printed", "why"]
    fields = ["payment", "reference", "printed", "why", "status", "due_at", "opened_at", "decided_at"]
    list_filter = ["status"]
    list_select_related = ["payment__order"]
    ordering = ["-id"]
    order = "payment__order"

    @admin.display(description=_("amount"), ordering="amount")
    def printed(self, dispute: Dispute) -> str:
        return dispute.printed

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, dispute: Dispute) -> str:
        return dispute.told_reason
