"""The hosted pages, as a browser without JavaScript uses them."""

import requests
import stripe

from tests.sandbox.client import AMEX, DECLINED, THREE_D_SECURE, VISA, Sandbox
from tests.sandbox_itself.sessions import params


def opened(client: stripe.StripeClient, *methods: str) -> str:
    url = client.v1.checkout.sessions.create(params=params(*methods)).url
    assert url is not None
    return url


def send(url: str, **form: str) -> requests.Response:
    return requests.post(url, data=form, timeout=10, allow_redirects=False)


def test_the_page_shows_the_amount_and_the_way_back(stripe_client: stripe.StripeClient) -> None:
    page = requests.get(opened(stripe_client), timeout=10).text
    assert "CHF\u00a049.90" in page
    assert "http://localhost:8000/abandon" in page
    assert "TWINT" not in page


def test_paying_leads_back_to_the_shop(stripe_client: stripe.StripeClient) -> None:
    url = opened(stripe_client)
    answer = send(f"{url}/card", number=VISA, expiry="12/34")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://localhost:8000/retour?s={url.rsplit('/', 1)[1]}"


def test_a_decline_is_told_on_the_page(stripe_client: stripe.StripeClient) -> None:
    answer = send(f"{opened(stripe_client)}/card", card=DECLINED)
    assert (answer.status_code, "Votre carte a été refusée." in answer.text) == (200, True)


def test_what_is_no_test_card_is_told_on_the_page(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    url = opened(stripe_client)
    assert "incomplet ou incorrect" in send(f"{url}/card", number="4242424242424241", expiry="12/34").text
    assert "seules les cartes d’essai" in send(f"{url}/card", number="4929000000006", expiry="12/34").text
    assert "dépassée" in send(f"{url}/card", number=VISA, expiry="01/20").text
    assert "American Express ne sont pas" in send(f"{url}/card", number=AMEX, expiry="12/34").text
    assert sandbox.events() == []


def test_three_d_secure_is_a_step_of_its_own(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    url = opened(stripe_client)
    assert "Confirmez votre achat" in send(f"{url}/card", number=THREE_D_SECURE, expiry="12/34").text
    assert sandbox.payment(url)["state"] == "open"
    assert (
        "La confirmation auprès de votre banque a échoué"
        in send(f"{url}/3ds", card=THREE_D_SECURE, answer="refuse").text
    )
    assert send(f"{url}/3ds", card=THREE_D_SECURE, answer="confirm").status_code == 303


def test_twint_shows_a_code_and_can_be_confirmed(stripe_client: stripe.StripeClient) -> None:
    url = opened(stripe_client, "twint")
    page = requests.get(url, timeout=10).text
    assert "data:image/svg+xml" in page
    assert "Numéro de carte" not in page
    assert send(f"{url}/twint", answer="refuse").status_code == 200
    assert send(f"{url}/twint", answer="confirm").status_code == 303


def test_a_page_that_is_over_says_so(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    url = opened(stripe_client, "twint")
    assert send(f"{url}/lapse").status_code == 303
    over = requests.get(url, timeout=10)
    assert (over.status_code, "a expiré" in over.text) == (410, True)
    assert send(f"{url}/twint", answer="confirm").status_code == 410
    assert [event["type"] for event in sandbox.events()] == ["checkout.session.expired"]


def test_a_paid_page_leads_back_instead_of_taking_more(stripe_client: stripe.StripeClient, sandbox: Sandbox) -> None:
    url = opened(stripe_client)
    sandbox.pay_by_card(url)
    assert "déjà fait" in send(f"{url}/card", card=VISA).text
    assert len([e for e in sandbox.events() if e["type"] == "charge.succeeded"]) == 1


def test_an_unknown_page_is_not_found(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.url}/stripe/pay/cs_test_x", timeout=10).status_code == 404
