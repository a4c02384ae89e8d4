"""A lost link comes again, by mail to the order's own address; one that a stranger has got is replaced."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.timezone import now
from django_tasks import task

from orders.models import Order, TimelineEntry, new_token
from orders.moves import hold_as_seen, tell
from payments.letters import due
from payments.models import Letter, Payment


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


class PageIsOpen(Exception):
    """Somebody may be paying, and would come back to a link that is no more."""


@transaction.atomic
def replace(order_id: int, by: User, seen: str | None = None) -> None:
    """Give the order another link, which is mailed to its customer; the one before leads nowhere from then on.

    Raises PageIsOpen, Meanwhile.
    """
    order = hold_as_seen(order_id, seen)
    if order.payments.filter(status=Payment.Status.STARTED).exists():
        raise PageIsOpen(order.number)
    Order.objects.filter(pk=order.pk).update(token=new_token())
    told = tell(order, TimelineEntry.Kind.LINK_REPLACED, TimelineEntry.Actor.STAFF, by.get_username())
    due(order, Letter.Kind.LINK, about=f"replaced {told.pk}")


def _sign(email: str) -> str:
    return salted_hmac("links", email.casefold()).hexdigest()
