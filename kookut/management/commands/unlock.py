"""`manage.py unlock [NAME]`: let somebody try to log in again at once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from kookut import tries


class Command(BaseCommand):
    help = "Open what ten failed tries locked for half an hour, of one person or (without a name) of everybody."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="the user name")

    def handle(self, *args: Any, **given: Any) -> None:
        self.stdout.write(f"Locks opened: {tries.unlock(given['name'])}.")
