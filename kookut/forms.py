"""The forms at the door of the back office."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kookut import access, second_factor, tries
from kookut.models import SecondFactor
from payments.limits import address

LOCKED = "locked"


def locked(until: datetime) -> ValidationError:
    time = f"{timezone.localtime(until):%H:%M}"
    said = gettext(
        "Too many attempts failed. You can try again after %(time)s. "
        "Whoever runs the shop’s server can let you in earlier."
    )
    return ValidationError(said, code=LOCKED, params={"time": time})


class LoginForm(AdminAuthenticationForm):
    """Name and password; after ten that were wrong, none for half an hour."""

    request: HttpRequest
    use_required_attribute = False
    error_messages = {
        "invalid_login": _("The name or the password is wrong. Mind capital letters."),
        "inactive": _("This account is closed."),
    }

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            return self.cleaned_data
        where = address(self.request)
        if until := tries.before_a_password(name, where):
            access.tell("log-in refused: too many tries", self.request, refused=True)
            raise locked(until)
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            # What was typed as a name may be a password: it is not written down.
            access.tell("log-in refused: wrong name or password", self.request, staff="-", refused=True)
            raise
        access.tell("password accepted", self.request, staff=name)
        tries.password_was_right(name, where)
        return cleaned


class CodeForm(forms.Form):
    """Six digits from the app; once it is set up, a recovery code instead opens, too."""

    error_css_class = "errors"
    code = forms.CharField(
        label=_("Code"),
        max_length=50,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, request: HttpRequest, factor: SecondFactor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.factor, self.used_recovery_code = request, factor, False

    def clean_code(self) -> str:
        typed: str = self.cleaned_data["code"]
        name = self.factor.user.get_username()
        if until := tries.before_a_code(name):
            access.tell("code refused: too many tries", self.request, refused=True)
            raise locked(until)
        if not self._is_right(typed):
            access.tell("code refused", self.request, refused=True)
            raise ValidationError(
                _("This code is not right, or it was used already. Wait for the next one and type that."), code="wrong"
            )
        tries.code_was_right(name)
        return typed

    def _is_right(self, typed: str) -> bool:
        if self.factor.confirmed_at is None:
            return second_factor.confirm(self.factor, typed)
        self.used_recovery_code = second_factor.redeem(self.factor.user, typed)
        return self.used_recovery_code or second_factor.accepts(self.factor, typed)
