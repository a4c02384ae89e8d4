"""The sandbox as a process, and as an application in another's."""

from pathlib import Path

import stripe

from tests import environment
from tests.sandbox import process
from tests.sandbox.app import create_app
from tests.sandbox.stripe import sessions
from tests.sandbox.world import World
from tests.sandbox_itself.conftest import Shop
from tests.sandbox_itself.sessions import params
from tests.waiting import until


def test_its_books_and_its_duties_survive_a_kill(shop: Shop, tmp_path: Path) -> None:
    first = process.start(shop.url, tmp_path)
    shop.answers.extend([500] * 4)
    first.client.change(retry_base_seconds=20)
    client = stripe.StripeClient(
        environment.STRIPE_KEY,
        stripe_version=environment.STRIPE_API_VERSION,
        base_addresses={"api": f"{first.url}/stripe"},
    )
    id = client.v1.checkout.sessions.create(params=params()).id
    first.client.pay_by_card(id)
    until(lambda: len(shop.messages) == 4)
    root = (tmp_path / environment.PAYPAL_ROOT_FILE).read_bytes()
    first.process.kill()
    first.process.wait()

    second = process.start(shop.url, tmp_path, port=first.port, smtp_port=first.smtp_port)
    try:
        assert client.v1.checkout.sessions.retrieve(id).payment_status == "paid"
        assert (tmp_path / environment.PAYPAL_ROOT_FILE).read_bytes() == root
        until(lambda: len(shop.messages) == 8)
    finally:
        process.stop(second)


def test_it_ends_when_asked(tmp_path: Path) -> None:
    running = process.start("http://localhost:1", tmp_path)
    process.stop(running)
    assert running.process.returncode == 0


def test_it_is_an_application_too(tmp_path: Path) -> None:
    app = create_app(tmp_path, url="http://sandbox.test", shop_url="http://shop.test")
    answer = app.test_client().get("/stripe/v1/events", headers={"Authorization": "Bearer sk_test_wrong"})
    assert answer.status_code == 401
    app.extensions["sandbox"].books.close()


def test_its_environment_names_all_that_the_shop_needs() -> None:
    values = environment.sandbox_environment(
        shop_url="http://localhost:8000", sandbox_port=8801, smtp_port=8802, state=Path("/books")
    )
    assert values["STRIPE_API_BASE"] == "http://127.0.0.1:8801/stripe"
    assert values["PAYPAL_API_BASE"] == "http://127.0.0.1:8801/paypal"
    assert values["PAYPAL_CERT_ROOTS"] == "/books/paypal-root.pem"
    assert values["EMAIL_URL"] == "smtp://127.0.0.1:8802"
    assert len(values["SECRET_KEY"]) >= 50


def test_the_sellers_number_has_its_check_digit() -> None:
    digits = [int(letter) for letter in environment.SELLER["SELLER_UID"] if letter.isdigit()]
    weighed = sum(digit * weight for digit, weight in zip(digits, (5, 4, 3, 2, 7, 6, 5, 4), strict=False))
    assert (11 - weighed % 11) % 11 == digits[8]


def test_a_session_past_its_time_is_expired(tmp_path: Path) -> None:
    app = create_app(tmp_path, url="http://sandbox.test", shop_url="http://shop.test")
    world: World = app.extensions["sandbox"]
    with app.app_context():
        session = sessions.create(world, dict(params()), None)
    sessions.keep(world.books, session | {"expires_at": 1})
    sessions.lapse(world)
    kept = world.books.get(sessions.KIND, session["id"])
    [event] = world.books.all("stripe event")
    world.books.close()
    assert kept is not None and (kept["status"], kept["url"]) == ("expired", None)
    assert event["type"] == "checkout.session.expired"
