"""Placing an order: one transaction, the catalogue's prices, exactly what the customer saw."""

import re
import secrets
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from orders import checkout
from orders.cart import Cart, Wanted
from orders.checkout import CartChanged, Shown, place
from orders.delivery import ZURICH
from orders.details import Details
from orders.forms import DetailsForm
from orders.models import Order, Product, ShippingMethod, TimelineEntry
from orders.moves import cancel, hold
from orders.quote import What, quote
from tests.at_once import at_once
from tests.orders.steps import BUREAU, CLAIRE, add, amounts, give_details, hidden, page, review, said
from tests.shop import delivery, goods

pytestmark = pytest.mark.django_db


def claire(**changes: str) -> Details:
    form = DetailsForm(CLAIRE | changes)
    assert form.is_valid()
    return Details(**{name: value for name, value in form.cleaned_data.items() if name != "other_billing"})


def cart_of(*products: Product, quantity: int = 1, key: UUID | None = None) -> Cart:
    lines = {product.pk: Wanted(quantity, product.price) for product in products}
    return Cart(uuid4(), key or uuid4(), MappingProxyType(lines))


def place_cart(cart: Cart, **changes: Any) -> Order:
    """Place the cart as the review page shows it now."""
    shown = replace(Shown.of(quote(cart)), **changes.pop("shown", {}))
    return place(cart, changes.pop("details", claire()), shown, **({"language": "fr"} | changes))


def changed(cart: Cart, **changes: Any) -> list[What]:
    with pytest.raises(CartChanged) as stopped:
        place_cart(cart, **changes)
    assert not Order.objects.exists()
    return [change.what for change in stopped.value.changes]


def test_the_order_is_frozen_as_it_was_sold() -> None:
    delivery()
    bowl = goods(price=2900, stock=10, names={"fr": "Bol", "de": "Schale"})
    honey = goods(price=1250, stock=3, vat_class="reduced")
    with override_settings(TERMS_VERSION="2027-02-01"):
        order = place_cart(cart_of(bowl, honey, quantity=2), details=claire(**BUREAU))

    Product.objects.update(price=1, names={"fr": "Autre"})
    order.refresh_from_db()
    assert [(line.name, line.quantity, line.unit_price, line.vat_rate) for line in order.lines.all()] == [
        ("Bol", 2, 2900, Decimal("8.1")),
        (honey.name, 2, 1250, Decimal("2.6")),
    ]
    assert (order.goods_total, order.shipping_total, order.total, order.currency) == (8300, 900, 9200, "CHF")
    assert order.vat == [{"rate": "8.1", "base": 5947, "tax": 482}, {"rate": "2.6", "base": 2701, "tax": 70}]
    assert sum(share.base + share.tax for share in order.vat_shares) == order.total
    assert order.status == Order.Status.PENDING
    assert order.terms_version == "2027-02-01"
    assert order.expires_at - order.created_at == timedelta(minutes=45)
    assert abs(order.created_at - now()) < timedelta(minutes=1)
    assert order.billing_address[0] == "Bureau du Lac SA"
    assert order.holds_stock
    assert list(Product.objects.order_by("pk").values_list("stock", flat=True)) == [8, 1]
    entry = order.timeline.get()
    assert (entry.kind, entry.actor) == (TimelineEntry.Kind.PLACED, TimelineEntry.Actor.CUSTOMER)
    assert entry.data == {"total": "CHF\u00a092.00"}


def test_the_names_are_kept_in_the_orders_language() -> None:
    delivery()
    bowl = goods(names={"fr": "Bol", "de": "Schale"})
    assert place_cart(cart_of(bowl), language="de").lines.get().name == "Schale"


@override_settings(SELLER=settings.SELLER | {"vat_registered": False})
def test_a_shop_without_vat_freezes_none() -> None:
    delivery()
    order = place_cart(cart_of(goods()))
    assert order.vat == []
    assert order.lines.get().vat_rate == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [1, 3, 12])
def test_placing_takes_at_most_fourteen_statements_however_many_lines(count: int) -> None:
    delivery()
    cart = cart_of(*[goods() for _ in range(count)])
    shown = Shown.of(quote(cart))
    with CaptureQueriesContext(connection) as statements:
        place(cart, claire(), shown, language="fr")
    written = [statement["sql"] for statement in statements]
    assert written[0] == "BEGIN"
    assert written[-1] == "COMMIT"
    assert len(written) == 10 <= 14
    assert re.search(r'ORDER BY "orders_product"."id" ASC\s+FOR NO KEY UPDATE', written[1])


def test_a_second_submit_finds_the_same_order() -> None:
    delivery()
    bowl = goods(stock=1)
    cart = cart_of(bowl)
    first = place_cart(cart)
    assert place(cart, claire(), Shown(cart.key, 1, None), language="fr") == first
    assert checkout.placed(cart.key) == first
    assert Order.objects.count() == 1


def test_a_changed_price_stops_it_and_tells_the_old_and_the_new() -> None:
    delivery()
    bowl = goods(price=2900)
    cart = cart_of(bowl)
    Product.objects.update(price=3100)
    with pytest.raises(CartChanged) as stopped:
        place_cart(cart)
    (change,) = stopped.value.changes
    assert (change.what, change.old, change.new) == (What.PRICE, 2900, 3100)
    assert stopped.value.quote.total == 4000


def test_less_stock_stops_it() -> None:
    delivery()
    assert changed(cart_of(goods(stock=2), quantity=3)) == [What.FEWER]
    assert Product.objects.get().stock == 2


def test_goods_that_are_gone_or_off_sale_stop_it() -> None:
    delivery()
    cart = cart_of(goods(stock=0), goods(active=False), goods())
    assert changed(cart) == [What.GONE, What.GONE]


def test_another_total_than_the_button_named_stops_it() -> None:
    delivery()
    cart = cart_of(goods(price=2900))
    with pytest.raises(CartChanged) as stopped:
        place_cart(cart, shown={"total": 2900})
    (change,) = stopped.value.changes
    assert (change.what, change.old, change.new) == (What.TOTAL, 2900, 3800)


def test_a_page_of_an_earlier_cart_stops_it() -> None:
    delivery()
    assert changed(cart_of(goods()), shown={"key": uuid4()}) == [What.CART]


def test_a_delivery_method_that_does_not_go_there_stops_it() -> None:
    method = delivery()
    swiss_only = delivery()
    ShippingMethod.objects.filter(pk=swiss_only.pk).update(countries=["CH"], position=2)
    cart = replace(cart_of(goods()), shipping=swiss_only.pk)
    there = claire(delivery_country="LI", delivery_postcode="9490")
    assert changed(cart, details=there) == [What.DELIVERY]
    assert place_cart(replace(cart, shipping=method.pk), details=there).shipping_method == method


def test_nothing_is_ordered_where_nothing_is_delivered() -> None:
    delivery()
    ShippingMethod.objects.update(countries=["CH"])
    cart = cart_of(goods())
    there = claire(delivery_country="LI", delivery_postcode="9490")
    assert changed(cart, details=there, shown={"total": 2900}) == []


@pytest.mark.django_db(transaction=True)
def test_two_submits_at_once_with_one_key_make_one_order() -> None:
    delivery()
    bowl = goods(stock=1)
    cart = cart_of(bowl)
    orders = at_once(*[lambda: place_cart(cart, shown={"total": 3800})] * 6)
    assert len({order.pk for order in orders}) == 1
    assert Order.objects.count() == 1
    bowl.refresh_from_db()
    assert bowl.stock == 0


@pytest.mark.django_db(transaction=True)
def test_one_key_makes_one_order_even_for_different_goods() -> None:
    """The unique key decides where no lock on common goods does: the loser gets the winner's order."""
    delivery()
    key = uuid4()
    carts = [cart_of(goods(), key=key) for _ in range(6)]
    orders = at_once(*[lambda cart=cart: place_cart(cart, shown={"total": 3800}) for cart in carts])
    assert len({order.pk for order in orders}) == 1
    assert sum(10 - stock for stock in Product.objects.values_list("stock", flat=True)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_number_that_is_taken_gives_way_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery()
    first = place_cart(cart_of(goods()))
    again = iter(first.number.removeprefix("KK-").replace("-", "")[:7])
    chance = secrets.choice
    monkeypatch.setattr("orders.codes.secrets.choice", lambda letters: next(again, None) or chance(letters))

    bowl = goods(stock=5)
    second = place_cart(cart_of(bowl))

    assert next(again, None) is None
    assert Order.objects.count() == 2
    assert second.number != first.number
    bowl.refresh_from_db()
    assert bowl.stock == 4


@pytest.mark.django_db(transaction=True)
def test_twenty_buyers_of_the_last_piece_make_one_order() -> None:
    delivery()
    bowl = goods(stock=1)

    def buy() -> str:
        try:
            return place_cart(cart_of(bowl), shown={"total": 3800}).number
        except CartChanged as stopped:
            return stopped.changes[0].what

    answers = at_once(*[buy] * 20)
    assert answers.count(What.GONE) == 19
    assert Order.objects.count() == 1
    bowl.refresh_from_db()
    assert bowl.stock == 0


@pytest.mark.django_db(transaction=True)
def test_buyers_of_the_same_goods_in_another_order_do_not_deadlock() -> None:
    delivery()
    several = [goods(stock=50) for _ in range(5)]
    carts = [cart_of(*(several if n % 2 else several[::-1])) for n in range(12)]
    total = quote(carts[0]).total
    orders = at_once(*[lambda cart=cart: place_cart(cart, shown={"total": total}) for cart in carts])
    assert len({order.pk for order in orders}) == 12
    assert set(Product.objects.values_list("stock", flat=True)) == {38}


# Through the browser's door ---------------------------------------------------------------------------------------


@pytest.fixture
def bowl(client: Client) -> Product:
    """Claire stands at the review page with one bowl in her cart."""
    delivery()
    product = goods(price=2900, stock=5)
    add(client, product)
    give_details(client)
    return product


def test_a_changed_price_asks_again_with_409(client: Client, bowl: Product) -> None:
    assert review(client).status_code == 200
    Product.objects.update(price=3100)
    asked = review(client)
    assert asked.status_code == 409
    assert said("A price has changed") in page(asked)
    assert "CHF\u00a029.00" in page(asked)
    assert "CHF\u00a031.00" in page(asked)
    assert client.post("/panier/accepter/")["Location"] == "/paiement/"
    assert review(client).status_code == 200
    assert "CHF\u00a040.00" in amounts(review(client))
    assert not Order.objects.exists()


def test_a_price_changed_between_the_page_and_the_button_asks_again(client: Client, bowl: Product) -> None:
    shown = review(client)
    form = {"checkout_key": shown.context["quote"].key, "total": shown.context["quote"].total, "method": "card"}
    Product.objects.update(price=3100)
    assert client.post("/paiement/", form).status_code == 409
    assert not Order.objects.exists()


BEFORE = datetime(2026, 11, 23, 13, 59, 59, tzinfo=ZURICH)
AFTER = datetime(2026, 11, 23, 14, 0, tzinfo=ZURICH)
"""A second later: what is ordered then is packed on the next day."""
BOTH_DAYS = ("mardi 24\u00a0novembre", "mercredi 25\u00a0novembre")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The moments at which the days of delivery are worked out; the last one stays."""
    moments = [BEFORE]
    monkeypatch.setattr("orders.quote.now", lambda: moments.pop(0) if len(moments) > 1 else moments[0])
    return moments


def press(client: Client, shown: Any, **changes: str) -> Any:
    """« Commander et payer », with what the page held."""
    held = {name: hidden(shown, name) for name in ("checkout_key", "total", "delivery_by")}
    return client.post("/paiement/", held | {"method": "twint"} | changes)


@pytest.mark.parametrize("seen", [[AFTER], [BEFORE, AFTER]], ids=["since", "while it is placed"])
def test_a_day_of_delivery_that_no_longer_holds_is_told_and_asked_about(
    client: Client, bowl: Product, clock: list[datetime], seen: list[datetime]
) -> None:
    shown = review(client)
    assert BOTH_DAYS[0] in page(shown)
    clock[:] = seen

    asked = press(client, shown)

    assert asked.status_code == 409
    assert said("The day of delivery has changed") in page(asked)
    assert all(day in page(asked) for day in BOTH_DAYS)
    assert said("The new total is") not in page(asked)
    assert not Order.objects.exists()
    bowl.refresh_from_db()
    assert bowl.stock == 5

    going_on = client.post("/panier/accepter/", {"method": hidden(asked, "method")})
    again: Any = client.get(going_on["Location"])
    assert BOTH_DAYS[1] in page(again)
    assert re.search(r'value="twint"[^>]* checked', page(again))
    assert hidden(again, "delivery_by") == "2026-11-25"


def test_a_notice_of_a_change_is_read_in_another_language_with_the_choice_that_was_made(
    client: Client, bowl: Product, clock: list[datetime]
) -> None:
    shown = review(client)
    clock[:] = [AFTER]
    asked = press(client, shown)
    assert 'form="changes" formaction="/de/paiement/" name="language"' in page(asked)
    held = {name: hidden(asked, name) for name in ("checkout_key", "total", "delivery_by", "method")}

    in_german: Any = client.post("/de/paiement/", held | {"language": "de"})

    assert in_german.status_code == 409
    assert "Dienstag, 24.\u00a0November" in page(in_german)
    assert "Mittwoch, 25.\u00a0November" in page(in_german)
    assert all(hidden(in_german, name) == value for name, value in held.items())
    assert not Order.objects.exists()


def test_the_means_that_was_chosen_before_a_change_is_kept_however_one_came_there(
    client: Client, bowl: Product
) -> None:
    Product.objects.update(price=3100)
    asked: Any = client.get("/paiement/?method=paypal")
    assert asked.status_code == 409
    assert hidden(asked, "method") == "paypal"
    assert client.post("/panier/accepter/", {"method": "paypal"})["Location"] == "/paiement/?method=paypal"


@pytest.mark.parametrize("named", ["", "2026-11-20"])
def test_no_day_is_promised_that_the_browser_chose_or_left_out(
    client: Client, bowl: Product, clock: list[datetime], named: str
) -> None:
    asked = press(client, review(client), delivery_by=named)
    assert asked.status_code == 409
    assert BOTH_DAYS[0] in page(asked)
    assert not Order.objects.exists()


def test_the_day_that_was_shown_is_the_orders(clock: list[datetime]) -> None:
    delivery()
    cart = cart_of(goods())
    assert place_cart(cart).delivery_by == date(2026, 11, 24)


def test_sold_out_in_between_offers_the_rest(client: Client, bowl: Product) -> None:
    cup = goods(price=1500)
    add(client, cup)
    Product.objects.filter(pk=bowl.pk).update(stock=0)
    asked = review(client)
    assert asked.status_code == 409
    assert said("An article is no longer available") in page(asked)
    assert "CHF\u00a024.00" in page(asked)
    client.post("/panier/accepter/")
    assert review(client).context["quote"].total == 2400


def test_what_the_sessions_own_pending_order_holds_can_be_ordered_again(client: Client, bowl: Product) -> None:
    cup = goods(price=1500)
    Product.objects.filter(pk=bowl.pk).update(stock=1)
    ready = checkout.prepare(client.session)
    order = place(ready.cart, ready.details, Shown.of(ready.quote), language="fr")
    session = client.session
    checkout.remember_order(session, order)
    session.save()

    add(client, cup)
    again = review(client)
    assert again.status_code == 200
    earlier = checkout.earlier_order(client.session, again.context["quote"].key)
    assert earlier == order
    assert checkout.earlier_order(client.session, order.checkout_key) is None
    assert cancel(hold(pk=order.pk), Order.CancelReason.CHANGED_CART, TimelineEntry.Actor.CUSTOMER)
    ready = checkout.prepare(client.session)
    assert place(ready.cart, ready.details, Shown.of(ready.quote), language="fr").total == 5300


def test_the_session_is_emptied_for_the_order_that_was_shown_effective_only(client: Client, bowl: Product) -> None:
    ready = checkout.prepare(client.session)
    order = place(ready.cart, ready.details, Shown.of(ready.quote), language="fr")
    session = client.session
    checkout.remember_order(session, order)
    checkout.forget_order_and_cart(session, Order(token="another's"))
    assert checkout.current_order_token(session) == order.token
    checkout.forget_order_and_cart(session, order)
    checkout.forget_order_and_cart(session, order)
    assert list(session.keys()) == []


def test_a_cart_filled_since_stays_when_the_order_is_shown_effective(client: Client, bowl: Product) -> None:
    ready = checkout.prepare(client.session)
    order = place(ready.cart, ready.details, Shown.of(ready.quote), language="fr")
    session = client.session
    checkout.remember_order(session, order)
    session.save()
    add(client, bowl)
    session = client.session
    checkout.forget_order_and_cart(session, order)
    assert checkout.current_order_token(session) is None
    assert session["cart"]["lines"] == {str(bowl.pk): [2, 2900]}
    assert session["details"]["email"] == "claire@exemple.ch"


def test_an_order_that_died_can_be_started_again_with_the_same_cart(client: Client, bowl: Product) -> None:
    session = client.session
    ready = checkout.prepare(session)
    first = place(ready.cart, ready.details, Shown.of(ready.quote), language="fr")
    cancel(hold(pk=first.pk), Order.CancelReason.EXPIRED, TimelineEntry.Actor.SYSTEM)
    checkout.start_again(session, first)
    ready = checkout.prepare(session)
    second = place(ready.cart, ready.details, Shown.of(ready.quote), language="fr")
    assert second != first
    assert second.total == first.total
