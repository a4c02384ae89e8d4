"""One command makes the endpoints at both PSPs; run again it changes nothing."""

import pytest
from django.core.management import CommandError, call_command

from tests.sandbox.client import Sandbox

URL = "https://shop.example"


def test_the_endpoints_are_made_once_and_left_alone_after(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("register_webhooks", url=URL)
    first = capsys.readouterr().out
    assert "STRIPE_WEBHOOK_SECRETS: whsec_" in first
    assert "PAYPAL_WEBHOOK_IDS must hold: " in first
    assert f"{URL}/webhooks/paypal/" in first

    call_command("register_webhooks", url=URL + "/")
    again = capsys.readouterr().out
    assert again.count("all as it should be") == 2
    assert "whsec_" not in again


def test_a_silent_psp_is_named(sandbox: Sandbox) -> None:
    sandbox.break_calls("down", "/stripe/*", calls=20)
    with pytest.raises(CommandError, match="Stripe"):
        call_command("register_webhooks", url=URL)


@pytest.mark.parametrize("url", ["http://shop.example", "shop.example", "https://"])
def test_an_address_that_no_psp_could_reach_is_refused(url: str) -> None:
    with pytest.raises(CommandError, match="no public address"):
        call_command("register_webhooks", url=url)
