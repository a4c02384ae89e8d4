"""What every gateway must do about its PSP's account of our balance."""

from datetime import UTC, datetime, timedelta

import pytest

from payments.gateways.base import Entry, Gateway, Move, NotPermitted, Unreachable
from tests.gateways.cast import APayment, ARefund
from tests.gateways.contract import GatewayContract
from tests.sandbox.canaries import CANARIES
from tests.sandbox.process import Running

HOUR = timedelta(hours=1)


class BalanceContract(GatewayContract):
    won: tuple[str, str]
    lost: tuple[str, str]

    def came(self, sandbox: Running, gateway: Gateway) -> APayment:
        payment = self.opened(gateway)
        self.pay(sandbox, gateway, payment)
        return payment.of(sandbox.client.payment(payment.page_reference or "")["money"])

    def booked(self, gateway: Gateway, *moves: Move) -> list[Entry]:
        """What was booked in the last hour, oldest first, of these moves or of all."""
        now = datetime.now(UTC)
        entries = [*gateway.statement(now - HOUR, now + HOUR)]
        return sorted((one for one in entries if not moves or one.move in moves), key=lambda one: (one.at, one.amount))

    # What moves

    def test_money_that_came_is_booked_with_its_fee_and_our_id(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.came(sandbox, gateway)
        (entry,) = self.booked(gateway)
        (line,) = sandbox.client.ledger()
        assert (entry.move, entry.amount, entry.currency) == (Move.PAYMENT, 12850, "CHF")
        assert (entry.money_reference, entry.payment_id, entry.refund_id) == (payment.money_reference, payment.id, None)
        assert entry.fee == line["fee"] > 0
        assert entry.net == 12850 - entry.fee
        assert abs(datetime.now(UTC) - entry.at) < HOUR

    def test_money_that_went_back_is_booked_with_its_refund(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.came(sandbox, gateway)
        ours = ARefund(payment, 5000)
        made = gateway.refund(ours, "key-1")
        theirs = sandbox.client.refund(payment.page_reference or "", 300)
        back = {entry.reference: entry for entry in self.booked(gateway, Move.REFUND)}
        assert {reference: entry.amount for reference, entry in back.items()} == {made.reference: -5000, theirs: -300}
        assert {entry.money_reference for entry in back.values()} == {payment.money_reference}
        assert (back[made.reference].refund_id, back[theirs].refund_id) == (ours.id, None)

    def test_a_refund_that_bounces_is_booked_both_ways(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.came(sandbox, gateway)
        refund = sandbox.client.refund(payment.page_reference or "", 300)
        sandbox.client.settle_refund(refund, "failed")
        went, came_again = self.booked(gateway, Move.REFUND, Move.DISPUTE)
        assert (went.move, went.amount, went.reference) == (Move.REFUND, -300, refund)
        assert came_again.amount == 300
        assert refund in (came_again.reference, came_again.money_reference)

    def test_money_that_a_dispute_took_is_booked_with_its_payment(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.came(sandbox, gateway)
        dispute = sandbox.client.dispute(payment.page_reference or "", 5000)
        status, outcome = self.lost
        sandbox.client.move_dispute(dispute, status, outcome=outcome)
        (entry,) = self.booked(gateway, Move.DISPUTE)
        assert (entry.amount, entry.money_reference) == (-5000, payment.money_reference)
        assert entry.reference

    def test_of_a_dispute_that_was_won_nothing_is_taken(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.came(sandbox, gateway)
        dispute = sandbox.client.dispute(payment.page_reference or "", 5000)
        status, outcome = self.won
        sandbox.client.move_dispute(dispute, status, outcome=outcome)
        assert sum(entry.net for entry in self.booked(gateway, Move.DISPUTE)) == 0

    def test_fees_and_payouts_are_told_apart(self, sandbox: Running, gateway: Gateway) -> None:
        self.came(sandbox, gateway)
        sandbox.client.charge_a_fee(self.psp, 150)
        sent = sandbox.client.pay_out(self.psp)
        (fee,) = self.booked(gateway, Move.FEE)
        (payout,) = self.booked(gateway, Move.PAYOUT)
        assert (fee.amount, fee.reference, fee.money_reference) == (-150, None, None)
        assert payout.reference == sent
        assert sum(entry.net for entry in self.booked(gateway)) == 0

    def test_money_of_another_shop_does_not_carry_our_mark(self, sandbox: Running, gateway: Gateway) -> None:
        sandbox.client.take_from_a_stranger(self.psp, 700)
        (entry,) = self.booked(gateway)
        assert (entry.move, entry.amount, entry.payment_id, entry.refund_id) == (Move.PAYMENT, 700, None, None)

    def test_nothing_of_the_bank_is_in_an_entry(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.came(sandbox, gateway)
        gateway.refund(ARefund(payment, 5000), "key-1")
        sandbox.client.dispute(payment.page_reference or "", 300)
        sandbox.client.take_from_a_stranger(self.psp, 700)
        sandbox.client.pay_out(self.psp)
        written = repr(self.booked(gateway))
        assert [canary for canary in (*CANARIES, "claire.dufour", "http") if canary in written] == []

    # Which days, how many

    def test_a_statement_begins_with_its_first_second_and_ends_before_its_last(
        self, sandbox: Running, gateway: Gateway
    ) -> None:
        midnight = datetime(2026, 10, 25, 22, 0, tzinfo=UTC)
        for seconds in (-1, 0, 86_399, 86_400):
            self.came(sandbox, gateway)
            line = sandbox.client.ledger()[-1]
            sandbox.client.change_line(line["id"], at=midnight.timestamp() + seconds)
        entries = gateway.statement(midnight, midnight + timedelta(days=1))
        assert sorted((entry.at - midnight).total_seconds() for entry in entries) == [0, 86_399]

    @pytest.mark.parametrize("page", [1, 2, 3, 100])
    def test_it_turns_the_pages(
        self, sandbox: Running, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, page: int
    ) -> None:
        monkeypatch.setattr(f"payments.gateways.{self.psp}_balance.PAGE", page)
        for _ in range(3):
            self.came(sandbox, gateway)
        booked = [entry.money_reference for entry in self.booked(gateway)]
        assert sorted(map(str, booked)) == sorted(row["money"] for row in sandbox.client.payments())

    def test_it_fetches_a_page_only_once_it_is_read(
        self, sandbox: Running, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(f"payments.gateways.{self.psp}_balance.PAGE", 1)
        for _ in range(3):
            self.came(sandbox, gateway)
        sandbox.client.forget_requests()
        now = datetime.now(UTC)
        entries = gateway.statement(now - HOUR, now + HOUR)
        for read in (1, 2):
            next(entries)
            assert len(self.asked(sandbox)) == read

    def asked(self, sandbox: Running) -> list[object]:
        return [call for call in sandbox.client.requests() if "balance_trans" in call["path"] or "repo" in call["path"]]

    def test_it_books_nothing_where_nothing_happened(self, sandbox: Running, gateway: Gateway) -> None:
        assert self.booked(gateway) == []

    def test_it_says_up_to_when_its_account_is_complete(self, gateway: Gateway) -> None:
        now = datetime.now(UTC)
        assert now - timedelta(hours=3) <= gateway.listed_until() <= now

    # What fails

    @pytest.mark.parametrize("fault", ["down", "500", "429", "html"])
    def test_there_is_no_statement_when_the_psp_fails(self, sandbox: Running, gateway: Gateway, fault: str) -> None:
        sandbox.client.break_calls(fault, path=f"/{self.psp}/v1/*", calls=99)
        with pytest.raises(Unreachable) as failed:
            self.booked(gateway)
        assert not isinstance(failed.value, NotPermitted)

    def test_a_statement_that_breaks_off_is_not_taken_for_whole(
        self, sandbox: Running, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(f"payments.gateways.{self.psp}_balance.PAGE", 1)
        for _ in range(2):
            self.came(sandbox, gateway)
        now = datetime.now(UTC)
        entries = gateway.statement(now - HOUR, now + HOUR)
        next(entries)
        sandbox.client.break_calls("down", path=f"/{self.psp}/v1/*", calls=99)
        with pytest.raises(Unreachable):
            next(entries)
