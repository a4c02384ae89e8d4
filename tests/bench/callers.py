"""Callers over real HTTP, light enough to leave the processors to the server that is measured."""

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

SECONDS_TO_ANSWER = 30.0


class Wrong(Exception):
    """The shop did not answer as it must: its figures are worth nothing."""


@dataclass(frozen=True)
class Answer:
    status: int
    head: str
    body: bytes
    seconds: float


@dataclass(frozen=True)
class Load:
    """What came of many requests."""

    answers: list[Answer]
    seconds: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.answers) / self.seconds

    def latency(self, share: float) -> float:
        """Seconds within which this share of the answers came."""
        ordered = sorted(answer.seconds for answer in self.answers)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def request(method: str, host: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """One request as it goes over the wire; the connection ends with it, as nginx's does unless told otherwise."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def send_all(
    port: int,
    requests: Sequence[bytes],
    callers: int,
    status: int,
    says: bytes = b"",
    between: Callable[[], None] | None = None,
) -> Load:
    """Send all requests through so many callers at once; each does `between` after every answer.

    Raises Wrong at the end if an answer has another status, or a body without the words of `says`.
    """
    began = time.perf_counter()
    with ThreadPoolExecutor(callers) as threads:
        answers = list(threads.map(partial(_send, port, between), requests))
    load = Load(answers, time.perf_counter() - began)
    for sent, answer in zip(requests, answers, strict=True):
        if answer.status != status or says not in answer.body:
            line = sent.split(b"\r\n", 1)[0].decode()
            raise Wrong(f"{line} answered {answer.status} {answer.body[:200]!r} instead of {status} {says!r}")
    return load


def _send(port: int, between: Callable[[], None] | None, sent: bytes) -> Answer:
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS_TO_ANSWER) as connection:
        connection.sendall(sent)
        received = b"".join(iter(partial(connection.recv, 65536), b""))
    seconds = time.perf_counter() - began
    if between:
        between()
    head, _end, body = received.partition(b"\r\n\r\n")
    status = head[9:12]
    return Answer(int(status) if status.isdigit() else 0, head.decode("latin-1"), body, seconds)
