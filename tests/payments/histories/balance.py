"""The end of a history: everything comes to rest, and then every centime must be accounted for."""

from collections import Counter
from datetime import timedelta
from typing import Any

from django.core import mail

from orders.models import Order
from payments import attention
from payments.models import Attestation, Dispute, Letter, Payment, Refund, WebhookEvent
from tests.payments.histories.holds import Watch
from tests.payments.histories.world import World

AN_ORDERS_LIFE = timedelta(hours=5)
"""Longer than a page and an order live, however often a customer tries again."""
LONG_WAITS = [timedelta(hours=hours) for hours in (25, 73, 96, 96)]
"""A refund is read after a day; what waits for its payment is listed after three, what waits for a bank after seven, a
refund that the PSP keeps after ten."""
AT_THE_PSP = {"succeeded": "succeeded", "pending": "requested", "failed": "failed", "canceled": "failed"}
BETWEEN_TRIES = timedelta(minutes=45)
"""Longer than the sweep waits before it tries anything again."""
MOST_SWEEPS = 6


def bring_to_rest(world: World, watch: Watch) -> None:
    """Nothing is broken any more, all that was said arrives, time passes. No worker helps: the sweep finds it all."""
    world.psps.mend()
    world.psps.change(refunds="succeeded")
    _let_pass(world, AN_ORDERS_LIFE)
    for wait in LONG_WAITS:
        if _something_waits():
            _let_pass(world, wait)
    for _ in range(MOST_SWEEPS):
        before = _states()
        _let_pass(world, BETWEEN_TRIES)
        if _states() == before:
            watch.look()
            return
    raise AssertionError("the shop does not come to rest")


def _let_pass(world: World, wait: timedelta) -> None:
    world.bring_all()
    world.clock.move(wait)
    world.sweep()
    world.bring_all()


def _something_waits() -> bool:
    """For a bank, or for its payment; what is seen paid waits for staff alone."""
    return (
        Payment.objects.filter(status=Payment.Status.STARTED, paid_seen_at=None).exists()
        or Refund.objects.filter(status=Refund.Status.REQUESTED).exists()
        or WebhookEvent.objects.filter(processed_at=None).exists()
    )


def _states() -> list[Any]:
    """Of all that has one; and the letters that are left."""
    states = [set(model._default_manager.values_list("pk", "status")) for model in (Order, Payment, Refund, Dispute)]
    return [*states, set(Letter.objects.values_list("pk", "sent_at"))]


def check(world: World) -> None:
    """The PSPs' books against the shop's."""
    listed = attention.items()
    kinds: dict[int | None, list[str]] = {}
    for item in listed:
        kinds.setdefault(item.order.pk if item.order else None, []).append(item.kind)
    for page in world.pages():
        _money(page, kinds)
    for order in Order.objects.all():
        _order(order, kinds)
    unapplied = WebhookEvent.objects.filter(processed_at=None).count()
    assert [item.kind for item in listed].count("unapplied") == unapplied, "a message that nobody sees"
    _letters()


def _money(page: dict[str, Any], kinds: dict[int | None, list[str]]) -> None:
    payment = Payment.objects.select_related("order").get(pk=page["reference"])
    on_the_list = kinds.get(payment.order_id, [])
    if not page["received"]:
        assert payment.status != Payment.Status.AUTHORISED
        return
    if payment.status != Payment.Status.AUTHORISED:
        assert "unannounced" in on_the_list, f"{page['received']} came, and nobody knows"
        return
    refunds = list(payment.refunds.all())
    for made in page["refunds"]:
        _refund(page, made, refunds)
    for refund in refunds:
        if refund.status == Refund.Status.REQUESTED and "dispute" in on_the_list:
            continue  # it waits for the end of the dispute
        if refund.status in (Refund.Status.REQUESTED, Refund.Status.SUCCEEDED):
            assert any(made["id"] == refund.reference for made in page["refunds"]), "a refund that was never made"
    replaced = {refund.instead_of_id for refund in refunds}
    if any(one.status == Refund.Status.FAILED and one.pk not in replaced for one in refunds):
        assert "refund_failed" in on_the_list or not payment.refundable(), "a refund failed, and it is on no list"
    for dispute in page["disputes"]:
        row = Dispute.objects.get(reference=dispute["id"])
        over = dispute["status"] in ("won", "lost", "RESOLVED")
        assert (row.status == Dispute.Status.OPEN) is not over
        assert over or "dispute" in on_the_list
    here = page["received"] - page["refunded"] - page["refunding"] - page["disputed"]
    if not payment.settles and here > 0:
        assert {payment.why_not, "refund_failed"} & {*on_the_list}, f"{here} ({payment.why_not}) is on no list"
    if payment.settles and payment.order.status == Order.Status.CANCELLED and here > 0:
        assert "refund_failed" in on_the_list, f"a cancelled order keeps {here}, and it is on no list"


def _refund(page: dict[str, Any], made: dict[str, Any], refunds: list[Refund]) -> None:
    known = [refund for refund in refunds if refund.reference == made["id"]]
    if not known:
        # PayPal tells of a refund of its dashboard once it is made, and of no other.
        assert page["psp"] == "paypal" and made["status"] != "succeeded", "a refund at the PSP that nobody knows"
        return
    (refund,) = known
    assert refund.amount == made["amount"]
    assert refund.status == AT_THE_PSP[made["status"]], f"{refund.status} here, {made['status']} at the PSP"


def _order(order: Order, kinds: dict[int | None, list[str]]) -> None:
    if order.status == Order.Status.EFFECTIVE:
        (confirmation,) = order.letters.filter(kind=Letter.Kind.CONFIRMATION)
        assert confirmation.about == str(order.payments.get(settles=True).pk)
        assert Attestation.objects.filter(order=order).exists()
    if order.status == Order.Status.PENDING:
        assert kinds.get(order.pk), "an order that waits for ever, and nobody knows"


def _letters() -> None:
    """Every letter left, and none twice; of all money that came or went back somebody was told."""
    assert not Letter.objects.filter(sent_at=None).exists()
    sent = Counter(message.extra_headers["Message-ID"] for message in mail.outbox)
    assert set(sent.values()) <= {1}, "a letter left twice"
    assert len(sent) == Letter.objects.count()
    for payment in Payment.objects.exclude(why_not=""):
        refunds = payment.refunds.all()
        # Of money that went back before it was known here its refund tells, once it is certain.
        written = Letter.objects.filter(about__in=[payment.pk, *refunds.values_list("pk", flat=True)]).exists()
        on_its_way = refunds.filter(status=Refund.Status.REQUESTED, requested_by=None).exists()
        # Of what a bank took back before it was known here staff hear as of a dispute.
        assert written or on_its_way or payment.disputes.exists(), f"money came ({payment.why_not}) without a word"
    for refund in Refund.objects.filter(status=Refund.Status.SUCCEEDED).select_related("payment__order"):
        payment = refund.payment
        told = payment.order.letters.filter(about__in=[str(refund.pk), str(payment.pk)])
        assert told.exclude(kind=Letter.Kind.CONFIRMATION).exists(), "money went back without a word"
