import time

import pytest
import stripe

from tests.sandbox import canaries
from tests.sandbox.client import Sandbox, SandboxRefused
from tests.sandbox_itself.sessions import params


def paid(client: stripe.StripeClient, sandbox: Sandbox) -> tuple[str, str]:
    page = client.v1.checkout.sessions.create(params=params()).id
    sandbox.pay_by_card(page)
    return page, sandbox.payment(page)["money"]


def types(sandbox: Sandbox) -> list[str]:
    """Of the events after the payment's own four."""
    return [event["type"] for event in sandbox.events()][4:]


def test_a_dispute_takes_the_money_and_tells_until_when(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    id = sandbox.dispute(page, reason="product_not_received", due_days=7)
    live = stripe_client.v1.disputes.retrieve(id)
    assert (live.amount, live.currency, live.reason, live.status) == (
        4990,
        "chf",
        "product_not_received",
        "needs_response",
    )
    assert live.evidence_details.due_by is not None
    assert abs(live.evidence_details.due_by - time.time() - 7 * 86_400) < 60
    assert (live.payment_intent, live.is_charge_refundable) == (intent, False)
    assert live.evidence.customer_name == canaries.CARD_HOLDER
    assert types(sandbox) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    charge = stripe_client.v1.charges.retrieve(str(live.charge))
    assert charge.disputed
    assert [one.id for one in stripe_client.v1.disputes.list(params={"payment_intent": intent})] == [id]
    assert (sandbox.payment(page)["disputed"], sandbox.payment(page)["received"]) == (4990, 4990)


def test_a_won_dispute_gives_the_money_back(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, _ = paid(stripe_client, sandbox)
    id = sandbox.dispute(page, 1000)
    sandbox.move_dispute(id, "under_review")
    assert sandbox.payment(page)["disputed"] == 1000
    sandbox.move_dispute(id, "won")
    assert types(sandbox)[2:] == [
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert sandbox.payment(page)["disputed"] == 0


def test_a_lost_dispute_keeps_it(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, _ = paid(stripe_client, sandbox)
    id = sandbox.dispute(page)
    sandbox.move_dispute(id, "lost")
    assert types(sandbox)[2:] == ["charge.dispute.closed"]
    assert sandbox.payment(page)["disputed"] == 4990
    assert sandbox.payment(page)["disputes"][0]["status"] == "lost"


def test_an_inquiry_takes_nothing_until_it_grows(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, _ = paid(stripe_client, sandbox)
    id = sandbox.dispute(page, status="warning_needs_response")
    assert types(sandbox) == ["charge.dispute.created"]
    assert sandbox.payment(page)["disputed"] == 0
    sandbox.move_dispute(id, "needs_response")
    assert types(sandbox)[1:] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert sandbox.payment(page)["disputed"] == 4990


def test_a_disputed_charge_is_not_refunded(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    id = sandbox.dispute(page)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe_client.v1.refunds.create(params={"payment_intent": intent})
    assert refused.value.code == "charge_disputed"
    sandbox.move_dispute(id, "won")
    assert stripe_client.v1.refunds.create(params={"payment_intent": intent}).status == "succeeded"


def test_during_an_inquiry_it_is(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, intent = paid(stripe_client, sandbox)
    sandbox.dispute(page, status="warning_needs_response")
    assert stripe_client.v1.refunds.create(params={"payment_intent": intent}).status == "succeeded"


def test_an_unknown_state_is_refused(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, _ = paid(stripe_client, sandbox)
    with pytest.raises(SandboxRefused, match="no such state"):
        sandbox.dispute(page, status="angry")


def test_an_inquiry_that_ends_well_moves_no_money(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    page, _ = paid(stripe_client, sandbox)
    id = sandbox.dispute(page, status="warning_needs_response")
    sandbox.move_dispute(id, "warning_closed")
    assert types(sandbox) == ["charge.dispute.created", "charge.dispute.closed"]
    assert sandbox.payment(page)["disputed"] == 0
