"""Money back: once, never too much, told as done only when the PSP has said so."""

import json
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils.timezone import now
from django.utils.translation import override
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orders.models import Order, OrderLine, Product
from orders.moves import hold
from orders.vat import shares
from payments import attention, refunds
from payments.models import Letter, Payment, Refund, SetAside, WebhookEvent
from payments.refunds import NotRefundable, Wanted, ask, carry_out
from payments.sweep import sweep
from tests.at_once import at_once
from tests.payments.steps import bring, kinds, ordered, paid, take
from tests.payments.test_paying import bring_messages
from tests.sandbox.client import Sandbox, Webhook
from tests.shop import deliver, goods, placed, started, stripe_event
from tests.worker import work

pytestmark = pytest.mark.django_db
METHODS = ["card", "twint", "paypal"]


@pytest.fixture
def sonia() -> User:
    return User.objects.create_user("sonia", is_staff=True)


def settling(order: Order) -> Payment:
    return Payment.objects.get(order=order, settles=True)


def given_back(order: Order, amount: int = 1000, **more: Any) -> Refund:
    """Staff ask for money back, and the PSP is told so."""
    refund = ask(settling(order).pk, Wanted(amount, "Bol ébréché", **more))
    carry_out(refund.pk)
    refund.refresh_from_db()
    return refund


def page_of(order: Order) -> str:
    return Client().get(f"/commande/{order.token}/").content.decode().replace("\u00a0", " ")


# Asked for by staff


@pytest.mark.parametrize("method", METHODS)
def test_a_part_goes_back_and_the_order_stays(psps: Sandbox, sonia: User, method: str) -> None:
    order, page = paid(psps, method)

    refund = ask(settling(order).pk, Wanted(1000, "Bol ébréché"), by=sonia)
    assert carry_out(refund.pk) == "succeeded"
    bring_messages(psps)

    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, order.status, order.holds_stock) == ("succeeded", "effective", True)
    assert refund.settled_by
    assert psps.payment(page)["refunded"] == 1000
    assert kinds(order)[-2:] == ["refund_requested", "refund_succeeded"]
    asked = order.timeline.get(kind="refund_requested")
    assert (asked.actor, asked.actor_name) == ("staff", "sonia")
    with override("fr"):
        assert "Bol ébréché" in asked.sentence
    said = page_of(order)
    assert "Remboursement partiel effectué" in said
    assert "CHF 10.00" in said
    assert "CHF 28.00" in said
    sweep()
    told = next(message for message in mail.outbox if "10.00" in message.subject)
    assert told.to == ["claire@exemple.ch"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("goods_back", [False, True])
def test_a_full_refund_cancels_the_order_and_its_goods_return_only_if_staff_said_so(
    psps: Sandbox, method: str, goods_back: bool
) -> None:
    order, page = paid(psps, method, goods(stock=3))

    given_back(order, order.total, goods_back=goods_back)
    bring_messages(psps)

    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "refunded")
    assert Product.objects.get().stock == (3 if goods_back else 2)
    assert order.holds_stock is not goods_back
    assert psps.payment(page)["refunded"] == order.total
    assert "Remboursement effectué" in page_of(order)
    assert settling(order).settles, "what settled stays what settled"


def test_parts_that_reach_the_whole_cancel_the_order_too(psps: Sandbox) -> None:
    order, _page = paid(psps)

    given_back(order, 3000)
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == "effective"
    given_back(order, 800)
    bring_messages(psps)

    order.refresh_from_db()
    assert order.status == "cancelled"


def test_the_pieces_that_come_back_return_to_the_stock(psps: Sandbox) -> None:
    bowl, cup = goods(stock=5), goods(stock=5)
    order, _page = paid(psps, "card", bowl, cup)
    line = order.lines.get(product=bowl)

    given_back(order, 2900, pieces={line.pk: 1}, goods_back=True)
    bring_messages(psps)

    bowl.refresh_from_db()
    cup.refresh_from_db()
    assert (bowl.stock, cup.stock) == (5, 4)
    given_back(order, 3800, goods_back=True)
    bring_messages(psps)
    bowl.refresh_from_db()
    cup.refresh_from_db()
    assert (bowl.stock, cup.stock) == (5, 5), "the piece that was back already does not come twice"


def test_goods_come_back_once_however_many_refunds_say_so(psps: Sandbox) -> None:
    order, _page = paid(psps, "card", goods(stock=3))

    given_back(order, 1000, goods_back=True, pieces={order.lines.get().pk: 1})
    bring_messages(psps)
    given_back(order, 2800, goods_back=True)
    bring_messages(psps)

    assert Product.objects.get().stock == 3


def test_goods_do_not_come_back_while_a_part_of_the_order_stays_paid(psps: Sandbox) -> None:
    order, _page = paid(psps, "card", goods(stock=3))
    with pytest.raises(NotRefundable), override("fr"):
        ask(settling(order).pk, Wanted(100, "Geste", goods_back=True))
    order.refresh_from_db()
    assert order.holds_stock


def test_goods_do_not_come_back_for_money_that_did_not_settle(psps: Sandbox) -> None:
    order, page = ordered()
    take(psps, "card", page, webhook="wrong_amount")
    bring_messages(psps)
    with pytest.raises(NotRefundable):
        ask(order.payments.get().pk, Wanted(3900, "Retour", goods_back=True))


@pytest.mark.parametrize("quantity", [0, 2])
def test_only_pieces_of_the_order_come_back(psps: Sandbox, quantity: int) -> None:
    order, _page = paid(psps)
    with pytest.raises(NotRefundable):
        ask(settling(order).pk, Wanted(100, "Retour", pieces={order.lines.get().pk: quantity}))


def test_pieces_of_another_order_are_none_of_this_one(psps: Sandbox) -> None:
    order, _page = paid(psps)
    another, _page = paid(psps)
    with pytest.raises(NotRefundable):
        ask(settling(order).pk, Wanted(100, "Retour", pieces={another.lines.get().pk: 1}))


def test_a_piece_is_refunded_once(psps: Sandbox) -> None:
    order, _page = paid(psps, "card", goods(price=1000), goods(price=2000), quantity=2)
    line = order.lines.get(unit_price=1000)
    given_back(order, 1000, pieces={line.pk: 1})
    with pytest.raises(NotRefundable):
        ask(settling(order).pk, Wanted(2000, "Retour", pieces={line.pk: 2}))
    given_back(order, 1000, pieces={line.pk: 1})
    with pytest.raises(NotRefundable):
        ask(settling(order).pk, Wanted(1000, "Retour", pieces={line.pk: 1}))


def test_a_piece_whose_refund_failed_is_refunded_after_all(psps: Sandbox) -> None:
    psps.change(refunds="failed")
    order, _page = paid(psps)
    pieces = {order.lines.get().pk: 1}
    given_back(order, 2900, pieces=pieces)
    bring_messages(psps)
    assert ask(settling(order).pk, Wanted(2900, "Retour", pieces=pieces)).amount == 2900


def test_no_more_is_given_back_for_a_piece_than_it_cost(psps: Sandbox) -> None:
    order, _page = paid(psps)
    line = order.lines.get()
    with pytest.raises(NotRefundable), override("fr"):
        ask(settling(order).pk, Wanted(line.unit_price + 1, "Retour", pieces={line.pk: 1}))


def test_the_command_names_pieces(psps: Sandbox, sonia: User) -> None:
    order, _page = paid(psps)
    line = order.lines.get()
    by = {"reason": "Retour", "by": "sonia"}
    with pytest.raises(CommandError, match="has no KK-NIX"):
        call_command("refund", order.number, "--piece", "KK-NIX", **by)
    call_command("refund", order.number, "--piece", f"{line.sku}=1", goods_back=True, **by)
    refund = Refund.objects.get()
    assert (refund.amount, refund.lines) == (line.unit_price, [{"line": line.pk, "quantity": 1}])


def test_pieces_do_not_come_back_once_more_after_all_did(psps: Sandbox) -> None:
    order, _page = paid(psps, "card", goods(stock=3))

    given_back(order, 1000)
    bring_messages(psps)
    given_back(order, 2800, goods_back=True)
    bring_messages(psps)
    given_back_again = Refund.objects.create(
        payment=settling(order),
        amount=1,
        reference="re_more",
        goods_back=True,
        lines=[{"line": order.lines.get().pk, "quantity": 1}],
    )
    with transaction.atomic():
        refunds._return_goods(hold(pk=order.pk), given_back_again)

    assert Product.objects.get().stock == 3


def test_pieces_come_back_once_though_their_refund_bounced_and_was_made_after_all(psps: Sandbox) -> None:
    order, page = paid(psps, "card", goods(stock=5), quantity=2)
    given_back(order, 2900, pieces={order.lines.get().pk: 1}, goods_back=True)
    made = psps.payment(page)["refunds"][0]["id"]
    bring_messages(psps)

    for state in ("failed", "succeeded"):
        psps.settle_refund(made, state)
        bring_messages(psps)

    assert Refund.objects.get().status == "succeeded"
    assert Product.objects.get().stock == 4, "the other piece is with the customer"


def test_the_command_asks_for_all_that_is_left(psps: Sandbox, sonia: User, capsys: pytest.CaptureFixture[str]) -> None:
    order, _page = paid(psps)
    given_back(order, 1000)
    bring_messages(psps)

    call_command("refund", order.number, reason="Retour", by="sonia", goods_back=True)

    refund = Refund.objects.get(amount=2800)
    assert (refund.requested_by, refund.goods_back, refund.status) == (sonia, True, "requested")
    assert str(refund.pk) in capsys.readouterr().out


def test_the_command_asks_for_a_part_in_francs_and_centimes(psps: Sandbox, sonia: User) -> None:
    order, _page = paid(psps)
    call_command("refund", order.number, "--amount", "29.05", "--reason", "Retour", "--by", "sonia")
    assert Refund.objects.get().amount == 2905


@pytest.mark.parametrize("amount", ["29", "29.0", "29.005", "-1.00", "1e2", "29,00"])
def test_the_command_takes_no_amount_that_may_be_misread(psps: Sandbox, sonia: User, amount: str) -> None:
    order, _page = paid(psps)
    with pytest.raises(CommandError, match="no amount"):
        call_command("refund", order.number, f"--amount={amount}", "--reason", "Retour", "--by", "sonia")


def test_the_command_knows_its_orders(sonia: User) -> None:
    with pytest.raises(CommandError, match="There is no order KK-0000-0000"):
        call_command("refund", "KK-0000-0000", reason="Retour", by="sonia")


def test_the_command_says_why_not(psps: Sandbox, sonia: User) -> None:
    order, _page = paid(psps)
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"amount": order.total + 1}, "38.00"),
        ({"by": "nobody"}, "no active member of staff"),
        ({"payment": "00000000-0000-4000-8000-000000000000"}, "no such payment"),
        ({"amount": 0}, r"above zero|supérieur"),
    ]
    for options, why in mistakes:
        with pytest.raises(CommandError, match=why):
            call_command("refund", order.number, **({"reason": "Retour", "by": "sonia"} | options))
    assert not Refund.objects.exists()
    given_back(order, order.total)
    bring_messages(psps)
    with pytest.raises(CommandError, match="Nothing is left"):
        call_command("refund", order.number, reason="Retour", by="sonia")


def failed(psps: Sandbox, order: Order, amount: int = 1000) -> Refund:
    """A refund that did not get through; the next one will."""
    psps.change(refunds="failed")
    refund = given_back(order, amount)
    bring_messages(psps)
    psps.change(refunds="succeeded")
    return refund


def test_the_command_asks_in_the_place_of_a_refund_that_failed_for_as_much(psps: Sandbox, sonia: User) -> None:
    order, _page = paid(psps)
    before = failed(psps, order)

    call_command("refund", order.number, "--instead-of", str(before.pk), "--reason", "Retour", "--by", "sonia")

    again = Refund.objects.get(instead_of=before)
    assert (again.amount, again.payment, again.requested_by) == (1000, settling(order), sonia)
    assert attention.items() == []


def test_in_the_place_of_a_whole_refund_goes_what_is_left_of_it(psps: Sandbox, sonia: User) -> None:
    order, _page = paid(psps)
    before = failed(psps, order, order.total)
    given_back(order, 1000)

    with override("fr"), pytest.raises(NotRefundable, match=r"CHF.28\.00"):
        ask(settling(order).pk, Wanted(2799, "Retour", instead_of=before.pk))
    call_command("refund", order.number, "--instead-of", str(before.pk), "--reason", "Retour", "--by", "sonia")

    assert Refund.objects.get(instead_of=before).amount == 2800


def test_the_command_asks_again_for_money_that_did_not_settle(psps: Sandbox, sonia: User) -> None:
    psps.change(refunds="failed")
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    bring_messages(psps)
    before = Refund.objects.get()
    carry_out(before.pk)

    call_command("refund", order.number, "--instead-of", str(before.pk), "--reason", "Retour", "--by", "sonia")

    assert Refund.objects.get(instead_of=before).payment.why_not == "second"


def test_a_refund_takes_no_place_that_is_not_free(psps: Sandbox, sonia: User) -> None:
    order, _page = paid(psps)
    made = given_back(order)
    bring_messages(psps)
    of_another = failed(psps, paid(psps)[0])
    replaced = failed(psps, order)
    given_back(order, instead_of=replaced.pk)
    closed = failed(psps, order)
    attention.set_aside(SetAside.Kind.REFUND_FAILED, str(closed.pk), sonia, "Par virement")
    before = Refund.objects.count()

    for refund in (made, of_another):
        with override("en"), pytest.raises(NotRefundable, match="did not fail"):
            ask(settling(order).pk, Wanted(1000, "Retour", instead_of=refund.pk))
    for refund in (replaced, closed):
        with override("en"), pytest.raises(NotRefundable, match="dealt with"):
            ask(settling(order).pk, Wanted(1000, "Retour", instead_of=refund.pk))
    with pytest.raises(CommandError, match="--instead-of"):
        call_command("refund", order.number, "--instead-of", "re_1", "--reason", "Retour", "--by", "sonia")

    assert Refund.objects.count() == before


# What cannot be


def test_no_more_than_came_goes_back(psps: Sandbox) -> None:
    order, _page = paid(psps)
    given_back(order, 3000)

    with override("fr"), pytest.raises(NotRefundable, match=r"CHF.8\.00"):
        ask(settling(order).pk, Wanted(801, "Retour"))
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_is_no_refund(psps: Sandbox, amount: int) -> None:
    order, _page = paid(psps)
    with pytest.raises(NotRefundable):
        ask(settling(order).pk, Wanted(amount, "Retour"))


def test_a_payment_that_never_came_is_not_refunded() -> None:
    payment = started(placed())
    with pytest.raises(NotRefundable):
        ask(payment.pk, Wanted(100, "Retour"))


def test_case_34_a_disputed_payment_is_not_refunded_beside_the_dispute(psps: Sandbox) -> None:
    order, page = paid(psps)
    dispute = psps.dispute(page)
    bring_messages(psps)

    with override("fr"), pytest.raises(NotRefundable, match="contesté"):
        ask(settling(order).pk, Wanted(100, "Retour"))

    psps.move_dispute(dispute, "won")
    bring_messages(psps)
    refund = ask(settling(order).pk, Wanted(100, "Retour"))
    assert carry_out(refund.pk) == "succeeded"


def test_a_refund_that_was_asked_for_before_the_dispute_waits_and_is_looked_at_daily(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(settling(order).pk, Wanted(100, "Retour"))
    other = ask(settling(paid(psps)[0]).pk, Wanted(100, "Retour"))
    psps.dispute(page)
    bring_messages(psps)

    assert carry_out(refund.pk) == "not due"

    refund.refresh_from_db()
    other.refresh_from_db()
    assert is_in(refund.next_try_at, timedelta(hours=24))
    assert is_in(other.next_try_at, timedelta(minutes=5))
    assert psps.payment(page)["refunds"] == []


@pytest.mark.parametrize(
    ("method", "days", "possible"), [("twint", 179, True), ("twint", 181, False), ("card", 181, True)]
)
def test_case_34_twint_gives_nothing_back_after_180_days(psps: Sandbox, method: str, days: int, possible: bool) -> None:
    order, _page = paid(psps, method)
    Payment.objects.update(authorised_at=now() - timedelta(days=days))

    if possible:
        assert ask(settling(order).pk, Wanted(100, "Retour")).status == "requested"
        return
    with override("fr"), pytest.raises(NotRefundable, match="180 jours"):
        ask(settling(order).pk, Wanted(100, "Retour"))


@pytest.mark.parametrize("method", ["twint", "paypal"])
def test_what_the_psp_refuses_for_good_fails_at_once_and_is_on_the_list(psps: Sandbox, method: str) -> None:
    order, page = paid(psps, method)
    psps.age(page, 181)

    refund = given_back(order)

    assert refund.status == "failed"
    assert refund.refusal
    assert kinds(order)[-1] == "refund_failed"
    assert [item.kind for item in attention.items(order)] == ["refund_failed"]
    assert carry_out(refund.pk) == "not due"


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_do_not_give_more_than_came_together(psps: Sandbox) -> None:
    order, page = paid(psps)
    payment = settling(order)

    def want() -> str:
        try:
            return str(ask(payment.pk, Wanted(2000, "Retour")).pk)
        except NotRefundable:
            return ""

    answers = at_once(*[want] * 4)

    assert len([answer for answer in answers if answer]) == 1
    for refund in Refund.objects.all():
        carry_out(refund.pk)
    assert psps.payment(page)["refunded"] == 2000


@pytest.mark.django_db(transaction=True)
def test_a_refund_carried_out_by_many_at_once_gives_once(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))

    at_once(*[lambda: carry_out(refund.pk)] * 4)
    bring_messages(psps)

    assert [made["amount"] for made in psps.payment(page)["refunds"]] == [1000]
    assert Refund.objects.get().status == "succeeded"


# Not done before the PSP says so


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_woo_4405_a_pending_refund_is_shown_as_on_its_way(psps: Sandbox, method: str) -> None:
    psps.change(refunds="pending")
    order, page = paid(psps, method)
    refund = given_back(order, order.total)
    bring_messages(psps)

    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, order.status) == ("requested", "effective")
    assert carry_out(refund.pk) == "not due", "the PSP has it"
    assert not Letter.objects.filter(kind="refunded").exists()
    said = page_of(order)
    assert "Un remboursement est en route" in said
    assert "Remboursement effectué" not in said

    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "succeeded")
    bring_messages(psps)
    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, order.status) == ("succeeded", "cancelled")


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_woo_1523_a_refund_that_fails_after_a_while_is_known_and_on_the_list(psps: Sandbox, method: str) -> None:
    """PayPal sends no message of it: it is read after a day."""
    psps.change(refunds="pending")
    order, page = paid(psps, method)
    refund = given_back(order)
    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed")
    bring_messages(psps)
    Refund.objects.update(next_try_at=now())

    sweep()

    refund.refresh_from_db()
    assert refund.status == "failed"
    assert refund.settled_by in order.events.all()
    assert "10.00" in order.timeline.get(kind="refund_failed").sentence
    assert "refund_failed" in [item.kind for item in attention.items()]


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_a_refund_that_the_psp_calls_failed_at_once_is_failed_at_once(psps: Sandbox, method: str) -> None:
    psps.change(refunds="failed")
    order, _page = paid(psps, method)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))
    assert carry_out(refund.pk) == "failed"
    refund.refresh_from_db()
    assert refund.status == "failed"


@pytest.mark.parametrize("method", METHODS)
def test_a_refund_of_which_the_psp_tells_nothing_is_read_after_a_day(psps: Sandbox, method: str) -> None:
    psps.change(refunds="pending")
    order, page = paid(psps, method)
    refund = given_back(order, order.total)
    psps.collect()
    other = ask(settling(paid(psps)[0]).pk, Wanted(100, "Retour"))
    Refund.objects.filter(pk=refund.pk).update(next_try_at=now())
    sweep()
    refund.refresh_from_db()
    other.refresh_from_db()
    assert refund.status == "requested"
    assert is_in(refund.next_try_at, timedelta(hours=24))
    assert is_in(other.next_try_at, timedelta(minutes=5))

    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "succeeded", webhook="never")
    Refund.objects.update(next_try_at=now())
    sweep()

    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, order.status) == ("succeeded", "cancelled")
    assert refund.settled_by
    assert refund.settled_by.source == "read"
    assert Letter.objects.filter(kind="refunded", about=refund.pk).count() == 1


def test_case_33_a_refund_that_bounces_is_turned_back_and_on_the_list(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = given_back(order, order.total)
    bring_messages(psps)
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert attention.items() == []

    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed", reason="expired_or_canceled_card")
    bring_messages(psps)

    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, order.status) == ("failed", "cancelled"), "staff decide about the order"
    (item,) = attention.items()
    assert (item.kind, item.order) == ("refund_failed", order)
    given_back(order, order.total)
    assert attention.items() == [], "what was asked for again waits for nobody"


def test_case_33_a_message_that_the_refund_was_made_is_not_believed_after_it_bounced(psps: Sandbox) -> None:
    """Stripe promises no order: the message of the success may come last."""
    order, page = paid(psps)
    refund = given_back(order)
    first = psps.collect()
    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed")

    bring_messages(psps)
    for webhook in first:
        assert bring(webhook).status_code == 200

    refund.refresh_from_db()
    assert refund.status == "failed"


def test_late_truth_wins_over_a_refund_that_had_failed(psps: Sandbox) -> None:
    psps.change(refunds="failed")
    order, page = paid(psps)
    refund = given_back(order)
    bring_messages(psps)
    refund.refresh_from_db()
    assert refund.status == "failed"

    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "succeeded")
    bring_messages(psps)

    refund.refresh_from_db()
    assert refund.status == "succeeded"
    assert attention.items() == []


# Made at the PSP's dashboard


def told_again(psps: Sandbox, webhook: Webhook) -> Webhook:
    """The same news in another event."""
    body = webhook.body.replace(webhook.event.encode(), webhook.event[:-4].encode() + b"TWIN")
    return replace(webhook, body=body, headers=webhook.headers | psps.sign(webhook.psp, body))


@pytest.mark.parametrize("method", METHODS)
def test_case_32_refunds_of_the_dashboard_come_in_and_add_up(psps: Sandbox, method: str) -> None:
    order, page = paid(psps, method)

    psps.refund(page, 1000)
    psps.refund(page, 500)
    messages = psps.collect()
    for webhook in [*messages, *[told_again(psps, webhook) for webhook in messages]]:
        assert bring(webhook).status_code == 200

    order.refresh_from_db()
    assert [(refund.amount, refund.status, refund.requested_by) for refund in Refund.objects.all()] == [
        (1000, "succeeded", None),
        (500, "succeeded", None),
    ]
    assert order.status == "effective"
    assert settling(order).refundable() == order.total - 1500
    assert kinds(order).count("refund_found") == 2
    assert "Remboursement partiel effectué" in page_of(order)


def test_a_full_refund_of_the_dashboard_cancels_the_order_and_leaves_the_goods(psps: Sandbox) -> None:
    order, page = paid(psps, "paypal", goods(stock=3))
    psps.refund(page)
    bring_messages(psps)

    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "refunded")
    assert Product.objects.get().stock == 2


def test_what_went_back_beyond_what_came_is_recorded_all_the_same() -> None:
    """No sum may keep the truth out: a dashboard knows no bound of ours."""
    order = placed()
    payment = started(order)
    deliver(stripe_event(payment))
    payment.refresh_from_db()
    for n, amount in enumerate([order.total, 500]):
        Refund.objects.create(payment=payment, amount=amount, status="requested", reference=f"re_{n}")
    assert payment.refundable() == 0
    with pytest.raises(NotRefundable):
        ask(payment.pk, Wanted(1, "Retour"))


def test_woo_838_a_refunds_message_before_its_api_answer_is_the_same_refund(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))
    psps.break_calls("lost", "/stripe/v1/refunds", method="POST", calls=2)
    assert carry_out(refund.pk) == "unknown"
    refund.refresh_from_db()
    assert refund.reference is None

    bring_messages(psps)

    refund.refresh_from_db()
    assert (refund.status, Refund.objects.count()) == ("succeeded", 1)
    assert refund.reference == psps.payment(page)["refunds"][0]["id"]
    assert carry_out(refund.pk) == "not due"


@pytest.mark.parametrize("became", ["pending", "failed"])
def test_what_came_of_a_refund_whose_answer_was_lost_is_learnt_from_its_message(psps: Sandbox, became: str) -> None:
    psps.change(refunds=became)
    order, page = paid(psps)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))
    psps.break_calls("lost", "/stripe/v1/refunds", method="POST", calls=2)
    assert carry_out(refund.pk) == "unknown"

    bring_messages(psps)

    refund.refresh_from_db()
    assert refund.status == {"pending": "requested"}.get(became, became)
    assert refund.reference == psps.payment(page)["refunds"][0]["id"]
    if became == "pending":
        assert is_in(refund.next_try_at, timedelta(hours=24))


@pytest.mark.parametrize("method", ["card", "paypal"])
@pytest.mark.parametrize("fault", ["lost", "late_500"])
def test_pretix_4911_an_answer_that_was_lost_after_the_effect_gives_once(
    psps: Sandbox, method: str, fault: str
) -> None:
    order, page = paid(psps, method)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))
    psps.break_calls(fault, "*/refund*", method="POST", calls=2)
    assert carry_out(refund.pk) == "unknown"
    psps.mend()
    Refund.objects.update(next_try_at=now())

    sweep()
    bring_messages(psps)

    assert [made["amount"] for made in psps.payment(page)["refunds"]] == [1000]
    refund.refresh_from_db()
    assert (refund.status, Refund.objects.count()) == ("succeeded", 1)


@pytest.mark.parametrize(("method", "life"), [("card", timedelta(hours=21)), ("paypal", timedelta(days=41))])
@pytest.mark.parametrize("made", [True, False])
def test_case_28_after_the_life_of_its_key_a_refund_is_looked_for_before_it_is_made(
    psps: Sandbox, method: str, life: timedelta, made: bool
) -> None:
    order, page = paid(psps, method)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))
    psps.break_calls("lost" if made else "down", "*/refund*", method="POST", calls=2)
    assert carry_out(refund.pk) == "unknown"
    psps.mend()
    psps.forget_keys()
    Refund.objects.update(created_at=now() - life)

    carry_out(refund.pk)

    assert [found["amount"] for found in psps.payment(page)["refunds"]] == [1000]
    refund.refresh_from_db()
    assert refund.reference == psps.payment(page)["refunds"][0]["id"]
    assert refund.key_number == 1


def test_case_28_each_try_after_the_life_of_its_key_has_a_key_of_its_own(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund, other = (ask(settling(order).pk, Wanted(1000, "Retour")) for _ in range(2))
    Refund.objects.filter(pk=refund.pk).update(created_at=now() - timedelta(hours=21))
    psps.forget_requests()
    for _ in range(2):
        psps.break_calls("429", "/stripe/v1/refunds", method="POST", calls=9)
        assert carry_out(refund.pk) == "unknown"
        psps.mend()

    asked = {call["key"] for call in psps.requests("/v1/refunds") if call["method"] == "POST"}
    assert asked == {f"{refund.pk}-1", f"{refund.pk}-2"}
    other.refresh_from_db()
    assert other.key_number == 0


def is_in(moment: Any, span: timedelta) -> bool:
    return bool(abs(moment - now() - span) < timedelta(minutes=1))


def test_a_refund_is_due_again_until_its_end_is_known(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = ask(settling(order).pk, Wanted(1, "Un centime"))
    assert is_in(refund.next_try_at, timedelta(minutes=5))

    psps.break_calls("down", "*/refund*", calls=2)
    Refund.objects.update(next_try_at=now())
    assert carry_out(refund.pk) == "unknown"
    refund.refresh_from_db()
    assert is_in(refund.next_try_at, timedelta(minutes=5))

    psps.mend()
    assert carry_out(refund.pk) == "succeeded"
    refund.refresh_from_db()
    assert refund.status == "requested", "the PSP's message alone says that it is done"
    assert is_in(refund.next_try_at, timedelta(hours=24))

    bring_messages(psps)
    refund.refresh_from_db()
    assert (refund.status, refund.next_try_at, refund.refusal) == ("succeeded", None, "")
    assert refund.settled_at
    assert is_in(refund.settled_at, timedelta(0))
    assert refund.settled_by in order.events.all()


def test_news_that_a_refund_is_on_its_way_changes_nothing_of_one_that_arrived(psps: Sandbox) -> None:
    psps.change(refunds="pending")
    order, page = paid(psps)
    refund = given_back(order)
    on_its_way = psps.collect()
    psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "succeeded")
    bring_messages(psps)
    refund.refresh_from_db()
    reference = refund.reference

    for message in on_its_way:
        bring(message)

    refund.refresh_from_db()
    assert (refund.status, refund.next_try_at, refund.reference) == ("succeeded", None, reference)


def test_the_timeline_says_who_asked_for_what_and_what_came_of_it(psps: Sandbox, sonia: User) -> None:
    order, _page = paid(psps)
    by_sonia = ask(settling(order).pk, Wanted(1000, "Bol ébréché"), by=sonia)
    by_the_shop = ask(settling(order).pk, Wanted(500, "Geste"))
    assert (by_sonia.requested_by, by_the_shop.requested_by) == (sonia, None)
    carry_out(by_sonia.pk)
    bring_messages(psps)

    told = [(line.kind, line.actor, line.actor_name, line.data) for line in order.timeline.all()][-3:]
    assert told == [
        ("refund_requested", "staff", "sonia", {"amount": "CHF\u00a010.00", "reason": "Bol ébréché"}),
        ("refund_requested", "system", "", {"amount": "CHF\u00a05.00", "reason": "Geste"}),
        ("refund_succeeded", "bank", "", {"amount": "CHF\u00a010.00"}),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_worker_carries_a_refund_out_at_once(psps: Sandbox) -> None:
    order, page = paid(psps)
    ask(settling(order).pk, Wanted(1000, "Retour"))

    work()

    assert psps.payment(page)["refunding"] + psps.payment(page)["refunded"] == 1000


# Ahead of its payment


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_case_49_a_refund_ahead_of_its_payment_waits_for_it(psps: Sandbox, method: str) -> None:
    order, page = ordered(method)
    take(psps, method, page)
    money = psps.collect()
    psps.refund(page, 1000)
    for webhook in psps.collect():
        answer = bring(webhook)
        assert answer.status_code == 200
    assert not Refund.objects.exists()
    assert order.events.count() == 0

    for webhook in money:
        assert bring(webhook).status_code == 200
    WebhookEvent.objects.filter(processed_at=None).update(received_at=now() - timedelta(minutes=2))
    sweep()

    assert Refund.objects.get().status == "succeeded"
    order.refresh_from_db()
    assert order.status == "effective"


# By the shop itself


@pytest.mark.parametrize("method", ["card", "paypal"])
def test_case_12_a_second_payment_goes_back_by_itself(psps: Sandbox, method: str) -> None:
    order, page = ordered(method)
    other = started(order, "twint", status="expired")
    deliver(stripe_event(other))
    order.refresh_from_db()
    assert order.status == "effective"
    # PayPal's money is taken by hand here: the shop does not capture for an order that is paid.
    if method == "paypal":
        Order.objects.update(status="pending", effective_at=None)
        take(psps, method, page)
        Order.objects.update(status="effective", effective_at=now())
    else:
        take(psps, method, page)
    bring_messages(psps)
    second = Payment.objects.get(why_not="second")
    refund = second.refunds.get()

    Refund.objects.update(next_try_at=now())
    assert sweep()["refunds"] == 1
    bring_messages(psps)

    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, refund.requested_by, order.status) == ("succeeded", None, "effective")
    assert psps.payment(page)["refunded"] == order.total
    assert attention.items() == []
    assert "deux paiements" in page_of(order)


# VAT


RATES = st.sampled_from([Decimal("8.1"), Decimal("2.6"), Decimal("3.8")])


@given(
    sold=st.dictionaries(RATES, st.integers(1, 500_000), min_size=1),
    shipping=st.integers(0, 2000),
    cuts=st.lists(st.tuples(st.integers(1, 500_000), st.integers(-1, 2)), max_size=5),
    bounced=st.integers(0, 5),
)
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_vat_of_refunds_adds_up_to_them_and_at_last_to_the_orders(
    db: None, sold: dict[Decimal, int], shipping: int, cuts: list[tuple[int, int]], bounced: int
) -> None:
    """A cut is an amount, pro rata (-1) or for the piece of that place."""
    frozen = shares(sold, shipping)
    total = sum(sold.values()) + shipping
    order = placed(*(goods() for _ in sold))
    pieces = list(order.lines.all())
    for line, (rate, price) in zip(pieces, sold.items(), strict=True):
        OrderLine.objects.filter(pk=line.pk).update(vat_rate=rate, unit_price=price)
    prices = dict(zip((line.pk for line in pieces), sold.values(), strict=True))
    vat = [{"rate": str(one.rate), "base": one.base, "tax": one.tax} for one in frozen]
    Order.objects.filter(pk=order.pk).update(
        vat=vat, total=total, goods_total=total - shipping, shipping_total=shipping
    )
    order.refresh_from_db()
    deliver(stripe_event(started(order)))
    payment = settling(order)
    left = total
    for n, (cut, piece) in enumerate([*cuts, (total, -1)]):
        named = pieces[piece].pk if 0 <= piece < len(pieces) and pieces[piece].pk in prices else None
        if amount := min(cut, left, prices[named] if named else left):
            refund = ask(payment.pk, Wanted(amount, "Retour", {named: 1} if named else {}))
            if named and n != bounced:
                del prices[named]
            assert sum(share["base"] + share["tax"] for share in refund.vat) == amount
            assert all(share["base"] >= 0 and share["tax"] >= 0 for share in refund.vat)
            if n == bounced:
                Refund.objects.filter(pk=refund.pk).update(status="failed")
            else:
                left -= amount
    if left:
        ask(payment.pk, Wanted(left, "Retour"))

    tax: dict[Decimal, int] = defaultdict(int)
    for refund in payment.refunds.exclude(status="failed"):
        for share in refund.vat:
            tax[Decimal(share["rate"])] += share["tax"]
    assert {rate: one for rate, one in tax.items() if one} == {one.rate: one.tax for one in frozen if one.tax}


def test_money_that_settled_nothing_goes_back_without_vat(psps: Sandbox) -> None:
    order, page = ordered()
    deliver(stripe_event(started(order, "twint", status="expired")))
    take(psps, "card", page)
    bring_messages(psps)
    assert Refund.objects.get().vat == []


def test_the_vat_of_a_refund_is_that_of_its_pieces(psps: Sandbox) -> None:
    bowl, book = goods(price=10_810), goods(price=10_260, vat_class="reduced")
    frozen = shares({Decimal("8.1"): 10_810, Decimal("2.6"): 10_260}, 900)
    order = placed(bowl, book, vat=[{"rate": str(one.rate), "base": one.base, "tax": one.tax} for one in frozen])
    OrderLine.objects.filter(product=book).update(vat_rate=Decimal("2.6"))
    deliver(stripe_event(started(order)))

    refund = ask(settling(order).pk, Wanted(10_260, "Retour", pieces={order.lines.get(product=book).pk: 1}))

    assert refund.vat == [{"rate": "2.6", "base": 10_000, "tax": 260}]
    both = ask(settling(order).pk, Wanted(5_000, "Geste"))
    assert [share["rate"] for share in both.vat] == ["8.1", "2.6"], "the dearest rate comes first, as on the paper"
    assert json.dumps(refund.lines)


def test_no_rate_gives_more_vat_back_than_was_paid_at_it(psps: Sandbox) -> None:
    """A piece whose rate has partly gone back already, pro rata: the rest falls to the other rate."""
    bowl, book = goods(price=10_000), goods(price=10_000, vat_class="reduced")
    frozen = shares({Decimal("8.1"): 10_000, Decimal("2.6"): 10_000}, 900)
    order = placed(bowl, book, vat=[{"rate": str(one.rate), "base": one.base, "tax": one.tax} for one in frozen])
    OrderLine.objects.filter(product=book).update(vat_rate=Decimal("2.6"))
    deliver(stripe_event(started(order)))
    ask(settling(order).pk, Wanted(10_000, "Geste"))

    refund = ask(settling(order).pk, Wanted(10_000, "Retour", pieces={order.lines.get(product=bowl).pk: 1}))

    assert {share["rate"]: share["base"] + share["tax"] for share in refund.vat} == {"8.1": 5_450, "2.6": 4_550}


def test_pieces_of_one_rate_are_taxed_together(psps: Sandbox) -> None:
    order = placed(goods(price=1_081), goods(price=2_162), goods(price=500))
    deliver(stripe_event(started(order)))
    pieces = {line.pk: 1 for line in order.lines.exclude(unit_price=500)}
    refund = ask(settling(order).pk, Wanted(3_243, "Retour", pieces=pieces))
    assert refund.vat == [{"rate": "8.1", "base": 3_000, "tax": 243}]


def test_pieces_of_several_rates_bring_back_what_each_rate_had_of_them(psps: Sandbox) -> None:
    frozen = shares({Decimal("8.1"): 6_000, Decimal("2.6"): 6_000}, 900)
    vat = [{"rate": str(one.rate), "base": one.base, "tax": one.tax} for one in frozen]
    order = placed(goods(price=1_000), goods(price=2_000), goods(price=3_000), quantity=2, vat=vat)
    order.lines.filter(unit_price=3_000).update(vat_rate=Decimal("2.6"))
    deliver(stripe_event(started(order)))

    refund = ask(settling(order).pk, Wanted(6_000, "Retour", pieces={line.pk: 1 for line in order.lines.all()}))

    assert [share["base"] + share["tax"] for share in refund.vat] == [3_000, 3_000]


def test_goods_that_were_asked_back_and_did_not_come_are_still_out(psps: Sandbox) -> None:
    """A refund that only promises goods takes nothing off what another one brings back."""
    bowl = goods(stock=5)
    order, _page = paid(psps, "card", bowl, goods(), quantity=2)
    line = order.lines.get(product=bowl)
    ask(settling(order).pk, Wanted(100, "Retour", pieces={line.pk: 1}, goods_back=True))
    given_back(order, 100, pieces={line.pk: 1}, goods_back=True)
    bring_messages(psps)
    bowl.refresh_from_db()
    assert bowl.stock == 4
