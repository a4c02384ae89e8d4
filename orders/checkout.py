"""From a cart and details to a pending order."""

from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from django.utils.timezone import now
from django.utils.translation import override

from orders import cart as carts
from orders import details as details_in_session
from orders import moves
from orders.cart import Cart, Wanted
from orders.deadlocks import tried_twice
from orders.details import Details
from orders.hints import Hint
from orders.models import Order, OrderLine, Product, TimelineEntry
from orders.money import format_chf
from orders.quote import Change, Offer, Quote, What, draw_up, quote

TIME_TO_PAY = timedelta(minutes=45)
"""The order's; the PSP's page closes 5 minutes earlier."""
ORDER_TOKEN = "order"  # noqa: S105 the session's key, no secret


class NotReady(Exception):
    """An earlier step is missing: `step` is the URL name that leads back to it."""

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.step = step


class AlreadyPaid(Exception):
    """The order that the session remembers was paid meanwhile: `order` is it."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.number)
        self.order = order


class CartChanged(Exception):
    """The catalogue, or the cart itself, is no longer what the customer saw; `quote` is what can be ordered now."""

    def __init__(self, quote: Quote) -> None:
        super().__init__(", ".join(change.what for change in quote.changes))
        self.quote = quote
        self.changes = quote.changes


@dataclass(frozen=True)
class Ready:
    """All that the review page shows."""

    cart: Cart
    quote: Quote
    details: Details
    hints: list[Hint]


@dataclass(frozen=True)
class Shown:
    """What the page held on which the customer pressed the button: compared with what is, never believed."""

    key: UUID
    total: int
    """Centimes."""
    delivery_by: date | None
    """The day that was promised; None of a page that named none."""

    @classmethod
    def of(cls, quote: Quote) -> "Shown":
        """What a page holds that shows this quote."""
        return cls(quote.key, quote.total, quote.delivery_by)


def complete(session: SessionBase) -> tuple[Cart, Details]:
    """The session's cart and details. Raises NotReady while there is nothing in one of them."""
    cart = carts.read(session)
    if not cart.lines:
        raise NotReady("orders:cart")
    details = details_in_session.details_of(session)
    if details is None:
        raise NotReady("orders:details")
    return cart, details


def prepare(session: SessionBase) -> Ready:
    """What the review page shows, in at most 4 queries. Raises NotReady."""
    cart, details = complete(session)
    current = quote(cart, country=details.delivery_country, token=current_order_token(session))
    if not current.changes and not current.can_be_ordered:
        raise NotReady("orders:cart")
    return Ready(cart, current, details, details_in_session.hints_about(session, details))


def placed(key: UUID) -> Order | None:
    """The order that an earlier submit with this key placed."""
    return Order.objects.filter(checkout_key=key).first()


def place(cart: Cart, details: Details, shown: Shown, *, language: str, earlier: str | None = None) -> Order:
    """Write the pending order and take its goods, in one transaction; the order of the key if there is one already.

    `earlier` is the token of the order that the session still remembers. Raises CartChanged when prices, stock, the
    day of delivery or the cart are no longer what the customer saw, AlreadyPaid when the earlier order was paid and she
    has not seen it.
    """
    with override(language):  # the names of the goods stay as they were sold
        try:
            return _place(cart, details, shown, language, earlier)
        except IntegrityError as error:
            # Another submit with this key was quicker, with goods that this one did not wait for.
            if winner := placed(shown.key):
                return winner
            # Numbers have 35 random bits, few enough to meet one that is taken.
            if "one_order_a_number" not in str(error):
                raise
        return _place(cart, details, shown, language, earlier)


@tried_twice
@transaction.atomic(durable=True)
def _place(cart: Cart, details: Details, shown: Shown, language: str, earlier_token: str | None) -> Order:
    products = list(Product.objects.select_for_update(no_key=True).filter(pk__in=cart.lines).order_by("pk"))
    # Looked for only now: a submit that was quicker held the goods until it was committed.
    if earlier := placed(shown.key):
        return earlier
    # Late money makes an order effective under the same locks: either it is seen here, or it sees the new order.
    if earlier_token and (paid := Order.objects.filter(token=earlier_token, status=Order.Status.EFFECTIVE).first()):
        raise AlreadyPaid(paid)
    current = draw_up(cart, products, country=details.delivery_country, held={})
    compare(current, shown)
    if not current.can_be_ordered or current.delivery is None:
        raise CartChanged(current)
    order = _write(cart, current, current.delivery, details, language)
    if not moves.take_stock({line.product.pk: line.quantity for line in current.lines}):
        raise CartChanged(current)
    moves.tell(order, TimelineEntry.Kind.PLACED, TimelineEntry.Actor.CUSTOMER, total=format_chf(order.total))
    return order


def compare(current: Quote, shown: Shown) -> None:
    """Raise CartChanged unless the quote is what the customer's page held."""
    if current.changes:
        raise CartChanged(current)
    if current.key != shown.key:
        raise CartChanged(replace(current, changes=(Change(What.CART),)))
    if current.total != shown.total:
        raise CartChanged(replace(current, changes=(Change(What.TOTAL, old=shown.total, new=current.total),)))
    if current.delivery and current.delivery_by != shown.delivery_by:
        day = Change(What.DAY, old_day=shown.delivery_by, new_day=current.delivery_by)
        raise CartChanged(replace(current, changes=(day,)))


def _write(cart: Cart, current: Quote, delivery: Offer, details: Details, language: str) -> Order:
    placed_at = now()
    order = Order.objects.create(
        **asdict(details),
        checkout_key=current.key,
        cart=cart.id,
        language=language,
        shipping_method=delivery.method,
        shipping_name=delivery.method.name,
        delivery_by=delivery.delivery_by,
        vat=[{"rate": f"{share.rate.normalize():f}", "base": share.base, "tax": share.tax} for share in current.vat],
        goods_total=current.goods_total,
        shipping_total=delivery.price,
        total=current.total,
        terms_version=settings.TERMS_VERSION,
        created_at=placed_at,
        expires_at=placed_at + TIME_TO_PAY,
        holds_stock=True,
    )
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            product=line.product,
            sku=line.product.sku,
            name=line.name,
            unit_price=line.unit_price,
            vat_rate=line.vat_rate,
            quantity=line.quantity,
        )
        for line in current.lines
    )
    return order


# The session's order ----------------------------------------------------------------------------------------------


def remember_order(session: SessionBase, order: Order) -> None:
    """Keep the order's token beside the cart until its page has shown it effective."""
    session[ORDER_TOKEN] = order.token


def current_order_token(session: SessionBase) -> str | None:
    token: str | None = session.get(ORDER_TOKEN)
    return token


def waiting_order(session: SessionBase) -> Order | None:
    """The session's order that has not taken effect yet, its key and its total, in 1 query; none without a token.

    It may be paid already: its bank has not answered, or staff are looking at its money.
    """
    token = current_order_token(session)
    if token is None:
        return None
    facts = ("number", "token", "checkout_key", "total")
    return Order.objects.only(*facts).filter(token=token, status=Order.Status.PENDING).first()


def earlier_order(session: SessionBase, key: UUID) -> Order | None:
    """The session's order that is still pending though the cart has changed: it is to be closed before a new one."""
    token = current_order_token(session)
    if token is None:
        return None
    return Order.objects.filter(token=token, status=Order.Status.PENDING).exclude(checkout_key=key).first()


def successor(session: SessionBase, order: Order) -> Order | None:
    """The session's order that took the place of this one once its cart was changed, its number and its link; none for
    who only has the link of the replaced order."""
    token = current_order_token(session)
    if order.cancel_reason != Order.CancelReason.CHANGED_CART or token is None:
        return None
    return Order.objects.only("number", "token").filter(token=token, cart=order.cart).exclude(pk=order.pk).first()


def start_again(session: SessionBase, order: Order) -> None:
    """Let the same cart and details become a new order: `order` expired or was cancelled.

    On another device the cart has none of its goods: they are put in as they were ordered, and what the catalogue has
    changed since is told and asked before anything is ordered. Not the details: the page of a cancelled order shows no
    address and hides the e-mail, so that who holds its link learns neither.
    """
    lines = {line.product_id: Wanted(line.quantity, line.unit_price) for line in order.lines.all()}
    if carts.read(session).lines.keys().isdisjoint(lines):
        carts.take_up(session, order.cart, lines, order.shipping_method_id)
        if current_order_token(session) is None:
            # Should its money come after all, it is seen before the new order is placed.
            remember_order(session, order)
    else:
        carts.renew_key(session)


def forget_order_and_cart(session: SessionBase, order: Order) -> None:
    """Empty the session once the order's page has shown it effective; a cart filled since for another order stays."""
    if current_order_token(session) != order.token:
        return
    del session[ORDER_TOKEN]
    if carts.read(session).key == order.checkout_key:
        carts.empty(session)
        details_in_session.forget(session)
