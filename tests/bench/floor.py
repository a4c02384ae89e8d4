"""The floor: pgbench sends the very statements of one of our transactions, and thinks of nothing between them."""

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.bench.callers import Wrong
from tests.bench.measure import MANY, Line
from tests.bench.stage import Stage
from tests.postgres import DATABASE, ROLE, installation

SECONDS_TO_FINISH = 60


@dataclass(frozen=True)
class Recording:
    """Statements of one transaction, as they went to PostgreSQL, BEGIN and COMMIT included."""

    statements: list[str]

    def script(self, names: Mapping[str, str], *, keep: str = "") -> str:
        """For pgbench: every text of `names` gives way to its own, in which `:n` is another number each time.

        The statement that begins with `keep` returns a row, whose columns are variables in what follows.
        """
        lines = [r"\set i :i + 1", r"\set n :first + :client_id * :each + :i"]
        known = re.compile("|".join(re.escape(text) for text in names))
        for statement in self.statements:
            end = r" \gset" if keep and statement.startswith(keep) else ";"
            lines.append(known.sub(lambda found: names[found[0]], statement) + end)
        return "\n".join([*lines, ""])


def record(deed: Callable[[], object]) -> Recording:
    with CaptureQueriesContext(connection) as captured:
        deed()
    statements = [query["sql"] for query in captured.captured_queries]
    if statements[0] != "BEGIN" or statements[-1] != "COMMIT":
        raise Wrong(f"Not one transaction: {[statement[:30] for statement in statements]}")
    return Recording(statements)


def pgbench(line: Line, stage: Stage, script: Path, *, first: int, each: int) -> None:
    """Run a script `each` times in each of many clients. Raises Wrong when a transaction failed.

    `n` goes from `first` + 1 on; the statements go as psycopg2 sends them, values and all.
    """
    address = parse_qs(urlsplit(stage.database).query)["host"][0]
    variables = {"i": 0, "first": first, "each": each}
    before = stage.meter.read()
    done = subprocess.run(
        [
            *(installation() / "bin" / "pgbench", "--no-vacuum", "--protocol=simple", "-h", address, "-U", ROLE),
            *("-c", str(MANY), "-j", "2", "-t", str(each), "-f", script),
            *(part for name, value in variables.items() for part in ("-D", f"{name}={value}")),
            DATABASE,
        ],
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS_TO_FINISH,
    )
    spent = stage.meter.read() - before
    rate = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    if done.returncode or not rate or f"processed: {MANY * each}/{MANY * each}" not in done.stdout:
        raise Wrong(f"pgbench: {done.stdout}{done.stderr}")
    line.add(spent, MANY * each, float(rate[1]))
