"""What always holds, whatever happened: looked at after every step."""

import copy
from collections import Counter
from typing import Any

from orders.models import Order, OrderLine, Product
from payments.models import Payment, Refund
from payments.order_page import State, page_of
from tests.payments.histories import witness
from tests.payments.histories.world import STOCK, World

CAN_STILL_BE_PAID = ("open", "pending", "paid")


class Watch:
    """Looks at everything after each step, and remembers what may not change any more."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settled: dict[Any, tuple[Any, ...]] = {}
        self.has_been_effective: set[int] = set()
        self.orders: list[Order] = []
        self.payments: list[Payment] = []
        self.pages: list[dict[str, Any]] = []
        witness.testimony()

    def again(self, world: World) -> "Watch":
        """The same watch, over a world that goes on apart."""
        other = copy.copy(self)
        other.world, other.settled = world, dict(self.settled)
        other.has_been_effective = set(self.has_been_effective)
        return other

    def look(self) -> None:
        """Everything, as it is now; raises AssertionError for what may not be."""
        changes = witness.testimony()
        witness.check(changes)
        self.has_been_effective |= {one.owner for one in changes if (one.what, one.after) == ("order", "effective")}
        self.orders = list(Order.objects.order_by("pk"))
        self.payments = list(Payment.objects.select_related("order", "authorised_by").order_by("order", "created_at"))
        self.pages = self.world.pages()
        refunds = list(Refund.objects.order_by("created_at"))
        pages = {row["reference"]: row for row in self.pages}
        for order in self.orders:
            self._order(order, [one for one in self.payments if one.order_id == order.pk], refunds)
        for payment in self.payments:
            self._payment(payment, pages.get(str(payment.pk)))
        self._stock(refunds)

    def _order(self, order: Order, payments: list[Payment], refunds: list[Refund]) -> None:
        settling = [one for one in payments if one.settles]
        assert len(settling) <= 1
        if order.status == Order.Status.EFFECTIVE:
            (payment,) = settling
            went_back = sum(
                one.amount for one in refunds if one.payment_id == payment.pk and one.status == Refund.Status.SUCCEEDED
            )
            assert went_back < payment.amount, "an effective order whose money is gone"
        elif order.status == Order.Status.PENDING:
            assert not settling
            assert order.holds_stock
        else:
            assert not any(one.status == Payment.Status.STARTED for one in payments) or settling
            assert order.cancel_reason == Order.CancelReason.REFUNDED if settling else not order.holds_stock
        shown = page_of(order, payments).state
        assert (shown == State.ACCEPTED) == (order.status == Order.Status.EFFECTIVE)

    def _payment(self, payment: Payment, page: dict[str, Any] | None) -> None:
        """The shop against the PSP's books. What is not AUTHORISED yet may be paid there for a while."""
        status = payment.status
        if status == Payment.Status.AUTHORISED:
            assert page, "money from nowhere"
            event = payment.authorised_by
            assert event and event.processed_at and event.order_id == payment.order_id
            assert payment.money_reference == page["money"]
            assert (payment.received_amount, payment.received_currency) == (page["received"], page["currency"])
            if payment.settles:
                assert payment.received_amount == payment.amount == payment.order.total
            facts = (payment.settles, payment.why_not, payment.received_amount, payment.authorised_by_id)
            assert self.settled.setdefault(payment.pk, facts) == facts, "what is settled changed"
        elif payment.page_reference in self.world.paid_late:
            pass  # dead when it was closed: its money is on its way
        elif status in (Payment.Status.FAILED, Payment.Status.EXPIRED) and payment.page_reference:
            # A page of PayPal's is closed by our not capturing: it may look open for ever.
            alive = page and page["state"] in CAN_STILL_BE_PAID and (page["psp"] == "stripe" or page["money"])
            assert not alive, f"{status} here, {page and page['state']} at the PSP"

    def _stock(self, refunds: list[Refund]) -> None:
        """What is on the shelf and what orders hold is what there was; nobody's goods come back unasked."""
        gone: Counter[int] = Counter()
        lines = {line.order_id: line for line in OrderLine.objects.all()}
        payments = {payment.pk: payment.order_id for payment in self.payments}
        for order in self.orders:
            line = lines[order.pk]
            back = [one for one in refunds if payments[one.payment_id] == order.pk and one.goods_returned]
            pieces = sum(piece["quantity"] for one in back for piece in one.lines)
            if order.holds_stock:
                gone[line.product_id] += max(line.quantity - pieces, 0)
            if order.pk in self.has_been_effective and not any(one.goods_back for one in back):
                assert order.holds_stock, "paid goods came back, and no refund said so"
        for product in Product.objects.all():
            assert product.stock == STOCK - gone[product.pk], f"{product.stock} on the shelf"
