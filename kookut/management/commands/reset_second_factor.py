"""`manage.py reset_second_factor NAME`: for who has lost telephone and recovery codes, when no superuser can help."""

import logging
from argparse import ArgumentParser
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from kookut import second_factor

log = logging.getLogger("kookut.access")


class Command(BaseCommand):
    help = "Take a person's second factor and recovery codes away; the next login sets up new ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user name")

    def handle(self, *args: Any, **given: Any) -> None:
        try:
            person = User.objects.get(username=given["name"])
        except User.DoesNotExist:
            raise CommandError(f"There is nobody called {given['name']}.") from None
        if not second_factor.reset(person):
            raise CommandError(f"{person} has no second factor.")
        LogEntry.objects.log_actions(
            person.pk, [person], CHANGE, "Second factor reset by a command.", single_object=True
        )
        log.info("second factor reset by a command", extra={"staff": person.get_username()})
        self.stdout.write(f"{person} sets up a new second factor at the next login.")
