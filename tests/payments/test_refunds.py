"""Money back: once, never too much, and only what was paid."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import override

from orders.models import Order, Product
from orders.moves import hold
from payments import attention, refunds
from payments.models import Payment, Refund, SetAside, WebhookEvent
from payments.refunds import NotRefundable, Wanted, ask, carry_out
from payments.sweep import sweep
from tests.at_once import at_once
from tests.payments.steps import bring, bring_messages, given_back, is_in, kinds, ordered, page_of, paid, settling, take
from tests.sandbox.client import Sandbox
from tests.shop import deliver, goods, placed, started, stripe_event

pytestmark = pytest.mark.django_db
METHODS = ["card", "twint", "paypal"]


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
    with pytest.raises(NotRefundable) as refused, override("fr"):
        ask(settling(order).pk, Wanted(100, "Geste", goods_back=True))
    assert "les pièces" in refused.value.sentence
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


def test_by_the_command_too_another_person_releases_what_is_above_the_limit_or_turns_it_down(
    psps: Sandbox, sonia: User, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.REFUND_FOUR_EYES_ABOVE = 2000
    User.objects.create_superuser("urs")
    order, page = paid(psps)

    call_command("refund", order.number, reason="Retour", by="sonia")
    refund = Refund.objects.get()
    assert refund.status == "proposed"
    assert str(refund.pk) in capsys.readouterr().out
    with pytest.raises(CommandError, match="Another person"):
        call_command("release", str(refund.pk), by="sonia")
    call_command("release", str(refund.pk), by="urs", turn_down="Le colis n’est pas revenu")
    assert not Refund.objects.exists()
    with pytest.raises(CommandError, match="meanwhile"):
        call_command("release", str(refund.pk), by="urs")

    call_command("refund", order.number, reason="Retour", by="sonia")
    call_command("release", str(Refund.objects.get().pk), by="urs")
    carry_out(Refund.objects.get().pk)
    bring_messages(psps)
    assert [(one.status, one.released_by.username) for one in Refund.objects.all() if one.released_by] == [
        ("succeeded", "urs")
    ]
    assert psps.payment(page)["refunded"] == order.total


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
    with pytest.raises(NotRefundable) as refused, override("fr"):
        ask(payment.pk, Wanted(100, "Retour"))
    assert "aucun argent" in refused.value.sentence


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


def test_a_refund_that_is_carried_out_leaves_the_others_due(psps: Sandbox) -> None:
    order, _page = paid(psps)
    first, second = (ask(settling(order).pk, Wanted(amount, "Retour")) for amount in (500, 600))
    Refund.objects.update(next_try_at=now() - timedelta(hours=1))
    carry_out(first.pk)
    second.refresh_from_db()
    assert is_in(second.next_try_at, timedelta(hours=-1))
    assert second.status == "requested"
    assert second.reference is None


@pytest.mark.django_db(transaction=True)
def test_a_refund_carried_out_by_many_at_once_gives_once(psps: Sandbox) -> None:
    order, page = paid(psps)
    refund = ask(settling(order).pk, Wanted(1000, "Retour"))

    at_once(*[lambda: carry_out(refund.pk)] * 4)
    bring_messages(psps)

    assert [made["amount"] for made in psps.payment(page)["refunds"]] == [1000]
    assert Refund.objects.get().status == "succeeded"


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
