"""What every gateway must do, whichever PSP it speaks to."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from requests.structures import CaseInsensitiveDict

from payments.gateways.base import BadSignature, Gateway, Kind, Notice, PageState, Refused, Unreachable
from tests.gateways.cast import URLS, APayment
from tests.sandbox.canaries import CANARIES
from tests.sandbox.client import Psp, Webhook
from tests.sandbox.process import Running

HOSTILE_BODIES = {
    "empty": b"",
    "not UTF-8": b'{"id": "\xff\xfe"}',
    "UTF-16": '{"id": "evt_1"}'.encode("utf-16"),
    "not JSON": b"id=evt_1&type=checkout.session.completed",
    "not an object": b"[]",
    "a number": b"1",
    "too deep": b"[" * 100_000,
}


class GatewayContract:
    """Subclasses say how their customers pay."""

    psp: Psp
    method: str
    paid_event: str

    @pytest.fixture
    def gateway(self, sandbox: Running) -> Gateway:
        raise NotImplementedError

    def pay(self, sandbox: Running, gateway: Gateway, payment: APayment, *, webhook: str = "none") -> None:
        raise NotImplementedError

    def signed(self, sandbox: Running, body: bytes) -> Mapping[str, str]:
        """The headers with which this PSP would sign a body."""
        raise NotImplementedError

    def payment(self) -> APayment:
        return APayment(method=self.method)

    def opened(self, gateway: Gateway) -> APayment:
        payment = self.payment()
        return payment.on(gateway.open(payment, URLS).reference)

    def message(self, sandbox: Running, type: str) -> Webhook:
        return next(message for message in sandbox.client.collect() if message.type == type)

    # Pages

    def test_it_opens_a_page_where_the_customer_can_pay(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.payment()
        page = gateway.open(payment, URLS)
        [booked] = sandbox.client.payments()
        assert booked["page"] == page.reference
        assert booked["url"] == page.url
        assert (booked["amount"], booked["currency"].upper()) == (12850, "CHF")
        assert gateway.look(payment.on(page.reference)) == PageState.OPEN

    def test_it_opens_one_page_however_often_it_is_asked(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.payment()
        assert gateway.open(payment, URLS) == gateway.open(payment, URLS)
        assert len(sandbox.client.payments()) == 1

    def test_it_gives_a_page_again(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.payment()
        page = gateway.open(payment, URLS)
        sandbox.client.forget_keys()
        assert gateway.open(payment.on(page.reference), URLS) == page
        assert len(sandbox.client.payments()) == 1

    def test_it_opens_one_page_although_the_answer_was_lost(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.payment()
        sandbox.client.break_calls("lost", method="POST", path=f"/{self.psp}/v*/checkout/*", calls=99)
        with pytest.raises(Unreachable):
            gateway.open(payment, URLS)
        sandbox.client.mend()
        page = gateway.open(payment, URLS)
        assert [booked["page"] for booked in sandbox.client.payments()] == [page.reference]

    def test_it_refuses_a_key_that_stands_for_something_else(self, gateway: Gateway) -> None:
        payment = self.payment()
        gateway.open(payment, URLS)
        with pytest.raises(Refused) as refused:
            gateway.open(replace(payment, amount=99), URLS)
        assert refused.value.refusal == "opening"

    def test_it_does_not_send_a_customer_to_a_page_that_is_paid(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.opened(gateway)
        self.pay(sandbox, gateway, payment)
        with pytest.raises(Unreachable):
            gateway.open(payment, URLS)

    def test_it_says_when_a_page_is_paid(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.opened(gateway)
        self.pay(sandbox, gateway, payment)
        assert gateway.look(payment) == PageState.PAID

    def test_it_closes_a_page(self, gateway: Gateway) -> None:
        assert gateway.close(self.opened(gateway)) == PageState.DEAD

    def test_it_cannot_close_a_page_that_was_paid(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.opened(gateway)
        self.pay(sandbox, gateway, payment)
        assert gateway.close(payment) == PageState.PAID

    def test_a_page_that_grew_too_old_is_dead(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.opened(gateway)
        sandbox.client.expire(payment.page_reference or "")
        assert gateway.look(payment) == PageState.DEAD

    def test_a_page_that_was_never_shown_is_dead(self, gateway: Gateway) -> None:
        assert gateway.look(self.payment()) == PageState.DEAD
        assert gateway.close(self.payment()) == PageState.DEAD

    @pytest.mark.parametrize("fault", ["down", "500", "429", "html"])
    def test_it_knows_nothing_when_the_psp_fails(self, sandbox: Running, gateway: Gateway, fault: str) -> None:
        payment = self.opened(gateway)
        sandbox.client.break_calls(fault, path=f"/{self.psp}/v*/checkout/*", calls=99)
        for call in (
            lambda: gateway.open(self.payment(), URLS),
            lambda: gateway.look(payment),
            lambda: gateway.close(payment),
        ):
            with pytest.raises(Unreachable):
                call()

    # Messages

    def test_a_paid_page_is_told_with_its_amount_and_our_id(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.opened(gateway)
        self.pay(sandbox, gateway, payment)
        message = self.message(sandbox, self.paid_event)
        facts = gateway.facts(gateway.verify(message.body, CaseInsensitiveDict(message.headers)))
        money = sandbox.client.payment(payment.page_reference or "")["money"]
        assert facts.event_id == message.event
        assert facts.livemode is False
        assert gateway.read(facts) == Notice(
            Kind.PAID, payment.id, payment.page_reference, money, amount=12850, currency="CHF"
        )
        assert gateway.confirm(facts) == gateway.read(facts)

    def test_another_amount_is_told_as_it_is(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.opened(gateway)
        self.pay(sandbox, gateway, payment, webhook="wrong_amount")
        message = self.message(sandbox, self.paid_event)
        facts = gateway.facts(gateway.verify(message.body, CaseInsensitiveDict(message.headers)))
        assert gateway.read(facts).amount == 12950
        assert gateway.confirm(facts).amount == 12950

    def test_what_is_live_wins_over_what_the_message_said(self, sandbox: Running, gateway: Gateway) -> None:
        payment = self.opened(gateway)
        self.pay(sandbox, gateway, payment, webhook="event_amount")
        message = self.message(sandbox, self.paid_event)
        facts = gateway.facts(gateway.verify(message.body, CaseInsensitiveDict(message.headers)))
        assert gateway.read(facts).amount == 12950
        assert gateway.confirm(facts).amount == 12850

    def test_nothing_of_the_bank_is_kept(self, sandbox: Running, gateway: Gateway) -> None:
        self.pay(sandbox, gateway, self.opened(gateway))
        messages = sandbox.client.collect()
        assert any(canary.encode() in message.body for message in messages for canary in CANARIES)
        for message in messages:
            kept = json.dumps(gateway.facts(json.loads(message.body)).object)
            assert [canary for canary in (*CANARIES, "claire.dufour", "http") if canary in kept] == []

    def test_a_message_that_changed_on_its_way_is_refused(self, sandbox: Running, gateway: Gateway) -> None:
        self.pay(sandbox, gateway, self.opened(gateway))
        message = self.message(sandbox, self.paid_event)
        with pytest.raises(BadSignature):
            gateway.verify(message.body.replace(b"128", b"129", 1), CaseInsensitiveDict(message.headers))

    def test_a_message_without_signature_is_refused(self, gateway: Gateway) -> None:
        with pytest.raises(BadSignature):
            gateway.verify(b"{}", CaseInsensitiveDict())

    @pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES.keys())
    def test_a_signed_body_that_no_psp_would_send_is_refused(
        self, sandbox: Running, gateway: Gateway, body: bytes
    ) -> None:
        with pytest.raises(BadSignature):
            gateway.verify(body, self.signed(sandbox, body))

    @pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES.keys())
    def test_a_hostile_body_is_refused(self, sandbox: Running, gateway: Gateway, body: bytes) -> None:
        with pytest.raises(BadSignature):
            gateway.verify(body, self.signed(sandbox, b"{}"))

    @pytest.mark.parametrize(
        "payload", [{}, {"id": 1}, {"object": "event", "id": "é" * 200, "event_type": "X", "type": "x"}]
    )
    def test_what_is_no_event_has_no_facts(self, gateway: Gateway, payload: dict[str, object]) -> None:
        with pytest.raises(ValueError, match="event"):
            gateway.facts(payload)
