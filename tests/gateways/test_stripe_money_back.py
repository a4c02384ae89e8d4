"""Stripe's refunds, disputes, events and endpoints: its own words for them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest

from payments.gateways.base import (
    DisputeNotice,
    DisputeState,
    Facts,
    Kind,
    MadeRefund,
    Notice,
    RefundNotice,
    RefundState,
    Refused,
    Unreachable,
)
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe_messages import HANDLED
from tests.gateways.cast import URLS, APayment, ARefund
from tests.gateways.server import Answer, Request, as_json, serving
from tests.gateways.stripe import configured, event
from tests.sandbox.process import Running

OURS = UUID("5f0d1e3a-6f3e-4c40-9c0b-0a1b2c3d4e5f")
ENDPOINT = "https://shop.example/webhooks/stripe/"
A_WHILE_AGO = datetime.now(UTC) - timedelta(hours=1)


def refund(**changes: Any) -> dict[str, Any]:
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 5000,
        "currency": "chf",
        "status": "succeeded",
        "payment_intent": "pi_1",
        "metadata": {},
        **changes,
    }


def dispute(**changes: Any) -> dict[str, Any]:
    return {
        "id": "dp_1",
        "object": "dispute",
        "amount": 5000,
        "currency": "chf",
        "status": "needs_response",
        "reason": "fraudulent",
        "payment_intent": "pi_1",
        "evidence_details": {"due_by": 1_796_083_200},
        **changes,
    }


def paid() -> APayment:
    return APayment().on("cs_test_1").of("pi_1")


REFUNDS = [
    ("pending", RefundState.PENDING),
    ("requires_action", RefundState.PENDING),
    ("succeeded", RefundState.SUCCEEDED),
    ("failed", RefundState.FAILED),
    ("canceled", RefundState.FAILED),
]
DISPUTES = [
    ("needs_response", DisputeState.OPEN),
    ("under_review", DisputeState.OPEN),
    ("appeal_needs_response", DisputeState.OPEN),
    ("appeal_under_review", DisputeState.OPEN),
    ("warning_needs_response", DisputeState.OPEN),
    ("warning_under_review", DisputeState.OPEN),
    ("won", DisputeState.WON),
    ("lost", DisputeState.LOST),
    ("warning_closed", DisputeState.CLOSED),
    ("prevented", DisputeState.CLOSED),
]


class TestWords:
    gateway = configured("http://127.0.0.1:1")

    def said(self, type: str, thing: dict[str, Any]) -> Notice:
        return self.gateway.read(self.gateway.facts(event(type, thing)))

    @pytest.mark.parametrize("type", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"])
    @pytest.mark.parametrize(("status", "state"), [*REFUNDS, ("perhaps", RefundState.PENDING)])
    def test_a_refund_is_read_by_its_status_not_by_the_name_of_its_event(
        self, type: str, status: str, state: RefundState
    ) -> None:
        assert self.said(type, refund(status=status)) == Notice(
            Kind.REFUND, money_reference="pi_1", refund=RefundNotice("re_1", state, 5000, "CHF")
        )

    def test_a_refund_without_a_status_is_not_decided(self) -> None:
        said = self.said("refund.created", refund(status=None)).refund
        assert said is not None
        assert said.state == RefundState.PENDING

    @pytest.mark.parametrize("type", ["created", "updated", "funds_withdrawn", "funds_reinstated", "closed"])
    @pytest.mark.parametrize(("status", "state"), [*DISPUTES, ("perhaps", DisputeState.OPEN)])
    def test_a_dispute_is_read_by_its_status_not_by_the_name_of_its_event(
        self, type: str, status: str, state: DisputeState
    ) -> None:
        due_at = datetime(2026, 12, 1, tzinfo=UTC)
        told = DisputeNotice("dp_1", state, "fraudulent", 5000, due_at, "CHF")
        thing = dispute(status=status, evidence_details={"due_by": int(due_at.timestamp())})
        expected = Notice(Kind.DISPUTE, money_reference="pi_1", dispute=told)
        assert self.said(f"charge.dispute.{type}", thing) == expected

    @pytest.mark.parametrize("due_by", [0, None, 10**30, -(10**30), "tomorrow", True])
    def test_a_dispute_that_nobody_can_answer_has_no_deadline(self, due_by: object) -> None:
        said = self.said("charge.dispute.created", dispute(evidence_details={"due_by": due_by})).dispute
        assert said is not None
        assert said.due_at is None

    @pytest.mark.parametrize("amount", ["5000", 50.0, True, None])
    def test_an_amount_that_is_no_integer_is_none(self, amount: object) -> None:
        given, disputed = (
            self.said("refund.created", refund(amount=amount)).refund,
            self.said("charge.dispute.created", dispute(amount=amount)).dispute,
        )
        assert given is not None
        assert disputed is not None
        assert given.amount is None
        assert disputed.amount is None

    @pytest.mark.parametrize("mark", ["claire@example.ch", "", None, 7, str(OURS).upper(), f"refund-{OURS}"])
    def test_what_is_not_our_mark_is_not_kept(self, mark: object) -> None:
        facts = self.gateway.facts(event("refund.created", refund(metadata={"refund": mark, "payment": mark})))
        assert "metadata" not in facts.object

    def test_another_shops_money_has_no_name_of_ours(self) -> None:
        for thing, type in ((refund(payment_intent=None), "refund.created"), (dispute(), "charge.dispute.created")):
            assert self.said(type, thing).payment_id is None

    def test_stripe_lists_at_most_twenty_types(self) -> None:
        assert len(HANDLED) <= 20


class TestLive:
    def told(self, thing: dict[str, Any]) -> Facts:
        types = {"refund": "refund.updated", "dispute": "charge.dispute.updated"}
        return Facts("evt_1", types[thing["object"]], livemode=False, api_version="2020", object=thing)

    @pytest.mark.parametrize(("status", "state"), REFUNDS)
    def test_a_refund_is_what_it_is_now(self, status: str, state: RefundState) -> None:
        intent = {"id": "pi_1", "metadata": {"payment": str(OURS), "order": "KK-7F3Q-20M4"}}
        with serving(lambda _: as_json(refund(status=status, payment_intent=intent))) as server:
            said = configured(server.url).confirm(self.told(refund(status="pending")))
        assert said == Notice(
            Kind.REFUND, OURS, money_reference="pi_1", refund=RefundNotice("re_1", state, 5000, "CHF")
        )
        assert unquote(server.requests[0].path) == "/v1/refunds/re_1?expand[0]=payment_intent"

    @pytest.mark.parametrize(("status", "state"), DISPUTES)
    def test_a_dispute_is_what_it_is_now(self, status: str, state: DisputeState) -> None:
        intent = {"id": "pi_1", "metadata": {"payment": str(OURS), "order": "KK-7F3Q-20M4"}}
        with serving(lambda _: as_json(dispute(status=status, payment_intent=intent))) as server:
            said = configured(server.url).confirm(self.told(dispute()))
        assert (said.kind, said.payment_id, said.money_reference) == (Kind.DISPUTE, OURS, "pi_1")
        assert said.dispute is not None
        assert said.dispute.state == state

    @pytest.mark.parametrize("thing", [refund(status="perhaps"), refund(status=None), dispute(status="perhaps")])
    def test_a_state_that_it_does_not_know_is_none(self, thing: dict[str, Any]) -> None:
        with serving(lambda _: as_json(thing)) as server, pytest.raises(Unreachable):
            configured(server.url).confirm(self.told(thing))

    @pytest.mark.parametrize("thing", [refund(), dispute()])
    def test_what_stripe_does_not_know_is_not_confirmed(self, sandbox: Running, thing: dict[str, Any]) -> None:
        with pytest.raises(Unreachable):
            configured(f"{sandbox.url}/stripe").confirm(self.told(thing))

    def test_of_money_it_says_how_much_went_back(self, sandbox: Running) -> None:
        gateway = configured(f"{sandbox.url}/stripe")
        page = gateway.open(APayment(), URLS)
        sandbox.client.pay_by_card(page.reference)
        sandbox.client.refund(page.reference, 5000)
        named = {"object": "checkout.session", "id": page.reference}
        said = gateway.confirm(
            Facts("evt_1", "checkout.session.completed", livemode=False, api_version="2020", object=named)
        )
        assert (said.kind, said.amount, said.refunded) == (Kind.PAID, 12850, 5000)


class TestAsking:
    def test_it_sends_our_ids_and_an_amount(self, sandbox: Running) -> None:
        gateway = configured(f"{sandbox.url}/stripe")
        payment = APayment()
        page = gateway.open(payment, URLS)
        sandbox.client.pay_by_card(page.reference)
        wanted = ARefund(payment.of(sandbox.client.payment(page.reference)["money"]), 5000)
        gateway.refund(wanted, str(wanted.id))
        [call] = sandbox.client.requests("/v1/refunds")
        assert call["key"] == str(wanted.id)
        assert call["params"] == {
            "payment_intent": wanted.payment.money_reference,
            "amount": "5000",
            "metadata": {"refund": str(wanted.id), "payment": str(payment.id)},
        }

    @pytest.mark.parametrize(
        ("status", "error", "expected", "word"),
        [
            (400, {"code": "charge_already_refunded"}, Refused, "charge_already_refunded"),
            (400, {"code": "charge_disputed"}, Refused, "charge_disputed"),
            (400, {"param": "amount"}, Refused, "amount"),
            (400, {}, Refused, "InvalidRequestError"),
            (404, {"code": "resource_missing"}, Refused, "resource_missing"),
            (402, {"type": "card_error", "code": "card_declined"}, Refused, "card_declined"),
            (400, {"type": "idempotency_error"}, Unreachable, "idempotency_error"),
            (409, {"type": "idempotency_error", "code": "idempotency_key_in_use"}, Unreachable, "APIError 409"),
            (401, {}, Unreachable, "AuthenticationError"),
            (403, {}, Unreachable, "PermissionError"),
            (429, {"code": "rate_limit"}, Unreachable, "RateLimitError 429"),
        ],
    )
    def test_it_knows_what_stripe_means(self, status: int, error: dict[str, str], expected: Any, word: str) -> None:
        body = {"error": {"type": "invalid_request_error", "message": "Claire Dufour", **error}}
        with serving(lambda _: as_json(body, status)) as server, pytest.raises(expected) as told:
            configured(server.url).refund(ARefund(paid()), "key-1")
        assert "Claire" not in f"{told.value!r} {told.value.__context__!r}"
        assert str(told.value) == word

    @pytest.mark.parametrize("answer", [as_json({"object": "refund"}), as_json(refund(status="x")), Answer(200, b"no")])
    def test_nonsense_is_no_refund(self, answer: Answer) -> None:
        with serving(lambda _: answer) as server:
            for wanted in (ARefund(paid(), reference="re_1"), ARefund(paid())):
                with pytest.raises(Unreachable):
                    configured(server.url).refund(wanted, "key-1")
            with pytest.raises(Unreachable):
                configured(server.url).find_refund(ARefund(paid(), reference="re_1"))

    def test_it_finds_a_refund_behind_many_others(self) -> None:
        wanted = ARefund(paid())

        def answer(request: Request) -> Answer:
            if "starting_after=re_2" in request.path:
                mark = {"refund": str(wanted.id)}
                return as_json({"object": "list", "data": [refund(id="re_3", metadata=mark)], "has_more": False})
            return as_json({"object": "list", "data": [refund(), refund(id="re_2")], "has_more": True})

        with serving(answer) as server:
            assert configured(server.url).find_refund(wanted) == MadeRefund("re_3", RefundState.SUCCEEDED)
            assert len(server.requests) == 2
            other = ARefund(paid())
            assert configured(server.url).find_refund(other) is None


class TestEvents:
    @pytest.mark.parametrize("page", [{}, {"data": None}, {"data": [7]}, {"data": [{"type": "refund.created"}]}])
    def test_nonsense_is_no_list(self, page: dict[str, Any]) -> None:
        with serving(lambda _: as_json({"object": "list", **page})) as server, pytest.raises(Unreachable):
            list(configured(server.url).listed(A_WHILE_AGO))

    def test_what_is_no_event_is_passed_over(self, caplog: pytest.LogCaptureFixture) -> None:
        events = [event("refund.created", refund(), id="evt_2"), {"id": "evt_1", "object": "event"}]

        def answer(request: Request) -> Answer:
            up = "ending_before" in request.path
            return as_json({"object": "list", "data": events if up else [{"id": "evt_0"}], "has_more": False})

        with serving(answer) as server:
            listed = [facts.event_id for facts in configured(server.url).listed(A_WHILE_AGO)]
        assert listed == ["evt_2"]
        assert "no event" in caplog.text

    def test_it_keeps_one_page_at_a_time(self) -> None:
        """Each page is asked for when the one before it has been used up."""

        def answer(request: Request) -> Answer:
            number = len(server.requests)
            return as_json(
                {"object": "list", "data": [event("refund.created", refund(), id=f"evt_{number}")], "has_more": True}
            )

        with serving(answer) as server:
            listed = configured(server.url).listed(A_WHILE_AGO)
            for number in (2, 3, 4):
                assert next(listed).event_id == f"evt_{number}"
                assert len(server.requests) == number
        paths = [request.path for request in server.requests]
        assert ["ending_before=evt_1" in paths[1], "ending_before=evt_2" in paths[2]] == [True, True]


class TestEndpoint:
    @pytest.fixture
    def gateway(self, sandbox: Running) -> StripeGateway:
        return configured(f"{sandbox.url}/stripe")

    def test_a_new_endpoint_has_a_secret_which_is_not_printed_by_chance(self, gateway: StripeGateway) -> None:
        made = gateway.register(ENDPOINT)
        secret = made.secret or ""
        assert secret.startswith("whsec_")
        assert secret not in repr(made)

    def test_it_asks_for_exactly_what_it_handles_in_its_version(self, sandbox: Running, gateway: StripeGateway) -> None:
        gateway.register(ENDPOINT)
        [call] = [call for call in sandbox.client.requests("/webhook_endpoints") if call["method"] == "POST"]
        params = call["params"]
        assert (params["url"], params["api_version"]) == (ENDPOINT, gateway.api_version)
        assert sorted(params["enabled_events"]) == sorted(HANDLED)

    def test_an_endpoint_of_another_version_goes_on_until_the_new_one_is_there(
        self, gateway: StripeGateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as before:
            before.setattr("payments.gateways.stripe_channel.API_VERSION", "2026-09-30.endive")
            old = gateway.register(ENDPOINT)
        made = gateway.register(ENDPOINT)
        assert made.id != old.id
        assert made.secret is not None
        assert self.enabled(gateway) == {old.id, made.id}
        again = gateway.register(ENDPOINT)
        assert (again.id, again.changed) == (made.id, True)
        assert self.enabled(gateway) == {made.id}
        assert gateway.register(ENDPOINT).changed is False

    def test_woo_1289_an_endpoint_that_was_switched_off_is_switched_on(self, gateway: StripeGateway) -> None:
        made = gateway.register(ENDPOINT)
        gateway._client.v1.webhook_endpoints.update(made.id, {"disabled": True})
        assert gateway.register(ENDPOINT).changed is True
        assert self.enabled(gateway) == {made.id}

    def enabled(self, gateway: StripeGateway) -> set[str]:
        endpoints = gateway._client.v1.webhook_endpoints.list({"limit": 100}).data
        return {endpoint.id for endpoint in endpoints if endpoint.status == "enabled"}
