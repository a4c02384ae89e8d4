"""The page of the balance: what the PSPs booked beside what the shop says, and where to look when they differ."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import localdate

from payments.desk import balance
from tests.payments.balance.steps import lines
from tests.payments.histories.clock import Clock
from tests.payments.office import office
from tests.payments.steps import paid
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db
PAGE = "/admin/balance/"


def compared(clock: Clock, **asked: Any) -> Any:
    """The page about today, asked for once the PSPs' lists are complete."""
    clock.move(timedelta(hours=4))
    today = localdate(clock.now)
    return office(f"leila {clock.now}").get(PAGE, {"first": today, "last": today} | asked)


def test_it_asks_nothing_before_somebody_does(psps: Sandbox) -> None:
    psps.break_calls("down", calls=9)
    answer = office().get(PAGE)
    assert (answer.status_code, answer.context["sheets"]) == (200, [])


def test_both_agree_and_fees_and_payouts_are_shown(psps: Sandbox, clock: Clock) -> None:
    paid(psps, "card")
    paid(psps, "paypal")
    payout = psps.pay_out("stripe")

    page = compared(clock).content.decode()

    for sentence in [
        "Aucun écart\u00a0: Stripe et la boutique concordent.",
        "Aucun écart\u00a0: PayPal et la boutique concordent.",
        "CHF\u00a038.00",
        "CHF\u00a0-1.40",
        payout,
        "Concorde",
    ]:
        assert sentence in page, sentence


def test_a_difference_says_what_to_do_and_leads_to_order_and_psp(
    psps: Sandbox,
    clock: Clock,
) -> None:
    order, page_at_psp = paid(psps)
    psps.strike_line(lines(psps, "charge")[0])

    answer = compared(clock, provider="stripe")

    (sheet,) = answer.context["sheets"]
    (found,) = sheet.differences
    page = answer.content.decode()
    assert "1 écart\u00a0: Stripe et la boutique ne concordent pas." in page
    assert found.order_link == f"/admin/orders/order/{order.pk}/change/"
    assert found.psp_link
    assert psps.payment(page_at_psp)["money"] in page
    assert "N’expédiez rien" in page or "N’envoyez rien" in page


def test_a_slow_psp_gives_a_clear_page_and_the_other_its_sums(
    psps: Sandbox,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paid(psps)
    psps.break_calls("down", path="/paypal/v1/reporting/transactions", calls=9)
    answer = compared(clock)
    stripe, paypal = answer.context["sheets"]
    assert (answer.status_code, stripe.why, paypal.balance) == (200, "", None)
    assert "PayPal" in paypal.why
    psps.mend()

    monkeypatch.setattr(balance, "SECONDS", 0.0)
    assert "n’a pas répondu à temps" in compared(clock, provider="stripe").content.decode()


def test_more_days_than_a_psp_can_be_asked_for_are_refused_with_what_was_typed() -> None:
    answer = office().get(PAGE, {"first": "2026-01-01", "last": "2026-02-01", "provider": "paypal"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "31 jours au plus" in page
    assert 'value="2026-01-01"' in page
    assert '<option value="paypal" selected>' in page
    assert office("noah").get(PAGE, {"first": "9999-12-31", "last": "9999-12-31"}).status_code == 422
    tomorrow = str(localdate() + timedelta(days=1))
    future = office("nina").get(PAGE, {"first": tomorrow, "last": tomorrow})
    assert future.status_code == 422
    assert "Choisissez aujourd’hui ou un jour passé" in future.content.decode()
