""".env.example."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READERS = ("kookut/settings.py", "kookut/storage.py", "payments/configuration.py")
READ = re.compile(r'(?:env\.[\w.]+|_words|_base)\((?:env, )?"([A-Z0-9_]+)"')
LISTED = re.compile(r"^(?:# )?([A-Z0-9_]+)=", re.MULTILINE)


def test_the_example_lists_exactly_the_settings_that_are_read() -> None:
    code = "".join((ROOT / path).read_text() for path in READERS)
    assert sorted(LISTED.findall((ROOT / ".env.example").read_text())) == sorted(set(READ.findall(code)))
