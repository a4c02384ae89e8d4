"""Brings the database of a local run up to date, as often as one likes. Django must be set up before the import."""

import secrets
import sys
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import call_command

from tests.demo.catalogue import fill_catalogue


def main() -> None:
    staff_name, password_file = sys.argv[1:]
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    fill_catalogue()
    admit(staff_name, Path(password_file))


def admit(name: str, password_file: Path) -> None:
    """Let a member of staff in who may do everything, with the password of the file, invented at the first run."""
    if not password_file.exists():
        password_file.write_text(secrets.token_urlsafe(9))
    password = password_file.read_text()
    user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True, "is_superuser": True})
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
