"""`manage.py unlock [NAME]`: let somebody try to log in again at once."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from kookut import tries


class Command(BaseCommand):
    help = (
        "Open what failed tries locked for half an hour, of one person or (without a name) of everybody and of the "
        "addresses they came from."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="the user name")

    def handle(self, *args: Any, **given: Any) -> None:
        name = given["name"]
        if name and not User.objects.filter(username=name).exists():
            raise CommandError(f"There is nobody called {name}.")
        opened = tries.unlock(name)
        if opened:
            self.stdout.write(f"Opened: {', '.join(opened)}.")
        else:
            self.stdout.write(f"{name} was not locked out." if name else "Nobody was locked out.")
