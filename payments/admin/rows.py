"""What the lists of orders, and of what belongs to them, have in common."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from orders.back_office import InOurWords
from orders.models import Order
from payments.desk import lists, search

SEARCHED = _(
    "Order number, e-mail, name, organisation, postcode or town, id at the payment provider, number or code of an "
    "attestation"
)


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


def link_to(order: Order | None) -> str:
    if order is None:
        return "–"
    return format_html('<a href="{}">{}</a>', reverse("admin:orders_order_change", args=[order.pk]), order.number)
