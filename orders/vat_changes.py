"""What a VAT rate that is about to be saved would change, in words: read before it is done, and kept in the log."""

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from orders.models import VatRate


@dataclass(frozen=True)
class Change:
    facts: list[tuple[str, str]]
    sentence: str


def change_by(rate: VatRate, was: VatRate | None = None) -> Change:
    """What the rate changes once it is saved; `was` is its own row as it stands."""
    others = VatRate.objects.filter(vat_class=rate.vat_class).exclude(pk=rate.pk)
    before = others.filter(valid_from__lt=rate.valid_from).order_by("-valid_from").first()
    after = others.filter(valid_from__gt=rate.valid_from).order_by("valid_from").first()
    old, new, day = percent(before.rate) if before else "–", percent(rate.rate), _printed(rate)
    facts = [(_("Class"), rate.get_vat_class_display()), (_("Rate until then"), old), (_("New rate"), new)]
    facts.append((_("Valid from"), day))
    named = {"class": rate.get_vat_class_display(), "old": old, "new": new, "day": day}
    sentence = _("%(class)s: %(old)s → %(new)s from %(day)s.") % named
    if after:
        facts.append((_("After it"), _("%(rate)s from %(day)s") % _named(after)))
    if was:
        facts.append(
            (_("What it replaces"), f"{was.get_vat_class_display()}, {_('%(rate)s from %(day)s') % _named(was)}")
        )
        sentence += " " + _("Until now the row said %(rate)s from %(day)s.") % _named(was)
    return Change(facts, sentence)


def confirmation(request: HttpRequest, change: Change) -> TemplateResponse | None:
    """The page that shows a change before it is saved; None once it was confirmed, and is still the same."""
    confirmed = request.POST.get("confirmed", "")
    if change.sentence == confirmed:
        return None
    context = {
        **admin.site.each_context(request),
        "opts": VatRate._meta,
        "title": _("Change of a VAT rate"),
        "change": change,
        "typed": [
            (name, value)
            for name, values in request.POST.lists()
            if name not in ("csrfmiddlewaretoken", "confirmed")
            for value in values
        ],
        "why": _("The rates changed meanwhile. Read once more what follows.") if confirmed else "",
    }
    return TemplateResponse(request, "admin/orders/vatrate/confirm.html", context, status=409 if confirmed else 200)


def percent(rate: Decimal) -> str:
    return f"{number_format(f'{rate.normalize():f}')}\u00a0%"


def _named(rate: VatRate) -> dict[str, str]:
    return {"rate": percent(rate.rate), "day": _printed(rate)}


def _printed(rate: VatRate) -> str:
    return date_format(rate.valid_from, "SHORT_DATE_FORMAT")
