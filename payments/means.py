"""The means of a payment, checked after the fact: the message of a paid card page does not say which card it was."""

from django.db import transaction

from orders.moves import hold
from payments.gateways import gateway
from payments.letters import due
from payments.models import Letter, Payment
from payments.moves import note_doubt


def check(payment: Payment) -> None:
    """Look at the live charge of a card payment that settled: whether the shop takes its brand, and whether the
    network stood by its agreement.

    What speaks against it goes to staff: the order stays as it is, and nothing is undone by itself. Of the card
    nothing is kept. Raises Unreachable.
    """
    doubt = gateway(payment.provider).doubt(payment)
    with transaction.atomic():
        order = hold(pk=payment.order_id)
        Payment.objects.filter(pk=payment.pk).update(next_try_at=None)
        if doubt and (told := note_doubt(order, payment, doubt)):
            due(order, Letter.Kind.TO_STAFF, about=told.pk)
