"""The sandbox without a process, a network or a thread: what the shop sends to it through `requests` stays here."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from werkzeug.test import Client

from tests.sandbox.app import create_app
from tests.sandbox.books import Books
from tests.sandbox.client import Json, Sandbox, SandboxRefused
from tests.sandbox.faults import IN_PROCESS


class SandboxInProcess(Sandbox):
    """A sandbox whose control API is a function call, and whose books can be taken back to what they were."""

    def __init__(self, url: str, app: Flask) -> None:
        super().__init__(url)
        self._control = Client(app)
        self.books_in_memory: Books = app.extensions["sandbox"].books

    def _call(self, method: str, path: str, body: Json | None = None) -> Any:
        answer = self._control.open(f"/control/{path}", method=method, json=body)
        if answer.status_code == 400:
            raise SandboxRefused((answer.json or {})["message"])
        assert answer.status_code == 200, answer.text
        return answer.json


@contextmanager
def sandbox_in_process(state: Path, *, url: str, shop_url: str = "http://localhost:8000") -> Iterator[SandboxInProcess]:
    """Our PSPs at `url`, where the shop's settings expect them, with books in memory; certificates in `state`.

    All messages are held until `collect()`. A call whose answer a fault eats raises what `requests` would raise.
    """
    app = create_app(state, url=url, shop_url=shop_url, in_memory=True)
    over_the_network = HTTPAdapter.send

    def send(self: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        if not (request.url or "").startswith(f"{url}/"):
            return over_the_network(self, request, *args, **more)
        return self.build_response(request, _answer(app, request, url))

    with patch.object(HTTPAdapter, "send", send):
        yield SandboxInProcess(url, app)
    app.extensions["sandbox"].books.close()


def _answer(app: Flask, request: requests.PreparedRequest, url: str) -> HTTPResponse:
    unanswered: list[str] = []
    answer = Client(app).open(
        (request.url or "").removeprefix(url),
        method=request.method or "GET",
        headers=list(request.headers.items()),
        data=request.body,
        environ_overrides={IN_PROCESS: unanswered},
    )
    if "silent" in unanswered:
        raise requests.ReadTimeout("the sandbox is silent", request=request)
    if unanswered:
        raise requests.ConnectionError("the sandbox hung up", request=request)
    return HTTPResponse(
        BytesIO(answer.get_data()), dict(answer.headers.items()), answer.status_code, preload_content=False
    )
