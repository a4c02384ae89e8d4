"""Stripe's gateway."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from requests.structures import CaseInsensitiveDict

from payments.configuration import StripeConfiguration
from payments.gateways.base import BadSignature, Facts, Kind, Notice, PageState, Refused, Unreachable
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe_messages import HANDLED, KEPT
from payments.gateways.stripe_refusals import refusal
from payments.gateways.stripe_transport import API_VERSION
from payments.models import Refusal
from tests.environment import STRIPE_WEBHOOK_SECRET
from tests.gateways.balance_contract import BalanceContract
from tests.gateways.cast import URLS, AnOrder, APayment
from tests.gateways.channel_contract import ChannelContract
from tests.gateways.money_back_contract import MoneyBackContract
from tests.gateways.server import Answer, Request, as_json, serving
from tests.gateways.stripe import configured, event, session
from tests.sandbox.client import INSUFFICIENT_FUNDS
from tests.sandbox.process import Running

NEW_SECRET = "whsec_next"


def signature(body: bytes, *, at: float | None = None, secret: str = STRIPE_WEBHOOK_SECRET) -> Mapping[str, str]:
    """The header as Stripe documents it, by hand: bytes that are no text can be signed too."""
    sent_at = int(time.time() if at is None else at)
    proof = stripe.WebhookSignature._compute_signature(f"{sent_at}.{body.decode('latin-1')}", secret)
    return CaseInsensitiveDict({"Stripe-Signature": f"t={sent_at},v1={proof}"})


class TestStripe(MoneyBackContract, ChannelContract, BalanceContract):
    psp = "stripe"
    method = "card"
    paid_event = "checkout.session.completed"
    refund_event = "refund.created"
    dispute_event = "charge.dispute.created"
    won = ("won", "")
    lost = ("lost", "")
    too_much = "amount"
    disputed = "charge_disputed"
    too_old: str | None = None

    @pytest.fixture
    def gateway(self, sandbox: Running) -> StripeGateway:
        return configured(f"{sandbox.url}/stripe")

    def pay(self, sandbox: Running, gateway: object, payment: APayment, *, webhook: str = "none") -> None:
        sandbox.client.pay_by_card(payment.page_reference or "", webhook=webhook)

    def signed(self, sandbox: Running, body: bytes) -> Mapping[str, str]:
        return signature(body)


class TestTwint(TestStripe):
    method = "twint"
    too_old = "charge_not_refundable"

    def pay(self, sandbox: Running, gateway: object, payment: APayment, *, webhook: str = "none") -> None:
        sandbox.client.pay_by_twint(payment.page_reference or "", webhook=webhook)


class TestWhatStripeIsAsked:
    @pytest.fixture
    def gateway(self, sandbox: Running) -> StripeGateway:
        return configured(f"{sandbox.url}/stripe")

    def asked(self, sandbox: Running) -> dict[str, Any]:
        [call] = sandbox.client.requests("/checkout/sessions")
        assert isinstance(call["params"], dict)
        return call

    def test_it_sends_one_amount_one_line_and_our_ids(self, sandbox: Running, gateway: StripeGateway) -> None:
        payment = APayment(amount=12850)
        gateway.open(payment, URLS)
        call = self.asked(sandbox)
        marks = {"payment": str(payment.id), "order": "KK-7F3Q-20AB"}
        assert call["key"] == str(payment.id)
        assert call["params"] == {
            "mode": "payment",
            "submit_type": "pay",
            "locale": "fr",
            "allowed_payment_method_types": ["card"],
            "line_items": [
                {
                    "quantity": "1",
                    "price_data": {
                        "currency": "chf",
                        "unit_amount": "12850",
                        "tax_behavior": "inclusive",
                        "product_data": {"name": "Commande KK-7F3Q-20AB"},
                    },
                }
            ],
            "client_reference_id": str(payment.id),
            "metadata": marks,
            "payment_intent_data": {"metadata": marks, "description": "Commande KK-7F3Q-20AB"},
            "customer_email": "claire.dufour@example.ch",
            "adaptive_pricing": {"enabled": "false"},
            "payment_method_options": {
                "card": {"restrictions": {"brands_blocked": ["american_express", "discover_global_network"]}}
            },
            "wallet_options": {"link": {"display": "never"}},
            "success_url": URLS.success,
            "cancel_url": URLS.cancel,
            "expires_at": str(int(payment.expires_at.timestamp())),
        }

    def test_it_asks_for_twint_without_a_word_about_cards(self, sandbox: Running, gateway: StripeGateway) -> None:
        gateway.open(APayment(method="twint"), URLS)
        params = self.asked(sandbox)["params"]
        assert params["allowed_payment_method_types"] == ["twint"]
        assert {"payment_method_options", "wallet_options"} & set(params) == set()

    def test_it_speaks_the_language_of_the_order(self, sandbox: Running, gateway: StripeGateway) -> None:
        gateway.open(APayment(order=AnOrder(language="en")), URLS)
        params = self.asked(sandbox)["params"]
        assert params["locale"] == "en"
        assert params["line_items"][0]["price_data"]["product_data"]["name"] == "Order KK-7F3Q-20AB"

    def test_dj_stripe_706_its_api_version_is_that_of_the_package(self) -> None:
        assert stripe.api_version == API_VERSION

    def test_it_measures_nothing_for_stripe(self) -> None:
        assert stripe.enable_telemetry is False


class TestWhatStripeAnswers:
    @pytest.fixture
    def gateway(self, sandbox: Running) -> StripeGateway:
        return configured(f"{sandbox.url}/stripe")

    def test_it_refuses_a_page_without_the_method(self, sandbox: Running, gateway: StripeGateway) -> None:
        sandbox.client.change(stripe_methods=["card"])
        with pytest.raises(Refused) as refused:
            gateway.open(APayment(method="twint"), URLS)
        assert refused.value.refusal == Refusal.OPENING
        assert sandbox.client.payments() == []

    def test_it_refuses_a_page_that_would_die_too_soon(self, gateway: StripeGateway) -> None:
        soon = replace(APayment(), expires_at=datetime.now(UTC) + timedelta(minutes=5))
        with pytest.raises(Refused) as refused:
            gateway.open(soon, URLS)
        assert refused.value.refusal == Refusal.OPENING

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"payment_method_types": ["card", "klarna"]}, "method_unavailable"),
            ({"payment_method_types": []}, "method_unavailable"),
            ({"amount_total": 12851}, "amount_differs"),
            ({"currency": "eur"}, "amount_differs"),
            ({"livemode": True}, "mode_differs"),
            ({"url": "https://evil.example/c/pay/cs_test_1"}, "page_elsewhere"),
            ({"url": None}, "page_elsewhere"),
        ],
    )
    def test_case_26_it_closes_and_refuses_a_page_that_was_not_asked_for(
        self, changes: dict[str, Any], code: str
    ) -> None:
        payment = APayment()

        def answer(request: Request) -> Answer:
            page = {"url": f"http://{request.headers['Host']}/c/pay/cs_test_1"}
            return as_json(session(payment, status="open", **{**page, **changes}))

        with serving(answer) as server, pytest.raises(Refused) as refused:
            configured(server.url).open(payment, URLS)
        assert refused.value.code == code
        assert [request.path for request in server.requests][-1] == "/v1/checkout/sessions/cs_test_1/expire"

    def test_a_wrong_key_says_nothing_about_the_payment(self, sandbox: Running) -> None:
        base = f"{sandbox.url}/stripe"
        stranger = StripeGateway(StripeConfiguration("sk_test_stranger", ("whsec_x",), base, base, livemode=False))
        payment = APayment()
        for call in (lambda: stranger.open(payment, URLS), lambda: stranger.look(payment.on("cs_test_1"))):
            with pytest.raises(Unreachable) as unreachable:
                call()
            assert "sk_test_stranger" not in str(unreachable.value)

    def test_a_session_that_stripe_does_not_know_is_not_taken_for_dead(self, gateway: StripeGateway) -> None:
        payment = APayment().on("cs_test_unknown")
        for call in (gateway.look, gateway.close):
            with pytest.raises(Unreachable):
                call(payment)

    def test_no_error_tells_what_was_sent(self, gateway: StripeGateway) -> None:
        payment = APayment(order=AnOrder(email="not an address"))
        with pytest.raises(Refused) as refused:
            gateway.open(payment, URLS)
        assert "not an address" not in f"{refused.value!r} {refused.value.__context__!r}"

    @pytest.mark.parametrize(
        ("changes", "state"),
        [
            ({"payment_status": "unpaid", "payment_intent": {"id": "pi_1", "status": "processing"}}, PageState.PENDING),
            ({"payment_status": "unpaid", "payment_intent": "pi_1"}, PageState.PENDING),
            ({"payment_status": "unpaid", "payment_intent": None}, PageState.PENDING),
            ({"payment_status": "unpaid", "payment_intent": {"id": "pi_1", "status": "canceled"}}, PageState.DEAD),
            (
                {"payment_status": "unpaid", "payment_intent": {"id": "pi_1", "status": "requires_payment_method"}},
                PageState.DEAD,
            ),
            ({"payment_status": "no_payment_required"}, PageState.PAID),
        ],
    )
    def test_it_knows_what_became_of_a_page(self, changes: dict[str, Any], state: PageState) -> None:
        payment = APayment().on("cs_test_1")
        with serving(lambda _: as_json(session(payment, **changes))) as server:
            assert configured(server.url).look(payment) == state

    @pytest.mark.parametrize("changes", [{"status": "sleeping"}, {"payment_status": "perhaps"}, {"status": None}])
    def test_a_state_that_it_does_not_know_is_none(self, changes: dict[str, Any]) -> None:
        payment = APayment().on("cs_test_1")
        with serving(lambda _: as_json(session(payment, **changes))) as server, pytest.raises(Unreachable):
            configured(server.url).look(payment)


class TestStripeSignature:
    body = json.dumps(event("checkout.session.completed", session(APayment()))).encode()
    gateway = configured("http://127.0.0.1:1", secrets=(STRIPE_WEBHOOK_SECRET, NEW_SECRET))

    def test_case_22_either_secret_proves_a_message(self) -> None:
        for secret in (STRIPE_WEBHOOK_SECRET, NEW_SECRET):
            assert self.gateway.verify(self.body, signature(self.body, secret=secret))["id"] == "evt_1"

    @pytest.mark.parametrize("secrets", [("whsec_other", NEW_SECRET), (STRIPE_WEBHOOK_SECRET, "whsec_other")])
    def test_case_22_of_two_proofs_in_one_header_either_will_do(self, secrets: tuple[str, str]) -> None:
        """While a secret is rolled Stripe signs with the old and the new one."""
        at = time.time()
        first, second = (signature(self.body, at=at, secret=secret)["Stripe-Signature"] for secret in secrets)
        header = f"{first},{second.partition(',')[2]}"
        assert self.gateway.verify(self.body, CaseInsensitiveDict({"Stripe-Signature": header}))

    @pytest.mark.parametrize("seconds", [-299, -1, 0, 1, 299])
    def test_clocks_may_differ_by_five_minutes(self, seconds: int) -> None:
        assert self.gateway.verify(self.body, signature(self.body, at=time.time() + seconds))

    @pytest.mark.parametrize("seconds", [-86_400, -302, 302, 86_400])
    def test_an_old_or_future_message_is_refused(self, seconds: int) -> None:
        with pytest.raises(BadSignature):
            self.gateway.verify(self.body, signature(self.body, at=time.time() + seconds))

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "garbage",
            ",,,=,=",
            "t=,v1=",
            "t=abc,v1=00",
            "t=1,v1=é",
            "t=1,v1=\udcff",
            f"t={'9' * 5000},v1=00",
            "v1=00",
            "t=1",
            "v0=00,t=1",
        ],
    )
    def test_a_header_that_stripe_would_not_send_is_refused(self, header: str) -> None:
        with pytest.raises(BadSignature):
            self.gateway.verify(self.body, CaseInsensitiveDict({"Stripe-Signature": header}))

    def test_a_header_with_more_behind_its_time_is_read_as_stripe_reads_it(self) -> None:
        header = signature(self.body)["Stripe-Signature"].replace(",", "=9,", 1)
        assert self.gateway.verify(self.body, CaseInsensitiveDict({"Stripe-Signature": header}))

    def test_another_scheme_proves_nothing(self) -> None:
        header = signature(self.body)["Stripe-Signature"].replace("v1=", "v0=")
        with pytest.raises(BadSignature):
            self.gateway.verify(self.body, CaseInsensitiveDict({"Stripe-Signature": header}))

    @pytest.mark.parametrize("secret", ["whsec_other", "x", " "])
    def test_another_secret_proves_nothing(self, secret: str) -> None:
        with pytest.raises(BadSignature):
            self.gateway.verify(self.body, signature(self.body, secret=secret))

    @pytest.mark.parametrize("secret", ["", " ", "\t"])
    def test_an_empty_secret_of_ours_proves_nothing(self, secret: str) -> None:
        with pytest.raises(BadSignature):
            configured("http://127.0.0.1:1", secrets=(secret,)).verify(self.body, signature(self.body, secret=secret))

    def test_a_thin_event_is_refused(self) -> None:
        body = json.dumps({"id": "evt_1", "object": "v2.core.event", "livemode": False}).encode()
        with pytest.raises(BadSignature):
            self.gateway.verify(body, signature(body))

    def test_a_refusal_does_not_tell_what_was_expected(self) -> None:
        expected = signature(self.body)["Stripe-Signature"].rpartition("=")[2]
        with pytest.raises(BadSignature) as refused:
            self.gateway.verify(self.body, signature(self.body, secret="whsec_other"))
        assert expected not in f"{refused.value!r}{refused.value.__context__!r}"


class TestStripeWords:
    gateway = configured("http://127.0.0.1:1")

    def said(self, type: str, thing: dict[str, Any]) -> Any:
        return self.gateway.read(self.gateway.facts(event(type, thing)))

    @pytest.mark.parametrize(
        ("type", "payment_status", "kind"),
        [
            ("checkout.session.completed", "paid", Kind.PAID),
            ("checkout.session.completed", "unpaid", Kind.PENDING),
            ("checkout.session.completed", "perhaps", Kind.PENDING),
            ("checkout.session.async_payment_succeeded", "paid", Kind.PAID),
            ("checkout.session.async_payment_failed", "unpaid", Kind.FAILED),
            ("checkout.session.expired", "unpaid", Kind.EXPIRED),
            ("checkout.session.invented", "paid", Kind.OTHER),
        ],
    )
    def test_only_paid_is_paid(self, type: str, payment_status: str, kind: Kind) -> None:
        assert self.said(type, session(APayment(), payment_status=payment_status)).kind == kind

    def test_a_payment_that_was_not_required_is_one_of_nothing(self) -> None:
        said = self.said("checkout.session.completed", session(APayment(), payment_status="no_payment_required"))
        assert (said.kind, said.amount) == (Kind.PAID, 0)

    def test_a_presentment_in_another_currency_is_seen(self) -> None:
        foreign = {"presentment_amount": 13_700, "presentment_currency": "eur"}
        said = self.said("checkout.session.completed", session(APayment(), presentment_details=foreign))
        assert (said.amount, said.currency, said.presented) == (12_850, "CHF", "EUR")
        assert "presentment_amount" not in str(said)

    def test_a_presentment_in_the_same_currency_is_none(self) -> None:
        same = {"presentment_amount": 12_850, "presentment_currency": "chf"}
        assert self.said("checkout.session.completed", session(APayment(), presentment_details=same)).presented == ""

    def test_another_currency_is_seen(self) -> None:
        assert self.said("checkout.session.completed", session(APayment(), currency="eur")).currency == "EUR"

    @pytest.mark.parametrize("amount", ["12850", 128.5, True, None])
    def test_an_amount_that_is_no_integer_is_none(self, amount: object) -> None:
        assert self.said("checkout.session.completed", session(APayment(), amount_total=amount)).amount is None

    def test_an_expanded_intent_is_kept_as_its_id(self) -> None:
        whole = {"id": "pi_1", "payment_method": {"card": {"last4": "4242"}}}
        facts = self.gateway.facts(event("checkout.session.completed", session(APayment(), payment_intent=whole)))
        assert facts.object["payment_intent"] == "pi_1"

    @pytest.mark.parametrize("mark", ["claire@example.ch", "KK-7F3Q-20AB", "", None, 7, "{00000000-0000-0000}"])
    def test_what_is_not_our_mark_is_not_kept(self, mark: object) -> None:
        facts = self.gateway.facts(event("checkout.session.completed", session(APayment(), client_reference_id=mark)))
        assert "client_reference_id" not in facts.object
        assert self.gateway.read(facts).payment_id is None

    def test_a_decline_on_an_open_page_tells_its_class(self, sandbox: Running) -> None:
        gateway = configured(f"{sandbox.url}/stripe")
        payment = APayment()
        page = gateway.open(payment, URLS)
        sandbox.client.pay_by_card(page.reference, INSUFFICIENT_FUNDS)
        messages = {message.type: message for message in sandbox.client.collect()}
        said = gateway.read(gateway.facts(json.loads(messages["payment_intent.payment_failed"].body)))
        assert (said.kind, said.payment_id, said.refusal) == (Kind.DECLINED, payment.id, Refusal.FUNDS)
        assert gateway.look(payment.on(page.reference)) == PageState.OPEN

    def test_a_decline_is_over_once_the_customer_has_paid(self, sandbox: Running) -> None:
        gateway = configured(f"{sandbox.url}/stripe")
        page = gateway.open(APayment(), URLS)
        sandbox.client.pay_by_card(page.reference, INSUFFICIENT_FUNDS)
        message = next(m for m in sandbox.client.collect() if m.type == "payment_intent.payment_failed")
        told = gateway.facts(json.loads(message.body))
        assert gateway.confirm(told) == gateway.read(told)
        sandbox.client.pay_by_card(page.reference)
        assert gateway.confirm(told).kind == Kind.OTHER

    @pytest.mark.parametrize(
        ("status", "error"),
        [("requires_payment_method", None), ("canceled", "card_declined"), ("processing", "card_declined")],
    )
    def test_an_intent_that_waits_for_no_other_card_says_no_decline(self, status: str, error: str | None) -> None:
        intent = {"object": "payment_intent", "id": "pi_1", "metadata": {"order": "KK-7F3Q-20AB"}, "status": status}
        told = self.gateway.facts(event("payment_intent.payment_failed", intent))
        live = intent | {"last_payment_error": error and {"code": error}}
        with serving(lambda _: as_json(live)) as server:
            assert configured(server.url).confirm(told).kind == Kind.OTHER

    @pytest.mark.parametrize("type", ["charge.failed", "charge.refunded", "payment_intent.succeeded", "invented"])
    @pytest.mark.parametrize("object", ["charge", "payment_intent", "refund", "dispute", "checkout.session"])
    def test_of_what_changes_nothing_it_keeps_nothing(self, type: str, object: str) -> None:
        facts = self.gateway.facts(event(type, {"object": object, "id": "ch_1", "payment_intent": "pi_1"}))
        assert facts.object == {}
        assert self.gateway.read(facts) == self.gateway.confirm(facts) == Notice(Kind.OTHER)

    @pytest.mark.parametrize("type", HANDLED)
    def test_an_event_with_another_object_than_its_name_says_changes_nothing(self, type: str) -> None:
        for object in ("charge", "", None, "invented"):
            facts = self.gateway.facts(event(type, {"object": object, "id": "ch_1"}))
            assert self.gateway.read(facts) == self.gateway.confirm(facts) == Notice(Kind.OTHER)

    @pytest.mark.parametrize("code", ["lost_card", "stolen_card", "fraudulent", "pickup_card", "do_not_honor"])
    def test_nobody_learns_that_a_card_is_reported(self, code: str) -> None:
        failed = {"object": "payment_intent", "id": "pi_1", "last_payment_error": {"decline_code": code}}
        facts = self.gateway.facts(event("payment_intent.payment_failed", failed))
        assert self.gateway.read(facts).refusal == Refusal.GENERIC
        assert code not in json.dumps(facts.object)

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            ({"code": "card_declined", "decline_code": "insufficient_funds"}, Refusal.FUNDS),
            ({"code": "card_declined", "decline_code": "authentication_required"}, Refusal.AUTHENTICATION),
            ({"code": "payment_intent_authentication_failure"}, Refusal.AUTHENTICATION),
            ({"code": "expired_card", "decline_code": "expired_card"}, Refusal.DATA),
            ({"code": "card_declined", "decline_code": "card_not_supported"}, Refusal.NOT_ALLOWED),
            ({"code": "processing_error"}, Refusal.TECHNICAL),
            ({"code": "payment_method_provider_timeout"}, Refusal.TIMEOUT),
            ({"code": "processing_error", "decline_code": "stolen_card"}, Refusal.GENERIC),
            ({"code": "invented_tomorrow"}, Refusal.GENERIC),
        ],
    )
    def test_it_says_why_in_classes_that_help(self, error: dict[str, str], expected: Refusal) -> None:
        assert refusal(error) == expected

    def test_it_reads_a_session_live_that_was_paid_since(self, sandbox: Running) -> None:
        gateway = configured(f"{sandbox.url}/stripe")
        payment = APayment()
        page = gateway.open(payment, URLS)
        named = {"object": "checkout.session", "id": page.reference}
        told = Facts("evt_1", "checkout.session.expired", livemode=False, api_version="2020", object=named)
        assert gateway.confirm(told).kind == Kind.OTHER
        sandbox.client.pay_by_card(page.reference)
        assert gateway.confirm(told).kind == Kind.PAID

    def test_only_listed_fields_are_kept_whatever_stripe_sends(self) -> None:
        for kind, allowed in KEPT.items():
            planted = dict.fromkeys((*FIELDS, *allowed), "canary@example.ch") | {"object": kind}
            kept = self.gateway.facts(event("refund.created", planted)).object
            assert "canary" not in json.dumps(kept)
            nested = {name: {"id": "canary@example.ch", "x": ["canary"]} for name in planted} | {"object": kind}
            assert "canary" not in json.dumps(self.gateway.facts(event("refund.created", nested)).object)


# Every name that any object of Stripe's in a payment has, and where bank data could stand.
FIELDS = {
    name
    for shape in (
        stripe.checkout.Session,
        stripe.PaymentIntent,
        stripe.Charge,
        stripe.Refund,
        stripe.Dispute,
        stripe.Event,
    )
    for name in shape.__annotations__
}
