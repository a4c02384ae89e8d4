"""`manage.py reconcile`: what it prints, and how it ends."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import localdate

from tests.payments.balance.steps import lines
from tests.payments.histories.clock import Clock
from tests.payments.steps import bring_messages, paid
from tests.sandbox.client import Sandbox

pytestmark = pytest.mark.django_db


def run(*options: str) -> tuple[int, str, str]:
    """The exit code, what it printed, and what it said on its way."""
    out, err = StringIO(), StringIO()
    try:
        call_command("reconcile", *options, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def of_today(clock: Clock) -> tuple[str, ...]:
    clock.move(timedelta(hours=4))
    return f"--from={localdate(clock.now)}", f"--to={localdate(clock.now)}"


def test_the_command_prints_the_sums_and_ends_with_0_when_all_agrees(psps: Sandbox, clock: Clock) -> None:
    paid(psps, "card")
    paid(psps, "paypal")
    payout = psps.pay_out("stripe")
    code, out, err = run(*of_today(clock))
    assert code == 0
    assert out.count("taken CHF\u00a038.00") == 5, "each day, all days, the payout"
    assert f"payout {payout} of {localdate(clock.now)}" in out
    assert "entries: 1, matching: taken CHF\u00a038.00, fees" in out
    assert "Stripe: differences: none" in out
    assert "PayPal: differences: none" in out
    assert "Stripe: read up to" in err


def test_the_command_names_a_difference_and_ends_with_1(psps: Sandbox, clock: Clock) -> None:
    order, _page = paid(psps)
    psps.strike_line(lines(psps, "charge")[0])
    code, out, _err = run(*of_today(clock))
    assert code == 1
    assert order.number in out
    assert "has not booked it" in out
    assert "Stripe: differences: 1" in out


def test_the_command_shows_what_is_explained(psps: Sandbox, clock: Clock) -> None:
    order, page = paid(psps)
    psps.dispute(page, 900)
    bring_messages(psps)
    code, out, _err = run(*of_today(clock), "--provider=stripe")
    assert code == 0
    assert "held for an open dispute" in out
    assert order.number in out
    assert "PayPal" not in out


def test_the_command_ends_with_2_when_a_psp_cannot_be_asked_and_still_asks_the_other(
    psps: Sandbox, clock: Clock
) -> None:
    paid(psps, "card")
    psps.change(paypal_reports=False)
    code, out, err = run(*of_today(clock))
    assert code == 2
    assert "Stripe: differences: none" in out
    assert "Transaction Search" in err
    psps.break_calls("down", path="/stripe/v1/*", calls=9)
    code, _out, err = run(*of_today(clock), "--provider=stripe")
    assert code == 2
    assert "Stripe does not answer at the moment" in err
    assert "APIConnectionError" not in err


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--from=2026-11-01",),
        ("--from=2026-11-02", "--to=2026-11-01"),
        ("--from=today", "--to=tomorrow"),
        ("--from=2026-11-01", "--to=2126-11-01"),
    ],
)
def test_the_command_refuses_days_that_are_none(options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*options)
