"""`manage.py write_off KK-XXXX-XXXX --by NAME [--goods-back]`: end an order that is not sent and whose money a lost
dispute took."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations

from payments.disputes import NotLost, write_off
from payments.management.named import log, member_of_staff, order_of


class Command(BaseCommand):
    help = "End an order that is not delivered, since a lost dispute took its money."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="the order's number")
        parser.add_argument("--goods-back", action="store_true", help="the goods return to the stock")
        parser.add_argument("--by", required=True, help="the user name of the member of staff who decides")

    @no_translations
    def handle(self, *args: Any, **given: Any) -> None:
        user = member_of_staff(given["by"], "payments.write_off_order")
        order = order_of(given["number"])
        try:
            write_off(order.pk, user, goods_back=given["goods_back"])
        except NotLost as error:
            raise CommandError(f"{order.number} is not written off: {error}") from error
        log(user, order, "write_off")
        self.stdout.write("Written off.")
