"""Brings the database of a local run up to date, as often as one likes. Django must be set up before the import."""

import io
import secrets
import sys
from base64 import b32decode, b32encode
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils.timezone import now

from kookut import second_factor
from kookut.models import SecondFactor
from tests.demo.catalogue import fill_catalogue


def main() -> None:
    staff_name, password_file, second_factor_file = sys.argv[1:]
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("set_up_roles", stdout=io.StringIO())
    fill_catalogue()
    give_second_factor(admit(staff_name, Path(password_file)), Path(second_factor_file))


def admit(name: str, password_file: Path) -> User:
    """Let a member of staff in who may do everything, with the password of the file, invented at the first run."""
    if not password_file.exists():
        password_file.write_text(secrets.token_urlsafe(9))
    password = password_file.read_text()
    user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True, "is_superuser": True})
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def give_second_factor(user: User, file: Path) -> None:
    """Give the secret of the file to the member of staff, so that `tests.demo.code` shows the right code."""
    if not file.exists():
        file.write_text(b32encode(secrets.token_bytes(second_factor.SECRET_BYTES)).decode())
    secret = file.read_text()
    known = second_factor.of(user)
    if known is None or second_factor.shown(known)[0].replace(" ", "") != secret:
        second_factor.reset(user)
        SecondFactor.objects.filter(pk=second_factor.begin(user, b32decode(secret)).pk).update(confirmed_at=now())
