"""What the commands are given by name."""

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from orders.models import Order


def member_of_staff(username: str) -> User:
    """The active member of staff of this name. Raises CommandError when there is none."""
    user = User.objects.filter(username=username, is_active=True, is_staff=True).first()
    if user is None:
        raise CommandError(f"{username} is no active member of staff.")
    return user


def order_of(number: str) -> Order:
    """The order of this number. Raises CommandError when there is none."""
    order = Order.objects.filter(number=number).first()
    if order is None:
        raise CommandError(f"There is no order {number}.")
    return order
