"""What every gateway must do about money that goes back: refunds of ours, of the dashboard's, disputes."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from payments.gateways.base import (
    DisputeNotice,
    DisputeState,
    Facts,
    Gateway,
    Kind,
    MadeRefund,
    Notice,
    RefundNotice,
    RefundState,
    Refused,
    Unreachable,
)
from tests.gateways.cast import APayment, ARefund
from tests.gateways.contract import GatewayContract
from tests.sandbox.canaries import CANARIES
from tests.sandbox.process import Running


class MoneyBackContract(GatewayContract):
    """Subclasses say how their PSP puts it."""

    refund_event: str
    dispute_event: str
    won: tuple[str, str]
    """The status and the outcome of a dispute."""
    lost: tuple[str, str]
    too_much: str
    disputed: str
    too_old: str | None
    """The PSP's word when a payment is older than 180 days; None where that does not matter."""

    def paid(self, sandbox: Running, gateway: Gateway) -> APayment:
        payment = self.opened(gateway)
        self.pay(sandbox, gateway, payment)
        return payment.of(sandbox.client.payment(payment.page_reference or "")["money"])

    def told(self, sandbox: Running, gateway: Gateway, type: str) -> Facts:
        """The last message of this type."""
        messages = [message for message in sandbox.client.collect() if message.type == type]
        return gateway.facts(json.loads(messages[-1].body))

    def given_back(self, sandbox: Running, payment: APayment) -> list[int]:
        refunds = sandbox.client.payment(payment.page_reference or "")["refunds"]
        return [refund["amount"] for refund in refunds]

    # Refunds

    def test_it_gives_money_back(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        made = gateway.refund(ARefund(payment), "key-1")
        assert made.state == RefundState.SUCCEEDED
        booked = sandbox.client.payment(payment.page_reference or "")
        assert [refund["id"] for refund in booked["refunds"]] == [made.reference]
        assert booked["refunded"] == 12850

    def test_it_gives_money_back_in_parts(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        gateway.refund(ARefund(payment, 5), "key-1")
        gateway.refund(ARefund(payment, 5000), "key-2")
        assert self.given_back(sandbox, payment) == [5, 5000]

    def test_it_gives_money_back_once_however_often_it_is_asked(self, sandbox: Running, gateway: Gateway) -> None:
        refund = ARefund(self.paid(sandbox, gateway), 5000)
        assert gateway.refund(refund, "key-1") == gateway.refund(refund, "key-1")
        assert self.given_back(sandbox, refund.payment) == [5000]

    def test_it_gives_money_back_once_although_the_answer_was_lost(self, sandbox: Running, gateway: Gateway) -> None:
        refund = ARefund(self.paid(sandbox, gateway), 5000)
        sandbox.client.break_calls("lost", method="POST", path=f"/{self.psp}/*refund*", calls=99)
        with pytest.raises(Unreachable):
            gateway.refund(refund, "key-1")
        sandbox.client.mend()
        made = gateway.refund(refund, "key-1")
        assert self.given_back(sandbox, refund.payment) == [5000]
        assert gateway.find_refund(refund) == made

    def test_a_key_that_has_made_another_refund_says_nothing_about_this_one(
        self, sandbox: Running, gateway: Gateway
    ) -> None:
        payment = self.paid(sandbox, gateway)
        gateway.refund(ARefund(payment, 5000), "key-1")
        with pytest.raises(Unreachable):
            gateway.refund(ARefund(payment, 4000), "key-1")
        assert self.given_back(sandbox, payment) == [5000]

    def test_more_than_is_left_is_refused(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        gateway.refund(ARefund(payment, 12000), "key-1")
        with pytest.raises(Refused) as refused:
            gateway.refund(ARefund(payment, 851), "key-2")
        assert refused.value.code == self.too_much

    def test_what_is_disputed_is_refused(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        sandbox.client.dispute(payment.page_reference or "")
        with pytest.raises(Refused) as refused:
            gateway.refund(ARefund(payment), "key-1")
        assert refused.value.code == self.disputed

    def test_what_was_paid_half_a_year_ago_may_be_refused(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        sandbox.client.age(payment.page_reference or "", 181)
        if self.too_old is None:
            assert gateway.refund(ARefund(payment), "key-1").state == RefundState.SUCCEEDED
            return
        with pytest.raises(Refused) as refused:
            gateway.refund(ARefund(payment), "key-1")
        assert refused.value.code == self.too_old

    def test_an_empty_account_refuses(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        sandbox.client.change(refunds="refused")
        with pytest.raises(Refused):
            gateway.refund(ARefund(payment), "key-1")
        assert gateway.find_refund(ARefund(payment)) is None

    def test_money_that_never_came_cannot_go_back(self, gateway: Gateway) -> None:
        refund = ARefund(self.opened(gateway))
        with pytest.raises(Refused):
            gateway.refund(refund, "key-1")
        assert gateway.find_refund(refund) is None

    def test_it_finds_a_refund_by_our_id_or_its_own(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        sandbox.client.refund(payment.page_reference or "", 1000)
        first, second, third = ARefund(payment, 2000), ARefund(payment, 3000), ARefund(payment, 2000)
        made = [gateway.refund(first, "key-1"), gateway.refund(second, "key-2")]
        assert [gateway.find_refund(first), gateway.find_refund(second)] == made
        assert gateway.find_refund(third) is None
        second.reference = made[1].reference
        assert gateway.find_refund(second) == made[1]

    def test_a_refund_of_a_reference_that_nobody_knows_is_not_taken_for_none(
        self, sandbox: Running, gateway: Gateway
    ) -> None:
        with pytest.raises(Unreachable):
            gateway.find_refund(ARefund(self.paid(sandbox, gateway), reference="re_unknown"))

    @pytest.mark.parametrize(
        ("decided", "state"), [("succeeded", RefundState.SUCCEEDED), ("failed", RefundState.FAILED)]
    )
    def test_a_pending_refund_is_what_it_becomes(
        self, sandbox: Running, gateway: Gateway, decided: str, state: RefundState
    ) -> None:
        refund = ARefund(self.paid(sandbox, gateway))
        sandbox.client.change(refunds="pending")
        made = gateway.refund(refund, "key-1")
        assert made.state == RefundState.PENDING
        assert gateway.find_refund(refund) == made
        sandbox.client.settle_refund(made.reference, decided)  # type: ignore[arg-type]
        assert gateway.find_refund(refund) == MadeRefund(made.reference, state)

    def test_a_refund_that_bounces_has_failed(self, sandbox: Running, gateway: Gateway) -> None:
        refund = ARefund(self.paid(sandbox, gateway))
        made = gateway.refund(refund, "key-1")
        told = self.told(sandbox, gateway, self.refund_event)
        sandbox.client.settle_refund(made.reference, "failed")
        said = gateway.confirm(told).refund
        assert said is not None
        assert (said.state, said.refund_id) == (RefundState.FAILED, refund.id)
        assert gateway.find_refund(refund) == MadeRefund(made.reference, RefundState.FAILED)

    @pytest.mark.parametrize("fault", ["down", "500", "429", "html"])
    def test_nobody_knows_of_a_refund_when_the_psp_fails(self, sandbox: Running, gateway: Gateway, fault: str) -> None:
        refund = ARefund(self.paid(sandbox, gateway))
        sandbox.client.break_calls(fault, path=f"/{self.psp}/v*", calls=99)
        with pytest.raises(Unreachable):
            gateway.refund(refund, "key-1")
        with pytest.raises(Unreachable):
            gateway.find_refund(refund)

    # What is told of them

    def test_our_refund_is_told_with_our_ids(self, sandbox: Running, gateway: Gateway) -> None:
        refund = ARefund(self.paid(sandbox, gateway), 5000)
        made = gateway.refund(refund, "key-1")
        told = self.told(sandbox, gateway, self.refund_event)
        expected = RefundNotice(made.reference, RefundState.SUCCEEDED, 5000, "CHF", refund.id)
        for said in (gateway.read(told), gateway.confirm(told)):
            assert (said.kind, said.refund) == (Kind.REFUND, expected)
            assert said.money_reference == refund.payment.money_reference
        assert gateway.confirm(told).payment_id == refund.payment.id

    def test_a_refund_of_the_dashboard_finds_its_payment(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        reference = sandbox.client.refund(payment.page_reference or "", 5000)
        told = self.told(sandbox, gateway, self.refund_event)
        expected = RefundNotice(reference, RefundState.SUCCEEDED, 5000, "CHF", None)
        for said in (gateway.read(told), gateway.confirm(told)):
            assert (said.refund, said.money_reference) == (expected, payment.money_reference)
        assert gateway.confirm(told).payment_id == payment.id

    def test_money_that_went_back_is_told_as_such_when_its_coming_is_read_late(
        self, sandbox: Running, gateway: Gateway
    ) -> None:
        payment = self.paid(sandbox, gateway)
        told = self.told(sandbox, gateway, self.paid_event)
        assert gateway.confirm(told).refunded == 0
        sandbox.client.refund(payment.page_reference or "")
        assert gateway.confirm(told) == Notice(
            Kind.PAID,
            payment.id,
            payment.page_reference,
            payment.money_reference,
            amount=12850,
            currency="CHF",
            refunded=12850,
        )

    def test_nothing_of_the_bank_is_kept_of_money_that_goes_back(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        gateway.refund(ARefund(payment, 5000), "key-1")
        dispute = sandbox.client.dispute(payment.page_reference or "", 5000)
        sandbox.client.move_dispute(dispute, self.lost[0], outcome=self.lost[1])
        for message in sandbox.client.collect():
            kept = json.dumps(gateway.facts(json.loads(message.body)).object)
            assert [canary for canary in (*CANARIES, "claire.dufour", "http") if canary in kept] == []

    # Disputes

    def test_a_dispute_is_told_with_its_deadline(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        reference = sandbox.client.dispute(payment.page_reference or "", 5000, due_days=7)
        told = self.told(sandbox, gateway, self.dispute_event)
        for said in (gateway.read(told), gateway.confirm(told)):
            assert isinstance(said.dispute, DisputeNotice)
            assert (said.kind, said.dispute.reference) == (Kind.DISPUTE, reference)
            assert (said.dispute.state, said.dispute.amount, said.dispute.currency) == (DisputeState.OPEN, 5000, "CHF")
            assert said.dispute.reason
            assert said.dispute.due_at is not None
            week = datetime.now(UTC) + timedelta(days=7)
            assert abs(said.dispute.due_at - week) < timedelta(minutes=5)
            assert said.money_reference == payment.money_reference
        assert gateway.confirm(told).payment_id == payment.id

    def test_a_dispute_is_what_became_of_it(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.paid(sandbox, gateway)
        for (status, outcome), state in ((self.won, DisputeState.WON), (self.lost, DisputeState.LOST)):
            reference = sandbox.client.dispute(payment.page_reference or "", 5000)
            told = self.told(sandbox, gateway, self.dispute_event)
            sandbox.client.move_dispute(reference, status, outcome=outcome)
            said = gateway.confirm(told).dispute
            assert said is not None
            assert (said.reference, said.state) == (reference, state)
