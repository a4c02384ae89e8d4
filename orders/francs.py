"""Amounts as staff type them."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class FrancsField(forms.CharField):
    """`29`, `29.50`, `29,50` or `1’250.50` francs, as centimes; None when empty. Shows centimes as francs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.TextInput(attrs={"inputmode": "decimal"}), **options)

    def to_python(self, value: Any) -> Any:
        typed = re.sub(r"[\s'’]|CHF", "", str(value or ""))
        if not typed:
            return None
        found = re.fullmatch(r"([0-9]{1,7})(?:[.,]([0-9]{1,2}))?", typed)
        if not found:
            raise forms.ValidationError(_("Write the amount in francs and centimes, as 29.50."))
        return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))

    def prepare_value(self, value: Any) -> Any:
        return f"{value // 100}.{value % 100:02d}" if isinstance(value, int) else value
