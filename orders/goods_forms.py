"""The forms of the goods in the back office."""

from copy import copy
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from django import forms
from django.contrib.admin.widgets import AdminFileWidget
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from orders import pictures
from orders.forms import COUNTRIES
from orders.francs import FrancsField
from orders.models import Category, Language, Product, ShippingMethod, VatRate

M = TypeVar("M", bound=Model)


def _text(label: Any, *, long: bool = False, required: bool = False) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 3, "cols": 80}) if long else forms.TextInput(attrs={"size": 60})
    return forms.CharField(
        label=label,
        required=required,
        max_length=2000 if long else 200,
        widget=widget,
    )


class GoodsForm(forms.ModelForm[M]):
    """Knows what somebody changed in it, whatever others changed while it was open."""

    texts: dict[str, str] = {}
    """Fields that there are one of per language → the JSON column with all of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = not isinstance(field, forms.FileField)

    @property
    def columns(self) -> set[str]:
        """What is to be written: of what the form showed, only what was changed in it."""
        changed = set(self.changed_data)
        named = {column for text, column in self.texts.items() if changed & {f"{text}_{c}" for c in Language.values}}
        return changed & {field.name for field in self.instance._meta.concrete_fields} | named


class NamesForm(GoodsForm[M]):
    """Edits the names, which are one JSON column, as one field per language."""

    texts = {"name": "names"}

    name_fr = _text(_("Name (French)"), required=True)
    name_de = _text(_("Name (German)"))
    name_it = _text(_("Name (Italian)"))
    name_en = _text(_("Name (English)"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, column in self.texts.items():
            for language in Language.values:
                self.initial[f"{field}_{language}"] = getattr(self.instance, column).get(language, "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for field, column in self.texts.items():
            kept = getattr(self.instance, column)
            texts = {
                language: cleaned.get(name, "") if name in self.changed_data else kept.get(language, "")
                for language in Language.values
                for name in [f"{field}_{language}"]
            }
            setattr(self.instance, column, {language: text for language, text in texts.items() if text})
        return cleaned


class CategoryForm(NamesForm[Category]):
    texts = {"name": "names", "description": "descriptions"}

    description_fr = _text(_("Description (French)"), long=True)
    description_de = _text(_("Description (German)"), long=True)
    description_it = _text(_("Description (Italian)"), long=True)
    description_en = _text(_("Description (English)"), long=True)

    class Meta:
        model = Category
        fields = ["slug", "position"]


class PictureInput(AdminFileWidget):
    initial_text = _("Now")  # type: ignore[assignment]
    input_text = _("Another picture")  # type: ignore[assignment]
    clear_checkbox_label = _("Take it away")  # type: ignore[assignment]


class PictureField(forms.FileField):
    """An upload that becomes a Picture; what was shown stays as it is, False takes it away."""

    widget = PictureInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        given = super().clean(data, initial)
        return pictures.prepare(given) if isinstance(given, UploadedFile) else given


class ProductForm(NamesForm[Product]):
    texts = {"name": "names", "description": "descriptions", "picture_text": "picture_texts"}

    description_fr = _text(_("Description (French)"), long=True)
    description_de = _text(_("Description (German)"), long=True)
    description_it = _text(_("Description (Italian)"), long=True)
    description_en = _text(_("Description (English)"), long=True)
    # Not called as the column, which keeps a name: the form must not put a Picture there.
    upload = PictureField(
        label=_("Picture"),
        required=False,
        help_text=_("Upright looks best, 1280 × 1600 pixels or more. JPEG, PNG, WebP or AVIF, 12 MB at most."),
    )
    picture_text_fr = _text(_("What the picture shows (French)"))
    picture_text_de = _text(_("What the picture shows (German)"))
    picture_text_it = _text(_("What the picture shows (Italian)"))
    picture_text_en = _text(_("What the picture shows (English)"))
    price = FrancsField(label=_("Price in francs, VAT included"))

    class Meta:
        model = Product
        fields = ["sku", "slug", "category", "price", "vat_class", "active", "position"]
        error_messages = {
            "sku": {"unique": _("Another article has this number.")},
            "slug": {"unique": _("Another article has this address.")},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["upload"] = self.instance.shown

    def clean_price(self) -> int:
        price: int = self.cleaned_data["price"]
        if price == 0:
            raise forms.ValidationError(_("The price must be more than zero."))
        return price

    @property
    def columns(self) -> set[str]:
        of_picture = {"picture", "picture_width", "picture_height"} if "upload" in self.changed_data else set()
        return super().columns | of_picture


class ShippingMethodForm(NamesForm[ShippingMethod]):
    price = FrancsField(label=_("Price in francs, VAT included"))
    free_from = FrancsField(label=_("Free from, in francs"), required=False)
    countries = forms.MultipleChoiceField(label=_("Countries"), choices=COUNTRIES, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ShippingMethod
        fields = ["price", "free_from", "delivery_days", "countries", "active", "position"]

    def clean_active(self) -> bool:
        active: bool = self.cleaned_data["active"]
        if not active and self.instance.is_the_last_offered:
            raise forms.ValidationError(
                _("It is the only one that is offered: without it nobody can order. Offer another one first.")
            )
        return active


HIGHEST_RATE = 15
"""Per cent. Swiss rates have never reached 10 (LTVA art. 25): above this the decimal sign was forgotten."""


class VatRateForm(GoodsForm[VatRate]):
    class Meta:
        model = VatRate
        fields = ["vat_class", "rate", "valid_from"]

    def as_written(self, stands: VatRate | None) -> VatRate:
        """The row as it will be: what others changed while the form was open stays."""
        kept = [] if stands is None else [name for name in self.Meta.fields if name not in self.columns]
        written = copy(self.instance)
        for name in kept:
            setattr(written, name, getattr(stands, name))
        return written

    def clean_rate(self) -> Decimal:
        rate: Decimal = self.cleaned_data["rate"]
        if rate > HIGHEST_RATE:
            raise forms.ValidationError(
                _("Swiss rates have never reached 10 per cent: has the decimal sign been forgotten?")
            )
        return rate

    def clean_valid_from(self) -> date:
        begins: date = self.cleaned_data["valid_from"]
        if self.instance.pk and "valid_from" not in self.changed_data:
            return begins
        if begins < localdate():
            raise forms.ValidationError(
                _("A rate begins today or later: what was ordered before keeps the rate of its day.")
            )
        if VatRate(valid_from=begins).is_used:
            raise forms.ValidationError(
                _("Orders were taken today already. Begin tomorrow at the earliest: until then it can be mended.")
            )
        return begins
