"""The goods in the back office: products, delivery methods, VAT rates. Orders belong to payments' admin."""

import json
from copy import copy
from datetime import datetime
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Field, ForeignKey, Model, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localdate
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from orders import pictures
from orders.back_office import InOurWords
from orders.forms import COUNTRIES
from orders.goods_forms import CategoryForm, ProductForm, ShippingMethodForm, VatRateForm
from orders.models import Category, Language, Order, Product, ShippingMethod, VatRate
from orders.money import format_chf
from orders.vat_changes import Change, change_by, confirmation, percent

M = TypeVar("M", bound=Model)
ADJUST = "orders.adjust_stock"
FEW = 3
"""Pieces: so few are shown to customers, too."""
LATEST = 20


class Goods(InOurWords[M]):
    """What one fills in as forms, and others read."""

    actions = None
    amounts: tuple[str, ...] = ()
    """Fields in centimes: the log tells the old and the new value."""
    read: list[str]
    """What those see who may not change it."""

    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> Any:
        return super().get_fieldsets(request, obj) if self._may_write(request, obj) else [(None, {"fields": self.read})]

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        return super().get_readonly_fields(request, obj) if self._may_write(request, obj) else self.read

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        """Of an old one only what was changed: the rest may be sold, booked or changed by others while it is open."""
        obj.save(**({"update_fields": form.columns} if change else {}))

    def _may_write(self, request: HttpRequest, obj: M | None) -> bool:
        return self.has_change_permission(request, obj) if obj else self.has_add_permission(request)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        message = super().construct_change_message(request, form, formsets, add)
        changed = [] if add else [name for name in self.amounts if name in form.changed_data]
        if not changed:
            return message
        told = [
            gettext("%(what)s: %(old)s → %(new)s.")
            % {
                "what": gettext("Price") if name == "price" else gettext("Free from"),
                "old": _printed(form.initial.get(name)),
                "new": _printed(form.cleaned_data[name]),
            }
            for name in changed
        ]
        with override(None):
            labels = {str(form.fields[name].label) for name in changed}
        told_above = {name for label, name in self.names_by_label(form).items() if label in labels}
        others = [name for each in message for name in each["changed"]["fields"] if name not in told_above]
        rest = LogEntry(change_message=json.dumps([{"changed": {"fields": others}}])).get_change_message()
        return " ".join([*told, *([rest] if others else [])])

    @admin.display(description=_("name"))
    def all_names(self, obj: Any) -> str:
        return _by_language(obj.names)

    @admin.display(description=_("description"))
    def all_descriptions(self, obj: Any) -> str:
        return _by_language(obj.descriptions)

    @admin.display(description=_("price"), ordering="price")
    def price_in_francs(self, obj: Any) -> str:
        return format_chf(obj.price)


def _printed(centimes: int | None) -> str:
    return "–" if centimes is None else format_chf(centimes)


def _by_language(texts: dict[str, str]) -> str:
    told = [(language.label, texts[language]) for language in Language if texts.get(language)]
    return format_html_join("", '<p><span class="quiet">{}</span><br>{}</p>', told) or "–"


@admin.register(Category)
class CategoryAdmin(Goods[Category]):
    form = CategoryForm
    title_of_new = _("New category")
    list_display = ["__str__", "slug", "position"]
    read = ["all_names", "all_descriptions", "slug", "position"]


class StockFilter(admin.SimpleListFilter):
    template = "admin/choice_filter.html"
    title = _("stock")
    parameter_name = "stock"
    is_open = True

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return [("none", _("Sold out")), ("few", _("3 or fewer left"))]

    def queryset(self, request: Any, queryset: QuerySet[Product]) -> QuerySet[Product]:
        match self.value():
            case "none":
                return queryset.filter(stock=0)
            case "few":
                return queryset.filter(stock__gt=0, stock__lte=FEW)
        return queryset


class CategoryFilter(admin.RelatedFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.empty_value_display = format_html("{}", gettext("No category"))


@admin.register(Product)
class ProductAdmin(Goods[Product]):
    form = ProductForm
    title_of_new = _("New article")
    amounts = ("price",)
    list_display = ["__str__", "sku", "category", "price_in_francs", "stock", "active", "position"]
    list_filter = ["active", StockFilter, ("category", CategoryFilter), "vat_class"]
    list_select_related = ["category"]
    search_fields = ["sku", "slug", "names"]
    fieldsets = [
        (None, {"fields": ["active", "sku", "slug", "category", "position"]}),
        (_("Price and stock"), {"fields": ["price", "vat_class", "pieces"]}),
        (_("Texts"), {"fields": [f"{text}_{code}" for text in ("name", "description") for code in Language.values]}),
        (
            _("Picture"),
            {"fields": ["present_picture", "upload", *(f"picture_text_{code}" for code in Language.values)]},
        ),
    ]
    readonly_fields = ["present_picture", "pieces"]
    read = [
        "active",
        "sku",
        "slug",
        "category",
        "position",
        "price_in_francs",
        "vat_class",
        "pieces",
        "all_names",
        "all_descriptions",
        "present_picture",
        "all_picture_texts",
    ]

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        """Goods are taken off sale: orders and carts point to them."""
        return False

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        assert field  # noqa: S101 - else it is not in the form
        field.empty_label = gettext("No category")
        return field

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: Any, **kwargs: Any) -> Any:
        """Without Django's buttons beside the category: their windows need a script, and one of them deletes."""
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "category":
            field.widget = field.widget.widget
        return field

    def get_view_on_site_url(self, obj: Product | None = None) -> str | None:
        """What is not on sale has no page in the shop."""
        return reverse("orders:product", args=[obj.slug]) if obj and obj.active else None

    @admin.display(description=_("stock"))
    def pieces(self, product: Product) -> str:
        if product.pk:
            return str(product.stock)
        return gettext("Save the article first: then its first pieces are booked.")

    @admin.display(description=_("as it is now"))
    def present_picture(self, product: Product) -> str:
        shown = product.shown
        if shown is None:
            return "–"
        size = {"width": 160, "height": round(160 * shown.height / shown.width)}
        return format_html('<img src="{url}" width="{width}" height="{height}" alt="">', url=shown.url, **size)

    @admin.display(description=_("What the picture shows"))
    def all_picture_texts(self, product: Product) -> str:
        return _by_language(product.picture_texts)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Without the transaction that Django puts around it: pictures go to a storage that may be far away."""
        answer: HttpResponse = self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]
        return answer

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Product | None = None,
    ) -> HttpResponse:
        booked = obj.adjustments.select_related("by")[:LATEST] if obj else []
        return super().render_change_form(request, {**context, "adjustments": booked}, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Product, form: ProductForm, change: bool) -> None:
        """The new picture is stored before the row names it, the old one deleted after none does."""
        old, new = obj.shown, form.cleaned_data["upload"]
        if isinstance(new, pictures.Picture):
            pictures.store(new)
            obj.take_picture(new)
        elif new is False:
            obj.take_picture(None)
        with transaction.atomic():
            super().save_model(request, obj, form, change)
        if old and not Product.objects.filter(picture=old.name).exists():
            pictures.remove(old.name, old.width)
        self._remind(request, obj, form, old)

    def _remind(self, request: HttpRequest, obj: Product, form: ProductForm, old: pictures.Shown | None) -> None:
        """A text that nobody changed may speak of the picture that was there before."""
        kept = [
            language.label
            for language in Language
            if obj.picture_texts.get(language) and f"picture_text_{language}" not in form.changed_data
        ]
        if obj.shown and old != obj.shown and kept:
            text = gettext("The picture is another one. Read once more what its descriptions say of it: %(languages)s.")
            messages.warning(request, text % {"languages": ", ".join(str(label) for label in kept)})

    def response_add(self, request: HttpRequest, obj: Product, post_url_continue: str | None = None) -> HttpResponse:
        """From a new product to its first pieces."""
        answer = super().response_add(request, obj, post_url_continue)
        if {"_addanother", "_continue"} & request.POST.keys() or not request.user.has_perm(ADJUST):
            return answer
        return HttpResponseRedirect(reverse("admin:orders_product_stock", args=[obj.pk]))


@admin.register(ShippingMethod)
class ShippingMethodAdmin(Goods[ShippingMethod]):
    form = ShippingMethodForm
    title_of_new = _("New delivery method")
    amounts = ("price", "free_from")
    list_display = ["__str__", "price_in_francs", "free_in_francs", "delivery_days", "where", "active", "position"]
    fields = [
        "active",
        *(f"name_{code}" for code in Language.values),
        "price",
        "free_from",
        "delivery_days",
        "countries",
        "position",
    ]
    read = [
        "active",
        "all_names",
        "price_in_francs",
        "free_in_francs",
        "delivery_days",
        "where",
        "position",
    ]

    @admin.display(description=_("free from"), ordering="free_from")
    def free_in_francs(self, method: ShippingMethod) -> str:
        return _printed(method.free_from)

    @admin.display(description=_("countries"))
    def where(self, method: ShippingMethod) -> str:
        return ", ".join(str(name) for code, name in COUNTRIES if code in method.countries) or "–"

    def has_delete_permission(self, request: HttpRequest, obj: ShippingMethod | None = None) -> bool:
        """One that an order names is no longer offered, and stays; so does the last that is offered."""
        kept = obj is not None and (obj.order_set.exists() or obj.is_the_last_offered)
        return not kept and super().has_delete_permission(request, obj)


@admin.register(VatRate)
class VatRateAdmin(Goods[VatRate]):
    form = VatRateForm
    title_of_new = _("New VAT rate")
    list_display = ["vat_class", "percent", "valid_from", "use"]
    list_display_links = ["vat_class", "percent"]
    list_filter = ["vat_class"]
    fields = ["vat_class", "rate", "valid_from"]
    read = ["vat_class", "percent", "valid_from", "state"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[VatRate]:
        newest = Order.objects.order_by("-created_at").values("created_at")[:1]
        return super().get_queryset(request).annotate(newest_order=Subquery(newest))

    def has_change_permission(self, request: HttpRequest, obj: VatRate | None = None) -> bool:
        """One that was used stays as it was (PostgreSQL refuses, too)."""
        return super().has_change_permission(request, obj) and not (obj and obj.is_used)

    def has_delete_permission(self, request: HttpRequest, obj: VatRate | None = None) -> bool:
        """A rate ends when the next one begins: without one of its day nothing can be priced."""
        ahead = obj is None or obj.valid_from > localdate()
        return ahead and super().has_delete_permission(request, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A rate is saved once what it changes was shown and confirmed, and is still so."""
        change = self._change(request, object_id) if request.method == "POST" else None
        asked = confirmation(request, change) if change else None
        return asked or super().changeform_view(request, object_id, form_url, extra_context)

    def _change(self, request: HttpRequest, object_id: str | None) -> Change | None:
        """What the form that was sent would change; None where there is nothing to be confirmed."""
        rate = self.get_object(request, object_id) if object_id else None
        if (object_id and rate is None) or not self._may_write(request, rate):
            return None
        form: Any = self.get_form(request, rate, change=bool(rate))(request.POST, instance=copy(rate))
        if not form.is_valid() or (rate and not form.columns):
            return None
        return change_by(form.as_written(rate), rate)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What was confirmed."""
        if add or form.columns:
            return request.POST["confirmed"]
        return super().construct_change_message(request, form, formsets, add)

    @admin.display(description=_("rate"), ordering="rate")
    def percent(self, rate: VatRate) -> str:
        return percent(rate.rate)

    @admin.display(description=_("status"))
    def use(self, rate: VatRate) -> str:
        if rate.valid_from > localdate():
            return gettext("Coming")
        newest: datetime | None = rate.newest_order  # type: ignore[attr-defined]
        return gettext("Fixed") if newest and newest >= rate.begins_at else gettext("Not used yet")

    @admin.display(description=_("status"))
    def state(self, rate: VatRate) -> str:
        if rate.valid_from > localdate():
            return gettext("Begins on its day; until then it can be changed or deleted.")
        if rate.is_used:
            return gettext("Orders were taken since it began: it stays as it is. Another rate is a row of its own.")
        return gettext("Holds, but nothing was ordered yet: it can be changed.")
