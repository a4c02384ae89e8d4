"""The choice of how to pay."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from payments.handoff import Offer
from payments.models import Method


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
    """The choice of method, with what the button named: which checkout, and for how much (compared, never believed)."""

    checkout_key = forms.UUIDField(widget=forms.HiddenInput)
    total = forms.IntegerField(widget=forms.HiddenInput)
