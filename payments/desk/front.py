"""The first page of the back office: how the day goes, what needs a person, and how the last weeks went.

Everybody sees what stands in the lists that they may open: each figure leads to the list that it counts.
"""

from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _

from payments import attention
from payments.desk import cards, curves, figures
from payments.desk.cards import Card
from payments.desk.plots import Plot, Whole

SHOWN = 20
"""So many of the orders with something to be done stand on the page; their list has the rest."""


@dataclass(frozen=True)
class ToDo:
    """A sentence of the list of what needs a person, with its link in the midst of it."""

    before: str
    link: str
    name: str
    after: str
    until: datetime | None


@dataclass
class Front:
    cards: list[Card] = field(default_factory=list)
    to_do: list[ToDo] | None = None
    """None for who may not see orders."""
    is_cut: bool = False
    columns: tuple[list[Plot | Whole], list[Plot | Whole]] = field(default_factory=lambda: ([], []))
    """Plots, beside each other where there is room."""


def of(user: User) -> Front:
    """The page of this member of staff."""
    front = Front()
    left, right = front.columns
    orders, payments = user.has_perm("orders.view_order"), user.has_perm("payments.view_payment")
    if orders:
        front.cards += [cards.sales(), cards.waiting(), cards.to_be_looked_at()]
        found = sorted(attention.items(most=SHOWN + 1), key=lambda item: item.until.timestamp() if item.until else inf)
        # What is of no order stands in no list of orders, and may be why so many of them wait.
        apart, of_orders = [one for one in found if not one.order], [one for one in found if one.order]
        front.to_do = [_to_do(item) for item in [*apart, *of_orders[:SHOWN]]]
        front.is_cut = len(of_orders) > SHOWN
        by_day = figures.by_day()
        left += [curves.sales(by_day), curves.shares(by_day)]
    if payments:
        tries = figures.tries()
        front.cards.append(cards.acceptance(tries))
        right.append(curves.outcomes(tries))
    if orders and payments:
        right.append(curves.delays(by_day))
    if user.has_perm("payments.view_webhookevent"):
        front.cards.append(cards.messages())
        left.append(curves.messages())
    if orders:
        front.cards.append(cards.refunds(user))
    if user.has_perm("payments.view_letter"):
        front.cards.append(cards.letters())
    if user.has_perm("payments.view_balance"):
        front.cards.append(cards.balance())
    front.cards += cards.accounts(user)
    return front


def _to_do(item: attention.Item) -> ToDo:
    if item.order:
        link, name = reverse("admin:orders_order_change", args=[item.order.pk]), item.order.number
    elif item.kind == "unapplied":
        link, name = reverse("admin:payments_webhookevent_change", args=[item.about]), _("See the message")
    else:
        link, name = "", ""
    before, found, after = item.sentence.partition(name) if name else (item.sentence, "", "")
    return ToDo(before if found else f"{item.sentence} ", link, name, after, item.until)
