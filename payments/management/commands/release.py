"""`manage.py release REFUND --by NAME`: the second person's word on a refund that was proposed."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, no_translations

from orders.models import Order
from payments.management.named import log, member_of_staff
from payments.refunds import NotRefundable, release, turn_down


class Command(BaseCommand):
    help = "Release a refund that another person proposed, or turn it down."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("refund", type=UUID, help="the refund's id, as `manage.py refund` printed it")
        parser.add_argument("--by", required=True, help="the user name of the member of staff who decides")
        parser.add_argument("--turn-down", metavar="REASON", help="do not release it, and why; for the timeline")

    @no_translations
    def handle(self, *args: Any, **given: Any) -> None:
        user = member_of_staff(given["by"], "payments.release_refund")
        order = Order.objects.filter(payments__refunds=given["refund"]).first()
        try:
            if reason := given["turn_down"]:
                turn_down(given["refund"], user, reason)
                self.stdout.write("Turned down: nothing goes back.")
            else:
                self.stdout.write(f"Asked for {release(given['refund'], user).printed} back.")
        except NotRefundable as error:
            raise CommandError(error.sentence) from error
        assert order is not None  # noqa: S101 - else there was nothing to decide
        log(user, order, "release")
