"""PayPal's gateway."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from requests.structures import CaseInsensitiveDict

from payments.configuration import PAYPAL_API, PAYPAL_CERTIFICATES, PAYPAL_PAGES, PayPalConfiguration
from payments.gateways.base import Declined, Facts, Kind, Notice, PageState, Refused, Unreachable
from payments.gateways.paypal import PayPalGateway
from payments.gateways.paypal_messages import HANDLED, details_of
from payments.models import Refusal
from tests.environment import PAYPAL_WEBHOOK_ID
from tests.gateways.balance_contract import BalanceContract
from tests.gateways.cast import URLS, AnOrder, APayment
from tests.gateways.channel_contract import ChannelContract
from tests.gateways.forgery import with_crc_of
from tests.gateways.money_back_contract import MoneyBackContract
from tests.gateways.paypal import capture, configured, event, opened, token, trusting
from tests.gateways.server import Answer, Request, as_json, serving
from tests.sandbox.paypal.signature import Certificates
from tests.sandbox.process import Running

ORDERS = "/v2/checkout/orders"


@pytest.fixture
def gateway(sandbox: Running) -> PayPalGateway:
    return trusting(sandbox)


class TestPayPal(MoneyBackContract, ChannelContract, BalanceContract):
    psp = "paypal"
    method = "paypal"
    paid_event = "PAYMENT.CAPTURE.COMPLETED"
    refund_event = "PAYMENT.CAPTURE.REFUNDED"
    dispute_event = "CUSTOMER.DISPUTE.CREATED"
    won = ("RESOLVED", "RESOLVED_SELLER_FAVOUR")
    lost = ("RESOLVED", "RESOLVED_BUYER_FAVOUR")
    too_much = "REFUND_AMOUNT_EXCEEDED"
    disputed = "TRANSACTION_DISPUTED"
    too_old = "REFUND_TIME_LIMIT_EXCEEDED"

    @pytest.fixture
    def gateway(self, gateway: PayPalGateway) -> PayPalGateway:
        return gateway

    def pay(self, sandbox: Running, gateway: Any, payment: APayment, *, webhook: str = "none") -> None:
        sandbox.client.approve_paypal(payment.page_reference or "", webhook=webhook)
        assert gateway.capture(payment, 1) == PageState.PAID

    def signed(self, sandbox: Running, body: bytes) -> Mapping[str, str]:
        return CaseInsensitiveDict(Certificates(sandbox.state, f"{sandbox.url}/paypal").signed(body, PAYPAL_WEBHOOK_ID))


class TestWhatPayPalIsAsked:
    def test_woo_paypal_1508_it_sends_one_amount_and_our_ids(self, sandbox: Running, gateway: PayPalGateway) -> None:
        payment = APayment(method="paypal", amount=4990)
        gateway.open(payment, URLS)
        [call] = sandbox.client.requests(ORDERS)
        assert call["key"] == str(payment.id)
        assert call["params"] == {
            "intent": "CAPTURE",
            "purchase_units": [
                {
                    "custom_id": str(payment.id),
                    "invoice_id": f"KK-7F3Q-20AB-{str(payment.id)[:8]}",
                    "description": "Commande KK-7F3Q-20AB",
                    "amount": {"currency_code": "CHF", "value": "49.90"},
                }
            ],
            "payment_source": {
                "paypal": {
                    "experience_context": {
                        "locale": "fr-CH",
                        "shipping_preference": "NO_SHIPPING",
                        "user_action": "PAY_NOW",
                        "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
                        "return_url": URLS.success,
                        "cancel_url": URLS.cancel,
                    }
                }
            },
        }

    @pytest.mark.parametrize(
        ("centimes", "francs"), [(5, "0.05"), (100, "1.00"), (12_850, "128.50"), (1_000_000, "10000.00")]
    )
    def test_it_writes_centimes_as_francs(
        self, sandbox: Running, gateway: PayPalGateway, centimes: int, francs: str
    ) -> None:
        gateway.open(APayment(method="paypal", amount=centimes), URLS)
        [call] = sandbox.client.requests(ORDERS)
        assert call["params"]["purchase_units"][0]["amount"]["value"] == francs

    def test_it_speaks_the_language_of_the_order(self, sandbox: Running, gateway: PayPalGateway) -> None:
        gateway.open(APayment(method="paypal", order=AnOrder(language="en")), URLS)
        [call] = sandbox.client.requests(ORDERS)
        assert call["params"]["purchase_units"][0]["description"] == "Order KK-7F3Q-20AB"
        assert call["params"]["payment_source"]["paypal"]["experience_context"]["locale"] == "en-CH"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({}, "page_elsewhere"),
            ({"links": [{"rel": "payer-action", "href": "https://evil.example/checkoutnow"}]}, "page_elsewhere"),
            ({"purchase_units": [{"amount": {"currency_code": "EUR", "value": "128.50"}}]}, "amount_differs"),
            ({"purchase_units": [{"amount": {"currency_code": "CHF", "value": "128.51"}}]}, "amount_differs"),
            ({"purchase_units": []}, "amount_differs"),
        ],
    )
    def test_it_refuses_a_page_that_was_not_asked_for(self, changes: dict[str, Any], code: str) -> None:
        unit = {"amount": {"currency_code": "CHF", "value": "128.50"}}
        order = {"id": "5O1", "status": "PAYER_ACTION_REQUIRED", "purchase_units": [unit], "links": [], **changes}
        with serving(lambda request: token(request, as_json(order))) as server, pytest.raises(Refused) as refused:
            configured(server.url).open(APayment(method="paypal"), URLS)
        assert (refused.value.code, refused.value.refusal) == (code, Refusal.OPENING)


class TestCapture:
    @pytest.mark.parametrize(("decides", "state"), [("completed", PageState.PAID), ("pending", PageState.PENDING)])
    def test_it_takes_what_was_approved(
        self, sandbox: Running, gateway: PayPalGateway, decides: Any, state: PageState
    ) -> None:
        payment = opened(gateway)
        sandbox.client.approve_paypal(payment.page_reference or "", capture=decides)
        assert gateway.look(payment) == PageState.APPROVED
        assert gateway.capture(payment, 1) == state
        assert gateway.look(payment) == state
        assert [call["key"] for call in sandbox.client.requests("/capture")] == [f"cap-{payment.id}-1"]

    def test_it_does_not_take_what_was_not_approved(self, gateway: PayPalGateway) -> None:
        payment = opened(gateway)
        assert gateway.capture(payment, 1) == PageState.OPEN
        assert gateway.look(payment) == PageState.OPEN

    def test_case_42_a_completed_order_whose_capture_was_declined_is_over(
        self, sandbox: Running, gateway: PayPalGateway
    ) -> None:
        payment = opened(gateway)
        sandbox.client.approve_paypal(payment.page_reference or "", capture="declined")
        with pytest.raises(Refused) as refused:
            gateway.capture(payment, 1)
        assert refused.value.refusal == Refusal.PAYPAL
        assert gateway.look(payment) == PageState.DEAD

    def test_another_account_can_be_chosen_when_one_is_declined(self, sandbox: Running, gateway: PayPalGateway) -> None:
        payment = opened(gateway)
        page = gateway.open(payment, URLS)
        sandbox.client.approve_paypal(payment.page_reference or "", capture="instrument_declined")
        with pytest.raises(Declined):
            gateway.capture(payment, 1)
        assert gateway.open(payment, URLS) == page
        sandbox.client.approve_paypal(payment.page_reference or "")
        assert gateway.capture(payment, 2) == PageState.PAID

    @pytest.mark.parametrize("decides", ["instrument_declined", "payer_action"])
    def test_what_was_declined_and_stays_approved_has_the_same_page(
        self, sandbox: Running, gateway: PayPalGateway, decides: Any
    ) -> None:
        sandbox.client.change(paypal_keeps_approval=True)
        payment = opened(gateway)
        page = gateway.open(payment, URLS)
        sandbox.client.approve_paypal(payment.page_reference or "", capture=decides)
        with pytest.raises(Declined) as declined:
            gateway.capture(payment, 1)
        assert (
            declined.value.refusal
            == {
                "instrument_declined": Refusal.PAYPAL,
                "payer_action": Refusal.AUTHENTICATION,
            }[decides]
        )
        assert gateway.look(payment) == PageState.APPROVED
        assert gateway.open(payment, URLS) == page

    def test_it_takes_once_although_the_answer_was_lost(self, sandbox: Running, gateway: PayPalGateway) -> None:
        payment = opened(gateway)
        sandbox.client.approve_paypal(payment.page_reference or "")
        sandbox.client.break_calls("lost", path="/paypal/v2/*/capture")
        with pytest.raises(Unreachable):
            gateway.capture(payment, 1)
        assert gateway.capture(payment, 1) == PageState.PAID
        assert gateway.capture(payment, 2) == PageState.PAID  # PayPal says: already captured
        paid = [message for message in sandbox.client.collect() if message.type == "PAYMENT.CAPTURE.COMPLETED"]
        assert len(paid) == 1

    def test_an_order_that_grew_too_old_is_over(self, sandbox: Running, gateway: PayPalGateway) -> None:
        payment = opened(gateway)
        sandbox.client.approve_paypal(payment.page_reference or "")
        sandbox.client.expire(payment.page_reference or "")
        with pytest.raises(Refused) as refused:
            gateway.capture(payment, 1)
        assert refused.value.refusal == Refusal.TIMEOUT

    @pytest.mark.parametrize(
        ("status", "issue", "expected"),
        [
            (422, "PAYER_ACTION_REQUIRED", Declined),
            (422, "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING", Declined),
            (422, "ORDER_COMPLETION_IN_PROGRESS", Unreachable),
            (409, "RESOURCE_CONFLICT", Unreachable),
            (403, "PERMISSION_DENIED", Unreachable),
            (422, "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED", Refused),
            (422, "PAYER_CANNOT_PAY", Refused),
            (422, "TRANSACTION_REFUSED", Refused),
            (422, "DUPLICATE_INVOICE_ID", Refused),
            (422, "INVENTED_TOMORROW", Refused),
        ],
    )
    def test_it_knows_what_paypal_means(self, status: int, issue: str, expected: Any) -> None:
        error = {"name": "UNPROCESSABLE_ENTITY", "message": "Claire Dufour", "details": [{"issue": issue}]}
        with serving(lambda request: token(request, as_json(error, status))) as server:
            paypal, payment = configured(server.url), APayment(method="paypal").on("5O1")
            if isinstance(expected, PageState):
                assert paypal.capture(payment, 1) == expected
                return
            with pytest.raises(expected) as told:
                paypal.capture(payment, 1)
        assert "Claire" not in f"{told.value!r} {told.value.__context__!r}"
        if expected is Refused:
            assert told.value.code == issue

    def test_an_approved_page_counts_as_closed_since_we_shall_not_capture(
        self, sandbox: Running, gateway: PayPalGateway
    ) -> None:
        payment = opened(gateway)
        sandbox.client.approve_paypal(payment.page_reference or "")
        assert gateway.close(payment) == PageState.DEAD

    def test_a_pending_capture_cannot_be_closed(self, sandbox: Running, gateway: PayPalGateway) -> None:
        payment = opened(gateway)
        sandbox.client.approve_paypal(payment.page_reference or "", capture="pending")
        gateway.capture(payment, 1)
        assert gateway.close(payment) == PageState.PENDING


class TestPayPalWords:
    gateway = configured("http://127.0.0.1:1")

    def facts(self, type: str, resource: object) -> Facts:
        return self.gateway.facts(event(type, resource))

    @pytest.mark.parametrize(
        ("type", "kind", "refusal"),
        [
            ("PAYMENT.CAPTURE.COMPLETED", Kind.PAID, ""),
            ("PAYMENT.CAPTURE.PENDING", Kind.PENDING, ""),
            ("PAYMENT.CAPTURE.DENIED", Kind.FAILED, Refusal.PAYPAL),
            ("PAYMENT.CAPTURE.DECLINED", Kind.FAILED, Refusal.PAYPAL),
        ],
    )
    def test_it_reads_what_a_capture_is_said_to_be(self, type: str, kind: Kind, refusal: str) -> None:
        said = self.gateway.read(self.facts(type, capture()))
        assert (said.kind, said.refusal) == (kind, refusal)
        assert (said.amount, said.currency, str(said.payment_id)) == (12850, "CHF", capture()["custom_id"])
        assert (said.page_reference, said.money_reference) == ("5O190127TN364715T", "2GG279541U471931P")

    @pytest.mark.parametrize(
        "type",
        [
            "CHECKOUT.ORDER.COMPLETED",
            "CHECKOUT.PAYMENT-APPROVAL.REVERSED",
            "PAYMENT.CAPTURE.INVENTED",
            "PAYMENT.REFUND.INVENTED",
            "CUSTOMER.DISPUTE.INVENTED",
        ],
    )
    def test_of_what_changes_nothing_it_keeps_nothing(self, type: str) -> None:
        facts = self.facts(type, capture())
        assert facts.object == {}
        assert self.gateway.read(facts) == Notice(Kind.OTHER)
        assert self.gateway.confirm(facts) == Notice(Kind.OTHER)

    @pytest.mark.parametrize(
        "value",
        ["1E+2", "NaN", "10.0", "10,00", "128.500", "-1.00", "+1.00", " 1.00", "1.00\n", "١.٠٠", "", None, 128.5, 100],
    )
    def test_an_amount_in_another_form_is_none(self, value: object) -> None:
        resource = capture(amount={"currency_code": "CHF", "value": value})
        assert self.gateway.read(self.facts("PAYMENT.CAPTURE.COMPLETED", resource)).amount is None

    @pytest.mark.parametrize("mark", ["claire@example.ch", "KK-7F3Q-20AB", "", None, 7, "5F0D1E3A-6F3E"])
    def test_what_is_not_our_mark_is_not_kept(self, mark: object) -> None:
        facts = self.facts("PAYMENT.CAPTURE.COMPLETED", capture(custom_id=mark))
        assert "custom_id" not in facts.object
        assert self.gateway.read(facts).payment_id is None

    @pytest.mark.parametrize("reference", ["../../v1/oauth2/token", "a b", "2GG?x=1", "2GG/refund", "é", {"id": ".."}])
    def test_an_id_that_would_lead_elsewhere_is_not_kept(self, reference: object) -> None:
        assert "id" not in self.facts("PAYMENT.CAPTURE.COMPLETED", capture(id=reference)).object

    def test_only_listed_fields_are_kept_whatever_paypal_sends(self) -> None:
        canary: Any = "canary@example.ch"
        for type in HANDLED:
            for planted in (canary, [canary], {"id": canary, "value": canary}, [{"id": canary, "custom_id": canary}]):
                facts = self.facts(type, dict.fromkeys(FIELDS, planted))
                assert "canary" not in json.dumps(facts.object)

    def test_the_mode_is_that_of_our_credentials(self) -> None:
        live = PayPalGateway(
            PayPalConfiguration(
                "id", "secret", ("8WH",), PAYPAL_API["live"], PAYPAL_PAGES["live"], PAYPAL_CERTIFICATES["live"], None
            )
        )
        assert live.facts(event("PAYMENT.CAPTURE.COMPLETED", capture())).livemode is True
        assert self.facts("PAYMENT.CAPTURE.COMPLETED", capture()).livemode is False


class TestConfirm:
    def told(self, type: str, id: str) -> Facts:
        return Facts("WH-1", type, livemode=False, api_version="2.0", object={"id": id})

    def test_an_approval_is_confirmed_by_the_order(self, sandbox: Running, gateway: PayPalGateway) -> None:
        payment = opened(gateway)
        told = self.told("CHECKOUT.ORDER.APPROVED", payment.page_reference or "")
        assert gateway.confirm(told).kind == Kind.OTHER
        sandbox.client.approve_paypal(payment.page_reference or "")
        assert gateway.confirm(told) == Notice(
            Kind.APPROVED, payment.id, payment.page_reference, amount=12850, currency="CHF"
        )
        gateway.capture(payment, 1)
        assert gateway.confirm(told).kind == Kind.OTHER  # of the money its capture tells

    @pytest.mark.parametrize(
        ("decides", "kind"), [("COMPLETED", Kind.PAID), ("DENIED", Kind.FAILED), ("DECLINED", Kind.FAILED)]
    )
    def test_a_pending_capture_is_what_it_has_become(
        self, sandbox: Running, gateway: PayPalGateway, decides: Any, kind: Kind
    ) -> None:
        payment = opened(gateway)
        sandbox.client.approve_paypal(payment.page_reference or "", capture="pending")
        gateway.capture(payment, 1)
        money = sandbox.client.payment(payment.page_reference or "")["money"]
        told = self.told("PAYMENT.CAPTURE.COMPLETED", money)
        assert gateway.confirm(told).kind == Kind.PENDING
        sandbox.client.settle_capture(money, decides)
        said = gateway.confirm(told)
        assert (said.kind, said.payment_id, said.amount) == (kind, payment.id, 12850)

    def test_a_body_forged_with_the_same_crc_tells_nothing(self, sandbox: Running, gateway: PayPalGateway) -> None:
        """An attacker has one message of ours, and wants a dearer order paid with it."""
        payment, dearer = opened(gateway), opened(gateway)
        sandbox.client.approve_paypal(payment.page_reference or "")
        gateway.capture(payment, 1)
        message = next(m for m in sandbox.client.collect() if m.type == "PAYMENT.CAPTURE.COMPLETED")
        wish = json.loads(message.body)
        wish["id"] = "WH-FRESH"
        wish["resource"] |= {"custom_id": str(dearer.id), "amount": {"currency_code": "CHF", "value": "999.00"}}
        wish["summary"] = "FORGED"
        forged = with_crc_of(message.body, json.dumps(wish).encode())
        facts = gateway.facts(gateway.verify(forged, CaseInsensitiveDict(message.headers)))
        assert gateway.read(facts).payment_id == dearer.id
        said = gateway.confirm(facts)
        assert (said.payment_id, said.amount, said.page_reference) == (payment.id, 12850, payment.page_reference)

    def test_a_capture_that_nobody_knows_is_not_confirmed(self, gateway: PayPalGateway) -> None:
        with pytest.raises(Unreachable):
            gateway.confirm(self.told("PAYMENT.CAPTURE.COMPLETED", "9XX"))
        assert gateway.confirm(self.told("CHECKOUT.ORDER.APPROVED", "9XX")) == Notice(Kind.OTHER)

    def test_a_fresh_capture_is_waited_for(self) -> None:
        unknown = as_json({"name": "RESOURCE_NOT_FOUND", "details": [{"issue": "INVALID_RESOURCE_ID"}]}, 404)
        answers = iter([unknown, unknown, as_json(capture())])
        with serving(lambda request: token(request, unknown) if "token" in request.path else next(answers)) as server:
            assert configured(server.url).confirm(self.told("PAYMENT.CAPTURE.COMPLETED", "2GG")).kind == Kind.PAID

    def test_pretix_paypal2_a_fresh_order_that_paypal_does_not_know_yet_is_not_dead(self) -> None:
        unknown = as_json({"name": "RESOURCE_NOT_FOUND", "details": [{"issue": "INVALID_RESOURCE_ID"}]}, 404)
        answers = iter([unknown, as_json({"id": "5O1", "status": "PAYER_ACTION_REQUIRED"})])
        with serving(lambda request: token(request, unknown) if "token" in request.path else next(answers)) as server:
            assert configured(server.url).look(APayment(method="paypal").on("5O1")) == PageState.OPEN

    @pytest.mark.parametrize(
        ("status", "kind", "refunded"),
        [
            ("COMPLETED", Kind.PAID, 0),
            ("PARTIALLY_REFUNDED", Kind.PAID, 0),
            ("REFUNDED", Kind.PAID, 12850),  # all of it went back: it must not pay an order now
            ("FAILED", Kind.FAILED, 0),
        ],
    )
    def test_it_says_what_a_capture_is_now(self, status: str, kind: Kind, refunded: int) -> None:
        with serving(lambda request: token(request, as_json(capture(status=status)))) as server:
            said = configured(server.url).confirm(self.told("PAYMENT.CAPTURE.COMPLETED", "2GG"))
        assert (said.kind, said.amount, said.refunded) == (kind, 12850, refunded)

    @pytest.mark.parametrize("answer", [as_json(capture(status="PERHAPS")), as_json([1]), as_json(None), Answer(200)])
    def test_nonsense_confirms_nothing(self, answer: Answer) -> None:
        with serving(lambda request: token(request, answer)) as server, pytest.raises(Unreachable):
            configured(server.url).confirm(self.told("PAYMENT.CAPTURE.COMPLETED", "2GG"))


class TestTransport:
    def test_our_keys_and_wishes_do_not_go_where_the_token_comes_from(self) -> None:
        error = as_json({"name": "INTERNAL_SERVER_ERROR"}, 500)
        with serving(lambda request: token(request, error)) as server, pytest.raises(Unreachable):
            configured(server.url).open(APayment(method="paypal"), URLS)
        first, second = server.requests
        assert first.path == "/v1/oauth2/token"
        assert parse_qs(first.body.decode()) == {"grant_type": ["client_credentials"]}
        assert {"PayPal-Request-Id", "Prefer"} & set(first.headers) == set()
        assert {"PayPal-Request-Id", "Prefer"} <= set(second.headers)
        assert second.headers["Authorization"] == "Bearer A21"

    def test_a_read_has_no_body(self) -> None:
        with serving(lambda request: token(request, as_json({"id": "5O1", "status": "VOIDED"}))) as server:
            assert configured(server.url).look(APayment(method="paypal").on("5O1")) == PageState.DEAD
        assert server.requests[-1].body == b""

    def test_a_token_that_paypal_forgot_is_asked_for_again(self, sandbox: Running, gateway: PayPalGateway) -> None:
        payment = opened(gateway)
        sandbox.client.revoke_tokens()
        assert gateway.look(payment) == PageState.OPEN

    def test_case_52_wrong_credentials_do_not_become_a_storm(self) -> None:
        refused = as_json({"error": "invalid_client", "error_description": "Client Authentication failed"}, 401)
        with serving(lambda _: refused) as server, pytest.raises(Unreachable):
            configured(server.url, secret="wrong").open(APayment(method="paypal"), URLS)
        assert [request.path for request in server.requests] == ["/v1/oauth2/token"]

    def test_a_token_refused_for_good_is_asked_for_twice(self) -> None:
        refused = as_json({"error": "invalid_token"}, 401)
        with serving(lambda request: token(request, refused)) as server, pytest.raises(Unreachable):
            configured(server.url).look(APayment(method="paypal").on("5O1"))
        assert len(server.requests) == 4

    def test_many_threads_ask_for_one_token(self) -> None:
        order = as_json({"id": "5O1", "status": "VOIDED"})
        payment = APayment(method="paypal").on("5O1")
        with serving(lambda request: token(request, order)) as server, ThreadPoolExecutor(16) as threads:
            paypal = configured(server.url)
            assert set(threads.map(lambda _: paypal.look(payment), range(32))) == {PageState.DEAD}
        assert [request.path for request in server.requests].count("/v1/oauth2/token") == 1

    def test_a_token_is_not_used_until_its_last_second(self) -> None:
        def answer(request: Request) -> Answer:
            if request.path == "/v1/oauth2/token":
                return as_json({"access_token": "A21", "token_type": "Bearer", "expires_in": 59})
            return as_json({"id": "5O1", "status": "VOIDED"})

        payment = APayment(method="paypal").on("5O1")
        with serving(answer) as server:
            paypal = configured(server.url)
            assert [paypal.look(payment), paypal.look(payment)] == [PageState.DEAD, PageState.DEAD]
        assert [request.path for request in server.requests].count("/v1/oauth2/token") == 2

    def test_it_follows_nobody_elsewhere(self) -> None:
        with serving(lambda request: as_json({})) as elsewhere:
            there = Answer(302, headers={"Location": f"{elsewhere.url}/v2/checkout/orders/5O1"})
            with serving(lambda request: token(request, there)) as server, pytest.raises(Unreachable):
                configured(server.url).look(APayment(method="paypal").on("5O1"))
        assert elsewhere.requests == []

    @pytest.mark.parametrize("status", [400, 404, 422])
    def test_a_refusal_that_is_not_paypals_is_none(self, status: int) -> None:
        html = Answer(status, b"<html>Claire Dufour</html>")
        with serving(lambda request: token(request, html)) as server, pytest.raises(Unreachable) as unreachable:
            configured(server.url).open(APayment(method="paypal"), URLS)
        assert "Claire" not in f"{unreachable.value!r} {unreachable.value.__context__!r}"

    @pytest.mark.parametrize("answer", [Answer(200, b"no"), as_json([]), as_json({"access_token": "A21"})])
    def test_nonsense_instead_of_a_token_is_no_answer(self, answer: Answer) -> None:
        with serving(lambda _: answer) as server, pytest.raises(Unreachable):
            configured(server.url).look(APayment(method="paypal").on("5O1"))

    def test_nothing_of_it_is_logged(self, caplog: pytest.LogCaptureFixture, gateway: PayPalGateway) -> None:
        caplog.set_level("DEBUG")
        opened(gateway)
        with pytest.raises(Refused):
            gateway.open(replace(APayment(method="paypal"), currency="XXX"), URLS)
        assert "Basic " not in caplog.text
        assert "Bearer" not in caplog.text
        assert "KK-7F3Q" not in caplog.text


# Every name in a capture or an order of PayPal's, bank and personal data among them (Orders v2, Payments v2).
FIELDS = [
    "id",
    "status",
    "status_details",
    "amount",
    "custom_id",
    "invoice_id",
    "payee",
    "payer",
    "payment_source",
    "purchase_units",
    "links",
    "final_capture",
    "supplementary_data",
    "seller_protection",
    "seller_receivable_breakdown",
    "processor_response",
    "network_transaction_reference",
    "disbursement_mode",
    "create_time",
    "update_time",
    "intent",
    "summary",
    "shipping",
    "email_address",
    "name",
    "address",
    "phone",
    "birth_date",
    "note_to_payer",
    "acquirer_reference_number",
    "seller_payable_breakdown",
    "dispute_id",
    "dispute_amount",
    "dispute_outcome",
    "dispute_channel",
    "disputed_transactions",
    "reason",
    "messages",
    "evidences",
    "extensions",
    "offer",
    "seller_response_due_date",
]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ({"card": {"brand": "VISA", "last_digits": "4242", "name": "CLAIRE"}}, ("visa", "4242", "")),
        ({"paypal": {"email_address": "claire@exemple.ch"}}, ("", "", "c•••@exemple.ch")),
        ({"venmo": {}}, ("", "", "")),
    ],
)
def test_it_shows_the_card_of_who_paid_without_an_account(source: dict[str, Any], shown: tuple[str, str, str]) -> None:
    details = details_of({"id": "5O1", "payment_source": source})
    assert (details.brand, details.last_digits, details.account) == shown
