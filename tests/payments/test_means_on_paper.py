"""What the PSPs show of the means of payment stands on the paper; a silent PSP costs a line and two seconds."""

import time
from dataclasses import replace
from typing import Any

import pytest

from orders.models import Order
from payments import attestation
from payments.models import Payment
from tests.payments.papers import embedded_facts, pages
from tests.payments.steps import bring_messages, ordered, paid
from tests.sandbox.canaries import CARD_AUTHORISATION
from tests.sandbox.client import MASTERCARD, VISA, Sandbox

SILENCE = "Sans détail : {} n’a pas répondu."
TOO_LONG = 3.5
"""Seconds: two are meant, three times two would be far beyond it."""
TRIES = 4
"""The machine may have much else to do, but not each time."""


def attested(order: Order) -> str:
    """What the order's attestation says now."""
    return " ".join(pages(attestation.draw(attestation.of(order)))).replace("\u00a0", " ")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("card", "wallet", "words"),
    [
        (VISA, None, "Visa •••• 4242 Code d’autorisation"),
        (MASTERCARD, None, "Mastercard •••• 4444 Code d’autorisation"),
        (VISA, "apple_pay", "Visa •••• 4242 · Apple Pay Code d’autorisation"),
        (MASTERCARD, "google_pay", "Mastercard •••• 4444 · Google Pay Code d’autorisation"),
        (VISA, "wallet_of_2030", "Visa •••• 4242 · Wallet Of 2030 Code d’autorisation"),
    ],
)
def test_a_card_is_named_with_its_wallet_and_the_banks_code(
    psps: Sandbox, card: str, wallet: str | None, words: str
) -> None:
    order, page = ordered()
    psps.pay_by_card(page, card, wallet=wallet)
    bring_messages(psps)
    money = Payment.objects.get().money_reference
    assert f"Carte, par Stripe {words} {CARD_AUTHORISATION} Réf. {money} Sur votre relevé" in attested(order)


@pytest.mark.django_db
def test_twint_tells_nothing_more(psps: Sandbox) -> None:
    order, page = paid(psps, "twint")
    assert f"TWINT, par Stripe Réf. {psps.payment(page)['money']} Client" in attested(order)


@pytest.mark.django_db
def test_of_a_paypal_account_only_its_owner_knows_the_address_again(psps: Sandbox) -> None:
    order, page = paid(psps, "paypal")
    said = attested(order)
    assert f"PayPal c•••@example.com Réf. {psps.payment(page)['money']} Sur votre relevé : PAYPAL *KOOKUT" in said
    assert "canari" not in said


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["silent", "down", "500", "429", "html"])
@pytest.mark.parametrize(("method", "provider"), [("card", "Stripe"), ("twint", "Stripe"), ("paypal", "PayPal")])
def test_a_psp_without_an_answer_leaves_the_paper_whole_but_for_a_line(
    psps: Sandbox, method: str, provider: str, fault: str
) -> None:
    order, page = paid(psps, method)
    whole = attested(order)
    psps.break_calls(fault, calls=20)

    said = attested(order)

    assert SILENCE.format(provider) in said
    for fact in [
        order.number,
        "CHF 38.00 – payé",
        psps.payment(page)["money"],
        "Claire Dufour",
        "Total, TVA comprise CHF 38.00",
        "preuve de paiement",
    ]:
        assert fact in said
    psps.mend()
    assert attested(order) == whole
    assert SILENCE.format(provider) not in whole


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "provider"), [("card", "Stripe"), ("paypal", "PayPal")])
def test_a_psp_that_knows_the_payment_no_more_is_asked_once_and_not_called_silent(
    psps: Sandbox, method: str, provider: str
) -> None:
    order, _page = paid(psps, method)
    Payment.objects.update(page_reference="9XY12345AB678901C" if method == "paypal" else "cs_test_forgotten")
    psps.forget_requests()

    said = attested(order)

    assert f"{provider} ne montre plus de détail." in said
    assert SILENCE.format(provider) not in said
    reads = [call for call in psps.requests() if "oauth2" not in call["path"]]
    assert [call["method"] for call in reads] == ["GET"]


@pytest.mark.django_db
def test_nor_is_a_psp_that_the_shop_has_switched_off(psps: Sandbox, settings: Any) -> None:
    order, _page = paid(psps, "paypal")
    settings.PAYMENTS = replace(settings.PAYMENTS, paypal=None)
    assert "PayPal ne montre plus de détail." in attested(order)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["card", "paypal"])
def test_nobody_waits_longer_than_two_seconds_for_a_slow_psp(sandbox: Sandbox, method: str) -> None:
    sandbox.change(hold_webhooks=True)
    order, _page = paid(sandbox, method)
    attested(order)  # the compiler is warm
    sandbox.break_calls("slow", calls=20, seconds=12)

    def waited() -> float:
        started = time.monotonic()
        assert "Sans détail" in attested(order)
        return time.monotonic() - started

    assert any(waited() < TOO_LONG for _ in range(TRIES))


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_every_drawing_asks_the_psp_anew_and_once(psps: Sandbox, method: str) -> None:
    order, _page = paid(psps, method)
    psps.forget_requests()
    for _ in range(2):
        attested(order)
    reads = [call for call in psps.requests() if "oauth2" not in call["path"]]
    assert [call["method"] for call in reads] == ["GET", "GET"]


@pytest.mark.django_db
def test_the_file_for_machines_knows_nothing_of_the_means(psps: Sandbox) -> None:
    order, page = ordered()
    psps.pay_by_card(page, VISA, wallet="apple_pay")
    bring_messages(psps)
    facts = embedded_facts(attestation.draw(attestation.of(order)))
    assert facts["payment"] == {
        "method": "card",
        "provider": "Stripe",
        "reference": Payment.objects.get().money_reference,
    }
    for secret in ("4242", "apple_pay", "Apple Pay", CARD_AUTHORISATION, "visa"):
        assert secret not in str(facts)
