"""What the commands are given by name."""

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from orders.back_office import log_change
from orders.models import Order

BY_COMMAND = " (manage.py)"
LONGEST = 150
"""Characters of a name in the timeline."""


def member_of_staff(username: str, permission: str) -> User:
    """The active member of staff of this name, who may do in the back office what the command does. The timeline
    tells what is done in this name as done by a command: who typed it only had the shell. The row is not to be saved.

    Raises CommandError when there is none, or whose role does not allow it.
    """
    user = User.objects.filter(username=username, is_active=True, is_staff=True).first()
    if user is None:
        raise CommandError(f"{username} is no active member of staff.")
    if not user.has_perm(permission):
        raise CommandError(f"The role of {username} does not allow it.")
    user.username = f"{username[: LONGEST - len(BY_COMMAND)]}{BY_COMMAND}"
    return user


def log(by: User, order: Order, command: str) -> None:
    """Write in the admin's log, too, which command was given in somebody's name."""
    log_change(by, order, f"manage.py {command}")


def order_of(number: str) -> Order:
    """The order of this number. Raises CommandError when there is none."""
    order = Order.objects.filter(number=number).first()
    if order is None:
        raise CommandError(f"There is no order {number}.")
    return order
