"""Money that came but does not settle its order: it goes back by itself, or a person looks at it."""

from django.conf import settings
from django.utils.translation import override

from orders.models import Order
from orders.money import CURRENCY
from payments import refunds
from payments.letters import due
from payments.models import Letter, Payment

WhyNot = Payment.WhyNot
GOES_BACK = {
    WhyNot.SECOND: Letter.Kind.SURPLUS_REFUNDED,
    WhyNot.LATE: Letter.Kind.LATE_REFUNDED,
}


def deal_with(order: Order, payment: Payment, why_not: str, amount: int, currency: str) -> None:
    """Send a second or late payment back, up to the configured amount; leave the rest to staff, and write.

    In the inbox's transaction, which holds the order. `amount` in centimes: what is here of it.
    """
    letter = GOES_BACK.get(WhyNot(why_not))
    if letter and currency == CURRENCY and 0 < amount <= settings.AUTOMATIC_REFUND_UP_TO:
        with override(None):
            reason = str(WhyNot(why_not).label)
        refunds.write(order, payment, refunds.Wanted(amount, reason), by=None)
        due(order, letter, about=payment.pk)
        return
    due(order, Letter.Kind.REVIEW, about=payment.pk)
    due(order, Letter.Kind.TO_STAFF, about=f"payment {payment.pk}")
