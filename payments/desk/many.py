"""What staff may do about several orders at once: never money, never a state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy, gettext_noop

from orders.models import Order
from payments import checking, letters
from payments.models import Letter

MOST = 50
ON_ITS_WAY = gettext_noop("the mail is on its way")
TOO_SOON = gettext_noop("not again: asked for less than a minute ago")
NO_ATTESTATION = gettext_noop("has no attestation that could be sent now")
Doing = Callable[[Mapping[int, str], User], dict[int, str]]


@dataclass(frozen=True)
class Many:
    """`do` takes orders (id → its journal's last hash as it was seen) and returns what came of each: message ids. It
    does nothing for orders that it is not `meant` for."""

    name: str
    title: Any
    follows: Any
    do: Doing
    meant: Callable[[Order], bool] = lambda order: True


def _send_attestations(seen: Mapping[int, str], by: User) -> dict[int, str]:
    return {pk: _send_attestation(pk, by) for pk in seen}


def _send_attestation(pk: int, by: User) -> str:
    try:
        return ON_ITS_WAY if letters.send_again(pk, str(Letter.Kind.CONFIRMATION), by) else TOO_SOON
    except ValueError:
        return NO_ATTESTATION


CHECK = Many(
    "check_many",
    gettext_lazy("Check with the payment provider"),
    gettext_lazy(
        "The provider is asked about every payment of these orders, one after the other, for 20 seconds at most. What "
        "it says is applied as its messages are."
    ),
    checking.check_many,
)
SEND = Many(
    "send_many",
    gettext_lazy("Send the attestation again"),
    gettext_lazy("The customers of paid orders get the confirmation with the attestation once more."),
    _send_attestations,
    lambda order: order.status == Order.Status.EFFECTIVE,
)


def seen_in(values: list[str], orders: list[Order]) -> dict[int, str]:
    """Of the orders that were chosen those that the page showed, as it showed them (`id:hash`)."""
    shown = dict(value.partition(":")[::2] for value in values)
    return {order.pk: shown[str(order.pk)] for order in orders if str(order.pk) in shown}
