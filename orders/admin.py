"""The goods in the back office: products, delivery methods, VAT rates. Orders belong to payments' admin."""

from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.db.models import F, Model
from django.db.models.functions import Greatest
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from orders.forms import COUNTRIES
from orders.models import Product, ShippingMethod, VatRate
from orders.money import format_chf

M = TypeVar("M", bound=Model)
LANGUAGES = ("fr", "de", "it", "en")


def _text(label: Any, language: str, *, long: bool = False) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 3, "cols": 80}) if long else forms.TextInput(attrs={"size": 60})
    required = language == "fr" and not long
    return forms.CharField(
        label=format_lazy("{} ({})", label, language), required=required, max_length=2000, widget=widget
    )


class NamesForm(forms.ModelForm[M]):
    """Edits the names, which are one JSON column, as one field per language."""

    texts = {"name": "names"}

    name_fr = _text(_("Name"), "fr")
    name_de = _text(_("Name"), "de")
    name_it = _text(_("Name"), "it")
    name_en = _text(_("Name"), "en")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, column in self.texts.items():
            for language in LANGUAGES:
                self.initial[f"{field}_{language}"] = getattr(self.instance, column).get(language, "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for field, column in self.texts.items():
            texts = {language: cleaned.get(f"{field}_{language}", "") for language in LANGUAGES}
            setattr(self.instance, column, {language: text for language, text in texts.items() if text})
        return cleaned


class ProductForm(NamesForm[Product]):
    texts = {"name": "names", "description": "descriptions"}

    description_fr = _text(_("Description"), "fr", long=True)
    description_de = _text(_("Description"), "de", long=True)
    description_it = _text(_("Description"), "it", long=True)
    description_en = _text(_("Description"), "en", long=True)
    # What was shown comes back with the form, so that a sale in between is not overwritten.
    stock = forms.IntegerField(label=_("Stock"), min_value=0, initial=0, show_hidden_initial=True)

    class Meta:
        model = Product
        fields = ["sku", "slug", "price", "vat_class", "stock", "picture", "active", "position"]


class ShippingMethodForm(NamesForm[ShippingMethod]):
    countries = forms.MultipleChoiceField(label=_("Countries"), choices=COUNTRIES, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ShippingMethod
        fields = ["price", "free_from", "delivery_days", "countries", "active", "position"]


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin[Product]):
    form = ProductForm
    list_display = ["__str__", "sku", "price_in_francs", "stock", "active", "position"]
    list_filter = ["active", "vat_class"]
    search_fields = ["sku", "slug", "names"]

    @admin.display(description=_("price"), ordering="price")
    def price_in_francs(self, product: Product) -> str:
        return format_chf(product.price)

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        """Goods are taken off sale: orders and carts point to them."""
        return False

    def save_model(self, request: HttpRequest, obj: Product, form: ProductForm, change: bool) -> None:
        if not change:
            obj.save()
            return
        # Only what the person changed: a sale since the form was opened must not be written over.
        columns = {field.name for field in Product._meta.concrete_fields} - {"id", "stock"}
        obj.save(update_fields=columns)
        if "stock" in form.changed_data:
            shown = int(form.fields["stock"].to_python(form.data[form.add_initial_prefix("stock")]) or 0)
            difference = form.cleaned_data["stock"] - shown
            Product.objects.filter(pk=obj.pk).update(stock=Greatest(F("stock") + difference, 0))


@admin.register(ShippingMethod)
class ShippingMethodAdmin(admin.ModelAdmin[ShippingMethod]):
    form = ShippingMethodForm
    list_display = ["__str__", "price_in_francs", "delivery_days", "active", "position"]

    @admin.display(description=_("price"), ordering="price")
    def price_in_francs(self, method: ShippingMethod) -> str:
        return format_chf(method.price)

    def has_delete_permission(self, request: HttpRequest, obj: ShippingMethod | None = None) -> bool:
        """One that an order names is no longer offered, and stays."""
        used = obj is not None and obj.order_set.exists()
        return not used and super().has_delete_permission(request, obj)


@admin.register(VatRate)
class VatRateAdmin(admin.ModelAdmin[VatRate]):
    list_display = ["vat_class", "rate", "valid_from"]
    list_filter = ["vat_class"]

    def has_delete_permission(self, request: HttpRequest, obj: VatRate | None = None) -> bool:
        """A rate ends when the next one begins: without one of its day nothing can be priced."""
        return False
