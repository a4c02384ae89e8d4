"""What leaves the shop: mails, papers, exports."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from payments.admin.rows import OfOrders, ReadOnly, link_to
from payments.desk import filters, lists, search
from payments.models import Attestation, Export, Letter, Refund


@admin.register(Letter)
class LetterAdmin(OfOrders):
    list_display = ["__str__", "of_order", "sent_at", "next_try", "tries"]
    list_filter = [filters.UnsentFilter, "kind", ("sent_at", filters.DoneFilter)]
    list_select_related = ["order"]
    ordering = ["-id"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["next_try" if name == "due_at" else name for name in super().get_fields(request, obj)]

    @admin.display(description=_("next try at"), ordering="due_at", empty_value="–")
    def next_try(self, row: Letter) -> str | None:
        """Of a mail that has left there is none, though its row keeps when it would have been."""
        return None if row.sent_at else date_format(localtime(row.due_at), "SHORT_DATETIME_FORMAT")


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

    list_display = ["at", "by", "what", "format", "asked_for", "rows", "finished_at"]
    list_filter = ["what", "format"]
    list_select_related = ["by"]
    ordering = ["-id"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["asked_for" if name == "asked" else name for name in super().get_fields(request, obj)]

    @admin.display(description=_("asked for"))
    def asked_for(self, row: Export) -> str:
        return gettext(row.asked) if row.asked in (Export.ALL, Export.ONE_BY_ONE) else row.asked
