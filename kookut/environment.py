"""How the environment is read: a value that cannot be meant stops the start with a sentence that names its setting.

An empty value counts as none, so that .env.example, copied, means what it says.
"""

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from environ import Env

YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
SWISS_POSTCODE = re.compile(r"[1-9][0-9]{3}")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
NEEDS_A_HOST = "django.core.mail.backends.smtp.EmailBackend"


class Environment(Env):  # type: ignore[misc]  # the package has no types
    """The environment's values, each as what it must be; every method raises ImproperlyConfigured."""

    def get_value(self, var: str, cast: Any = None, default: Any = Env.NOTSET, parse_default: bool = False) -> Any:
        if default is not self.NOTSET and self.ENVIRON.get(var) == "":
            return default
        return super().get_value(var, cast, default, parse_default)

    def required(self, name: str, hint: str) -> str:
        value: str = self.str(name, default="")
        if not value:
            raise ImproperlyConfigured(f"{name} is not set: {hint} (.env.example lists every setting).")
        return value

    def yes_or_no(self, name: str, *, default: bool) -> bool:
        typed = self.str(name, default=YES[0] if default else NO[0])
        word = typed.strip().lower()
        if word not in (*YES, *NO):
            raise ImproperlyConfigured(f"{name} is {typed!r}: set it to true or false.")
        return word in YES

    def number(self, name: str, *, default: int, of: str) -> int:
        """A whole number, 0 or more; `of` says of what."""
        typed = self.str(name, default=str(default)).strip()
        if not WHOLE_NUMBER.fullmatch(typed):
            raise ImproperlyConfigured(f"{name} is {typed!r}: give a whole number of {of}, 0 or more, without a point.")
        return int(typed)

    def mail_address(self, name: str, *, default: str = "", hint: str = "") -> str:
        return self._mail_address(name, self.str(name, default=default) or self.required(name, hint))

    def mail_addresses(self, name: str, *, default: str) -> list[str]:
        """Comma separated."""
        typed = [one.strip() for one in self.str(name, default=default).split(",")]
        return [self._mail_address(name, one) for one in typed if one] or [default]

    def postcode(self, name: str, hint: str) -> str:
        typed = self.required(name, hint).strip()
        if not SWISS_POSTCODE.fullmatch(typed):
            raise ImproperlyConfigured(f"{name} is {typed!r}: give the four digits of a Swiss postcode.")
        return typed

    def log_level(self, name: str) -> str:
        typed: str = self.str(name, default="INFO")
        if typed.upper() not in LOG_LEVELS:
            raise ImproperlyConfigured(f"{name} is {typed!r}: set it to {', '.join(LOG_LEVELS[:-1])} or CRITICAL.")
        return typed.upper()

    def past_day(self, name: str, *, default: str) -> str:
        """A day as 2026-11-01 that has begun in Switzerland."""
        typed: str = self.str(name, default=default)
        try:
            day = date.fromisoformat(typed)
        except ValueError:
            day = None
        if day is None or day.isoformat() != typed:
            raise ImproperlyConfigured(f"{name} is {typed!r}: give a day, for example 2026-11-01.")
        if typed != default and day > datetime.now(ZoneInfo("Europe/Zurich")).date():
            raise ImproperlyConfigured(f"{name} is {typed}, which is still to come: set it when that day has begun.")
        return typed

    def database(self, name: str) -> dict[str, Any]:
        return self._connection(name, self.db_url, "postgres://user:password@host/database")

    def cache(self, name: str) -> dict[str, Any]:
        return self._connection(name, self.cache_url, "redis://host:6379/0, or leave it empty")

    def mail_server(self, name: str, *, default: str) -> dict[str, Any]:
        example = "smtp+tls://user:password@host:587"
        server = self._connection(name, lambda name: self.email_url(name, default=default), example)
        if server["EMAIL_BACKEND"] == NEEDS_A_HOST and not server["EMAIL_HOST"]:
            raise ImproperlyConfigured(f"{name} names no host: give it as {example}.")
        return server

    def _connection(self, name: str, read: Any, example: str) -> dict[str, Any]:
        """What an address with a password in it says; the password is not repeated."""
        try:
            found: dict[str, Any] = read(name)
        except (ImproperlyConfigured, ValueError, TypeError, LookupError, AttributeError):
            found = {}
        if not found:
            raise ImproperlyConfigured(f"{name} cannot be read as an address: give it as {example}.") from None
        return found

    def _mail_address(self, name: str, typed: str) -> str:
        try:
            validate_email(typed)
        except ValidationError:
            raise ImproperlyConfigured(
                f"{name} is {typed!r}, which is no e-mail address: give it as bonjour@kookut.ch."
            ) from None
        return typed
