"""Looks for bank data and secrets at rest: in every row of the database, in the storage, in logs."""

import base64
import bz2
import gzip
import lzma
import pickletools
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeAlias

from django.conf import settings
from django.core import signing
from django.core.files.storage import default_storage
from django.db import connection, transaction

from payments import bank_data

ROWS = 500
"""So many rows at a time are held in memory."""
PROGRESS = 100_000
LONGEST = 1_000_000
"""Bytes of a line that are looked at together."""
OVERLAP = 200
"""Letters of the part before that are looked at again: what stands across the border is found too."""
NOT_READ = "cannot be read"
PACKED: dict[bytes, Callable[[Any], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
"""By its first bytes, how a packed file is opened."""
SEALED = (b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf")
"""The first bytes of archives that Python cannot open: zip (it is no stream), zstd, 7z."""
PAPER = re.compile(r"A[PR]-[0-9]{4}-[0-9]+")
"""Papers are drawn anew each time: a file of one holds what was on it."""
PLAIN_KEY = re.compile(r"[0-9]{1,12}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Decode: TypeAlias = Callable[[str], str]


@dataclass(frozen=True)
class Find:
    """Something that must not be there: where, and of what kind. Never what it is."""

    place: str
    kind: str


@dataclass
class Audit:
    """One search. `progress` is told in sentences what takes long."""

    progress: Callable[[str], object]
    tables: int = 0
    rows: int = 0
    files: int = 0
    _secrets: tuple[str, ...] = field(default_factory=lambda: tuple(configured_secrets()), repr=False)

    def database(self) -> Iterator[Find]:
        """Every row of every table, as text and, of sessions and the cache, decoded."""
        with connection.cursor() as cursor:
            tables = sorted(connection.introspection.table_names(cursor))
            keys = {table: connection.introspection.get_primary_key_columns(cursor, table) or [] for table in tables}
        encoded = encodings()
        for table in tables:
            self.tables += 1
            yield from self._table(table, keys[table], encoded.get(table))

    def storage(self) -> Iterator[Find]:
        """Every file of Django's storage, by its name and by what is in it."""
        yield from self._stored("", "storage")

    def logs(self, path: Path) -> Iterator[Find]:
        """A file, or all in a folder; packed ones (gzip, bzip2, xz) too."""
        for file in sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]:
            yield from self._file(lambda file=file: file.open("rb"), str(file))  # type: ignore[misc]

    def _table(self, table: str, keys: list[str], encoded: tuple[str, Decode] | None) -> Iterator[Find]:
        for row, place, value in self._rows(table, keys, encoded[0] if encoded else None):
            kinds = self._kinds(row)
            if encoded and value is not None:
                try:
                    kinds += self._kinds(encoded[1](value))
                except (ValueError, zlib.error):
                    kinds.append(NOT_READ)
            yield from (Find(place, kind) for kind in dict.fromkeys(kinds))

    def _rows(self, table: str, keys: list[str], encoded: str | None) -> Iterator[tuple[str, str, str | None]]:
        """Every row as text, its place, and the column that is decoded; through a cursor that the server holds."""
        quoted = connection.ops.quote_name
        key = " || ',' || ".join(f"whole_row.{quoted(name)}::text" for name in keys) or "''"
        column = f"whole_row.{quoted(encoded)}" if encoded else "NULL"
        columns = f"whole_row.ctid::text, {key}, whole_row::text, {column}"
        statement = f"SELECT {columns} FROM {quoted(table)} whole_row"  # noqa: S608 - quoted names
        with transaction.atomic(), connection.chunked_cursor() as cursor:
            cursor.execute(statement)
            while rows := cursor.fetchmany(ROWS):
                for ctid, pk, row, value in rows:
                    self.rows += 1
                    if self.rows % PROGRESS == 0:
                        self.progress(f"{self.rows} rows, now in {table}")
                    yield row, f"{table} {_shown_key(pk, ctid)}", value

    def _stored(self, folder: str, shown: str) -> Iterator[Find]:
        try:
            folders, files = default_storage.listdir(folder)
        except FileNotFoundError:
            return  # nothing was ever stored
        for n, name in enumerate(sorted(files), start=1):
            path, place = f"{folder}{name}", f"{shown}/{name}"
            kinds = self._kinds(name) + (["paper"] if PAPER.search(name) else [])
            if kinds:
                place = f"{shown}, name {n}"  # in alphabetical order: the name itself is the find
                yield from (Find(place, kind) for kind in kinds)
            yield from self._file(lambda path=path: default_storage.open(path), place)  # type: ignore[misc]
        for n, name in enumerate(sorted(folders), start=1):
            place = f"{shown}, folder {n}" if (kinds := self._kinds(name)) else f"{shown}/{name}"
            yield from (Find(place, kind) for kind in kinds)
            yield from self._stored(f"{folder}{name}/", place)

    def _file(self, opened: Callable[[], Any], place: str) -> Iterator[Find]:
        """Whatever a file holds is read as text: a picture may have words, and a log that was cut begins with NULs."""
        self.files += 1
        try:
            with opened() as file:
                head = file.read(6)
                if head.startswith(SEALED):
                    raise OSError("sealed")
                file.seek(0)
                stream = next((unpack(file) for first, unpack in PACKED.items() if head.startswith(first)), file)
                for number, line in _lines(stream):
                    yield from (Find(f"{place}:{number}", kind) for kind in self._kinds(line))
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            yield Find(place, NOT_READ)

    def _kinds(self, text: str) -> list[str]:
        found = bank_data.kinds(text)
        if any(secret in text for secret in self._secrets):
            found.append("secret of this shop's settings")
        return found


def configured_secrets() -> Iterable[str]:
    """The secrets with which this shop works, of which each may stand in its environment alone."""
    stripe, paypal = settings.PAYMENTS.stripe, settings.PAYMENTS.paypal
    yield settings.SECRET_KEY
    if stripe:
        yield from (stripe.secret_key, *stripe.webhook_secrets)
    if paypal:
        yield paypal.client_secret


def encodings() -> dict[str, tuple[str, Decode]]:
    """By table, the column whose text says nothing before it is decoded, and how that is done."""
    caches = [cache["LOCATION"] for cache in settings.CACHES.values() if cache["BACKEND"].endswith(".DatabaseCache")]
    return {"django_session": ("session_data", session_text)} | dict.fromkeys(caches, ("value", cached_text))


def caches_elsewhere() -> list[str]:
    """The caches that are not in the database: this search does not reach them."""
    ours = (".DatabaseCache", ".DummyCache")
    return [name for name, cache in settings.CACHES.items() if not cache["BACKEND"].endswith(ours)]


def session_text(value: str) -> str:
    """What a session holds (JSON), whether its signature is still of today's key or not. Raises ValueError, zlib.error.

    As django.core.signing writes it: base64, a dot before it where it was packed, then a time and a signature.
    """
    data = value.rsplit(":", 2)[0]
    packed = signing.b64_decode(data.removeprefix(".").encode())
    return (zlib.decompress(packed) if data.startswith(".") else packed).decode()


def cached_text(value: str) -> str:
    """Every word and number of a cached value, each as if it were a key. Raises ValueError.

    It is pickled, and a pickle of somebody else's is a program: it is read, never run.
    """
    words = (word for _, word, _ in pickletools.genops(base64.b64decode(value)) if word is not None)
    return "\n".join(f'"{word.decode("utf-8", "replace") if isinstance(word, bytes) else word}": "' for word in words)


def _shown_key(pk: str | None, ctid: str) -> str:
    """The row's key where it is a number or a UUID; a session's or a cache's may itself be what must not be shown."""
    return pk if pk and all(PLAIN_KEY.fullmatch(part) for part in pk.split(",")) else f"ctid {ctid}"


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers; of endless ones a part after the other."""
    number, before = 1, ""
    while piece := stream.readline(LONGEST):
        text = piece.decode("utf-8", "replace")
        yield number, before + text
        ended = piece.endswith(b"\n")
        number += ended
        before = "" if ended else text[-OVERLAP:]
