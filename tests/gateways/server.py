"""A small HTTP server that answers as a test wishes: PSPs in states that the sandbox has no button for."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drops: Iterable[bytes] = ()
    """What follows the body, drop by drop."""


@dataclass(frozen=True)
class Server:
    url: str
    requests: list[Request]


def as_json(body: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


@contextmanager
def serving(answer: Callable[[Request], Answer]) -> Iterator[Server]:
    """Answers each request with what `answer` gives; all requests are kept."""
    requests: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        def _meet(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.append(Request(self.command, self.path, dict(self.headers), body))
            given = answer(requests[-1])
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(given.body)
                for drop in given.drops:
                    self.wfile.write(drop)
            except OSError:
                return  # nobody listens any more

        do_GET = do_POST = do_PATCH = _meet  # noqa: N815 (http.server's names)

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield Server(f"http://127.0.0.1:{server.server_port}", requests)
        finally:
            server.shutdown()
            thread.join()
