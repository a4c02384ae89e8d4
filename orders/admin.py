"""The goods in the back office: products, delivery methods, VAT rates. Orders belong to payments' admin."""

from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminFileWidget
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F, Model
from django.db.models.functions import Greatest
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from orders import pictures
from orders.forms import COUNTRIES
from orders.francs import FrancsField
from orders.models import Category, Product, ShippingMethod, VatRate
from orders.money import format_chf

M = TypeVar("M", bound=Model)
LANGUAGES = ("fr", "de", "it", "en")


def _text(label: Any, language: str, *, long: bool = False, required: bool = False) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 3, "cols": 80}) if long else forms.TextInput(attrs={"size": 60})
    return forms.CharField(
        label=format_lazy("{} ({})", label, language),
        required=required,
        max_length=2000 if long else 200,
        widget=widget,
    )


class NamesForm(forms.ModelForm[M]):
    """Edits the names, which are one JSON column, as one field per language."""

    texts = {"name": "names"}

    name_fr = _text(_("Name"), "fr", required=True)
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


class CategoryForm(NamesForm[Category]):
    texts = {"name": "names", "description": "descriptions"}

    description_fr = _text(_("Description"), "fr", long=True)
    description_de = _text(_("Description"), "de", long=True)
    description_it = _text(_("Description"), "it", long=True)
    description_en = _text(_("Description"), "en", long=True)

    class Meta:
        model = Category
        fields = ["slug", "position"]


class PictureField(forms.FileField):
    """An upload that becomes a Picture; what was shown stays as it is, False takes it away."""

    widget = AdminFileWidget

    def clean(self, data: Any, initial: Any = None) -> Any:
        given = super().clean(data, initial)
        return pictures.prepare(given) if isinstance(given, UploadedFile) else given


class ProductForm(NamesForm[Product]):
    texts = {"name": "names", "description": "descriptions", "picture_text": "picture_texts"}

    description_fr = _text(_("Description"), "fr", long=True)
    description_de = _text(_("Description"), "de", long=True)
    description_it = _text(_("Description"), "it", long=True)
    description_en = _text(_("Description"), "en", long=True)
    # Not called as the column, which keeps a name: the form must not put a Picture there.
    upload = PictureField(
        label=_("Picture"),
        required=False,
        help_text=_("Upright looks best, 1280 × 1600 pixels or more. JPEG, PNG, WebP or AVIF, 12 MB at most."),
    )
    picture_text_fr = _text(_("What the picture shows"), "fr")
    picture_text_de = _text(_("What the picture shows"), "de")
    picture_text_it = _text(_("What the picture shows"), "it")
    picture_text_en = _text(_("What the picture shows"), "en")
    price = FrancsField(label=_("Price in francs, VAT included"))
    # What was shown comes back with the form, so that a sale in between is not overwritten.
    stock = forms.IntegerField(label=_("Stock"), min_value=0, initial=0, show_hidden_initial=True)

    class Meta:
        model = Product
        fields = ["sku", "slug", "category", "price", "vat_class", "stock", "active", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["upload"] = self.instance.shown


class ShippingMethodForm(NamesForm[ShippingMethod]):
    price = FrancsField(label=_("Price in francs, VAT included"))
    free_from = FrancsField(label=_("Free from, in francs"), required=False)
    countries = forms.MultipleChoiceField(label=_("Countries"), choices=COUNTRIES, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ShippingMethod
        fields = ["price", "free_from", "delivery_days", "countries", "active", "position"]


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin[Category]):
    form = CategoryForm
    list_display = ["__str__", "slug", "position"]


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin[Product]):
    form = ProductForm
    list_display = ["__str__", "sku", "category", "price_in_francs", "stock", "active", "position"]
    list_filter = ["active", "category", "vat_class"]
    list_select_related = ["category"]
    search_fields = ["sku", "slug", "names"]
    fieldsets = [
        (None, {"fields": ["active", "sku", "slug", "category", "position"]}),
        (_("Price and stock"), {"fields": ["price", "vat_class", "stock"]}),
        (_("Texts"), {"fields": [f"{text}_{code}" for text in ("name", "description") for code in LANGUAGES]}),
        (_("Picture"), {"fields": ["present_picture", "upload", *(f"picture_text_{code}" for code in LANGUAGES)]}),
    ]
    readonly_fields = ["present_picture"]

    @admin.display(description=_("price"), ordering="price")
    def price_in_francs(self, product: Product) -> str:
        return format_chf(product.price)

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        """Goods are taken off sale: orders and carts point to them."""
        return False

    @admin.display(description=_("as it is now"))
    def present_picture(self, product: Product) -> str:
        shown = product.shown
        if shown is None:
            return "–"
        size = {"width": 160, "height": round(160 * shown.height / shown.width)}
        return format_html('<img src="{url}" width="{width}" height="{height}" alt="">', url=shown.url, **size)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Without the transaction that Django puts around it: pictures go to a storage that may be far away."""
        answer: HttpResponse = self._changeform_view(  # type: ignore[attr-defined]
            request, object_id, form_url, extra_context
        )
        return answer

    def save_model(self, request: HttpRequest, obj: Product, form: ProductForm, change: bool) -> None:
        """The new picture is stored before the row names it, the old one deleted after none does."""
        old, new = obj.shown, form.cleaned_data["upload"]
        if isinstance(new, pictures.Picture):
            pictures.store(new)
            obj.take_picture(new)
        elif new is False:
            obj.take_picture(None)
        with transaction.atomic():
            self._save(obj, form, change=change)
        if old and not Product.objects.filter(picture=old.name).exists():
            pictures.remove(old.name, old.width)

    def _save(self, obj: Product, form: ProductForm, *, change: bool) -> None:
        if not change:
            obj.save()
            return
        # Only what the person changed: a sale since the form was opened must not be written over.
        columns = {field.name for field in Product._meta.concrete_fields if not field.generated} - {"id", "stock"}
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
