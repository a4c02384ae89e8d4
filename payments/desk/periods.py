"""What staff choose before they look at money: the days, and of what."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.timezone import localdate
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from payments.gateways import configured
from payments.models import Export, Provider

FORMATS = ["%Y-%m-%d", "%d.%m.%Y"]
"""As a browser sends a day, and as it is typed where a browser has no calendar."""
AT_THE_PSP = 31
"""Days of which a PSP is asked at once: more take longer than a page may."""
OF_VAT = 366
"""A year: every line of it is read before the first quarter is known."""
IN_THE_BOOKS = 3660
"""Ten years, for which the books are kept."""
EARLIEST = date(2000, 1, 1)
"""No shop is older; and with latest() it keeps days within what clocks and PostgreSQL can count."""
EXPORTS = {
    Export.What.SALES: _("Sales: all money that came, by VAT rate"),
    Export.What.REFUNDS: _("Refunds: all money that went back, with its own date, below zero"),
    Export.What.VAT: _("VAT by quarter: what came less what went back, by rate"),
    Export.What.PAYOUTS: _("Payouts: what each one is made of, with the providers’ fees (at most 31 days)"),
    Export.What.DISPUTES: _("Disputes: those that were opened"),
}


def yesterday() -> date:
    return localdate() - timedelta(days=1)


def a_week_ago() -> date:
    return localdate() - timedelta(days=7)


def end_of_last_month() -> date:
    return localdate().replace(day=1) - timedelta(days=1)


def start_of_last_month() -> date:
    return end_of_last_month().replace(day=1)


def latest() -> date:
    """The last day that may be asked for: the end of next year."""
    return date(localdate().year + 1, 12, 31)


def providers() -> list[tuple[str, Any]]:
    return [("", _("All providers")), *((name, Provider(name).label) for name in configured())]


def _day(label: Any, initial: Callable[[], date]) -> forms.DateField:
    return forms.DateField(
        label=label,
        initial=initial,
        input_formats=FORMATS,
        widget=forms.DateInput(format=FORMATS[0], attrs={"type": "date"}),
        error_messages={
            "required": _("Choose a day."),
            "invalid": _("Write the day as 2026-11-30 or 30.11.2026."),
        },
    )


class PeriodForm(forms.Form):
    """From a day to a day, both included."""

    def most_days(self) -> int:
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("first", "last"):
            if (day := cleaned.get(name)) and not EARLIEST <= day <= latest():
                text = gettext("Choose a day of the years %(first)d to %(last)d.")
                self.add_error(name, text % {"first": EARLIEST.year, "last": latest().year})
        first, last, most = cleaned.get("first"), cleaned.get("last"), self.most_days()
        if first and last and last < first:
            self.add_error("last", _("The last day is before the first."))
        elif first and last and (last - first).days >= most:
            text = ngettext("Choose at most %(days)d day.", "Choose at most %(days)d days.", most)
            self.add_error("last", text % {"days": most})
        return cleaned


class BalanceForm(PeriodForm):
    first = _day(_("From"), a_week_ago)
    last = _day(_("to"), yesterday)
    provider = forms.ChoiceField(label=_("Provider"), required=False, choices=providers)

    def most_days(self) -> int:
        return AT_THE_PSP

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if (last := cleaned.get("last")) and last > localdate():
            self.add_error("last", _("Choose today or an earlier day: of later ones nobody has booked anything."))
        return cleaned

    @property
    def providers(self) -> list[Provider]:
        chosen = self.cleaned_data["provider"]
        return [Provider(name) for name in ([chosen] if chosen else configured())]


class ExportForm(PeriodForm):
    what = forms.ChoiceField(
        label=_("What"),
        choices=EXPORTS,
        widget=forms.RadioSelect,
        initial=Export.What.SALES,
        error_messages={"required": _("Choose what is to be exported.")},
    )
    first = _day(_("From"), start_of_last_month)
    last = _day(_("to"), end_of_last_month)
    format = forms.ChoiceField(
        label=_("Format"), choices=Export.Format.choices, widget=forms.RadioSelect, initial=Export.Format.CSV
    )

    def most_days(self) -> int:
        limits = {Export.What.PAYOUTS: AT_THE_PSP, Export.What.VAT: OF_VAT}
        return limits.get(self.cleaned_data.get("what", ""), IN_THE_BOOKS)
