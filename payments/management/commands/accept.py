"""`manage.py accept PAYMENT --by NAME`: let a payment count that the PSP shows and never told of."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, no_translations

from payments.gateways.base import Unreachable
from payments.management.named import log, member_of_staff
from payments.models import Payment
from payments.recovery import NotShown, accept


class Command(BaseCommand):
    help = "Accept what the PSP shows live for a payment without any message; compared as any message is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("payment", type=UUID, help="the payment's id, from the order's page in the back office")
        parser.add_argument("--by", required=True, help="the user name of the member of staff who accepts")

    @no_translations
    def handle(self, *args: Any, **given: Any) -> None:
        user = member_of_staff(given["by"], "payments.accept_payment")
        payment = (
            Payment.objects.select_related("order").filter(pk=given["payment"], paid_seen_at__isnull=False).first()
        )
        if payment is None or payment.status == Payment.Status.AUTHORISED:
            raise CommandError("This payment does not wait to be accepted.")
        try:
            said = accept(payment, user)
        except NotShown as error:
            raise CommandError(f"{payment.get_provider_display()} does not show this payment as paid now.") from error
        except Unreachable as error:
            raise CommandError(f"{payment.get_provider_display()} does not answer: try again later.") from error
        log(user, payment.order, "accept")
        self.stdout.write(said)
