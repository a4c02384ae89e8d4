"""The lock on the door: after ten tries that failed nobody gets in for thirty minutes (PCI DSS 8.3.4).

Passwords are counted by account **and** address, so that a stranger elsewhere locks nobody out. Codes are counted by
account alone: who gets that far has the password, and guessing from many addresses must not help. One address may fail
at a few accounts, not at many. A try is counted before it is made, so that many at once count as many.
"""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from kookut.models import Tries

LOCKED_FOR = timedelta(minutes=30)
MOST = 10
MOST_FROM_ONE_ADDRESS = 50
BATCH = 1000
ANY = ""


def before_a_password(account: str, address: str) -> datetime | None:
    """Count the try that is about to be made. Returns None, or until when none may be made."""
    _forget_what_is_over()
    return _count(None, address, MOST_FROM_ONE_ADDRESS) or _count(account, address, MOST)


def password_was_right(account: str, address: str) -> None:
    Tries.objects.filter(account__in=[_sign(account), ANY], address=_sign(address)).delete()


def before_a_code(account: str) -> datetime | None:
    """Count the code that is about to be compared. Returns None, or until when none may be."""
    return _count(account, None, MOST)


def code_was_right(account: str) -> None:
    Tries.objects.filter(account=_sign(account), address=ANY).delete()


def unlock(account: str | None) -> list[str]:
    """Forget what was counted for an account, or (None) for everybody; returns what was locked, in words."""
    counted = Tries.objects.all() if account is None else Tries.objects.filter(account=_sign(account))
    full = Q(times__gte=MOST_FROM_ONE_ADDRESS) | Q(times__gte=MOST) & ~Q(account=ANY)
    locked = list(counted.filter(full, until__gt=Now()).values_list("account", flat=True))
    counted.delete()
    known = {_sign(name): name for name in User.objects.values_list("username", flat=True)}
    names = {known.get(one, "a name that nobody has") for one in locked if one != ANY}
    return sorted(names) + ["an address with many failed tries"] * locked.count(ANY)


def _count(account: str | None, address: str | None, most: int) -> datetime | None:
    ends = Now() + Value(LOCKED_FOR)
    tries, _ = Tries.objects.get_or_create(account=_sign(account), address=_sign(address), defaults={"until": ends})
    counted = Tries.objects.filter(Q(times__lt=most) | Q(until__lte=Now()), pk=tries.pk).update(
        times=Case(When(until__lte=Now(), then=1), default=F("times") + 1), until=ends
    )
    if counted:
        return None
    return Tries.objects.values_list("until", flat=True).get(pk=tries.pk)


def _sign(who: str | None) -> str:
    return ANY if who is None else salted_hmac("kookut.tries", who).hexdigest()


def _forget_what_is_over() -> None:
    over = Tries.objects.filter(until__lte=Now()).order_by("until").values("pk")[:BATCH]
    Tries.objects.filter(pk__in=over).delete()
