from typing import Any, cast

import pytest
import stripe
from stripe.params import RefundCreateParams

from tests.sandbox.client import Sandbox, SandboxRefused
from tests.sandbox_itself.sessions import params


def paid(client: stripe.StripeClient, sandbox: Sandbox, *methods: str) -> tuple[str, str]:
    """The session and the payment intent of a payment that was made."""
    page = client.v1.checkout.sessions.create(params=params(*methods)).id
    sandbox.pay_by_twint(page) if methods else sandbox.pay_by_card(page)
    return page, sandbox.payment(page)["money"]


def refund(client: stripe.StripeClient, intent: str, key: str = "r", **more: Any) -> stripe.Refund:
    given = {"payment_intent": intent, "metadata": {"refund": "refund-1"}, **more}
    return client.v1.refunds.create(params=cast(RefundCreateParams, given), options={"idempotency_key": key})


def types(sandbox: Sandbox) -> list[str]:
    """Of the events after the payment's own four."""
    return [event["type"] for event in sandbox.events()][4:]


def test_a_whole_refund_is_done_at_once(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    made = refund(stripe_client, intent)
    assert (made.object, made.status, made.amount, made.currency, made.payment_intent) == (
        "refund",
        "succeeded",
        4990,
        "chf",
        intent,
    )
    live = stripe_client.v1.payment_intents.retrieve(intent, params={"expand": ["latest_charge"]}).latest_charge
    assert isinstance(live, stripe.Charge)
    assert (live.amount_refunded, live.refunded, made.charge) == (4990, True, live.id)
    assert types(sandbox) == ["refund.created", "charge.refunded"]
    row = sandbox.payment(page)
    assert (row["received"], row["refunded"], row["refunding"], row["disputed"]) == (4990, 4990, 0, 0)
    assert row["refunds"] == [{"id": made.id, "amount": 4990, "status": "succeeded", "marks": {"refund": "refund-1"}}]


def test_parts_add_up_and_no_more_than_all_goes_back(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    refund(stripe_client, intent, "r1", amount=3000)
    with pytest.raises(stripe.InvalidRequestError, match=r"Refund amount \(CHF 20.00\) is greater") as greater:
        refund(stripe_client, intent, "r2", amount=2000)
    assert greater.value.param == "amount"
    refund(stripe_client, intent, "r3")
    with pytest.raises(stripe.InvalidRequestError) as again:
        refund(stripe_client, intent, "r4", amount=1)
    assert again.value.code == "charge_already_refunded"
    assert sandbox.payment(page)["refunded"] == 4990


def test_the_same_key_refunds_once(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    assert refund(stripe_client, intent, amount=100).id == refund(stripe_client, intent, amount=100).id
    assert sandbox.payment(page)["refunded"] == 100
    with pytest.raises(stripe.IdempotencyError):
        refund(stripe_client, intent, amount=200)


def test_a_refund_is_found_by_its_marks(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    _, intent = paid(stripe_client, sandbox)
    _, other = paid(stripe_client, sandbox)
    ours = refund(stripe_client, intent, "r1", amount=100)
    refund(stripe_client, other, "r2")
    listed = stripe_client.v1.refunds.list(params={"payment_intent": intent, "limit": 100})
    assert [(one.id, one.metadata and one.metadata["refund"]) for one in listed] == [(ours.id, "refund-1")]
    assert stripe_client.v1.refunds.retrieve(ours.id).amount == 100


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"instructions_email": "a@example.ch"}, "does not play"),
        ({"charge": "ch_1"}, "One of the following"),
        ({"colour": "blue"}, "unknown parameter"),
        ({"reason": "because"}, "must be one of"),
    ],
)
def test_a_wrong_parameter_is_refused(
    stripe_client: stripe.StripeClient, sandbox: Sandbox, wrong: dict[str, Any], word: str
) -> None:
    _, intent = paid(stripe_client, sandbox)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refund(stripe_client, intent, **wrong)
    assert word in f"{refused.value} {refused.value.code}"


def test_what_was_not_paid_cannot_go_back(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        refund(stripe_client, "pi_unknown")
    assert unknown.value.code == "resource_missing"
    page = stripe_client.v1.checkout.sessions.create(params=params()).id
    sandbox.pay_by_card(page, "4000000000000002")
    intent = stripe_client.v1.checkout.sessions.retrieve(page).payment_intent
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        refund(stripe_client, str(intent))
    with pytest.raises(SandboxRefused, match="successful charge"):
        sandbox.refund(page)


def test_twint_gives_nothing_back_after_180_days(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox, "twint")
    sandbox.age(page, 179)
    refund(stripe_client, intent, "r1", amount=100)
    sandbox.age(page, 2)
    with pytest.raises(stripe.InvalidRequestError) as late:
        refund(stripe_client, intent, "r2", amount=100)
    assert late.value.code == "charge_not_refundable"


def test_a_card_is_not_so_hasty(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    sandbox.age(page, 400)
    assert refund(stripe_client, intent).status == "succeeded"


def test_an_empty_account_refunds_nothing(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    sandbox.change(refunds="refused")
    with pytest.raises(stripe.InvalidRequestError) as poor:
        refund(stripe_client, intent)
    assert (poor.value.code, sandbox.payment(page)["refunds"]) == ("balance_insufficient", [])
    sandbox.change(refunds="succeeded")
    assert refund(stripe_client, intent).status == "succeeded"


def test_a_pending_refund_is_decided_later(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    sandbox.change(refunds="pending")
    made = refund(stripe_client, intent)
    assert (made.status, made.pending_reason) == ("pending", "processing")
    assert (sandbox.payment(page)["refunded"], sandbox.payment(page)["refunding"]) == (0, 4990)
    sandbox.settle_refund(made.id, "succeeded")
    assert stripe_client.v1.refunds.retrieve(made.id).status == "succeeded"
    assert types(sandbox) == ["refund.created", "charge.refunded", "refund.updated"]
    assert sandbox.payment(page)["refunded"] == 4990


def test_a_refund_may_bounce_after_it_succeeded(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    made = refund(stripe_client, intent)
    sandbox.settle_refund(made.id, "failed", reason="expired_or_canceled_card")
    live = stripe_client.v1.refunds.retrieve(made.id, params={"expand": ["charge"]})
    assert (live.status, live.failure_reason) == ("failed", "expired_or_canceled_card")
    assert isinstance(live.charge, stripe.Charge)
    assert (live.charge.amount_refunded, live.charge.refunded) == (0, False)
    assert types(sandbox)[2:] == ["refund.updated", "refund.failed"]
    assert sandbox.payment(page)["refunded"] == 0
    with pytest.raises(SandboxRefused, match="failed already"):
        sandbox.settle_refund(made.id, "failed")
    sandbox.settle_refund(made.id, "succeeded")
    assert sandbox.payment(page)["refunded"] == 4990


def test_money_that_went_back_otherwise_cannot_go_twice(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    _, intent = paid(stripe_client, sandbox)
    bounced = refund(stripe_client, intent, "r1")
    sandbox.settle_refund(bounced.id, "failed")
    refund(stripe_client, intent, "r2")
    with pytest.raises(SandboxRefused, match="another refund"):
        sandbox.settle_refund(bounced.id, "succeeded")


def test_a_refund_may_fail_at_once(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    _, intent = paid(stripe_client, sandbox)
    sandbox.change(refunds="failed")
    assert refund(stripe_client, intent).failure_reason == "declined"
    assert types(sandbox) == ["refund.created", "refund.failed"]


def test_the_dashboard_refunds_without_our_marks(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    id = sandbox.refund(page, 1000, status="pending")
    [made] = stripe_client.v1.refunds.list(params={"payment_intent": intent}).data
    assert (made.id, made.amount, made.status) == (id, 1000, "pending")
    assert made.metadata is not None and made.metadata.to_dict() == {}
    sandbox.refund(page)
    assert (sandbox.payment(page)["refunded"], sandbox.payment(page)["refunding"]) == (3990, 1000)


def test_messages_of_refunds_can_be_lost(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    _, intent = paid(stripe_client, sandbox)
    sandbox.change(refund_webhook="lost")
    refund(stripe_client, intent)
    lost = [d["type"] for d in sandbox.deliveries() if d["state"] == "lost"]
    assert lost == types(sandbox) == ["refund.created", "charge.refunded"]
