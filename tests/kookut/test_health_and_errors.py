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
def test_an_error_shows_a_reference_and_nothing_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    from orders import views

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("whsec_secret of the shop")

    monkeypatch.setattr(views, "Paginator", broken)
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
