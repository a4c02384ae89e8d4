"""Orders, payments and the bank's messages for staff: everything to be seen, nothing to be edited."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import BooleanField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.back_office import InOurWords, member_of_staff
from orders.models import Order
from orders.money import format_chf, format_money
from orders.moves import Meanwhile
from orders.views import SeeOther
from payments import attention, attestation, letters
from payments.desk import exporting, lists, many, search, slips
from payments.desk.deeds import DEEDS, Deed, NotDone, offered
from payments.desk.file import OrderFile, badges, given_back, settling, with_payments
from payments.exports.orders import orders as table_of_orders
from payments.models import Attestation, Dispute, Export, Letter, Payment, Refund, WebhookEvent
from payments.views import pdf_of
from payments.why_pending import why_pending

SEND_AGAIN = "orders.send_letters_again"
SHIP = "orders.ship_order"
CHECK = "orders.check_with_psp"
SEARCHED = _(
    "Order number, e-mail, name, postcode or town, id at the payment provider, number or code of an attestation"
)
SHORT = "d.m.y H:i"
"""Eight columns have to fit."""


def _person(field: Any) -> Any:
    """A member of staff on a row's page: a name without a link, for not every role may see people's pages."""

    @admin.display(description=field.verbose_name)
    def person(row: Any) -> str:
        return str(getattr(row, field.name) or "–")

    return person


class ReadOnly(InOurWords[Any]):
    """Money and state change by the bank's word or by named actions, never by a form."""

    change_form_template = "admin/read_only.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        people = {field.name: field for field in self.opts.fields if field.related_model is User}
        return [_person(people[name]) if name in people else name for name in super().get_fields(request, obj)]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(ReadOnly, lists.Quick):
    change_list_template = "admin/orders/order/list.html"
    list_display = [
        "reference",
        "placed_at",
        "customer",
        "printed_total",
        "method",
        "badge",
        "paid_at",
        "refunded",
    ]
    list_display_links = ["reference"]
    list_filter = [
        lists.StateFilter,
        lists.MethodFilter,
        lists.PaidFilter,
        lists.PlacedFilter,
        lists.RefundedFilter,
        lists.AttentionFilter,
        lists.WaitingFilter,
        lists.LanguageFilter,
    ]
    search_fields = ["number"]  # what is searched says get_search_results
    search_help_text = SEARCHED
    actions = ["print_slips", "check_many", "send_many", "export_csv", "export_xlsx"]
    ordering = (*lists.NEWEST,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return with_payments(super().get_queryset(request).defer("vat", "token"))

    def get_ordering(self, request: HttpRequest) -> Any:
        """Who asks for a time of payment sees its latest first: by an index that the question uses anyway."""
        asked = any(request.GET.get(name) for name in ("paid", "paid_from", "paid_to"))
        return lists.NEWEST_PAID if asked else lists.NEWEST

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        return (search.find(queryset, search_term) if search_term.strip() else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        typed = request.GET.get("q", "")
        if typed and request.method == "GET" and self.has_view_permission(request):
            named = search.exactly(typed)
            found = list(named.values_list("pk", flat=True)[:2]) if named is not None else []
            if len(found) == 1:
                return HttpResponseRedirect(reverse("admin:orders_order_change", args=found))
        asked = request.GET.urlencode()
        views = [
            {"label": label, "address": f"?{query}" if query else ".", "is_shown": asked == query}
            for label, query in lists.VIEWS
        ]
        export = f"{reverse('admin:orders_order_export')}?{asked}" if self.has_export_permission(request) else ""
        context = {"views": views, "export": export, "formats": Export.Format.choices}
        answer: HttpResponse = super().changelist_view(request, context | (extra_context or {}))
        return answer

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """With what the rows of the page that is shown need of a person, in one statement."""
        shown = super().get_changelist_instance(request)
        rows = list(shown.result_list)
        marked = keys = {row.pk for row in rows}
        if rows and not shown.params.get(lists.AttentionFilter.parameter_name):
            marked = set(attention.orders().filter(pk__in=keys).order_by().values_list("pk", flat=True))
        for row in rows:
            row.needs_a_person = row.pk in marked
        shown.result_list = rows
        return shown

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        deeds = [
            path(
                f"<int:pk>/{deed.name}/{'<str:about>/' if deed.has_about else ''}",
                guarded(self.act),
                {"deed": deed},
                name=f"orders_order_{deed.name.replace('-', '_')}",
            )
            for deed in DEEDS
        ]
        return [
            path("export/", guarded(self.export), name="orders_order_export"),
            path("<int:pk>/attestation.pdf", guarded(self.attestation), name="orders_order_attestation"),
            path("<int:pk>/<uuid:refund>.pdf", guarded(self.refund_notice), name="orders_order_refund_notice"),
            path("<int:pk>/send-again/", guarded(self.send_again), name="orders_order_send_again"),
            *deeds,
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The order's page. Nothing of it is a form."""
        if not object_id.isdecimal():
            raise Http404
        file = self._file(request, int(object_id))
        if request.method != "GET":
            raise PermissionDenied
        by = member_of_staff(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Order %(number)s") % {"number": file.order.number},
            "file": file,
            "order": file.order,
            "badges": badges(file.order),
            "why_it_waits": why_pending(file.order),
            "offers": [(offer, self._address(file, offer.deed, offer.about)) for offer in offered(file, by)],
            "papers": papers(file.order),
            "letters": letters.sendable_again(file.order) if by.has_perm(SEND_AGAIN) else [],
            "back": given_back(file.order),
        }
        return TemplateResponse(request, "admin/orders/order/file.html", context)

    def act(self, request: HttpRequest, pk: int, deed: Deed, about: str = "") -> HttpResponse:
        """A deed: what it means, restated and confirmed, then done (POST)."""
        file, by = self._file(request, pk), member_of_staff(request)
        if not deed.may(by, file, about):
            raise PermissionDenied
        page = SeeOther(reverse("admin:orders_order_change", args=[pk]))
        seen = request.POST.get("seen", file.order.journal)
        is_possible = any(offer.about == about for offer in deed.offers(file))
        if not is_possible and seen == file.order.journal:
            messages.warning(request, gettext("This is not possible now."))
            return page
        if not is_possible:
            return self._confirm(request, file, deed, about, status=409, seen=seen)
        form = deed.form(file, about, request.POST if request.method == "POST" else None)
        if request.method != "POST":
            return self._confirm(request, file, deed, about, form=form)
        if not form.is_valid():
            return self._confirm(request, file, deed, about, form=form, status=422)
        if deed.two_steps and (answer := self._restated(request, file, deed, about, form)):
            return answer
        try:
            said = deed.do(file, about, form, by, seen)
        except Meanwhile:
            return self._confirm(request, self._file(request, pk), deed, about, form=form, status=409, seen=seen)
        except NotDone as error:
            return self._confirm(request, self._file(request, pk), deed, about, form=form, status=409, why=str(error))
        self.log_change(request, file.order, told_in_log(deed.title, said))
        messages.success(request, said)
        return page

    def _restated(
        self, request: HttpRequest, file: OrderFile, deed: Deed, about: str, form: Any
    ) -> HttpResponse | None:
        """What was typed, to be confirmed; None once it was."""
        if why := deed.refuse(file, about, form):
            return self._confirm(request, file, deed, about, form=form, status=422, why=why)
        if "confirmed" in request.POST:
            return None
        return self._confirm(request, file, deed, about, form=form, is_restated=True)

    def _confirm(
        self,
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
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": deed.title,
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
            "button": deed.button(file, about, form if is_restated else None),
        }
        return TemplateResponse(request, "admin/orders/order/act.html", context, status=status)

    @admin.action(description=_("Print delivery slips (PDF)"), permissions=["ship"])
    def print_slips(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        if self._are_too_many(request, queryset, slips.MOST):
            return None
        ready, others = slips.ready(queryset)
        if others:
            text = gettext("Nothing may be sent for these orders, and they have no slip: %(numbers)s")
            messages.warning(request, text % {"numbers": ", ".join(others)})
        if not ready:
            return None
        for order in ready:
            self.log_change(request, order, gettext("Delivery slip printed."))
        name = gettext("delivery-slips")
        return HttpResponse(
            slips.draw(ready),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{name}.pdf"'},
        )

    @admin.action(description=_("Check with the payment provider (50 at most)"), permissions=["check"])
    def check_many(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        return self._many(request, queryset, many.CHECK)

    @admin.action(description=_("Send the attestation again (50 at most)"), permissions=["send"])
    def send_many(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        return self._many(request, queryset, many.SEND)

    def _many(self, request: HttpRequest, queryset: QuerySet[Order], deed: many.Many) -> HttpResponse | None:
        """The orders and what will follow, to be confirmed; then what came of each."""
        if self._are_too_many(request, queryset, many.MOST):
            return None
        orders = list(queryset[: many.MOST])
        done: dict[int, str] = {}
        if "confirmed" in request.POST:
            done = deed.do(many.seen_in(request.POST.getlist("seen"), orders), member_of_staff(request))
            for order in orders:
                if order.pk in done:
                    self.log_change(request, order, told_in_log(deed.title, gettext(done[order.pk])))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": deed.title,
            "deed": deed,
            "rows": [(order, badges(order), gettext(done[order.pk]) if order.pk in done else "") for order in orders],
            "is_done": "confirmed" in request.POST,
            "back": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/orders/order/many.html", context)

    def _are_too_many(self, request: HttpRequest, chosen: QuerySet[Order], most: int) -> bool:
        """Of more than `most` none is taken, and a sentence says so: half of them would look like all."""
        if chosen.order_by()[: most + 1].count() <= most:
            return False
        text = gettext("That is more than %(most)d orders, and nothing was done. Choose fewer.")
        messages.error(request, text % {"most": most})
        return True

    def has_check_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHECK)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(SEND_AGAIN)

    def has_ship_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(SHIP)

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The orders of the list as it is narrowed, all of its pages (POST)."""
        if not self.has_view_permission(request) or not self.has_export_permission(request):
            raise PermissionDenied
        format = request.POST.get("format", "")
        if request.method != "POST" or format not in Export.Format.values:
            return SeeOther(f"{reverse('admin:orders_order_changelist')}?{request.GET.urlencode()}")
        try:
            chosen = super().get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            raise Http404 from None
        return self._file_of(request, chosen, Export.Format(format), narrowed_by(request.GET))

    @admin.action(description=_("Export (CSV)"), permissions=["export"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponseBase:
        return self._file_of(request, queryset, Export.Format.CSV, _chosen_by(request))

    @admin.action(description=_("Export (Excel)"), permissions=["export"])
    def export_xlsx(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponseBase:
        return self._file_of(request, queryset, Export.Format.XLSX, _chosen_by(request))

    def _file_of(
        self, request: HttpRequest, orders: QuerySet[Order], format: Export.Format, asked: str
    ) -> HttpResponseBase:
        return exporting.file(table_of_orders(orders), member_of_staff(request), Export.What.ORDERS, format, asked)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(exporting.PERMISSION)

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
        try:
            sent = letters.send_again(order.pk, request.POST.get("letter", ""), by=member_of_staff(request))
        except ValueError:
            raise Http404 from None
        if sent:
            said = gettext("The letter is on its way.")
            self.log_change(request, order, said)
            messages.success(request, said)
        else:
            messages.warning(request, gettext("This letter was sent again less than a minute ago."))
        return page

    def _seen(self, request: HttpRequest, pk: int) -> Order:
        """An order that this member of staff may see."""
        order = get_object_or_404(Order, pk=pk)
        if not self.has_view_permission(request, order):
            raise PermissionDenied
        return order

    def _file(self, request: HttpRequest, pk: int) -> OrderFile:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            return OrderFile.of(pk)
        except Order.DoesNotExist:
            raise Http404 from None

    def _address(self, file: OrderFile, deed: Deed, about: str) -> str:
        name = f"admin:orders_order_{deed.name.replace('-', '_')}"
        return reverse(name, args=[file.order.pk, *([about] if deed.has_about else [])])

    @admin.display(description=_("number"))
    def reference(self, order: Order) -> str:
        return order.number

    @admin.display(description=_("placed at"), ordering="created_at")
    def placed_at(self, order: Order) -> str:
        return date_format(localtime(order.created_at), SHORT)

    @admin.display(description=_("customer"))
    def customer(self, order: Order) -> str:
        names = ", ".join(filter(None, [order.delivery_organisation, order.delivery_name]))
        return format_html("{}<br><small>{}</small>", names, order.email)

    @admin.display(description=_("total"), ordering="total")
    def printed_total(self, order: Order) -> str:
        return format_chf(order.total)

    @admin.display(description=_("method"), empty_value="")
    def method(self, order: Order) -> str:
        paid = settling(order)
        return paid.get_method_display() if paid else ""

    @admin.display(description=_("status"))
    def badge(self, order: Order) -> str:
        marked = getattr(order, "needs_a_person", False)
        shown = [(one.kind, one.label) for one in badges(order)]
        shown += [("attention", gettext("! To be looked at"))] if marked else []
        return format_html_join(" ", '<span class="badge badge-{}">{}</span>', shown)

    @admin.display(description=_("paid at"), ordering="effective_at", empty_value="")
    def paid_at(self, order: Order) -> str:
        return date_format(localtime(order.effective_at), SHORT) if order.effective_at else ""

    @admin.display(description=_("refunded"), empty_value="")
    def refunded(self, order: Order) -> str:
        back, paid = given_back(order), settling(order)
        return paid.printed(back) if paid and back else ""


class OfOrders(ReadOnly, lists.Quick):
    """Rows that belong to orders: found by whatever finds the order."""

    search_fields = ["pk"]  # what is searched says get_search_results
    search_help_text = SEARCHED
    order = "order"
    """The way to the order."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        orders = search.find(Order.objects.order_by(), search_term)
        return queryset.filter(**{f"{self.order}__in": orders.values("pk")}), False

    @admin.display(description=_("order"))
    def of_order(self, row: Any) -> str:
        order = row
        for step in self.order.split("__"):
            order = getattr(order, step)
        return link_to(order)


@admin.register(Payment)
class PaymentAdmin(OfOrders):
    list_display = ["started_at", "of_order", "method", "status", "settles", "why_not", "asked", "received", "refusal"]
    list_filter = [lists.OutcomeFilter, lists.StartedFilter, "method", "settles", "why_not"]
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
        "capture_number",
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
    list_display = ["received_at", "provider", "type", "event_id", "source", "processed_at", "said", "of_order"]
    list_filter = ["provider", "source", ("processed_at", lists.DoneFilter)]
    list_select_related = ["order"]
    ordering = ["-received_at"]
    exclude = ["outcome"]
    readonly_fields = ["said"]

    @admin.display(description=_("outcome"))
    def said(self, event: WebhookEvent) -> str:
        return event.said


@admin.register(Refund)
class RefundAdmin(OfOrders):
    list_display = ["asked_at", "of_order", "printed", "status", "why", "requested_by", "released_by", "settled_at"]
    list_filter = ["status", "payment__method"]
    list_select_related = ["payment__order", "requested_by", "released_by"]
    ordering = ["-created_at"]
    order = "payment__order"
    readonly_fields = ["printed", "why"]
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
        "refusal",
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
        return dispute.payment.printed(dispute.amount)

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, dispute: Dispute) -> str:
        return dispute.told_reason


@admin.register(Letter)
class LetterAdmin(OfOrders):
    list_display = ["__str__", "of_order", "due_at", "sent_at", "tries"]
    list_filter = [lists.UnsentFilter, "kind", ("sent_at", lists.DoneFilter)]
    list_select_related = ["order"]
    ordering = ["-id"]


@admin.register(Attestation)
class AttestationAdmin(OfOrders):
    list_display = ["__str__", "series", "of_order", "issued_at", "shown_code", "shown_size"]
    list_filter = ["series"]
    list_select_related = ["order", "refund__payment__order"]
    ordering = ["-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        orders = search.find(Order.objects.order_by(), search_term).values("pk")
        refunds = Refund.objects.filter(payment__order__in=orders).values("pk")
        own = Attestation.objects.filter(order__in=orders).order_by().values("pk")
        of_refunds = Attestation.objects.filter(refund__in=refunds).order_by().values("pk")
        return queryset.filter(pk__in=own.union(of_refunds)), False

    @admin.display(description=_("code"), ordering="code")
    def shown_code(self, row: Attestation) -> str:
        return row.printed_code

    @admin.display(description=_("size"))
    def shown_size(self, row: Attestation) -> str:
        return row.size

    @admin.display(description=_("order"))
    def of_order(self, row: Attestation) -> str:
        return link_to(row.order or (row.refund.payment.order if row.refund else None))


@admin.register(Export)
class ExportAdmin(ReadOnly, lists.Quick):
    """Who took what out of the shop, and when."""

    list_display = ["at", "by", "what", "format", "asked", "rows", "finished_at"]
    list_filter = ["what", "format"]
    list_select_related = ["by"]
    ordering = ["-id"]


def told_in_log(deed: Any, outcome: str) -> str:
    """What staff did and what came of it, as the log of what staff did keeps it."""
    return gettext("%(deed)s: %(outcome)s") % {"deed": deed, "outcome": outcome}


def narrowed_by(query: QueryDict) -> str:
    """What narrowed a list, as it may be written down: not what was searched for, which may be a customer's name."""
    shown = [f"{name}={'…' if name == 'q' else query[name]}" for name in sorted(query) if query[name] and name != "p"]
    return " ".join(shown) or gettext("all")


def _chosen_by(request: HttpRequest) -> str:
    """How the rows of an action were chosen."""
    across = BooleanField(required=False).clean(request.POST.get("select_across"))
    return narrowed_by(request.GET) if across else gettext("chosen one by one")


def link_to(order: Order | None) -> str:
    if order is None:
        return "–"
    return format_html('<a href="{}">{}</a>', reverse("admin:orders_order_change", args=[order.pk]), order.number)


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
