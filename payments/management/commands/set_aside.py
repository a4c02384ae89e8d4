"""`manage.py set_aside [KIND ID --by NAME --reason "…"]`: close an item of the staff's list that no event ends."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations

from payments import attention
from payments.management.named import log, member_of_staff
from payments.models import SetAside


class Command(BaseCommand):
    help = "Close an item of the staff's list that no event ends; without an item, show those that can be closed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", nargs="?", choices=SetAside.Kind.values, help="what kind of item")
        parser.add_argument("id", nargs="?", help="the id that this command shows for it")
        parser.add_argument("--by", help="the user name of the member of staff who decides")
        parser.add_argument("--reason", help="why, for the order's timeline")

    @no_translations
    def handle(self, *args: Any, **given: Any) -> None:
        if given["kind"] is None:
            self._show()
            return
        if not (given["id"] and given["by"] and (given["reason"] or "").strip()):
            raise CommandError("Give the item's kind and id, --by and --reason.")
        user = member_of_staff(given["by"], "payments.set_aside")
        try:
            order = attention.set_aside(SetAside.Kind(given["kind"]), given["id"], user, given["reason"])
        except attention.NotListed as error:
            raise CommandError("There is no such item on the list.") from error
        if order:
            log(user, order, "set_aside")
        self.stdout.write("Set aside.")

    def _show(self) -> None:
        closable = [item for item in attention.items() if item.kind in SetAside.Kind.values]
        for item in closable:
            self.stdout.write(f"{item.kind} {item.about}  {item.sentence}")
        if not closable:
            self.stdout.write("There is nothing to set aside.")
