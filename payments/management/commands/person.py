"""`manage.py person EMAIL --export | --erase --by NAME [--yes]`: what is kept of somebody, and forget it on request. An
order's number names its person, too."""

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, no_translations
from django.core.serializers.json import DjangoJSONEncoder

from orders.models import Order
from payments import retention
from payments.management.named import log, member_of_staff

ERASE = "orders.delete_order"
"""No role may: a superuser decides."""


class Command(BaseCommand):
    help = (
        "Print all that is kept of a person as JSON (LPD art. 25), or erase it (art. 32) as far as the books need not "
        "keep it. Be sure first that it is that person who asks. Without --yes nothing is erased."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the person's e-mail address, or the number of an order")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--export", action="store_true", help="print it")
        what.add_argument("--erase", action="store_true", help="erase it")
        parser.add_argument("--by", help="who erases: a staff account's name")
        parser.add_argument("--yes", action="store_true", help="do it")

    @no_translations
    def handle(
        self, *args: Any, email: str, export: bool, erase: bool, by: str | None, yes: bool, **options: Any
    ) -> None:
        orders = retention.orders_of(email) if "@" in email else retention.order_called(email)
        if export:
            if not orders:
                raise CommandError(f"Nothing is kept of {email}: no order bears this address or number.")
            told = [retention.told(order) for order in orders]
            self.stdout.write(json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))
            return
        if not by:
            raise CommandError("Say with --by who erases.")
        user = member_of_staff(by, ERASE)
        for order in list(orders):
            self.stdout.write(f"{order.number}: {_erase(order, user, yes)}")
        if yes:
            self.stdout.write(f"{retention.erase_sessions(email)} open sessions with this address were ended.")
        else:
            self.stdout.write("Nothing was changed: with --yes it is.")


def _erase(order: Order, by: User, yes: bool) -> str:
    """What becomes, or would become, of an order."""
    reach = retention.reach(order)
    if yes and reach != retention.Reach.NOTHING:
        retention.erase(order, by.get_username())
        log(by, order, "person --erase")
    return reach.value
