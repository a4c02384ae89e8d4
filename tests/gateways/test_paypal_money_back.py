"""PayPal's refunds, reversals, disputes, events and webhooks: its own words for them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from requests.structures import CaseInsensitiveDict

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
from payments.gateways.paypal import PayPalGateway
from payments.gateways.paypal_messages import HANDLED
from tests.gateways.cast import APayment, ARefund
from tests.gateways.forgery import with_crc_of
from tests.gateways.paypal import capture, configured, event, opened, token, trusting
from tests.gateways.server import Answer, Request, as_json, serving
from tests.sandbox.process import Running

OURS = UUID("0b8f2a1c-7d55-4a7e-9f43-6c5b4a392817")
PAYMENT = UUID(capture()["custom_id"])
CAPTURE = "2GG279541U471931P"
UP = {"rel": "up", "href": f"https://api.paypal.com/v2/payments/captures/{CAPTURE}"}
ADDRESS = "https://shop.example/webhooks/paypal/"
NOT_ALLOWED = as_json({"name": "NOT_AUTHORIZED"}, 403)
INVALID = as_json({"name": "VALIDATION_ERROR"}, 400)
UNKNOWN = as_json({"name": "RESOURCE_NOT_FOUND", "details": [{"issue": "INVALID_RESOURCE_ID"}]}, 404)


def refund(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1JU08902781691411",
        "status": "COMPLETED",
        "amount": {"currency_code": "CHF", "value": "50.00"},
        "links": [{"rel": "self", "href": "https://api.paypal.com/v2/payments/refunds/1JU08902781691411"}, UP],
        **changes,
    }


def dispute(**changes: Any) -> dict[str, Any]:
    return {
        "dispute_id": "PP-R-NMW-10060614",
        "status": "WAITING_FOR_SELLER_RESPONSE",
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "dispute_amount": {"currency_code": "CHF", "value": "50.00"},
        "disputed_transactions": [{"seller_transaction_id": CAPTURE, "buyer_transaction_id": "3J0"}],
        "seller_response_due_date": "2026-12-01T00:00:00.000Z",
        **changes,
    }


def paid() -> APayment:
    return APayment(method="paypal").on("5O1").of(CAPTURE)


def paid_at(sandbox: Running, gateway: PayPalGateway) -> APayment:
    payment = opened(gateway)
    sandbox.client.approve_paypal(payment.page_reference or "")
    gateway.capture(payment, 1)
    return payment.of(sandbox.client.payment(payment.page_reference or "")["money"])


def answering(things: dict[str, Any]) -> Any:
    """Answers with the thing whose path begins so; PayPal knows nothing else."""

    def answer(request: Request) -> Answer:
        found = next((thing for path, thing in things.items() if request.path.startswith(path)), None)
        return token(request, found if isinstance(found, Answer) else as_json(found) if found else UNKNOWN)

    return answer


@pytest.fixture
def gateway(sandbox: Running) -> PayPalGateway:
    return trusting(sandbox)


REFUNDS = [
    ("COMPLETED", RefundState.SUCCEEDED, DisputeState.LOST),
    ("PENDING", RefundState.PENDING, DisputeState.OPEN),
    ("FAILED", RefundState.FAILED, DisputeState.CLOSED),
    ("CANCELLED", RefundState.FAILED, DisputeState.CLOSED),
]
DISPUTES = [
    ("OPEN", "", DisputeState.OPEN),
    ("WAITING_FOR_BUYER_RESPONSE", "", DisputeState.OPEN),
    ("WAITING_FOR_SELLER_RESPONSE", "", DisputeState.OPEN),
    ("UNDER_REVIEW", "", DisputeState.OPEN),
    ("OTHER", "", DisputeState.OPEN),
    ("UNDER_REVIEW", "RESOLVED_BUYER_FAVOUR", DisputeState.OPEN),
    ("RESOLVED", "RESOLVED_SELLER_FAVOUR", DisputeState.WON),
    ("RESOLVED", "RESOLVED_BUYER_FAVOUR", DisputeState.LOST),
    ("RESOLVED", "ACCEPTED", DisputeState.LOST),
    ("RESOLVED", "RESOLVED_WITH_PAYOUT", DisputeState.CLOSED),
    ("RESOLVED", "CANCELED_BY_BUYER", DisputeState.CLOSED),
    ("RESOLVED", "DENIED", DisputeState.CLOSED),
    ("RESOLVED", "NONE", DisputeState.CLOSED),
    ("RESOLVED", "", DisputeState.CLOSED),
]


class TestWords:
    gateway = configured("http://127.0.0.1:1")

    def said(self, type: str, resource: dict[str, Any]) -> Notice:
        return self.gateway.read(self.gateway.facts(event(type, resource)))

    @pytest.mark.parametrize("type", ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED"])
    @pytest.mark.parametrize(("status", "state"), [*((s, r) for s, r, _ in REFUNDS), ("PERHAPS", RefundState.PENDING)])
    def test_a_refund_is_read_by_its_status_not_by_the_name_of_its_event(
        self, type: str, status: str, state: RefundState
    ) -> None:
        told = RefundNotice("1JU08902781691411", state, 5000, "CHF", OURS)
        assert self.said(type, refund(status=status, custom_id=f"refund-{OURS}")) == Notice(
            Kind.REFUND, money_reference=CAPTURE, refund=told
        )

    def test_the_mark_of_a_payment_is_not_taken_for_a_refunds(self) -> None:
        """A refund made at the dashboard carries the mark of its capture."""
        said = self.said("PAYMENT.CAPTURE.REFUNDED", refund(custom_id=str(PAYMENT)))
        assert said.payment_id == PAYMENT
        assert said.refund is not None
        assert said.refund.refund_id is None

    @pytest.mark.parametrize("mark", ["refund-", "refund-1", f"refund-refund-{OURS}", f"Refund-{OURS}", "é", 7, None])
    def test_what_is_not_our_mark_is_not_kept(self, mark: object) -> None:
        assert "custom_id" not in self.gateway.facts(event("PAYMENT.CAPTURE.REFUNDED", refund(custom_id=mark))).object

    @pytest.mark.parametrize(
        "links",
        [
            None,
            "up",
            [],
            ["up"],
            [{"rel": "up"}],
            [{"rel": "self", "href": UP["href"]}],
            [{"rel": "up", "href": "https://api.paypal.com/v2/checkout/orders/5O1"}],
            [{"rel": "up", "href": f"{UP['href']}/../../../v1/oauth2/token"}],
            [{"rel": "up", "href": f"{UP['href']}?x=1"}],
            [{"rel": "up", "href": 7}],
        ],
    )
    def test_of_links_only_a_captures_id_is_kept(self, links: object) -> None:
        assert "links" not in self.gateway.facts(event("PAYMENT.CAPTURE.REFUNDED", refund(links=links))).object

    @pytest.mark.parametrize(("status", "state"), [(s, d) for s, _, d in REFUNDS])
    def test_what_paypal_took_back_is_a_lost_dispute_and_no_refund_of_ours(
        self, status: str, state: DisputeState
    ) -> None:
        said = self.said("PAYMENT.CAPTURE.REVERSED", refund(status=status, status_details={"reason": "CHARGEBACK"}))
        told = DisputeNotice("1JU08902781691411", state, "CHARGEBACK", 5000, currency="CHF")
        assert said == Notice(Kind.DISPUTE, money_reference=CAPTURE, dispute=told)

    def test_a_reversal_may_have_the_shape_of_its_capture(self) -> None:
        said = self.said("PAYMENT.CAPTURE.REVERSED", capture(status="REFUNDED"))
        assert (said.kind, said.payment_id, said.money_reference) == (Kind.DISPUTE, PAYMENT, CAPTURE)
        assert said.dispute is not None
        assert (said.dispute.state, said.dispute.amount) == (DisputeState.LOST, 12850)

    @pytest.mark.parametrize(("status", "outcome", "state"), [*DISPUTES, ("PERHAPS", "", DisputeState.OPEN)])
    def test_a_dispute_is_read_by_its_outcome(self, status: str, outcome: str, state: DisputeState) -> None:
        resource = dispute(status=status, dispute_outcome={"outcome_code": outcome})
        reason = "MERCHANDISE_OR_SERVICE_NOT_RECEIVED"
        told = DisputeNotice("PP-R-NMW-10060614", state, reason, 5000, datetime(2026, 12, 1, tzinfo=UTC), "CHF")
        for type in ("CREATED", "UPDATED", "RESOLVED"):
            expected = Notice(Kind.DISPUTE, money_reference=CAPTURE, dispute=told)
            assert self.said(f"CUSTOMER.DISPUTE.{type}", resource) == expected

    @pytest.mark.parametrize(
        ("due", "expected"),
        [
            ("2026-12-01T01:00:00+01:00", datetime(2026, 12, 1, tzinfo=UTC)),
            ("2026-12-01T00:00:00", None),
            ("tomorrow", None),
            ("", None),
            (None, None),
            (1_796_083_200, None),
        ],
    )
    def test_a_deadline_needs_a_date_and_its_offset(self, due: object, expected: datetime | None) -> None:
        said = self.said("CUSTOMER.DISPUTE.CREATED", dispute(seller_response_due_date=due)).dispute
        assert said is not None
        assert said.due_at == expected

    @pytest.mark.parametrize("transactions", [None, [], [{}], "x", [{"seller_transaction_id": "../x"}]])
    def test_a_dispute_about_nothing_of_ours_names_nothing(self, transactions: object) -> None:
        said = self.said("CUSTOMER.DISPUTE.CREATED", dispute(disputed_transactions=transactions))
        assert (said.kind, said.payment_id, said.money_reference) == (Kind.DISPUTE, None, None)


class TestLive:
    def told(self, type: str, resource: dict[str, Any]) -> Facts:
        return configured("http://127.0.0.1:1").facts(event(type, resource))

    def confirmed(self, told: Facts, things: dict[str, Any]) -> Notice:
        with serving(answering(things)) as server:
            return configured(server.url).confirm(told)

    @pytest.mark.parametrize(("status", "state"), [(s, r) for s, r, _ in REFUNDS])
    def test_a_refund_is_what_it_is_now_and_its_capture_names_the_payment(
        self, status: str, state: RefundState
    ) -> None:
        told = self.told("PAYMENT.CAPTURE.REFUNDED", refund())
        things = {"/v2/payments/refunds/": refund(status=status), "/v2/payments/captures/": capture()}
        expected = RefundNotice("1JU08902781691411", state, 5000, "CHF")
        assert self.confirmed(told, things) == Notice(
            Kind.REFUND, PAYMENT, "5O190127TN364715T", CAPTURE, refund=expected
        )

    @pytest.mark.parametrize(("status", "outcome", "state"), DISPUTES)
    def test_a_dispute_is_what_it_is_now(self, status: str, outcome: str, state: DisputeState) -> None:
        live = dispute(status=status, dispute_outcome={"outcome_code": outcome})
        things = {"/v1/customer/disputes/PP-R-NMW-10060614": live, "/v2/payments/captures/": capture()}
        said = self.confirmed(self.told("CUSTOMER.DISPUTE.CREATED", dispute()), things)
        assert (said.payment_id, said.money_reference) == (PAYMENT, CAPTURE)
        assert said.dispute is not None
        assert said.dispute.state == state

    def test_a_capture_that_paypal_does_not_show_names_no_payment(self) -> None:
        things = {"/v1/customer/disputes/": dispute(), "/v2/payments/refunds/": refund()}
        for told in (
            self.told("CUSTOMER.DISPUTE.CREATED", dispute()),
            self.told("PAYMENT.CAPTURE.REFUNDED", refund()),
        ):
            said = self.confirmed(told, things)
            assert (said.payment_id, said.money_reference) == (None, CAPTURE)

    @pytest.mark.parametrize(
        ("type", "resource", "things"),
        [
            ("PAYMENT.CAPTURE.REFUNDED", refund(), {}),
            ("PAYMENT.CAPTURE.REFUNDED", refund(), {"/v2/payments/refunds/": refund(status="PERHAPS")}),
            ("CUSTOMER.DISPUTE.CREATED", dispute(), {}),
            ("CUSTOMER.DISPUTE.CREATED", dispute(), {"/v1/customer/disputes/": dispute(status="PERHAPS")}),
            (
                "CUSTOMER.DISPUTE.CREATED",
                dispute(),
                {"/v1/customer/disputes/": as_json({"name": "NOT_AUTHORIZED"}, 403)},
            ),
            ("PAYMENT.CAPTURE.REVERSED", refund(), {}),
            ("PAYMENT.CAPTURE.REVERSED", refund(), {"/v2/payments/captures/": capture()}),
        ],
    )
    def test_what_paypal_does_not_show_is_not_confirmed(
        self, type: str, resource: dict[str, Any], things: dict[str, Any]
    ) -> None:
        with pytest.raises(Unreachable):
            self.confirmed(self.told(type, resource), things)

    def test_a_reversal_is_confirmed_by_what_paypal_shows(self, sandbox: Running, gateway: PayPalGateway) -> None:
        payment = paid_at(sandbox, gateway)
        reference = sandbox.client.reverse(payment.page_reference or "", 5000)
        message = sandbox.client.collect()[-1]
        assert message.type == "PAYMENT.CAPTURE.REVERSED"
        said = gateway.confirm(gateway.facts(json.loads(message.body)))
        assert (said.kind, said.payment_id, said.money_reference) == (Kind.DISPUTE, payment.id, payment.money_reference)
        assert said.dispute is not None
        assert (said.dispute.reference, said.dispute.state, said.dispute.amount) == (reference, DisputeState.LOST, 5000)

    def test_a_reversal_that_paypal_does_not_show_is_confirmed_by_the_capture_that_it_named(self) -> None:
        told = self.told("PAYMENT.CAPTURE.REVERSED", refund())
        said = self.confirmed(told, {f"/v2/payments/captures/{CAPTURE}": capture(status="REFUNDED")})
        assert (said.kind, said.payment_id, said.money_reference) == (Kind.DISPUTE, PAYMENT, CAPTURE)

    @pytest.mark.parametrize(
        ("changes", "amount", "reason"),
        [
            ({"status": "REFUNDED"}, 12850, "PAYMENT.CAPTURE.REVERSED"),
            # How much of it, nobody says.
            ({"status": "PARTIALLY_REFUNDED"}, None, "PAYMENT.CAPTURE.REVERSED"),
            ({"status_details": {"reason": "CHARGEBACK"}}, 12850, "CHARGEBACK"),
            ({"status_details": {"reason": "BUYER_COMPLAINT"}}, 12850, "BUYER_COMPLAINT"),
        ],
    )
    def test_a_reversal_in_the_shape_of_its_capture_is_confirmed_by_the_capture(
        self, changes: dict[str, Any], amount: int | None, reason: str
    ) -> None:
        told = self.told("PAYMENT.CAPTURE.REVERSED", capture())
        said = self.confirmed(told, {f"/v2/payments/captures/{CAPTURE}": capture(**changes)})
        assert (said.kind, said.payment_id, said.money_reference) == (Kind.DISPUTE, PAYMENT, CAPTURE)
        assert said.dispute is not None
        assert (said.dispute.state, said.dispute.amount) == (DisputeState.LOST, amount)
        assert said.dispute.reason == reason
        assert said.dispute.currency == ("CHF" if amount else None)

    def test_our_own_refund_cannot_be_called_a_reversal(self, sandbox: Running, gateway: PayPalGateway) -> None:
        """An attacker has the message of a refund of ours, and wants the shop to think that it lost the money."""
        refund = ARefund(paid_at(sandbox, gateway), 5000)
        gateway.refund(refund, "key-1")
        message = next(m for m in sandbox.client.collect() if m.type == "PAYMENT.CAPTURE.REFUNDED")
        wish = json.loads(message.body) | {"id": "WH-FRESH", "event_type": "PAYMENT.CAPTURE.REVERSED"}
        forged = with_crc_of(message.body, json.dumps(wish | {"summary": "FORGED"}).encode())
        facts = gateway.facts(gateway.verify(forged, CaseInsensitiveDict(message.headers)))
        assert gateway.read(facts).kind == Kind.DISPUTE
        said = gateway.confirm(facts)
        assert said.kind == Kind.REFUND
        assert said.refund is not None
        assert said.refund.refund_id == refund.id


class TestAsking:
    def test_it_sends_our_ids_and_an_amount(self, sandbox: Running, gateway: PayPalGateway) -> None:
        wanted = ARefund(paid_at(sandbox, gateway), 12850)
        gateway.refund(wanted, str(wanted.id))
        [call] = sandbox.client.requests("/refund")
        assert call["key"] == str(wanted.id)
        assert call["params"] == {
            "amount": {"currency_code": "CHF", "value": "128.50"},
            "custom_id": f"refund-{wanted.id}",
            "invoice_id": f"KK-7F3Q-20AB-r{str(wanted.id)[:8]}",
        }

    @pytest.mark.parametrize(
        ("status", "issue", "expected"),
        [
            (422, "CAPTURE_FULLY_REFUNDED", Refused),
            (422, "REFUND_AMOUNT_EXCEEDED", Refused),
            (422, "REFUND_TIME_LIMIT_EXCEEDED", Refused),
            (422, "TRANSACTION_DISPUTED", Refused),
            (422, "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK", Refused),
            (422, "REFUND_FAILED_INSUFFICIENT_FUNDS", Refused),
            (422, "PENDING_CAPTURE", Refused),
            (422, "INVENTED_TOMORROW", Refused),
            (422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED", Unreachable),
            (404, "INVALID_RESOURCE_ID", Unreachable),
            (409, "PREVIOUS_REQUEST_IN_PROGRESS", Unreachable),
            (403, "PERMISSION_DENIED", Unreachable),
            (429, "RATE_LIMIT_REACHED", Unreachable),
        ],
    )
    def test_it_knows_what_paypal_means(self, status: int, issue: str, expected: Any) -> None:
        error = {"name": "UNPROCESSABLE_ENTITY", "message": "Claire Dufour", "details": [{"issue": issue}]}
        with serving(answering({"/v2/": as_json(error, status)})) as server, pytest.raises(expected) as told:
            configured(server.url).refund(ARefund(paid()), "key-1")
        assert "Claire" not in f"{told.value!r} {told.value.__context__!r}"
        if expected is Refused:
            assert told.value.code == issue

    @pytest.mark.parametrize("answer", [as_json({}), as_json(refund(status="x")), as_json(refund(id="a b")), Answer()])
    def test_nonsense_is_no_refund(self, answer: Answer) -> None:
        with serving(answering({"/v2/": answer})) as server:
            with pytest.raises(Unreachable):
                configured(server.url).refund(ARefund(paid()), "key-1")
            with pytest.raises(Unreachable):
                configured(server.url).find_refund(ARefund(paid(), reference="1JU"))

    def order(self, status: str, *refunds: str) -> dict[str, Any]:
        payments = {"captures": [{"status": status}], "refunds": [{"id": id} for id in refunds]}
        return {"id": "5O1", "status": "COMPLETED", "purchase_units": [{"payments": payments}]}

    def test_it_looks_for_our_mark_at_each_refund_of_the_order(self) -> None:
        wanted = ARefund(paid())
        things = {
            "/v2/checkout/orders/5O1": self.order("PARTIALLY_REFUNDED", "1AA", "1BB"),
            "/v2/payments/refunds/1AA": refund(id="1AA", custom_id=str(wanted.payment.id)),
            "/v2/payments/refunds/1BB": refund(id="1BB", custom_id=f"refund-{wanted.id}", status="PENDING"),
        }
        with serving(answering(things)) as server:
            paypal = configured(server.url)
            assert paypal.find_refund(wanted) == MadeRefund("1BB", RefundState.PENDING)
            assert paypal.find_refund(ARefund(paid())) is None

    @pytest.mark.parametrize("status", ["REFUNDED", "PARTIALLY_REFUNDED"])
    def test_it_does_not_say_none_when_paypal_keeps_refunds_to_itself(self, status: str) -> None:
        unsaid = [self.order(status), self.order(status) | {"purchase_units": []}]
        for things in ({"/v2/checkout/orders/5O1": unsaid[0]}, {"/v2/checkout/orders/5O1": unsaid[1]}, {}):
            with serving(answering(things)) as server, pytest.raises(Unreachable):
                configured(server.url).find_refund(ARefund(paid()))

    def test_it_says_none_when_nothing_went_back(self) -> None:
        with serving(answering({"/v2/checkout/orders/5O1": self.order("COMPLETED")})) as server:
            assert configured(server.url).find_refund(ARefund(paid())) is None


class TestEvents:
    def listed(self, url: str, since: datetime) -> list[str]:
        return [facts.event_id for facts in configured(url).listed(since)]

    def test_it_asks_for_one_window_after_the_other(self) -> None:
        now = datetime.now(UTC)
        with serving(answering({"/v1/": {"events": []}})) as server:
            assert self.listed(server.url, now - timedelta(hours=15)) == []
        asked = [parse_qs(urlsplit(request.path).query) for request in server.requests[1:]]
        times = [(query["start_time"][0], query["end_time"][0]) for query in asked]
        assert len(times) == 3
        assert [start for start, _ in times[1:]] == [end for _, end in times[:-1]]
        assert datetime.fromisoformat(times[0][0]) <= now - timedelta(hours=15)
        assert datetime.fromisoformat(times[-1][1]) >= now

    def test_it_puts_a_window_in_order_whatever_paypals_is(self) -> None:
        events = [
            event("PAYMENT.CAPTURE.REFUNDED", refund(), id=f"WH-{n}", create_time=f"2026-11-22T10:00:0{n}.000Z")
            for n in (2, 1, 3)
        ]
        with serving(answering({"/v1/": {"events": events}})) as server:
            listed = self.listed(server.url, datetime.now(UTC) - timedelta(hours=1))
        assert listed == ["WH-1", "WH-2", "WH-3"]

    def test_it_does_not_follow_a_link_elsewhere_nor_without_end(self) -> None:
        first = [event("PAYMENT.CAPTURE.REFUNDED", refund(), id="WH-1")]
        second = [event("PAYMENT.CAPTURE.REFUNDED", refund(), id="WH-2")]
        with serving(lambda _: as_json({"events": []})) as elsewhere:
            path = "/v1/notifications/webhooks-events?page=2"
            links = [{"rel": "next", "href": f"{elsewhere.url}{path}"}]
            things = {path: {"events": second, "links": links}, "/v1/": {"events": first, "links": links}}

            def answer(request: Request) -> Answer:
                enough = len(server.requests) > 9
                return as_json({"events": []}) if enough else answering(things)(request)

            with serving(answer) as server:
                assert self.listed(server.url, datetime.now(UTC) - timedelta(hours=1)) == ["WH-1", "WH-2"]
        assert elsewhere.requests == []
        assert len(server.requests) == 3

    @pytest.mark.parametrize(
        "page", [{}, {"events": None}, {"events": [7]}, as_json({"name": "VALIDATION_ERROR"}, 400)]
    )
    def test_nonsense_is_no_list(self, page: Any) -> None:
        answer = page if isinstance(page, Answer) else as_json(page)
        with serving(answering({"/v1/": answer})) as server, pytest.raises(Unreachable):
            self.listed(server.url, datetime.now(UTC) - timedelta(hours=1))

    def test_what_is_no_event_is_passed_over(self, caplog: pytest.LogCaptureFixture) -> None:
        events = [{"event_type": "PAYMENT.CAPTURE.REFUNDED"}, event("PAYMENT.CAPTURE.REFUNDED", refund())]
        with serving(answering({"/v1/": {"events": events}})) as server:
            assert self.listed(server.url, datetime.now(UTC) - timedelta(hours=1)) == ["WH-1"]
        assert "no event" in caplog.text


class TestWebhook:
    def test_it_asks_for_exactly_what_it_handles(self, sandbox: Running, gateway: PayPalGateway) -> None:
        gateway.register(ADDRESS)
        [call] = [call for call in sandbox.client.requests("/notifications/webhooks") if call["method"] == "POST"]
        assert call["params"] == {"url": ADDRESS, "event_types": [{"name": name} for name in HANDLED]}

    @pytest.mark.parametrize("webhooks", [[{"url": ADDRESS}], [{"id": "a/b", "url": ADDRESS}]])
    def test_a_webhook_without_an_id_is_none(self, webhooks: list[Any]) -> None:
        with serving(answering({"/v1/": {"webhooks": webhooks}})) as server, pytest.raises(Unreachable):
            configured(server.url).register(ADDRESS)
