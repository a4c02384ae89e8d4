"""Nothing expires and nothing is cancelled before the PSP's page is known to be dead."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils.timezone import now
from django.utils.translation import override

from orders.models import Order, Product
from payments import attention
from payments.models import Channel, Letter, Payment
from payments.sweep import sweep
from tests.payments.steps import bring_messages, pay
from tests.sandbox.client import Sandbox
from tests.shop import DETAILS, deliver, fill_cart, goods, order_and_pay, placed, started, stripe_event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _messages_wait(sandbox: Sandbox) -> None:
    sandbox.change(hold_webhooks=True)


def ordered(client: Client, method: str = "card", **changes: Any) -> tuple[Order, str]:
    """Claire ordered a bowl of which there was one; returns the order and her page at the PSP."""
    fill_cart(client, goods(stock=1, **changes))
    answer = order_and_pay(client, method)
    return Order.objects.latest("created_at"), answer["Location"]


def let_the_time_pass(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(expires_at=now() - timedelta(seconds=1), next_try_at=None)


@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_an_order_that_nobody_paid_expires_and_its_goods_come_back_once(
    client: Client, sandbox: Sandbox, method: str
) -> None:
    order, page = ordered(client, method)
    let_the_time_pass(order)

    assert sweep()["expired"] == 1
    sweep()

    order.refresh_from_db()
    assert (order.status, order.cancel_reason, order.holds_stock) == ("cancelled", "expired", False)
    assert Product.objects.get().stock == 1
    assert order.payments.get().status == "expired"
    if method != "paypal":
        assert sandbox.payment(page)["state"] == "expired"
    assert not Letter.objects.exists()


def test_who_was_at_the_psp_is_told_of_the_expiry(client: Client, sandbox: Sandbox) -> None:
    order, _page = ordered(client)
    client.get(f"/commande/{order.token}/abandon/{order.payments.get().pk}/")
    let_the_time_pass(order)

    sweep()

    assert "délai de paiement" in mail.outbox[0].subject
    assert "Dufour" not in str(mail.outbox[0].body)


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_psp_that_does_not_answer_lets_nothing_expire(client: Client, sandbox: Sandbox, method: str) -> None:
    order, _page = ordered(client, method)
    let_the_time_pass(order)
    sandbox.break_calls("down", calls=50)

    sweep()

    order.refresh_from_db()
    assert (order.status, order.holds_stock) == ("pending", True)
    assert Channel.objects.filter(silent_since__isnull=False).exists()
    sandbox.mend()
    let_the_time_pass(order)
    Channel.objects.update(next_try_at=now())
    sweep()
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert not Channel.objects.filter(silent_since__isnull=False).exists()


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_woo_paypal_1276_a_paid_order_whose_messages_never_come_is_never_expired(
    client: Client, sandbox: Sandbox, method: str
) -> None:
    """None is delivered, and the PSP's list has none of them either."""
    order, page = ordered(client, method)
    back = pay(sandbox, method, page, webhook="never")
    client.get(back)

    for _again in range(3):
        let_the_time_pass(order)
        Payment.objects.update(next_try_at=now())
        sweep()

    order.refresh_from_db()
    assert (order.status, order.holds_stock) == ("pending", True)
    assert [item.kind for item in attention.items(order)] == ["unannounced"]


def test_woo_5268_a_customer_who_pays_while_the_sweep_looks_keeps_the_order(client: Client, sandbox: Sandbox) -> None:
    order, page = ordered(client)
    let_the_time_pass(order)
    pay(sandbox, "card", page)

    sweep()
    bring_messages(sandbox)
    let_the_time_pass(order)
    sweep()

    order.refresh_from_db()
    assert (order.status, order.holds_stock) == ("effective", True)


def test_a_retry_prolongs_the_hold(client: Client, sandbox: Sandbox) -> None:
    order, page = ordered(client)
    before = order.expires_at
    sandbox.expire(page)
    bring_messages(sandbox)
    Order.objects.update(expires_at=now() + timedelta(seconds=30))

    client.post(f"/commande/{order.token}/payer/", {"method": "twint"})

    order.refresh_from_db()
    assert order.expires_at >= before - timedelta(minutes=1)


def test_no_retry_holds_the_goods_for_ever(client: Client, sandbox: Sandbox) -> None:
    order, page = ordered(client)
    sandbox.expire(page)
    bring_messages(sandbox)
    Order.objects.update(created_at=now() - timedelta(hours=4))

    answer = client.post(f"/commande/{order.token}/payer/", {"method": "twint"})

    assert answer["Location"] == f"/commande/{order.token}/"
    assert order.payments.count() == 1


def test_a_customer_gives_an_order_up(client: Client, sandbox: Sandbox) -> None:
    order, page = ordered(client)

    answer = client.post(f"/commande/{order.token}/annuler/", follow=True)

    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "customer")
    assert Product.objects.get().stock == 1
    assert sandbox.payment(page)["state"] == "expired"
    assert "Vous avez annulé cette commande" in answer.content.decode()


def test_an_order_that_was_paid_meanwhile_cannot_be_given_up(client: Client, sandbox: Sandbox) -> None:
    order, page = ordered(client)
    pay(sandbox, "card", page)

    client.post(f"/commande/{order.token}/annuler/")
    bring_messages(sandbox)

    order.refresh_from_db()
    assert order.status == "effective"


def test_an_effective_order_is_not_given_up(client: Client, sandbox: Sandbox) -> None:
    order, page = ordered(client)
    pay(sandbox, "card", page)
    bring_messages(sandbox)

    client.post(f"/commande/{order.token}/annuler/")

    order.refresh_from_db()
    assert order.status == "effective"


def test_a_cancelled_order_is_taken_up_anew(client: Client, sandbox: Sandbox) -> None:
    order, _page = ordered(client)
    client.post(f"/commande/{order.token}/annuler/")

    answer = client.post(f"/commande/{order.token}/reprendre/")

    assert answer["Location"] == "/paiement/"
    assert order_and_pay(client, "twint").status_code == 303
    assert Order.objects.filter(status="pending").exclude(pk=order.pk).count() == 1


def test_a_cancelled_order_is_taken_up_anew_on_another_device(client: Client, sandbox: Sandbox) -> None:
    first, _page = ordered(client)
    client.post(f"/commande/{first.token}/annuler/")
    other = Client()

    assert other.get(f"/commande/{first.token}/reprendre/")["Location"] == f"/commande/{first.token}/"
    assert "cart" not in other.session, "a GET moves nothing"
    assert other.post(f"/commande/{first.token}/reprendre/")["Location"] == "/paiement/"
    assert other.get("/paiement/")["Location"] == "/coordonnees/", "of whom the goods are for the link tells nothing"
    form = other.get("/coordonnees/").content.decode()
    assert "Dufour" not in form
    assert "claire" not in form
    other.post("/coordonnees/", DETAILS)
    assert order_and_pay(other, "twint").status_code == 303

    second = Order.objects.exclude(pk=first.pk).get()
    assert (second.cart, second.total) == (first.cart, first.total), "late money for the first does not revive it"
    assert [(line.sku, line.quantity) for line in second.lines.all()] == [
        (line.sku, line.quantity) for line in first.lines.all()
    ]


def test_on_another_device_what_changed_since_is_told_before_anything_is_ordered() -> None:
    bowl, jug, gone = goods(price=2900), goods(price=4000), goods(price=1000)
    order = placed(bowl, jug, gone, quantity=3, status="cancelled", cancel_reason="expired", cancelled_at=now())
    Product.objects.filter(pk=bowl.pk).update(stock=2)
    Product.objects.filter(pk=jug.pk).update(price=4100)
    Product.objects.filter(pk=gone.pk).update(active=False)
    client = Client()
    client.post(f"/commande/{order.token}/reprendre/")
    client.post("/coordonnees/", DETAILS)

    asked = client.get("/paiement/")

    assert asked.status_code == 409
    assert [change.what for change in asked.context["quote"].changes] == ["fewer", "price", "gone"]
    client.post("/panier/accepter/")
    assert [(line.quantity, line.unit_price) for line in client.get("/paiement/").context["quote"].lines] == [
        (2, 2900),
        (3, 4100),
    ]


def test_goods_that_are_in_the_cart_already_stay_beside_those_of_the_order() -> None:
    order = placed(quantity=2, status="cancelled", cancel_reason="customer", cancelled_at=now())
    client, own = Client(), goods()
    client.post(f"/articles/{own.slug}/", {"quantity": "1"})
    mine = client.session["cart"]["id"]

    for _twice in range(2):
        client.post(f"/commande/{order.token}/reprendre/")

    cart = client.session["cart"]
    assert cart["lines"] == {str(own.pk): [1, 2900], str(order.lines.get().product_id): [2, 2900]}
    assert cart["id"] == mine


def test_who_takes_a_dead_order_up_beside_a_pending_one_pays_for_one_of_the_two_at_most(
    client: Client, sandbox: Sandbox
) -> None:
    dead = placed(status="cancelled", cancel_reason="customer", cancelled_at=now())
    pending, page = ordered(client)
    client.post(f"/commande/{dead.token}/reprendre/")

    assert order_and_pay(client, "card").status_code == 303

    pending.refresh_from_db()
    assert pending.status == "cancelled", "its goods are in the new one"
    assert sandbox.payment(page)["state"] == "expired"


def test_money_that_comes_after_all_is_seen_before_the_order_is_placed_anew_on_another_device() -> None:
    order, payment = expired()
    Product.objects.update(stock=9)
    client = Client()
    client.post(f"/commande/{order.token}/reprendre/")
    client.post("/coordonnees/", DETAILS)
    form = client.get("/paiement/").context["form"]
    deliver(stripe_event(payment))

    answer = client.post("/paiement/", {**form.initial, "method": "card"})

    assert answer["Location"] == f"/commande/{order.token}/"
    assert Order.objects.get().status == "effective"


def expired(product: Product | None = None, **changes: Any) -> tuple[Order, Payment]:
    """An order that expired a while ago, its goods back on the shelf, its page paid after all."""
    product = product or goods(stock=1)
    order = placed(product)
    payment = started(order, status="expired")
    Order.objects.filter(pk=order.pk).update(
        **{"status": "cancelled", "cancel_reason": "expired", "cancelled_at": now(), "holds_stock": False} | changes
    )
    Product.objects.filter(pk=product.pk).update(stock=1)
    order.refresh_from_db()
    return order, payment


def test_case_11_late_money_makes_an_expired_order_effective_if_its_goods_can_be_had_again() -> None:
    order, payment = expired()

    deliver(stripe_event(payment))

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, order.holds_stock, payment.settles) == ("effective", True, True)
    assert order.lines.get().product.stock == 0
    assert "revived" in [entry.kind for entry in order.timeline.all()]


NOT_AGAIN = {
    "goods sold meanwhile": lambda order: Product.objects.update(stock=0),
    "cancelled a day ago": lambda order: Order.objects.update(cancelled_at=now() - timedelta(hours=25)),
    "given up by the customer": lambda order: Order.objects.update(cancel_reason="customer"),
    "replaced by a later order": lambda order: placed(goods(), cart=order.cart),
}


@pytest.mark.parametrize("why", NOT_AGAIN.values(), ids=NOT_AGAIN.keys())
def test_case_11_other_late_money_goes_back_by_itself(why: Any) -> None:
    order, payment = expired()
    why(order)

    deliver(stripe_event(payment))

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.settles, payment.why_not) == ("cancelled", False, "late")
    assert payment.refunds.get().amount == payment.amount
    assert Letter.objects.get(order=order).kind == "late_refunded"


def test_late_money_above_the_bound_waits_for_staff(settings: Any) -> None:
    settings.AUTOMATIC_REFUND_UP_TO = 100
    order, payment = expired(cancel_reason="customer")

    deliver(stripe_event(payment))

    assert not payment.refunds.exists()
    assert sorted(Letter.objects.values_list("kind", flat=True)) == ["review", "to_staff"]
    sweep()
    to_staff = next(message for message in mail.outbox if message.subject.startswith("[KOOKUT]"))
    assert order.number in to_staff.subject
    assert "38.00" in str(to_staff.body)


@pytest.mark.parametrize(("bound", "by_itself"), [(3800, True), (3799, False)])
def test_money_up_to_the_bound_goes_back_by_itself(settings: Any, bound: int, by_itself: bool) -> None:
    settings.AUTOMATIC_REFUND_UP_TO = bound
    order, payment = expired(cancel_reason="customer")

    deliver(stripe_event(payment))

    letters = {(letter.kind, letter.about) for letter in Letter.objects.filter(order=order)}
    if by_itself:
        refund = payment.refunds.get()
        assert letters == {("late_refunded", str(refund.pk))}
        with override(None):
            assert refund.reason == str(Payment.WhyNot.LATE.label)
    else:
        told = order.timeline.get(kind="payment_not_settling")
        assert letters == {("review", str(payment.pk)), ("to_staff", str(told.pk))}
        assert not payment.refunds.exists()


def test_money_of_another_amount_stays_until_staff_have_looked() -> None:
    payment = started(placed())

    deliver(stripe_event(payment, amount_total=1))

    assert not payment.refunds.exists()
    assert set(Letter.objects.values_list("kind", flat=True)) == {"review", "to_staff"}
