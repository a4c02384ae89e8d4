"""What staff type when they act on an order."""

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from orders.francs import FrancsField
from orders.models import OrderLine
from orders.money import format_chf
from orders.typed_text import refuse_card_number


class NothingForm(forms.Form):
    """A confirmation alone."""


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300, validators=[refuse_card_number])


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Note"),
        max_length=1000,
        validators=[refuse_card_number],
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
    )


class ShipForm(forms.Form):
    tracking = forms.RegexField(
        regex=r"^[A-Za-z0-9. -]{4,60}$",
        label=_("Tracking number (optional)"),
        required=False,
        max_length=60,
        error_messages={"invalid": _("A tracking number has letters, digits, dots and hyphens only.")},
    )


class GoodsBackForm(forms.Form):
    goods_back = forms.BooleanField(label=_("The goods return to the stock"), required=False)


class RefundForm(forms.Form):
    """Everything that is left, an amount, or pieces of the order's lines."""

    ALL, AMOUNT, PIECES = "all", "amount", "pieces"

    def __init__(
        self,
        *args: Any,
        lines: list[OrderLine],
        left: int,
        printed_left: str,
        settles: bool,
        is_sent: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.lines, self.left = lines, left
        choices = [
            (self.ALL, format_lazy("{} ({})", _("Everything that is left"), printed_left)),
            (self.AMOUNT, _("An amount")),
        ]
        if settles:
            choices.append((self.PIECES, _("Some pieces")))
        self.fields["how"] = forms.ChoiceField(
            label=_("How much"), choices=choices, widget=forms.RadioSelect, initial=self.ALL
        )
        self.fields["amount"] = FrancsField(label=_("Amount in francs"), required=False)
        if settles:
            for line in lines:
                self.fields[f"piece_{line.pk}"] = forms.IntegerField(
                    label=format_lazy(
                        _("{name}: quantity to refund (of {count}, at {price})"),
                        name=line.name,
                        count=line.quantity,
                        price=format_chf(line.unit_price),
                    ),
                    required=False,
                    min_value=0,
                    max_value=line.quantity,
                    widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 4}),
                )
            self.fields["goods_back"] = forms.BooleanField(
                label=_("The goods return to the stock"),
                required=False,
                initial=not is_sent,
                help_text=_("Only once they are back here and can be sold again.")
                if is_sent
                else _("Nothing was sent yet: untick it only for what cannot be sold any more."),
            )
        self.fields["reason"] = forms.CharField(
            label=_("Reason"),
            max_length=300,
            validators=[refuse_card_number],
            help_text=_("The customer reads it in the mail."),
        )

    @property
    def of_pieces(self) -> list[forms.BoundField]:
        """The fields for pieces, one for each line."""
        return [self[f"piece_{line.pk}"] for line in self.lines]

    @property
    def pieces(self) -> dict[int, int]:
        """Order line id → quantity."""
        if self.cleaned_data["how"] != self.PIECES:
            return {}
        typed = {line.pk: self.cleaned_data.get(f"piece_{line.pk}") or 0 for line in self.lines}
        return {line: quantity for line, quantity in typed.items() if quantity}

    @property
    def centimes(self) -> int:
        match self.cleaned_data["how"]:
            case self.ALL:
                return self.left
            case self.PIECES:
                prices = {line.pk: line.unit_price for line in self.lines}
                return sum(prices[line] * quantity for line, quantity in self.pieces.items())
        return int(self.cleaned_data["amount"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        how = cleaned.get("how")
        if how == self.AMOUNT and cleaned.get("amount") is None and "amount" not in self.errors:
            self.add_error("amount", _("Write the amount that is to be given back."))
        if how == self.PIECES and not self.errors and not self.pieces:
            self.add_error("how", _("Write how many pieces of which article are to be given back."))
        if how != self.AMOUNT and cleaned.get("amount"):
            self.add_error("how", _("An amount is written, but not chosen."))
        return cleaned
