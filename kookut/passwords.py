"""What a password of staff must be, beside Django's own rules (PCI DSS 8.3.5 to 8.3.7).

The last four are not kept: a list of old hashes would be one more thing to steal, a second factor stands beside every
password, and nobody is made to change one by the calendar (NIST SP 800-63B-4, 3.1.1), which is what tempts people to go
round in a circle. A new one only has to be another than the one before.
"""

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class LettersAndDigits:
    """PCI DSS 8.3.6."""

    def validate(self, password: str, user: User | None = None) -> None:
        if not any(map(str.isalpha, password)) or not any(map(str.isdigit, password)):
            raise ValidationError(self.get_help_text(), code="password_letters_and_digits")

    def get_help_text(self) -> str:
        return _("Your password must contain letters and at least one digit.")


class AnotherOne:
    """Whoever has to set a password of one's own does not keep the one that was given."""

    def validate(self, password: str, user: User | None = None) -> None:
        if user is not None and user.pk and user.check_password(password):
            raise ValidationError(self.get_help_text(), code="password_is_the_same")

    def get_help_text(self) -> str:
        return _("Your password must be another than the one before.")
