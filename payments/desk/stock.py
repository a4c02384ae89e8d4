"""The page on which staff change a product's stock."""

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.back_office import log_change, member_of_staff
from orders.models import Product, StockAdjustment
from orders.typed_text import refuse_card_number
from orders.views import SeeOther
from payments import stock

ADJUST = "orders.adjust_stock"
MOST_PIECES = 100_000
LATEST = 50


class StockForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("What happened"),
        choices=[
            (StockAdjustment.Kind.RECEIVED, _("Goods received: these pieces are added")),
            (StockAdjustment.Kind.LOST, _("Broken, lost or given away: these pieces are taken off")),
            (StockAdjustment.Kind.COUNTED, _("Counted: that many lie on the shelf")),
        ],
        widget=forms.RadioSelect,
    )
    pieces = forms.IntegerField(
        label=_("How many pieces"),
        min_value=0,
        max_value=MOST_PIECES,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 4}),
    )
    note = forms.CharField(
        label=_("Note (optional)"),
        required=False,
        max_length=200,
        validators=[refuse_card_number],
        help_text=_("The number of the delivery note, for instance, or what was broken."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)
    expected = forms.IntegerField(widget=forms.HiddenInput)

    @property
    def wanted(self) -> stock.Wanted:
        given = self.cleaned_data
        kind = StockAdjustment.Kind(given["kind"])
        return stock.Wanted(kind, given["pieces"], given["key"], given["note"], given["expected"])


def page(request: HttpRequest, pk: int) -> HttpResponse:
    """What lies on the shelf, and the form that changes it (POST)."""
    if not request.user.has_perm(ADJUST):
        raise PermissionDenied
    product = get_object_or_404(Product, pk=pk)
    if request.method != "POST":
        return _page(request, product, StockForm(initial={"key": uuid4()}))
    by, form = member_of_staff(request), StockForm(request.POST)
    if not form.is_valid():
        return _page(request, product, form, status=422)
    try:
        booked, is_new = stock.adjust(product.pk, form.wanted, by)
    except stock.NotBooked as error:
        return _page(request, product, form, status=409, why=str(error))
    said = told(booked)
    if is_new:
        log_change(by, product, said)
    messages.success(request, said)
    return SeeOther(reverse("admin:orders_product_change", args=[pk]))


def told(booked: StockAdjustment) -> str:
    before = booked.stock_after - booked.difference
    text = gettext("Stock: %(before)d → %(after)d (%(difference)s, %(reason)s).")
    facts = {"before": before, "after": booked.stock_after, "difference": str(booked)}
    return text % {**facts, "reason": booked.get_kind_display()}


def _page(request: HttpRequest, product: Product, form: StockForm, *, status: int = 200, why: str = "") -> HttpResponse:
    product.refresh_from_db(fields=["stock"])
    there = stock.shelf(product)
    form.initial["expected"] = there.pieces
    if form.is_bound:
        # Whoever sends it again has read what stands here now.
        form.data = {**dict(form.data.items()), "expected": str(there.pieces)}
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "opts": Product._meta,
        "title": gettext("Change the stock: %(product)s") % {"product": product.name},
        "product": product,
        "shelf": there,
        "form": form,
        "why": why,
        "adjustments": product.adjustments.select_related("by")[:LATEST],
    }
    return TemplateResponse(request, "admin/orders/product/stock.html", context, status=status)
