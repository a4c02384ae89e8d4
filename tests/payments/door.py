"""The network's door: what the PSPs answer can be met there, and changed, before the shop sees it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import requests
from requests.adapters import HTTPAdapter

Json = dict[str, Any]


@contextmanager
def answers_meet(meet: Callable[[requests.Response], object], path: str, method: str = "") -> Iterator[None]:
    """While it lasts, every answer to a call of this method to an address with `path` in it meets `meet` first."""
    send = HTTPAdapter.send

    def met(self: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        answer = send(self, request, *args, **more)
        if path in (request.url or "") and method in ("", request.method):
            meet(answer)
        return answer

    with patch.object(HTTPAdapter, "send", met):
        yield


@contextmanager
def answers_changed(change: Callable[[Json], Json], path: str, method: str = "") -> Iterator[None]:
    """While it lasts, the PSPs answer there what `change` makes of their answer."""

    def meet(answer: requests.Response) -> None:
        answer._content = json.dumps(change(answer.json())).encode()

    with answers_meet(meet, path, method):
        yield


@contextmanager
def answers_refused(status: int, issue: str, path: str, method: str = "") -> Iterator[None]:
    """While it lasts, PayPal answers there that it will not, and why, whatever came of the call."""

    def meet(answer: requests.Response) -> None:
        answer.status_code = status
        answer._content = json.dumps({"name": "REFUSED", "details": [{"issue": issue}]}).encode()

    with answers_meet(meet, path, method):
        yield
