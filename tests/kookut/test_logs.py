"""Logs are one JSON object a line, whatever a customer typed."""

import json
import logging
from collections.abc import Callable
from smtplib import SMTPRecipientsRefused

import pytest
from django.db import IntegrityError, ProgrammingError, connection
from django_tasks_db.models import DBTaskResult

from kookut.logs import JsonFormatter
from orders.models import Order
from payments.letters import due
from payments.models import Letter
from tests.shop import placed
from tests.worker import work


def line(message: str, *arguments: object, **extra: object) -> str:
    record = logging.LogRecord("shop", logging.INFO, __file__, 1, message, arguments, None)
    record.__dict__.update(extra)
    return JsonFormatter().format(record)


def test_a_name_with_line_breaks_makes_no_second_line() -> None:
    written = line("name=%s", "Eve\nERROR forged\r\u2028\x1b[31m")
    assert len(written.splitlines()) == 1
    assert json.loads(written)["message"].startswith("name=Eve\n")


def test_the_order_has_its_own_field() -> None:
    assert json.loads(line("paid", order="KK-7F3Q-20M4"))["order"] == "KK-7F3Q-20M4"


def test_the_token_that_opens_an_order_is_in_no_log() -> None:
    written = line("Not Found: %s", "/de/commande/Hn3jrmpVXnKqwl29A-u2mGIloZzX5aPQ/payer/")
    assert json.loads(written)["message"] == "Not Found: /de/commande/.../payer/"


# Errors -------------------------------------------------------------------------------------------------------------


def break_a_constraint() -> None:
    Order.objects.update(total=1)


def name_her_in_a_wrong_statement() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s FROM nowhere", [Order.objects.get().email])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (break_a_constraint, IntegrityError, 'violates check constraint "total_is_goods_and_delivery"'),
        (name_her_in_a_wrong_statement, ProgrammingError, 'relation "nowhere" does not exist'),
    ],
)
def test_an_error_of_the_database_shows_its_first_line_and_no_row(
    act: Callable[[], None], kind: type[Exception], words: str
) -> None:
    placed()
    with pytest.raises(kind, match=r"claire@exemple\.ch") as raised:
        act()
    caught = (raised.type, raised.value, raised.tb)
    record = logging.LogRecord("shop", logging.ERROR, __file__, 1, "Oh", (), caught)
    exception = json.loads(JsonFormatter().format(record))["exception"]

    assert "claire" not in exception.lower()
    assert exception.count("Traceback") == 2
    assert exception.count(words) == 2
    assert act.__name__ in exception


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("act", "told"), [(break_a_constraint, "total_is_goods_and_delivery"), (None, "SMTPRecipientsRefused")]
)
def test_neither_the_logs_nor_the_tasks_name_a_customer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, act: Callable[[], None] | None, told: str
) -> None:
    due(placed(), Letter.Kind.LINK, about="now")

    def send(*args: object) -> None:
        if act:
            act()
        raise SMTPRecipientsRefused({"claire@exemple.ch": (550, b"<claire@exemple.ch>: no such user")})

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", send)
    caplog.handler.setFormatter(JsonFormatter())
    work()

    kept = DBTaskResult.objects.get().traceback
    assert told in kept
    assert told in caplog.text
    assert "claire" not in (kept + caplog.text).lower()
