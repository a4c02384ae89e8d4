"""What a cart costs today: its lines at the catalogue's prices, delivery, VAT, total, and what changed since."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.utils.timezone import localdate, now

from orders import vat
from orders.cart import Cart, Wanted
from orders.delivery import delivery_date
from orders.models import MAX_TOTAL, TWINT_LIMIT, Order, OrderLine, Product, ShippingMethod, VatShare, in_language


class What(StrEnum):
    """What can change between the moment when a customer saw something and the moment when it is ordered."""

    GONE = "gone"
    FEWER = "fewer"
    PRICE = "price"
    DELIVERY = "delivery"
    TOTAL = "total"
    DAY = "day"
    CART = "cart"


@dataclass(frozen=True)
class Change:
    """One difference. `names`, by language, are those of the article or of the way of delivery; `left` counts pieces
    (FEWER); `old` and `new` are centimes (PRICE, TOTAL); the days are those of delivery (DAY), the old one None where
    the customer's page named none."""

    what: What
    names: dict[str, str] = field(default_factory=dict)
    left: int = 0
    old: int = 0
    new: int = 0
    old_day: date | None = None
    new_day: date | None = None

    @property
    def name(self) -> str:
        return in_language(self.names)


@dataclass(frozen=True)
class Line:
    product: Product
    quantity: int
    vat_rate: Decimal

    @property
    def name(self) -> str:
        return self.product.name

    @property
    def unit_price(self) -> int:
        """Centimes, VAT included."""
        return self.product.price

    @property
    def total(self) -> int:
        """Centimes, VAT included."""
        return self.unit_price * self.quantity


@dataclass(frozen=True)
class Offer:
    """A delivery method as it can be chosen for these goods."""

    method: ShippingMethod
    price: int
    delivery_by: date


@dataclass(frozen=True)
class Quote:
    """A cart as it can be ordered now; `changes` tell in what it differs from what the customer agreed to.

    Amounts are centimes, VAT included. `delivery` is None when no method goes there.
    """

    key: UUID
    lines: tuple[Line, ...]
    offers: tuple[Offer, ...]
    delivery: Offer | None
    vat: tuple[VatShare, ...]
    changes: tuple[Change, ...]

    @property
    def goods_total(self) -> int:
        return sum(line.total for line in self.lines)

    @property
    def shipping_total(self) -> int:
        return self.delivery.price if self.delivery else 0

    @property
    def shipping_name(self) -> str:
        return self.delivery.method.name if self.delivery else ""

    @property
    def delivery_by(self) -> date | None:
        return self.delivery.delivery_by if self.delivery else None

    @property
    def total(self) -> int:
        return self.goods_total + self.shipping_total

    @property
    def count(self) -> int:
        """Pieces."""
        return sum(line.quantity for line in self.lines)

    @property
    def too_large(self) -> bool:
        return self.total > MAX_TOTAL

    @property
    def is_above_twint(self) -> bool:
        """Whether it costs more than can be paid with TWINT."""
        return self.total > TWINT_LIMIT

    @property
    def can_be_ordered(self) -> bool:
        return bool(self.lines) and self.delivery is not None and not self.too_large

    @property
    def agreed(self) -> dict[int, Wanted]:
        """The cart's lines once the customer accepts this quote."""
        return {line.product.pk: Wanted(line.quantity, line.unit_price) for line in self.lines}


def quote(cart: Cart, *, country: str = "", token: str | None = None) -> Quote:
    """Read the catalogue and price the cart, in 3 queries, 4 with the `token` of the session's order.

    What that order holds while it is pending counts as available: a changed cart replaces it. `country` is where
    the goods go, once it is known.
    """
    products = Product.objects.filter(pk__in=cart.lines)
    return draw_up(cart, products, country=country, held=_held(token) if token else {})


def draw_up(cart: Cart, products: Iterable[Product], *, country: str, held: Mapping[int, int]) -> Quote:
    """Price the cart with these products, which the caller may have locked (2 queries)."""
    rates = vat.rates_on(localdate()) if settings.SELLER["vat_registered"] else defaultdict(Decimal)
    on_sale = {product.pk: product for product in products}
    lines, changes = [], []
    for wanted_product, wanted in cart.lines.items():
        product = on_sale.get(wanted_product)
        left = product.stock + held.get(product.pk, 0) if product and product.active else 0
        if product is None or left == 0:
            changes.append(Change(What.GONE, product.names if product else {}))
            continue
        if left < wanted.quantity:
            changes.append(Change(What.FEWER, product.names, left=left))
        if product.price != wanted.price:
            changes.append(Change(What.PRICE, product.names, old=wanted.price, new=product.price))
        lines.append(Line(product, min(left, wanted.quantity), rates[product.vat_class]))

    offered = offers(sum(line.total for line in lines), country)
    delivery = next((offer for offer in offered if offer.method.pk == cart.shipping), None)
    if delivery is None and offered:
        delivery = offered[0]
        if cart.shipping is not None:
            changes.append(Change(What.DELIVERY, delivery.method.names))
    shares = _vat(lines, delivery.price if delivery else 0) if settings.SELLER["vat_registered"] else []
    return Quote(cart.key, tuple(lines), offered, delivery, tuple(shares), tuple(changes))


def offers(goods_total: int, country: str = "") -> tuple[Offer, ...]:
    """The ways of delivery for goods of that total, in the shop's order (1 query); to one country, if it is known."""
    moment = now()
    return tuple(
        Offer(method, method.price_for(goods_total), delivery_date(method.delivery_days, moment))
        for method in ShippingMethod.objects.filter(active=True)
        if not country or country in method.countries
    )


def countries_reached() -> set[str]:
    """The countries, by their codes, to which something is delivered (1 query)."""
    reached = ShippingMethod.objects.filter(active=True).values_list("countries", flat=True)
    return {country for countries in reached for country in countries}


def _vat(lines: Iterable[Line], shipping: int) -> list[VatShare]:
    goods: dict[Decimal, int] = defaultdict(int)
    for line in lines:
        goods[line.vat_rate] += line.total
    return vat.shares(goods, shipping) if goods else []


def _held(token: str) -> dict[int, int]:
    lines = OrderLine.objects.filter(order__token=token, order__status=Order.Status.PENDING, order__holds_stock=True)
    return dict(lines.values_list("product_id", "quantity"))
