"""What every gateway must do about the ways in which its PSP tells: the list of events, and our address for them."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from requests.structures import CaseInsensitiveDict

from payments.gateways.base import Gateway, Refused, Unreachable
from tests.gateways.cast import ARefund
from tests.gateways.contract import GatewayContract
from tests.sandbox.process import Running
from tests.waiting import until

ADDRESS = "https://shop.example/webhooks/"


class ChannelContract(GatewayContract):
    def paid_pages(self, sandbox: Running, gateway: Gateway, pages: int) -> None:
        for _ in range(pages):
            self.pay(sandbox, gateway, self.opened(gateway))

    def handled(self, sandbox: Running, gateway: Gateway) -> list[str]:
        """The ids of the events that a gateway acts upon, as they were made."""
        types = import_module(f"payments.gateways.{self.psp}_messages").HANDLED
        return [event["id"] for event in sandbox.client.events() if event.get("type", event.get("event_type")) in types]

    @pytest.mark.parametrize("page", [1, 2, 100])
    def test_it_lists_what_it_handles_from_the_oldest_on(
        self, sandbox: Running, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, page: int
    ) -> None:
        monkeypatch.setattr(f"payments.gateways.{self.psp}_channel.PAGE", page)
        self.paid_pages(sandbox, gateway, 3)
        listed = [facts.event_id for facts in gateway.listed(datetime.now(UTC) - timedelta(hours=72))]
        assert listed == self.handled(sandbox, gateway)
        assert len(listed) >= 3

    def test_it_lists_facts_as_they_are_delivered(self, sandbox: Running, gateway: Gateway) -> None:
        self.paid_pages(sandbox, gateway, 1)
        message = self.message(sandbox, self.paid_event)
        delivered = gateway.facts(gateway.verify(message.body, CaseInsensitiveDict(message.headers)))
        listed = {facts.event_id: facts for facts in gateway.listed(datetime.now(UTC) - timedelta(hours=1))}
        assert listed[message.event] == delivered

    def test_it_lists_nothing_that_is_older(self, sandbox: Running, gateway: Gateway) -> None:
        self.paid_pages(sandbox, gateway, 1)
        before = self.handled(sandbox, gateway)
        moment = datetime.now(UTC) + timedelta(seconds=1)
        until(lambda: datetime.now(UTC) >= moment, what="the next second")  # PSPs count in seconds
        assert list(gateway.listed(moment + timedelta(hours=1))) == []
        self.paid_pages(sandbox, gateway, 2)
        listed = [facts.event_id for facts in gateway.listed(moment)]
        assert listed == self.handled(sandbox, gateway)[len(before) :]

    def test_it_lists_nothing_where_nothing_happened(self, gateway: Gateway) -> None:
        assert list(gateway.listed(datetime.now(UTC) - timedelta(hours=1))) == []

    @pytest.mark.parametrize("fault", ["down", "500", "429", "html"])
    def test_it_lists_nothing_when_the_psp_fails(self, sandbox: Running, gateway: Gateway, fault: str) -> None:
        sandbox.client.break_calls(fault, path=f"/{self.psp}/v1/*", calls=99)
        with pytest.raises(Unreachable):
            list(gateway.listed(datetime.now(UTC) - timedelta(hours=1)))
        with pytest.raises(Unreachable):
            gateway.register(ADDRESS)

    def test_money_that_goes_back_is_listed_too(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.opened(gateway)
        self.pay(sandbox, gateway, payment)
        payment = payment.of(sandbox.client.payment(payment.page_reference or "")["money"])
        gateway.refund(ARefund(payment, 5000), "key-1")
        sandbox.client.dispute(payment.page_reference or "", 5000)
        listed = [facts.event_id for facts in gateway.listed(datetime.now(UTC) - timedelta(hours=1))]
        assert listed == self.handled(sandbox, gateway)
        assert len(listed) >= 3

    # Our address

    def test_it_registers_our_address_once(self, gateway: Gateway) -> None:
        made = gateway.register(ADDRESS)
        assert made.changed is True
        again = gateway.register(ADDRESS)
        assert (again.id, again.changed, again.secret) == (made.id, False, None)
        assert gateway.register(f"{ADDRESS}other/").id != made.id
        assert gateway.register(ADDRESS) == again

    def test_it_brings_an_address_up_to_date(self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as before:
            before.setattr(f"payments.gateways.{self.psp}_channel.HANDLED", (self.paid_event,))
            made = gateway.register(ADDRESS)
        changed = gateway.register(ADDRESS)
        assert (changed.id, changed.changed) == (made.id, True)
        assert gateway.register(ADDRESS).changed is False

    def test_it_says_when_an_address_is_refused(self, gateway: Gateway) -> None:
        with pytest.raises(Refused):
            gateway.register("no address")
