"""What tests of paying do again and again, without a browser: order, pay, bring the PSPs' messages."""

import re
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils.timezone import now

from orders.models import Order
from payments import notices
from payments.capture import capture
from payments.handoff import hand_off
from payments.models import Payment, Refund
from payments.refunds import Wanted, ask, carry_out
from tests.sandbox.client import Sandbox, Webhook
from tests.shop import placed

NOTHING_DEBITED = "Aucun montant n’a été débité"


def bring_messages(sandbox: Sandbox) -> list[str]:
    """Deliver what the PSPs have to say; returns the shop's answers."""
    answers = []
    while waiting := sandbox.collect():
        for webhook in waiting:
            answer = Client().post(
                f"/webhooks/{webhook.psp}/",
                data=webhook.body,
                content_type="application/json",
                headers=webhook.django_headers,
            )
            assert answer.status_code == 200, answer.content
            answers.append(answer.content.decode())
    return answers


def pay(sandbox: Sandbox, method: str, page: str, **how: Any) -> str:
    """What the customer does on the PSP's page; returns where the browser goes then."""
    if method == "card":
        result = sandbox.pay_by_card(page, **how)
    elif method == "twint":
        result = sandbox.pay_by_twint(page, **how)
    else:
        result = sandbox.approve_paypal(page, **how)
    assert result.url
    return result.url


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


def give_back(psps: Sandbox, order: Order, amount: int, **what: Any) -> Refund:
    """Staff give money back, and the PSP says that it went."""
    refund = ask(order.payments.get(settles=True).pk, Wanted(amount, "Le client n’en veut plus <b>", **what))
    carry_out(refund.pk)
    bring_messages(psps)
    refund.refresh_from_db()
    assert refund.status == Refund.Status.SUCCEEDED
    return refund


def said(order: Order) -> str:
    """The words of the order's page, below its steps."""
    page = Client().get(f"/commande/{order.token}/").content.decode().replace("\u00a0", " ")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("<h1") :]))


def written(order: Order, kind: str) -> str:
    """The mail of that kind: its subject, then what it says."""
    words = notices.of(order.letters.select_related("order").get(kind=kind))
    return "\n".join([words.subject, *words.paragraphs]).replace("\u00a0", " ")
