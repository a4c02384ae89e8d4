"""The list of orders, and the page of each."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import BooleanField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.back_office import member_of_staff
from orders.models import Order
from orders.money import format_chf
from orders.views import SeeOther
from payments import unresolved
from payments.admin.rows import SEARCHED, ReadOnly
from payments.desk import doing, exporting, filters, lists, many, papers, search, slips
from payments.desk.deeds import DEEDS, Check, SendAgain, Ship, offered
from payments.desk.file import badges, file_for, given_back, settling, with_payments
from payments.exports.orders import orders as table_of_orders
from payments.models import Export
from payments.why_pending import why_pending

SHORT = "d.m.y H:i"
"""Eight columns have to fit."""


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
        filters.StateFilter,
        filters.MethodFilter,
        filters.PaidFilter,
        filters.PlacedFilter,
        filters.RefundedFilter,
        filters.AttentionFilter,
        filters.WaitingFilter,
        filters.LanguageFilter,
    ]
    search_fields = ["number"]  # what is searched says get_search_results
    search_help_text = SEARCHED
    actions = ["print_slips", "check_many", "send_many", "export_csv", "export_xlsx"]
    ordering = (*filters.NEWEST,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return with_payments(super().get_queryset(request).defer("vat", "token"))

    def get_ordering(self, request: HttpRequest) -> Any:
        """Who asks for a time of payment sees its latest first: by an index that the question uses anyway."""
        asked = any(request.GET.get(name) for name in ("paid", "paid_from", "paid_to"))
        return filters.NEWEST_PAID if asked else filters.NEWEST

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
            for label, query in filters.VIEWS
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
        if rows and not shown.params.get(filters.AttentionFilter.parameter_name):
            marked = unresolved.among(keys)
        for row in rows:
            row.needs_a_person = row.pk in marked
        shown.result_list = rows
        return shown

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        deeds = [
            path(
                f"<int:pk>/{deed.name}/{'<str:about>/' if deed.has_about else ''}",
                guarded(doing.page),
                {"deed": deed},
                name=f"orders_order_{deed.name.replace('-', '_')}",
            )
            for deed in DEEDS
        ]
        return [
            path("export/", guarded(self.export), name="orders_order_export"),
            path("<int:pk>/attestation.pdf", guarded(papers.attestation), name="orders_order_attestation"),
            path("<int:pk>/<uuid:refund>.pdf", guarded(papers.refund_notice), name="orders_order_refund_notice"),
            *deeds,
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The order's page. Nothing of it is a form."""
        if not object_id.isdecimal():
            raise Http404
        file = file_for(request, int(object_id))
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
            "offers": [(offer, doing.address(file.order, offer)) for offer in offered(file, by)],
            "papers": papers.of(file.order),
            "back": given_back(file.order),
        }
        return TemplateResponse(request, "admin/orders/order/file.html", context)

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
                    self.log_change(request, order, doing.told_in_log(deed.title, gettext(done[order.pk])))
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
        return request.user.has_perm(Check.permission)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(SendAgain.permission)

    def has_ship_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(Ship.permission)

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
        by, days = member_of_staff(request), filters.days_named(request.GET)
        return exporting.file(table_of_orders(orders), days, by, Export.What.ORDERS, format, asked)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(exporting.PERMISSION)

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


def narrowed_by(query: QueryDict) -> str:
    """What narrowed a list, as it may be written down: not what was searched for, which may be a customer's name."""
    shown = [f"{name}={'…' if name == 'q' else query[name]}" for name in sorted(query) if query[name] and name != "p"]
    return " ".join(shown) or gettext("all")


def _chosen_by(request: HttpRequest) -> str:
    """How the rows of an action were chosen."""
    across = BooleanField(required=False).clean(request.POST.get("select_across"))
    return narrowed_by(request.GET) if across else gettext("chosen one by one")
