"""A lost link comes again, by mail to the order's own address."""

from django.db import transaction
from django.utils.timezone import now

from orders.models import Order
from payments.letters import due
from payments.models import Letter


@transaction.atomic
def send_link(email: str, number: str) -> None:
    """Let the order's link be mailed if such an order exists; once an hour at most, however often somebody asks."""
    order = Order.objects.filter(number=number, email__iexact=email).first()
    if order is None:
        return
    due(order, Letter.Kind.LINK, about=f"{now():%Y-%m-%d %H}")
