import requests

from tests.sandbox.client import Sandbox
from tests.sandbox_itself.conftest import PayPal


def page(paypal: PayPal) -> str:
    links = paypal.create().json()["links"]
    return str(next(link["href"] for link in links if link["rel"] == "payer-action"))


def test_the_page_shows_the_amount_and_the_way_back(paypal: PayPal) -> None:
    url = page(paypal)
    text = requests.get(url, timeout=10).text
    assert "CHF\u00a049.90" in text
    assert f"http://localhost:8000/abandon?token={url.rsplit('=', 1)[1]}" in text


def test_approving_leads_back_to_the_shop(paypal: PayPal, sandbox: Sandbox) -> None:
    url = page(paypal)
    answer = requests.post(url, data={"capture": "completed"}, timeout=10, allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("http://localhost:8000/retour?p=1&token=")
    assert sandbox.payment(url)["state"] == "approved"


def test_a_completed_order_has_no_page(paypal: PayPal, sandbox: Sandbox) -> None:
    url = page(paypal)
    sandbox.approve_paypal(url)
    paypal.capture(url.rsplit("=", 1)[1])
    assert "déjà fait" in requests.get(url, timeout=10).text


def test_a_lapsed_or_unknown_order_has_no_page(paypal: PayPal) -> None:
    url = page(paypal)
    requests.post(url.replace("checkoutnow?", "checkoutnow/lapse?"), timeout=10)
    assert requests.get(url, timeout=10).status_code == 404
    assert requests.get(f"{paypal.url}/checkoutnow?token=X", timeout=10).status_code == 404
