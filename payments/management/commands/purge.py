"""`manage.py purge [--yes]`: forget what has been kept for long enough."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, no_translations

from payments import retention


class Command(BaseCommand):
    help = (
        "Forget what has been kept for long enough, as the sweep does by itself every night: people in orders that "
        "were never paid, sessions, old messages; and after ten years those in the books. Without --yes it only says "
        "what it would do."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do it")

    @no_translations
    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        for what, count in (retention.purge() if yes else retention.due()).items():
            self.stdout.write(f"{count:8} {what}")
        self.stdout.write("Forgotten." if yes else "Nothing was changed: with --yes it is.")
