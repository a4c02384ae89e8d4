"""A lost link comes again, by mail to the order's own address."""

from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.timezone import now
from django_tasks import task

from orders.models import Order
from payments.letters import due
from payments.models import Letter


def send_link(email: str, number: str) -> None:
    """Let the order's link be mailed if such an order exists; once an hour at most, however often somebody asks.

    It is looked up by a worker: who asks cannot tell by the clock whether there is one. What the task keeps of the
    address that was typed, which may be a stranger's, is a sign.
    """
    look_up.enqueue(number, _sign(email))


@task()
def look_up(number: str, sign: str) -> bool:
    """Write that the link's letter is due, if the order has the address of that sign; whether it has."""
    order = Order.objects.filter(number=number).first()
    if order is None or not constant_time_compare(_sign(order.email), sign):
        return False
    with transaction.atomic():
        due(order, Letter.Kind.LINK, about=f"{now():%Y-%m-%d %H}")
    return True


def _sign(email: str) -> str:
    return salted_hmac("links", email.casefold()).hexdigest()
