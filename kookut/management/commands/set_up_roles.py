"""`manage.py set_up_roles`: the roles of staff, as kookut/roles.py says. Safe to run again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kookut import roles


class Command(BaseCommand):
    help = "Make the roles reading, support, accounting and manager, or bring them up to date."

    def handle(self, *args: Any, **given: Any) -> None:
        try:
            changes = roles.set_up()
        except KeyError as missing:
            raise CommandError(f"There is no permission {missing}: run migrate first.") from missing
        for change in changes:
            self.stdout.write(change)
        if not changes:
            self.stdout.write("Nothing to change.")
