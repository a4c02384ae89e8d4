"""What gets installed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.lock", "requirements-s3.lock", "requirements-dev.lock"]
PIN = re.compile(r"^([a-z0-9.-]+)==", re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_psycopg_3_stays_out(lock: str) -> None:
    """Django would silently take it instead of psycopg2."""
    assert not {"psycopg", "psycopg-binary", "psycopg-c"} & set(PIN.findall((ROOT / lock).read_text()))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host(lock: str) -> None:
    assert not re.search(r"://|^--?(index|extra|find|trusted)", (ROOT / lock).read_text(), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes(lock: str) -> None:
    entries = re.split(r"^(?=[a-z])", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-s3.txt", "requirements-dev.txt"])
def test_every_direct_requirement_is_pinned_gives_its_reason_and_stands_in_the_lock(name: str) -> None:
    lock = (ROOT / name).with_suffix(".lock").read_text()
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and line[0] not in "#-"]
    assert lines
    for line in lines:
        requirement = re.fullmatch(r"([a-z0-9-]+==[0-9a-z.]+) +# \S.*", line)
        assert requirement, f"{name}: {line}"
        assert f"\n{requirement[1]} " in f"\n{lock}", f"{requirement[1]} is not in the lock: run `make lock`"
