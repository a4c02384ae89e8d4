"""The PostgreSQL of a fresh clone."""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest

from tests import postgres


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """The folder of a lasting database; for root it lies outside `tmp_path`."""
    folder = postgres.lasting_folder(tmp_path)
    yield folder
    shutil.rmtree(folder.parent)


def test_it_is_reached_through_a_private_socket_only() -> None:
    with postgres.throw_away() as address:
        connection = psycopg2.connect(address)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('listen_addresses'), current_database()")
            assert cursor.fetchone() == ("", postgres.DATABASE)
        connection.close()
        folder = Path(parse_qs(urlsplit(address).query)["host"][0])
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


def test_it_keeps_its_data(tmp_path: Path, data: Path) -> None:
    for statement in ("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)"):
        with postgres.running(data, log=tmp_path / "log", durable=True) as server:
            connection = psycopg2.connect(server.address)
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
            connection.close()
    assert postgres.lasting_folder(tmp_path) == data


def test_it_says_why_it_does_not_start(tmp_path: Path, data: Path) -> None:
    with postgres.running(data, log=tmp_path / "log", durable=False):
        pass
    (data / "postgresql.conf").write_text("no_such_setting = on\n")
    with (
        pytest.raises(postgres.NotStarted, match="no_such_setting"),
        postgres.running(data, log=tmp_path / "log", durable=False),
    ):
        pass
