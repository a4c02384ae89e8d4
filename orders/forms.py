"""The forms of the shop: quantities, delivery, and the customer's details."""

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

from orders import typed_text
from orders.cart import QUANTITY
from orders.models import Product
from orders.quote import Quote

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

COUNTRIES = [("CH", _("Switzerland")), ("LI", _("Liechtenstein"))]
ONLY = {"CH": _("We deliver to Switzerland only."), "LI": _("We deliver to Liechtenstein only.")}
LIECHTENSTEIN = range(9485, 9499)
POSTCODE = re.compile(r"(?:(?:CH|LI|FL)-?)?([1-9][0-9]{3})", re.IGNORECASE)
# A Swiss number with its area code, or any number with its country code (ITU-T E.164).
PHONE = re.compile(r"0[1-9][0-9]{8}|(?:\+|00)[1-9][0-9]{7,14}")
KEPT_LENGTH = 300
"""Characters of a refused text that the session keeps, so that the customer can mend it."""

Refusal = Callable[[str], None]


class QuantityField(forms.CharField):
    """1 to 99, in plain digits; 0 too, which takes the article out, `or_none`."""

    def __init__(self, *, or_none: bool = False, article: Product | None = None, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
        super().__init__(strip=False, widget=widget, label=_("Quantity"), **kwargs)
        self.or_none = or_none
        self.article = article
        """Of which: where several fields are alike, a message names it."""

    def clean(self, value: Any) -> int:
        if self.or_none and value == "0":
            return 0
        if not isinstance(value, str) or not QUANTITY.fullmatch(value):
            raise ValidationError(_("Type a number between 1 and 99"), code="quantity")
        return int(value)


class AddForm(forms.Form):
    """The product page's quantity."""

    use_required_attribute = False
    quantity = QuantityField(initial="1")


class CartForm(forms.Form):
    """The quantities of a cart's lines and the way of delivery."""

    use_required_attribute = False

    def __init__(self, quote: Quote, data: Any = None) -> None:
        super().__init__(data)
        for line in quote.lines:
            field = QuantityField(or_none=True, article=line.product, initial=str(line.quantity))
            self.fields[f"quantity-{line.product.pk}"] = field
        self.fields["shipping"] = forms.TypedChoiceField(
            choices=[(str(offer.method.pk), offer.method.name) for offer in quote.offers],
            coerce=int,
            initial=str(quote.delivery.method.pk) if quote.delivery else "",
            required=bool(quote.offers),
            error_messages={
                "required": _("Choose a delivery method"),
                "invalid_choice": _("This delivery method is not offered. Choose another one."),
            },
        )
        self.quote = quote

    @property
    def rows(self) -> list[tuple[Any, forms.BoundField]]:
        """Each line with its quantity field."""
        return [(line, self[f"quantity-{line.product.pk}"]) for line in self.quote.lines]

    @property
    def quantities(self) -> dict[int, int]:
        """The valid form's quantities by product id."""
        return {line.product.pk: self.cleaned_data[f"quantity-{line.product.pk}"] for line in self.quote.lines}


class OfAnAddress:
    """A field of one of two addresses on a page."""

    address: "str | _StrPromise" = ""
    """Which one: the list of all errors names it, else they read the same. Beside the field its heading says it."""


class TextLine(OfAnAddress, forms.CharField):
    """One line of a customer's text, tidied; refused with one sentence for the first thing that is wrong with it."""

    def __init__(
        self,
        *,
        missing: "str | _StrPromise" = "",
        longest: int = 100,
        refusals: tuple[Refusal, ...] = (typed_text.refuse_web_address,),
        attrs: dict[str, str] | None = None,
        widget: type[forms.widgets.Input] = forms.TextInput,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            strip=False, required=bool(missing), error_messages={"required": missing}, widget=widget(attrs), **kwargs
        )
        self.longest = longest
        self.refusals = refusals

    def to_python(self, value: Any) -> str:
        typed = super().to_python(value) or ""
        if len(typed) > typed_text.MOST_CHARACTERS:
            raise self._too_long(typed_text.ENDLESS)
        return typed_text.tidy(typed)

    def run_validators(self, value: str) -> None:
        if value in self.empty_values:
            return
        # First what must not even be kept for mending it.
        typed_text.refuse_invisible(value)
        typed_text.refuse_card_number(value)
        if len(value) > self.longest:
            raise self._too_long("too_long")
        for refuse in self.refusals:
            refuse(value)

    def _too_long(self, code: str) -> ValidationError:
        return ValidationError(
            _("Shorten the text to %(longest)s characters"), code=code, params={"longest": self.longest}
        )


class EmailLine(TextLine):
    def __init__(self, **kwargs: Any) -> None:
        shape = EmailValidator(_("Type a complete e-mail address, for example name@example.ch"), allowlist=[])
        super().__init__(longest=254, refusals=(shape,), widget=forms.EmailInput, **kwargs)


class PostcodeLine(TextLine):
    """Accepts `CH-1204` and ` 12 04 `; gives `1204`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(missing=_("Type the postcode"), refusals=(self._refuse_other_shapes,), **kwargs)

    def to_python(self, value: Any) -> str:
        typed = super().to_python(value)
        found = POSTCODE.fullmatch(typed.replace(" ", ""))
        return found[1] if found else typed

    @staticmethod
    def _refuse_other_shapes(value: str) -> None:
        if not POSTCODE.fullmatch(value):
            raise ValidationError(_("Type a postcode of four digits, for example 1204"), code="postcode")


class PhoneLine(TextLine):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=30, refusals=(self._refuse_other_shapes,), widget=Telephone, **kwargs)

    @staticmethod
    def _refuse_other_shapes(value: str) -> None:
        if not PHONE.fullmatch(re.sub(r"\(0\)|[ ./()\-]", "", value)):
            raise ValidationError(
                _("Type a complete number, for example 079 123 45 67, or leave it empty"), code="phone"
            )


class Telephone(forms.TextInput):
    input_type = "tel"


def _has_a_letter(value: str) -> None:
    if not any(character.isalpha() for character in value):
        raise ValidationError(_("Type your first name and surname"), code="name")


def _name(autocomplete: str) -> TextLine:
    return TextLine(
        label=_("First name and surname"),
        missing=_("Type your first name and surname"),
        refusals=(_has_a_letter, typed_text.refuse_domain),
        attrs={"autocomplete": autocomplete},
    )


def _organisation(autocomplete: str) -> TextLine:
    return TextLine(label=_("Organisation"), attrs={"autocomplete": autocomplete})


def _extra(autocomplete: str) -> TextLine:
    return TextLine(label=_("Address line 2"), help_text=_("Floor, c/o, PO box"), attrs={"autocomplete": autocomplete})


def _street(autocomplete: str) -> TextLine:
    return TextLine(
        label=_("Street and number"),
        missing=_("Type the street and number"),
        attrs={"autocomplete": autocomplete},
    )


def _postcode(autocomplete: str) -> PostcodeLine:
    return PostcodeLine(label=_("Postcode"), attrs={"autocomplete": autocomplete, "inputmode": "numeric"})


def _town(autocomplete: str) -> TextLine:
    return TextLine(label=_("Town"), missing=_("Type the town"), attrs={"autocomplete": autocomplete})


class Country(OfAnAddress, forms.ChoiceField):
    """One of the countries to which we deliver."""


def _country(autocomplete: str) -> Country:
    choose = _("Choose Switzerland or Liechtenstein")
    return Country(
        label=_("Country"),
        choices=COUNTRIES,
        initial="CH",
        error_messages={"required": choose, "invalid_choice": choose},
        widget=forms.Select(attrs={"autocomplete": autocomplete}),
    )


class DetailsForm(forms.Form):
    """Who orders, where the goods go, and to whom the bill is made out; named like the columns of Order."""

    use_required_attribute = False

    email = EmailLine(
        label=_("E-mail address"),
        missing=_("Type your e-mail address"),
        help_text=_("We send the confirmation and the proof of payment to it."),
        attrs={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"},
    )
    delivery_name = _name("shipping name")
    delivery_organisation = _organisation("shipping organization")
    delivery_street = _street("shipping address-line1")
    delivery_extra = _extra("shipping address-line2")
    delivery_postcode = _postcode("shipping postal-code")
    delivery_town = _town("shipping address-level2")
    delivery_country = _country("shipping country")
    phone = PhoneLine(
        label=_("Phone"),
        help_text=_("Only for the carrier to reach you if there is a problem with the delivery."),
        attrs={"autocomplete": "tel"},
    )
    other_billing = forms.BooleanField(label=_("Bill to another address"), required=False)
    billing_name = _name("billing name")
    billing_organisation = _organisation("billing organization")
    billing_street = _street("billing address-line1")
    billing_extra = _extra("billing address-line2")
    billing_postcode = _postcode("billing postal-code")
    billing_town = _town("billing address-level2")
    billing_country = _country("billing country")

    def __init__(self, *args: Any, reached: Collection[str] = (), **kwargs: Any) -> None:
        """`reached` are the countries to which something is delivered; without any of them all are offered."""
        super().__init__(*args, **kwargs)
        offered = [(code, name) for code, name in COUNTRIES if code in reached] or COUNTRIES
        self.only = offered[0][0] if len(offered) == 1 else ""
        if self.only:
            field = cast(forms.ChoiceField, self.fields["delivery_country"])
            field.choices = offered
            field.error_messages |= {"required": ONLY[self.only], "invalid_choice": ONLY[self.only]}

    def clean(self) -> dict[str, Any]:
        cleaned = {**self.cleaned_data}
        if not cleaned.get("other_billing"):
            for name in self.fields:
                if name.startswith("billing_"):
                    self.errors.pop(name, None)
                    cleaned[name] = ""
        for kind in ("delivery", "billing"):
            self._refuse_another_country(cleaned.get(f"{kind}_postcode"), f"{kind}_country")
        if cleaned.get("other_billing"):
            self._name_the_addresses()
        return cleaned

    def _name_the_addresses(self) -> None:
        for name, field in self.fields.items():
            if isinstance(field, OfAnAddress) and name.startswith(("delivery_", "billing_")):
                field.address = _("Delivery address") if name.startswith("delivery_") else _("Billing address")

    def _refuse_another_country(self, postcode: str | None, field: str) -> None:
        """Liechtenstein has its own postcodes among the Swiss ones: no address is in both countries."""
        country = self.cleaned_data.get(field)
        if not postcode or not country or (int(postcode) in LIECHTENSTEIN) == (country == "LI"):
            return
        if field == "delivery_country" and self.only:
            sentence = ONLY[self.only]
        elif country == "LI":
            sentence = _("The postcode %(postcode)s is not in Liechtenstein. Check the country.")
        else:
            sentence = _("The postcode %(postcode)s is in Liechtenstein. Check the country.")
        self.add_error(field, ValidationError(sentence, code="country", params={"postcode": postcode}))

    @property
    def kept(self) -> dict[str, str | bool]:
        """What the session keeps of this bound form: what is right, and what is wrong but can be mended.

        What looks like a card number, cannot be seen or has no end is dropped: it must not rest anywhere.
        """
        dropped = (typed_text.UNSAFE, typed_text.CARD_NUMBER, typed_text.ENDLESS)
        kept: dict[str, str | bool] = {}
        for name in self.fields:
            if name in self.cleaned_data:
                kept[name] = self.cleaned_data[name]
            elif self.errors.as_data()[name][0].code not in dropped:
                kept[name] = str(self[name].data or "")[:KEPT_LENGTH]
        return kept
