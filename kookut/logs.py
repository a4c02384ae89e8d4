"""Structured logs: one JSON object a line, with the request's id and no personal data."""

import json
import logging
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

request_id: ContextVar[str] = ContextVar("request_id", default="-")
OWN_FIELDS = ("order", "event", "staff", "address")
ORDER_TOKEN = re.compile(r"(/commande/)[\w-]{20,}")
"""The address of an order opens it: no log may hold it."""
DATABASE_ERROR = re.compile(
    r"^((?:psycopg2|django\.db)[\w.]*: [^\n]*)\n.*?(?=\n\n(?:The above exception was|During handling of)|\Z)",
    re.MULTILINE | re.DOTALL,
)
"""The first line tells what happened; those after it (DETAIL, LINE) show the row and the statement, with a customer's
name and address."""
GIVEN_ID = re.compile(r"[0-9a-zA-Z-]{8,64}")


def without_rows(text: str) -> str:
    """A traceback without what the database's errors show of its rows."""
    return DATABASE_ERROR.sub(r"\1", text)


class RequestIdMiddleware:
    """Gives each request an id (the proxy's X-Request-ID when it is well formed) that logs and error pages show."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        token = request_id.set(given if GIVEN_ID.fullmatch(given) else secrets.token_hex(8))
        try:
            return self.get_response(request)
        finally:
            request_id.reset(token)


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class JsonFormatter(logging.Formatter):
    """Escapes what a hostile text could use to forge a second line; `extra={"order": …}` gets a field of its own."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        line |= {name: str(getattr(record, name)) for name in OWN_FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = without_rows(self.formatException(record.exc_info))
        return ORDER_TOKEN.sub(r"\1...", json.dumps(line))
