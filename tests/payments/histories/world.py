"""Everybody who has a hand in an order, and what each of them can do: through the doors that they have in real life."""

import contextlib
import copy
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django_tasks_db.models import DBTaskResult

from orders.cart import Cart, Wanted
from orders.checkout import CartChanged, Shown, place
from orders.details import Details
from orders.models import Order, Product, TimelineEntry
from orders.quote import quote
from payments import inbox, recovery, refunds
from payments.expiry import withdraw
from payments.gateways import paypal_messages, stripe_messages
from payments.gateways.base import Unreachable
from payments.models import Dispute, Payment, Refund, WebhookEvent
from payments.refunds import NotRefundable
from payments.sweep import sweep
from tests.payments.histories.clock import Clock
from tests.sandbox.client import Sandbox, SandboxRefused, Webhook
from tests.shop import delivery, goods

STOCK = 3
"""Of each of two goods: few enough to be sold out before late money comes."""
TABLES = (
    "orders_order, orders_orderline, orders_timelineentry, orders_product, orders_shippingmethod, payments_payment, "
    "payments_refund, payments_dispute, payments_webhookevent, payments_letter, payments_attestation, "
    "payments_channel, django_tasks_database_dbtaskresult"
)
REGISTERED = {*stripe_messages.HANDLED, *paypal_messages.HANDLED}
CLAIRE = Details(
    **dict.fromkeys(Details.__dataclass_fields__, "")
    | {
        "email": "claire@exemple.ch",
        "delivery_name": "Claire Dufour",
        "delivery_street": "Rue de Carouge 12",
        "delivery_postcode": "1205",
        "delivery_town": "Genève",
        "delivery_country": "CH",
    }
)


class World:
    """A shop with two goods, its customers and staff, and both PSPs. Starts empty each time.

    `messages` are what the PSPs have sent and the shop has not taken yet, `taken` what it has; both may come at any
    time, in any order.
    """

    def __init__(self, psps: Sandbox, clock: Clock) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES} CASCADE")
        cache.clear()
        clock.start_again()
        mail.outbox.clear()
        psps.reset()
        self.psps = psps
        self.clock = clock
        self.client = Client(raise_request_exception=False)
        self.messages: list[Webhook] = []
        self.taken: list[Webhook] = []
        self.paid_late: set[str] = set()
        self.delivery = delivery()
        self.goods = [goods(stock=STOCK), goods(stock=STOCK, price=4500)]
        self.sonia, _made = User.objects.get_or_create(username="sonia", is_staff=True)

    def again(self) -> "World":
        """The same world, to be gone on with apart: what the one has in its bag the other need not have."""
        other = copy.copy(self)
        other.messages, other.taken = list(self.messages), list(self.taken)
        return other

    # The customers

    def order(self, which: int, quantity: int, *, instead_of: Order | None = None) -> Order | None:
        """Place an order for some pieces; or change the cart of one that is pending, and order that."""
        if instead_of:
            try:
                if not withdraw(instead_of, Order.CancelReason.CHANGED_CART, TimelineEntry.Actor.CUSTOMER):
                    return None
            except Unreachable:
                return None
        product = Product.objects.get(pk=self.goods[which].pk)
        lines = MappingProxyType({product.pk: Wanted(quantity, product.price)})
        cart = Cart(instead_of.cart if instead_of else uuid4(), uuid4(), lines, self.delivery.pk)
        try:
            return place(cart, CLAIRE, Shown.of(quote(cart, country="CH")), language="fr")
        except CartChanged:
            assert product.stock < quantity
            return None

    def choose(self, order: Order, method: str) -> str | None:
        """Press « Payer »; the page of the PSP, if there is one."""
        answer = self.client.post(f"/commande/{order.token}/payer/", {"method": method})
        assert answer.status_code in (303, 422, 503), answer.content
        page = answer.get("Location", "")
        return page if page.startswith(self.psps.url) else None

    def give_up(self, order: Order) -> None:
        assert self.client.post(f"/commande/{order.token}/annuler/").status_code in (303, 503)

    def come_back(self, payment: Payment, door: str = "retour") -> None:
        """By the PSP's link, having paid (`retour`) or not (`abandon`)."""
        answer = self.client.get(f"/commande/{payment.order.token}/{door}/{payment.pk}/")
        assert answer.status_code == 303, answer.content
        self.listen()

    def pay(self, row: dict[str, Any], **how: Any) -> None:
        """What the customer does on an open page of a PSP, with a means that it has."""
        (method,) = row["methods"]
        act = {"card": self.psps.pay_by_card, "twint": self.psps.pay_by_twint, "paypal": self.psps.approve_paypal}
        self._at_the_psp(act[method], row["page"], **how)

    def pay_late(self, row: dict[str, Any]) -> None:
        """The bank had agreed before the page died, and says so only now."""
        self.paid_late.add(row["page"])
        self.psps.reopen(row["page"])
        self.pay(row)

    # The PSPs

    def pages(self, *states: str) -> list[dict[str, Any]]:
        """The PSPs' own books, of the pages in these states, or of all."""
        rows = self.psps.payments()
        return [row for row in rows if row["state"] in states] if states else rows

    def paid_pages(self) -> list[dict[str, Any]]:
        return [row for row in self.pages() if row["received"]]

    def decide(self, row: dict[str, Any], *, paid: bool) -> None:
        """A bank that was thinking has thought."""
        if row["psp"] == "stripe":
            self._at_the_psp(self.psps.settle_session, row["page"], paid=paid)
        else:
            self._at_the_psp(self.psps.settle_capture, row["money"], "COMPLETED" if paid else "DENIED")

    def expire(self, row: dict[str, Any]) -> None:
        self._at_the_psp(self.psps.expire, row["page"])

    def refund_at_the_dashboard(self, row: dict[str, Any], amount: int | None, status: str) -> None:
        self._at_the_psp(self.psps.refund, row["page"], amount, status=status)

    def turn_refund(self, row: dict[str, Any], refund: dict[str, Any], status: str) -> None:
        """A refund succeeds, fails, or bounces. PayPal says nothing of one that bounces, and nobody can know."""
        told = row["psp"] == "stripe" or refund["status"] == "pending"
        if told and refund["status"] != status:
            self._at_the_psp(self.psps.settle_refund, refund["id"], status)

    def dispute(self, row: dict[str, Any]) -> None:
        self._at_the_psp(self.psps.dispute, row["page"])

    def end_dispute(self, row: dict[str, Any], dispute: dict[str, Any], *, won: bool) -> None:
        if row["psp"] == "stripe":
            self._at_the_psp(self.psps.move_dispute, dispute["id"], "won" if won else "lost")
        else:
            outcome = "RESOLVED_SELLER_FAVOUR" if won else "RESOLVED_BUYER_FAVOUR"
            self._at_the_psp(self.psps.move_dispute, dispute["id"], "RESOLVED", outcome=outcome)

    def _at_the_psp(self, act: Any, *arguments: Any, **how: Any) -> None:
        """Do something at a PSP, if it can be done there now, and put what the PSP has to say into the bag."""
        with contextlib.suppress(SandboxRefused):
            act(*arguments, **how)
        self.listen()

    def listen(self) -> None:
        """What the PSPs have sent is on its way: of all that happens, what our endpoints are registered for."""
        self.messages += [webhook for webhook in self.psps.collect() if webhook.type in REGISTERED]

    # Their messages

    def bring(self, webhook: Webhook) -> bool:
        """Deliver a message, signed now; whether the shop has taken it, as its answer says."""
        headers = self.psps.sign(webhook.psp, webhook.body)
        answer = self.client.post(
            f"/webhooks/{webhook.psp}/", webhook.body, content_type="application/json", headers=headers
        )
        assert answer.status_code in (200, 500, 503), answer.content
        event = WebhookEvent.objects.filter(provider=webhook.psp, event_id=webhook.event).first()
        if event and not event.processed_at:
            assert event.outcome != inbox.OUR_ERROR
        if answer.status_code == 200:
            assert event or answer.content.startswith(b"Ignored"), "acknowledged, and not there"
        self.listen()
        return bool(answer.status_code == 200)

    def bring_one(self, n: int, *, again: bool = False) -> None:
        """Deliver one that is on its way, whichever; or once more one that was taken long since."""
        bag = self.taken if again else self.messages
        if not bag:
            return
        webhook = bag[n % len(bag)]
        if self.bring(webhook) and not again:
            self.messages.remove(webhook)
            self.taken.append(webhook)

    def bring_all(self) -> None:
        """Deliver until nothing is on its way, but what the shop does not take today."""
        refused: list[Webhook] = []
        while self.messages:
            webhook = self.messages.pop(0)
            (self.taken if self.bring(webhook) else refused).append(webhook)
        self.messages = refused

    def lose_one(self, n: int) -> None:
        """The PSP gives up. What happened still stands in its own list."""
        if self.messages:
            del self.messages[n % len(self.messages)]

    def forge(self, webhook: Webhook) -> None:
        """Somebody else sends what the PSP could have sent."""
        before = WebhookEvent.objects.count()
        forged = replace(webhook, headers=webhook.headers | {"Stripe-Signature": "t=1,v1=00"})
        answer = self.client.post(
            f"/webhooks/{webhook.psp}/",
            webhook.body + b" ",
            content_type="application/json",
            headers=forged.django_headers,
        )
        assert answer.status_code in (400, 503)
        assert WebhookEvent.objects.count() == before

    # The shop's machines and staff

    def sweep(self) -> None:
        sweep()
        self.listen()

    def work(self, *, twice: bool = False) -> None:
        """A worker does the tasks that are due; one may be done twice."""
        due = DBTaskResult.objects.ready().order_by("enqueued_at")
        for result in list(due):
            result.delete()
            for _ in range(2 if twice else 1):
                self._do(result)
        self.listen()

    def _do(self, result: DBTaskResult[Any, Any]) -> None:
        with contextlib.suppress(Unreachable):
            result.task.func(*result.args_kwargs["args"], **result.args_kwargs["kwargs"])

    def tasks(self) -> bool:
        return DBTaskResult.objects.exists()

    def lose_tasks(self) -> None:
        DBTaskResult.objects.all().delete()

    def recover(self) -> None:
        """Sonia has the lists of the last day read."""
        for provider in ("stripe", "paypal"):
            with contextlib.suppress(Unreachable):
                list(recovery.recover(provider, self.clock.now - timedelta(hours=24)))
        self.listen()

    def accept(self, payment: Payment) -> None:
        """Sonia lets count what the PSP shows, where the list asks her to."""
        with contextlib.suppress(Unreachable, recovery.NotShown, inbox.CannotApply):
            recovery.accept(payment, self.sonia)
        self.listen()

    def ask_back(
        self, payment: Payment, amount: int, *, goods_back: bool, pieces: bool, again: Refund | None = None
    ) -> None:
        """Sonia asks for money back, or again for what failed. What can be given back must be given, what cannot
        must not."""
        line = payment.order.lines.get()
        lines = {line.pk: 1} if pieces else {}
        wanted = refunds.Wanted(amount, "Retour", lines, goods_back=goods_back, instead_of=again.pk if again else None)
        open_dispute = payment.disputes.filter(status=Dispute.Status.OPEN).exists()
        used = sum(one.amount for one in payment.refunds.exclude(status=Refund.Status.FAILED))
        lost = [one.amount for one in payment.disputes.filter(status=Dispute.Status.LOST)]
        left = (payment.received_amount or 0) - used - max(lost, default=0)
        possible = 0 < amount <= left and not open_dispute
        if pieces:
            live = payment.refunds.exclude(status=Refund.Status.FAILED)
            named = sum(piece["quantity"] for one in live for piece in one.lines)
            possible = possible and named < line.quantity and amount <= line.unit_price
        if goods_back:
            possible = possible and payment.settles and (pieces or amount == left)
        if again:
            replaced = payment.refunds.filter(instead_of=again).exists()
            possible = possible and again.status == Refund.Status.FAILED and not replaced
            possible = possible and amount >= min(again.amount, left)
        try:
            refunds.ask(payment.pk, wanted, by=self.sonia)
        except NotRefundable:
            assert not possible
        else:
            assert possible
