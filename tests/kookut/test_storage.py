"""Pictures in an S3-compatible store, over HTTP."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest
from django.test import Client, override_settings
from environ import Env
from PIL import Image

from kookut.storage import picture_storage
from orders import pictures
from tests.shop import goods

pytestmark = pytest.mark.django_db
KEY = "the-shops-key"


class Store(ThreadingHTTPServer):
    """As much of S3 as is asked: one bucket, signed requests only."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, tuple[bytes, str]] = {}


class Handler(BaseHTTPRequestHandler):
    server: Store

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.objects[self.path] = (content, self.headers["Content-Type"])
        self.answer(200)

    def do_GET(self) -> None:
        content, kind = self.server.objects.get(self.path, (b"", ""))
        self.answer(200 if kind else 404, content, kind)

    def do_DELETE(self) -> None:
        self.answer(204 if self.server.objects.pop(self.path, None) else 404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def answer(self, status: int, content: bytes = b"", kind: str = "") -> None:
        signed = f"Credential={KEY}/" in self.headers.get("Authorization", "")
        self.send_response(status if signed else 403)
        self.send_header("Content-Length", str(len(content)))
        if kind:
            self.send_header("Content-Type", kind)
            self.send_header("Last-Modified", "Mon, 23 Nov 2026 09:00:00 GMT")
            self.send_header("ETag", '"0"')
        self.end_headers()
        if self.command == "GET" and signed:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with Store() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, value in {
            "BUCKET": "kookut",
            "ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "REGION": "ch-1",
            "KEY": KEY,
            "SECRET": "its-secret",
        }.items():
            monkeypatch.setitem(os.environ, f"PICTURES_S3_{name}", value)
        static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
        with override_settings(STORAGES={"default": picture_storage(Env()), "staticfiles": static}):
            yield server
        server.shutdown()


def test_pictures_go_to_the_store_and_come_back_through_the_shop(client: Client, store: Store) -> None:
    upload = BytesIO()
    Image.new("RGB", (330, 400), "teal").save(upload, "PNG")
    made = pictures.prepare(upload)
    pictures.store(made)
    assert set(store.objects) == {f"/kookut/{name}" for name in made.files}
    assert {kind for _, kind in store.objects.values()} == {"image/avif", "image/jpeg"}

    bowl = goods(picture=made.name, picture_width=made.width, picture_height=made.height)
    path = f"/media/{made.name}"
    assert path in client.get(f"/articles/{bowl.slug}/").content.decode(), "no other host is named"
    assert client.get(path).getvalue() == made.files[made.name]

    pictures.remove(made.name, made.width)
    assert store.objects == {}
    assert client.get(path).status_code == 404
