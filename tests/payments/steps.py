"""What tests of paying do again and again, without a browser: order, pay, bring the PSPs' messages."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils.timezone import now

from orders.models import Order
from payments.capture import capture
from payments.handoff import hand_off
from payments.models import Payment, Refund
from payments.refunds import Wanted, ask, carry_out
from tests.payments.test_paying import bring_messages, pay
from tests.sandbox.client import Sandbox, Webhook
from tests.shop import placed


def ordered(method: str = "card", *products: Any, **changes: Any) -> tuple[Order, str]:
    """Claire's pending order and the page at the PSP on which she can pay it."""
    order = placed(*products, **changes)
    return order, hand_off(order, method)


def paid(psps: Sandbox, method: str = "card", *products: Any, **changes: Any) -> tuple[Order, str]:
    """An effective order and its page at the PSP."""
    order, page = ordered(method, *products, **changes)
    take(psps, method, page)
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == Order.Status.EFFECTIVE
    return order, page


def take(psps: Sandbox, method: str, page: str, **how: Any) -> None:
    """The customer pays, and the shop captures what she approved; no message has come yet."""
    pay(psps, method, page, **how)
    if method == "paypal":
        capture(Payment.objects.get(page_reference=psps.payment(page)["page"]).pk)


def bring(webhook: Webhook, client: Client | None = None) -> Any:
    """Deliver one message as the PSP does; the shop's answer."""
    return (client or Client(raise_request_exception=False)).post(
        f"/webhooks/{webhook.psp}/",
        data=webhook.body,
        content_type="application/json",
        headers=webhook.django_headers,
    )


def only(psps: Sandbox, type: str) -> Webhook:
    """Of all that the PSPs have to say the one message of that type; the others are lost."""
    (webhook,) = [webhook for webhook in psps.collect() if webhook.type == type]
    return webhook


def kinds(order: Order) -> list[str]:
    """What the order's timeline tells, oldest first."""
    return [entry.kind for entry in order.timeline.all()]


def settling(order: Order) -> Payment:
    return Payment.objects.get(order=order, settles=True)


def given_back(order: Order, amount: int = 1000, **more: Any) -> Refund:
    """Staff ask for money back, and the PSP is told so."""
    refund = ask(settling(order).pk, Wanted(amount, "Bol ébréché", **more))
    carry_out(refund.pk)
    refund.refresh_from_db()
    return refund


def page_of(order: Order) -> str:
    """The order's page as it is read: its spaces are all alike."""
    return Client().get(f"/commande/{order.token}/").content.decode().replace("\u00a0", " ")


def is_in(moment: Any, span: timedelta) -> bool:
    """To the minute."""
    return bool(abs(moment - now() - span) < timedelta(minutes=1))
