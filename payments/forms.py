"""The choice of how to pay."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from orders.checkout import Shown
from orders.codes import is_like_an_order_number, is_valid, normalise
from payments.handoff import Offer
from payments.models import Method
from payments.verification import code_in, is_a_number


class FindOrderForm(forms.Form):
    """What a customer knows of an order whose link is lost."""

    use_required_attribute = False
    email = forms.EmailField(
        label=_("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={
            "required": _("Type your e-mail address"),
            "invalid": _("Type a complete e-mail address, for example name@example.ch"),
        },
    )
    number = forms.CharField(
        label=_("Order number"),
        max_length=40,
        help_text=_("It begins with KK and stands in our e-mails and on your attestation of payment."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Type the order number, for example KK-7F3Q-20M4")},
    )

    def clean_number(self) -> str:
        typed = normalise(self.cleaned_data["number"])
        if is_a_number(typed):
            raise forms.ValidationError(_("This is the number of a document. The order number begins with KK."))
        code = typed.removeprefix("KK")
        if len(code) != 8 or not is_valid(code):
            raise forms.ValidationError(_("Check the order number: it looks like KK-7F3Q-20M4"))
        return f"KK-{code[:4]}-{code[4:]}"


class CodeForm(forms.Form):
    """The code of a paper, typed by whoever holds it."""

    use_required_attribute = False
    code = forms.CharField(
        label=_("Code of the document"),
        max_length=200,
        help_text=_("13 letters and figures, for example 7F3Q-20KX-9M4DX"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={"required": _("Type the code that stands on the document")},
    )

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if is_a_number(code_in(code)):
            raise forms.ValidationError(
                _("This is the number of the document. The code stands beside it, after the word “Code”.")
            )
        if is_like_an_order_number(code_in(code)):
            raise forms.ValidationError(
                _("This is the number of the order. Type the document’s code, which stands after the word “Code”.")
            )
        return code


class MethodForm(forms.Form):
    """One radio a method; the message says which of the three things went wrong."""

    use_required_attribute = False
    method = forms.ChoiceField(
        label=_("Means of payment"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a means of payment"),
            "invalid_choice": _("This means of payment is not available. Choose another one."),
        },
    )

    def __init__(self, data: Any = None, *, offers: list[Offer], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.offers = offers
        field = self.fields["method"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [(offer.code, Method(offer.code).label) for offer in offers]

    def clean_method(self) -> str:
        method: str = self.cleaned_data["method"]
        if why_not := next((offer.why_not for offer in self.offers if offer.code == method), ""):
            raise forms.ValidationError(why_not)
        return method


class ReviewForm(MethodForm):
    """The choice of method, with what the page named: which checkout, for how much, and the day of delivery."""

    checkout_key = forms.UUIDField(widget=forms.HiddenInput)
    total = forms.IntegerField(widget=forms.HiddenInput)
    delivery_by = forms.DateField(widget=forms.HiddenInput, required=False, input_formats=["%Y-%m-%d"])

    @property
    def shown(self) -> Shown:
        """What the valid form brought back."""
        return Shown(*(self.cleaned_data[name] for name in ("checkout_key", "total", "delivery_by")))

    @staticmethod
    def naming(shown: Shown) -> dict[str, Any]:
        """The values with which the form goes out."""
        day = shown.delivery_by and shown.delivery_by.isoformat()
        return {"checkout_key": shown.key, "total": shown.total, "delivery_by": day}
