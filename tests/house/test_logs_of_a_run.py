"""What `make run` shows of the logs."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.demo.parts import Part, error_in


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (json.dumps({"level": "INFO", "message": "Error of the day: none"}), ""),
        (json.dumps({"level": "ERROR", "message": "Oh"}), "Oh"),
        (
            json.dumps({"level": "ERROR", "message": "Oh", "exception": "Traceback\n  x\nKeyError: 'y'"}),
            "Oh – KeyError: 'y'",
        ),
        ("[2026-11-22 13:46:46] [7] [ERROR] Worker died", "[2026-11-22 13:46:46] [7] [ERROR] Worker died"),
        ("django.db.utils.ProgrammingError: no", "django.db.utils.ProgrammingError: no"),
        ("[2026-11-22 13:46:46] [7] [INFO] Starting", ""),
        ("{not json", ""),
        ("7", ""),
        ("", ""),
    ],
)
def test_it_shows_errors_and_nothing_else(line: str, shown: str) -> None:
    assert error_in(line) == shown


def test_a_half_written_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text('{"level": "ERROR", ')
    with log.open("rb") as reader, subprocess.Popen(["true"]) as process:
        part = Part("web", log, process, reader)
        assert list(part.loud_lines()) == []
        with log.open("a") as writer:
            writer.write('"message": "Oh"}\n')
        assert list(part.loud_lines()) == [f"web: Oh (more in {log})"]
