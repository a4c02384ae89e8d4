"""The cart, kept in the session for 30 days: what the customer wants, and the prices that the customer agreed to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from uuid import UUID, uuid4

from django.contrib.sessions.backends.base import SessionBase

from orders.models import MAX_QUANTITY

SESSION_KEY = "cart"
MAX_LINES = 50
# ASCII on purpose: int() also reads other scripts' digits, signs, spaces and underscores.
QUANTITY = re.compile(r"[1-9][0-9]?")
# A BIGINT's digits: what is longer cannot be one of our ids.
IDENTIFIER = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Wanted:
    """A quantity of one product, and the unit price (centimes, VAT included) at which the customer took it."""

    quantity: int
    price: int


@dataclass(frozen=True)
class Cart:
    """A reading of the session's cart.

    `key` names what is ordered: a change of it renews the key. `id` stays until the cart is emptied.
    """

    id: UUID
    key: UUID
    lines: Mapping[int, Wanted]
    shipping: int | None = None

    @property
    def count(self) -> int:
        """Pieces, as shown beside the word basket."""
        return sum(wanted.quantity for wanted in self.lines.values())


def read(session: SessionBase) -> Cart:
    """The session's cart. A cart that was never filled has a key of its own at every reading."""
    kept = session.get(SESSION_KEY)
    if kept is None:
        return Cart(uuid4(), uuid4(), MappingProxyType({}))
    lines = {int(product): Wanted(*wanted) for product, wanted in kept["lines"].items()}
    return Cart(UUID(kept["id"]), UUID(kept["key"]), MappingProxyType(lines), kept["shipping"])


def add(session: SessionBase, product: int, quantity: int, price: int) -> None:
    """Put more of a product in, at most 99 in all, at the price that is shown now.

    Raises ValueError when the cart already has MAX_LINES other products.
    """
    cart = read(session)
    before = cart.lines[product].quantity if product in cart.lines else 0
    if not before and len(cart.lines) >= MAX_LINES:
        raise ValueError(f"A cart has at most {MAX_LINES} lines.")
    wanted = Wanted(min(before + quantity, MAX_QUANTITY), price)
    _change(session, cart, replace(cart, lines={**cart.lines, product: wanted}))


def set_quantities(session: SessionBase, quantities: Mapping[int, int]) -> None:
    """Take new quantities for products that are in the cart, 0 takes one out; the others are left alone."""
    cart = read(session)
    lines = {
        product: replace(wanted, quantity=quantities.get(product, wanted.quantity))
        for product, wanted in cart.lines.items()
        if quantities.get(product) != 0
    }
    _change(session, cart, replace(cart, lines=lines))


def remove(session: SessionBase, product: int) -> None:
    cart = read(session)
    lines = {other: wanted for other, wanted in cart.lines.items() if other != product}
    _change(session, cart, replace(cart, lines=lines))


def choose_shipping(session: SessionBase, method: int) -> None:
    cart = read(session)
    _change(session, cart, replace(cart, shipping=method))


def agree(session: SessionBase, lines: Mapping[int, Wanted], shipping: int | None) -> None:
    """Take over what a changed catalogue still offers, once the customer has accepted it."""
    cart = read(session)
    _change(session, cart, replace(cart, lines=dict(lines), shipping=shipping))


def take_up(session: SessionBase, earlier: UUID, lines: Mapping[int, Wanted], shipping: int) -> None:
    """Put an order's lines beside what is there, MAX_LINES in all; an empty cart becomes the `earlier` one again."""
    cart = read(session)
    if not cart.lines:
        cart = replace(cart, id=earlier, shipping=shipping)
    both = islice({**cart.lines, **lines}.items(), MAX_LINES)
    _keep(session, replace(cart, key=uuid4(), lines=dict(both)))


def renew_key(session: SessionBase) -> None:
    """Let the same cart become another order: its earlier order died, or other details were given."""
    cart = read(session)
    _keep(session, replace(cart, key=uuid4()))


def empty(session: SessionBase) -> None:
    session.pop(SESSION_KEY, None)


def _change(session: SessionBase, before: Cart, after: Cart) -> None:
    if (before.lines, before.shipping) != (after.lines, after.shipping):
        _keep(session, replace(after, key=uuid4()))


def _keep(session: SessionBase, cart: Cart) -> None:
    session[SESSION_KEY] = {
        "id": str(cart.id),
        "key": str(cart.key),
        "lines": {str(product): [wanted.quantity, wanted.price] for product, wanted in cart.lines.items()},
        "shipping": cart.shipping,
    }
