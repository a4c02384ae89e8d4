"""Staff read in one sentence why an order waits."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation
from django.utils.timezone import now

from payments.models import Payment, Refund
from payments.sweep import sweep
from payments.why_pending import why_pending
from tests.payments.steps import bring_messages, ordered
from tests.sandbox.client import Sandbox
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db

HEARD: dict[str, tuple[dict[str, Any], str]] = {
    "open": ({}, "is open until"),
    "left": ({"left_at": now()}, "left the page"),
    "returned": ({"returned_at": now()}, "came back from Stripe"),
    "refused": ({"status": "failed", "refusal": "funds"}, "limit or balance. The order can still be paid until"),
    "declined on its page": ({"refusal": "funds"}, "open for another choice. The order can still be paid until"),
    "back after a decline": ({"refusal": "funds", "returned_at": now()}, "came back from Stripe"),
    "closed": ({"status": "expired"}, "closed without a payment"),
    "capturing": ({"claimed_at": now()}, "asked for the approved money"),
    "undecided": ({"with_bank_at": now(), "returned_at": now()}, "has been with the bank since"),
}


@pytest.mark.parametrize(("heard", "said"), HEARD.values(), ids=HEARD.keys())
def test_it_says_what_was_heard_last_and_what_comes_next(heard: dict[str, Any], said: str) -> None:
    order = placed()
    started(order, **heard)
    with translation.override("en"):
        sentence = why_pending(order)
    assert said in sentence
    assert "ends at" in sentence or "and ends then" in sentence


AT_PAYPAL: dict[str, tuple[dict[str, Any], str]] = {
    "approved": ({"approved_at": now()}, "that the customer agreed"),
    "declined": ({"refusal": "paypal", "returned_at": now(), "approved_at": now()}, "open for another choice"),
}


@pytest.mark.parametrize(("heard", "said"), AT_PAYPAL.values(), ids=AT_PAYPAL.keys())
def test_it_says_how_far_it_came_at_paypal(heard: dict[str, Any], said: str) -> None:
    order = placed()
    started(order, "paypal", **heard)
    with translation.override("en"):
        sentence = why_pending(order)
    assert said in sentence
    assert "came back" not in sentence


@pytest.mark.parametrize("heard", ["by the sweep", "by a message"])
def test_it_does_not_say_that_somebody_came_back_who_did_not(psps: Sandbox, heard: str) -> None:
    order, page = ordered("twint")
    psps.pay_by_twint(page, pending=True)
    if heard == "by a message":
        bring_messages(psps)
    else:
        Payment.objects.update(next_try_at=now())
        sweep()
    with translation.override("en"):
        assert "has been with the bank since" in why_pending(order)


@pytest.mark.parametrize("status", ["started", "failed", "expired"])
def test_it_says_first_what_the_psp_shows_and_has_not_told(status: str) -> None:
    order = placed()
    started(order, status=status, paid_seen_at=now())
    started(order, "twint", status="failed", refusal="funds")
    with translation.override("en"):
        sentence = why_pending(order)
    assert "Stripe shows the payment as made" in sentence
    assert "ends at" not in sentence


@pytest.mark.parametrize(
    ("payment", "said"),
    [
        ({}, "once Stripe says that nothing was paid"),
        ({"status": "failed", "refusal": "funds"}, "the sweep ends it"),
        (None, "the sweep ends it"),
    ],
)
def test_it_says_what_comes_next_when_the_time_is_over(payment: dict[str, Any] | None, said: str) -> None:
    order = placed(expires_at=now() - timedelta(hours=7))
    if payment is not None:
        started(order, **payment)
    with translation.override("en"):
        sentence = why_pending(order)
    assert "Its time was over at" in sentence
    assert said in sentence
    assert "ends at" not in sentence


def test_it_says_that_no_page_was_opened() -> None:
    with translation.override("en"):
        assert "No payment page" in why_pending(placed())


@pytest.mark.parametrize("amount", [0, 1])
def test_it_points_to_the_list_for_money_that_does_not_fit(amount: int) -> None:
    order = placed()
    deliver(stripe_event(started(order), amount_total=amount))
    with translation.override("en"):
        assert "“To do”" in why_pending(order)


def test_it_says_when_money_that_did_not_fit_went_back() -> None:
    order = placed()
    payment = started(order)
    deliver(stripe_event(payment, amount_total=1))
    Refund.objects.create(payment=payment, amount=1, status="succeeded")
    with translation.override("en"):
        sentence = why_pending(order)
    assert "went back" in sentence
    assert "ends at" in sentence or "and ends then" in sentence


def test_an_order_that_does_not_wait_has_no_reason_to() -> None:
    order = placed()
    deliver(stripe_event(started(order)))
    order.refresh_from_db()
    assert why_pending(order) == ""
