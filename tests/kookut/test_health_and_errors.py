"""The proxy's and the monitor's questions, and the pages when something is wrong."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory, override_settings

from kookut import errors


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database is gone: every statement fails as it does when nobody listens."""

    def gone(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", gone)
        yield


@pytest.mark.django_db
def test_a_sound_shop_is_live_and_ready(client: Client) -> None:
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").content == b"ok\n"


@pytest.mark.django_db
def test_without_its_database_the_shop_lives_but_is_not_ready(client: Client, no_database: None) -> None:
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 503


@pytest.mark.django_db
def test_health_asks_no_psp(client: Client) -> None:
    """The sandbox is not running in this test: a silent PSP takes no shop out of its proxy."""
    assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize(
    ("view", "status"),
    [
        (errors.bad_request, 400),
        (errors.permission_denied, 403),
        (errors.page_not_found, 404),
        (errors.server_error, 500),
        (errors.csrf_failure, 403),
    ],
)
def test_error_pages_are_drawn_without_a_database(view: object, status: int) -> None:
    """No database mark here: pytest-django refuses every query."""
    request = RequestFactory().get("/")
    answer = view(request) if view in (errors.server_error, errors.csrf_failure) else view(request, Exception("x"))  # type: ignore[operator]
    assert answer.status_code == status
    assert b"<h1>" in answer.content
    assert b"<a " in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/nulle-part/", "Cette page n’existe pas"),
        ("/de/nulle-part/", "Diese Seite gibt es nicht"),
        ("/it/nulle-part/", "Questa pagina non esiste"),
        ("/en/nulle-part/", "This page does not exist"),
    ],
)
def test_an_error_page_speaks_the_language_of_its_address(client: Client, address: str, sentence: str) -> None:
    assert sentence in client.get(address).content.decode()


@pytest.mark.django_db
def test_even_a_request_that_fails_before_all_else_is_answered_in_its_own_language(client: Client) -> None:
    """Not in that of whoever asked before: a strange host is refused before the address is looked at."""
    client.get("/de/")
    with override_settings(SECURE_SSL_REDIRECT=True):
        answer = client.get("/it/", headers={"host": "evil.example"})
    assert (answer.status_code, "Non abbiamo capito" in answer.content.decode()) == (400, True)


@pytest.mark.django_db
def test_an_address_that_cannot_be_opened_like_a_page_says_so_and_leads_on(client: Client) -> None:
    answer = client.delete("/de/panier/retirer/")
    page = answer.content.decode()
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")
    assert "Diese Adresse lässt sich nicht wie eine Seite öffnen" in page
    assert 'href="/de/panier/"' in page
    assert answer["X-Robots-Tag"] == "noindex"


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_said_to_be_back_soon(no_database: None) -> None:
    answer = Client(raise_request_exception=False).get("/en/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "The shop is not available right now" in answer.content.decode()


@pytest.mark.django_db
def test_an_error_shows_a_reference_and_nothing_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    from orders import catalogue

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("whsec_secret of the shop")

    monkeypatch.setattr(catalogue, "Paginator", broken)
    answer = Client(raise_request_exception=False).get("/", headers={"X-Request-ID": "0123456789abcdef"})

    assert answer.status_code == 500
    page = answer.content.decode()
    assert "0123456789abcdef" in page
    assert "whsec" not in page


@pytest.mark.django_db
@override_settings(SECURE_SSL_REDIRECT=True)
def test_http_leads_to_https_except_for_the_health_checks(client: Client) -> None:
    assert client.get("/").status_code == 301
    assert client.get("/health/live").status_code == 200


@pytest.mark.django_db
def test_a_browser_that_keeps_no_cookie_is_told_so() -> None:
    client = Client(enforce_csrf_checks=True)
    assert "cookie" in client.post("/panier/", {}).content.decode()
    client.cookies["csrf"] = "x" * 32
    assert "cookie" not in client.post("/panier/", {}).content.decode()
