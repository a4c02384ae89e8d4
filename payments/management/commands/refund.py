"""`manage.py refund KK-XXXX-XXXX --amount 29.00 --reason "…"`: ask for a refund of an order's payment."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, no_translations

from payments.management.named import log, member_of_staff, order_of
from payments.models import Payment, Refund
from payments.refunds import NotRefundable, Wanted, ask


def francs(text: str) -> int:
    """`29.00` as centimes. Raises ArgumentTypeError."""
    match = re.fullmatch(r"([0-9]{1,6})\.([0-9]{2})", text)
    if not match:
        raise ArgumentTypeError(f"{text!r} is no amount: give francs and centimes, for example 29.00")
    return int(match[1]) * 100 + int(match[2])


def piece(text: str) -> tuple[str, int]:
    """`KK-BOL-01=2` as SKU and quantity; one piece without a quantity. Raises ArgumentTypeError."""
    sku, _equals, quantity = text.partition("=")
    if not sku or (quantity and not re.fullmatch(r"[1-9][0-9]?", quantity)):
        raise ArgumentTypeError(f"{text!r} is no piece: give its SKU, or SKU=quantity")
    return sku, int(quantity or 1)


class Command(BaseCommand):
    help = "Ask for a refund, of the whole payment or a part; the PSP's message settles it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="the order's number")
        parser.add_argument("--payment", help="the payment's id, when it is not the one that settled the order")
        parser.add_argument(
            "--instead-of", type=UUID, metavar="ID", help="the refund that failed and is asked for again"
        )
        parser.add_argument("--amount", type=francs, help="francs and centimes; all that is left when not given")
        parser.add_argument(
            "--reason", required=True, help="why, for the timeline and for the customer, who gets it by mail"
        )
        parser.add_argument("--piece", action="append", type=piece, default=[], help="SKU or SKU=quantity; repeatable")
        parser.add_argument("--goods-back", action="store_true", help="the goods return to the stock")
        parser.add_argument("--by", required=True, help="the user name of the member of staff who asks")

    @no_translations
    def handle(self, *args: Any, **given: Any) -> None:
        user = member_of_staff(given["by"], "payments.request_refund")
        payments = order_of(given["number"]).payments.filter(status=Payment.Status.AUTHORISED)
        failed = Refund.objects.filter(pk=given["instead_of"], payment__in=payments).first()
        named = given["payment"] or (failed and failed.payment_id)
        payment = (payments.filter(pk=named) if named else payments.filter(settles=True)).first()
        if payment is None:
            ids = ", ".join(str(one.pk) for one in payments) or "none"
            raise CommandError(f"{given['number']} has no such payment. Its payments with money: {ids} (--payment).")
        pieces, price = self._pieces(payment, dict(given["piece"]))
        left = payment.refundable()
        all_of_it = price if pieces else min(failed.amount, left) if failed else left
        amount = all_of_it if given["amount"] is None else given["amount"]
        wanted = Wanted(amount, given["reason"], pieces, given["goods_back"], given["instead_of"])
        try:
            refund = ask(payment.pk, wanted, user)
        except NotRefundable as error:
            raise CommandError(error.sentence) from error
        log(user, payment.order, "refund")
        if refund.status == Refund.Status.PROPOSED:
            self.stdout.write(f"Proposed to give {refund.printed} back: another person has to release {refund.pk}.")
        else:
            self.stdout.write(f"Asked for {refund.printed} back, refund {refund.pk}.")

    def _pieces(self, payment: Payment, wanted: dict[str, int]) -> tuple[dict[int, int], int]:
        """The order's lines of these SKUs with their quantities, and what they cost in centimes."""
        lines = {line.sku: line for line in payment.order.lines.filter(sku__in=wanted)}
        if unknown := sorted(set(wanted) - set(lines)):
            raise CommandError(f"{payment.order.number} has no {', '.join(unknown)}.")
        pieces = {lines[sku].pk: quantity for sku, quantity in wanted.items()}
        return pieces, sum(lines[sku].unit_price * quantity for sku, quantity in wanted.items())
