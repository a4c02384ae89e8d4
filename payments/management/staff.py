"""In whose name a command acts."""

from django.contrib.auth.models import User
from django.core.management.base import CommandError


def member_of_staff(username: str) -> User:
    """The active member of staff of this name. Raises CommandError when there is none."""
    user = User.objects.filter(username=username, is_active=True, is_staff=True).first()
    if user is None:
        raise CommandError(f"{username} is no active member of staff.")
    return user
