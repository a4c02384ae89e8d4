"""Logs are one JSON object a line, whatever a customer typed."""

import json
import logging

from kookut.logs import JsonFormatter


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
