"""Orders, payments and the bank's messages for staff: everything to be seen, nothing to be edited."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.models import Order, OrderLine, TimelineEntry
from orders.money import format_chf, format_money
from orders.views import SeeOther
from payments import attention, attestation, letters
from payments.models import Attestation, Dispute, Letter, Payment, Refund, WebhookEvent
from payments.views import pdf_of
from payments.why_pending import why_pending

SEND_AGAIN = "orders.send_letters_again"


class ReadOnly:
    """Money and state change by the bank's word or by named actions, never by a form."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Records(ReadOnly):
    """Rows that belong to an order, as a plain table."""

    template = "admin/records.html"


class LineInline(Records, admin.TabularInline[OrderLine, Order]):
    model = OrderLine
    fields = ["sku", "name", "quantity", "price", "vat_rate", "line_total"]
    readonly_fields = ["price", "line_total"]

    @admin.display(description=_("unit price"))
    def price(self, line: OrderLine) -> str:
        return format_chf(line.unit_price)

    @admin.display(description=_("total"))
    def line_total(self, line: OrderLine) -> str:
        return format_chf(line.total)


class PaymentInline(Records, admin.TabularInline[Payment, Order]):
    model = Payment
    fields = [
        "method",
        "status",
        "settles",
        "why_not",
        "refusal",
        "doubt",
        "asked",
        "received",
        "page_reference",
        "money_reference",
        "created_at",
        "authorised_at",
    ]
    readonly_fields = ["asked", "received"]
    show_change_link = True

    @admin.display(description=_("amount"))
    def asked(self, payment: Payment) -> str:
        return format_chf(payment.amount)

    @admin.display(description=_("received"))
    def received(self, payment: Payment) -> str:
        return received(payment)


class EventInline(Records, admin.TabularInline[WebhookEvent, Order]):
    model = WebhookEvent
    fields = ["received_at", "provider", "type", "event_id", "source", "processed_at", "said"]
    readonly_fields = ["said"]
    show_change_link = True

    @admin.display(description=_("outcome"))
    def said(self, event: WebhookEvent) -> str:
        return event.said


class LetterInline(Records, admin.TabularInline[Letter, Order]):
    model = Letter
    fields = ["kind", "due_at", "sent_at", "tries"]


class TimelineInline(Records, admin.TabularInline[TimelineEntry, Order]):
    model = TimelineEntry
    fields = ["at", "actor", "actor_name", "sentence"]
    readonly_fields = ["sentence"]

    @admin.display(description=_("what"))
    def sentence(self, entry: TimelineEntry) -> str:
        return entry.sentence


@admin.register(Order)
class OrderAdmin(ReadOnly, admin.ModelAdmin[Order]):
    list_display = ["number", "created_at", "customer", "printed_total", "badge", "effective_at"]
    list_filter = ["status", ("payments__method", admin.ChoicesFieldListFilter), "language", "created_at"]
    search_fields = ["number", "email", "delivery_name", "payments__money_reference", "payments__page_reference"]
    list_per_page = 50
    show_full_result_count = False
    inlines = [LineInline, PaymentInline, TimelineInline, EventInline, LetterInline]
    readonly_fields = [
        "badge",
        "needs",
        "why_it_waits",
        "printed_goods",
        "printed_shipping",
        "printed_total",
        "printed_vat",
        "addresses",
    ]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "number",
                    "badge",
                    "cancel_reason",
                    "why_it_waits",
                    "needs",
                    "printed_goods",
                    "printed_shipping",
                    "printed_total",
                    "printed_vat",
                ]
            },
        ),
        (
            _("Customer"),
            {"fields": ["email", "phone", "language", "addresses", "shipping_name", "delivery_by", "terms_version"]},
        ),
        (_("Times"), {"fields": ["created_at", "expires_at", "effective_at", "shipped_at", "tracking"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return super().get_queryset(request).defer("vat", "token")

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("<int:pk>/attestation.pdf", guarded(self.attestation), name="orders_order_attestation"),
            path("<int:pk>/<uuid:refund>.pdf", guarded(self.refund_notice), name="orders_order_refund_notice"),
            path("<int:pk>/send-again/", guarded(self.send_again), name="orders_order_send_again"),
            *super().get_urls(),
        ]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Order | None = None,
    ) -> HttpResponse:
        if obj:
            context |= {
                "papers": papers(obj),
                "letters": letters.sendable_again(obj) if request.user.has_perm(SEND_AGAIN) else [],
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def attestation(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The order's attestation, as the customer has it."""
        order = self._seen(request, pk)
        try:
            return pdf_of(attestation.of(order))
        except Attestation.DoesNotExist:
            raise Http404 from None

    def refund_notice(self, request: HttpRequest, pk: int, refund: UUID) -> HttpResponse:
        order = self._seen(request, pk)
        found = get_object_or_404(Refund, pk=refund, payment__order=order, status=Refund.Status.SUCCEEDED)
        return pdf_of(attestation.of_refund(found))

    def send_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send one of the order's letters once more (POST)."""
        order = self._seen(request, pk)
        if not request.user.has_perm(SEND_AGAIN):
            raise PermissionDenied
        page = SeeOther(reverse("admin:orders_order_change", args=[pk]))
        if request.method != "POST":
            return page
        assert isinstance(request.user, User)  # noqa: S101 - nobody else has a permission
        try:
            sent = letters.send_again(order.pk, request.POST.get("letter", ""), by=request.user)
        except ValueError:
            raise Http404 from None
        if sent:
            messages.success(request, gettext("The letter is on its way."))
        else:
            messages.warning(request, gettext("This letter was sent again less than a minute ago."))
        return page

    def _seen(self, request: HttpRequest, pk: int) -> Order:
        """An order that this member of staff may see."""
        order = get_object_or_404(Order, pk=pk)
        if not self.has_view_permission(request, order):
            raise PermissionDenied
        return order

    @admin.display(description=_("customer"))
    def customer(self, order: Order) -> str:
        return format_html("{}<br><small>{}</small>", order.delivery_name, order.email)

    @admin.display(description=_("total"), ordering="total")
    def printed_total(self, order: Order) -> str:
        return format_chf(order.total)

    @admin.display(description=_("needs a person"), empty_value="–")
    def needs(self, order: Order) -> str:
        return " ".join(item.sentence for item in attention.items(order))

    @admin.display(description=_("why it waits"), empty_value="–")
    def why_it_waits(self, order: Order) -> str:
        return why_pending(order)

    @admin.display(description=_("goods"))
    def printed_goods(self, order: Order) -> str:
        return format_chf(order.goods_total)

    @admin.display(description=_("delivery"))
    def printed_shipping(self, order: Order) -> str:
        return format_chf(order.shipping_total)

    @admin.display(description=_("VAT per rate"))
    def printed_vat(self, order: Order) -> str:
        return " · ".join(
            f"{share.rate.normalize():f} %: {format_chf(share.base)} + {format_chf(share.tax)}"
            for share in order.vat_shares
        )

    @admin.display(description=_("addresses"))
    def addresses(self, order: Order) -> str:
        delivery, billing = order.delivery_address, order.billing_address
        text = ", ".join(delivery)
        return text if delivery == billing else f"{text} / {', '.join(billing)}"

    @admin.display(description=_("status"), ordering="status")
    def badge(self, order: Order) -> str:
        return format_html('<span class="badge badge-{}">{}</span>', order.status, order.get_status_display())


@admin.register(Payment)
class PaymentAdmin(ReadOnly, admin.ModelAdmin[Payment]):
    list_display = ["id", "order", "method", "status", "settles", "why_not", "received", "created_at"]
    list_filter = ["status", "method", "settles", "why_not"]
    search_fields = ["id", "order__number", "money_reference", "page_reference"]
    list_select_related = ["order"]
    show_full_result_count = False
    readonly_fields = ["received"]

    @admin.display(description=_("received"))
    def received(self, payment: Payment) -> str:
        return received(payment)


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnly, admin.ModelAdmin[WebhookEvent]):
    list_display = ["received_at", "provider", "type", "event_id", "source", "processed_at", "said", "order"]
    list_filter = ["provider", "source", ("processed_at", admin.EmptyFieldListFilter)]
    search_fields = ["event_id", "order__number"]
    list_select_related = ["order"]
    show_full_result_count = False
    exclude = ["outcome"]
    readonly_fields = ["said"]

    @admin.display(description=_("outcome"), ordering="outcome")
    def said(self, event: WebhookEvent) -> str:
        return event.said


@admin.register(Refund, Dispute, Attestation, Letter)
class RecordAdmin(ReadOnly, admin.ModelAdmin[Model]):
    show_full_result_count = False


def papers(order: Order) -> list[dict[str, str]]:
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


def received(payment: Payment) -> str:
    if payment.received_amount is None:
        return "–"
    return format_money(payment.received_amount, payment.received_currency)
