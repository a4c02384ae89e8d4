"""`make bench`: CPU time per webhook, order and page, beside floors measured in the same run on the same PostgreSQL.
`python -m tests.bench desk` measures the back office alone, `python -m tests.bench exports` its exports.

Times are CPU times of the web server and PostgreSQL, since clocks say little on a busy machine. No figure makes it
fail; a wrong answer does.
"""

import os
import platform
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import psutil

from tests import postgres
from tests.bench.callers import Wrong
from tests.bench.stage import THREADS, WORKERS, Stage, stage

MOST_SECONDS = 300


def main() -> str | None:
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGALRM, _end)
    signal.alarm(MOST_SECONDS)
    began = time.monotonic()
    print(_machine(), flush=True)
    try:
        with stage() as shop:
            # These need Django, which the stage has set up by now.
            from tests.bench import desk, orders, pages, papers, split, table, webhooks

            if sys.argv[1:] == ["desk"]:
                signal.alarm(2 * MOST_SECONDS)
                print(desk.of_desk(desk.measure(shop)), flush=True)
                return None
            if sys.argv[1:] == ["exports"]:
                signal.alarm(4 * MOST_SECONDS)
                desk.seed()
                _print_exports(shop)
                return None
            hooks = webhooks.measure(shop)
            print(table.of_webhooks(hooks), flush=True)
            print(table.of_split(split.measure(shop), hooks.empty), flush=True)
            print(table.of_orders(orders.measure(shop)), flush=True)
            print(table.of_pages(pages.measure(shop)), flush=True)
            print(table.of_papers(papers.measure()), flush=True)
            signal.alarm(2 * MOST_SECONDS)
            print(desk.of_desk(desk.measure(shop)), flush=True)
            signal.alarm(2 * MOST_SECONDS)
            _print_exports(shop)
            signal.alarm(0)
    except (Wrong, postgres.NotStarted, RuntimeError) as error:
        return f"kookut: {error}"
    print(f"\n{time.monotonic() - began:.0f} s in all.")
    return None


def _print_exports(shop: Stage) -> None:
    from tests.bench import exports  # needs Django, too

    print(exports.head_of_exports(), flush=True)
    for file in exports.measure(shop):
        print(exports.of_export(file), flush=True)


def _machine() -> str:
    server = postgres.installation() / "bin" / "postgres"
    database = subprocess.run([server, "--version"], capture_output=True, check=True, text=True).stdout.strip()
    memory = psutil.virtual_memory().total / 1e9
    return f"""
Machine   {os.cpu_count()} × {_processor()}, {memory:.0f} GB, {platform.system()} {platform.machine()}
Software  Python {platform.python_version()}, Django {version("django")}, {database} (fsync and synchronous_commit on),
          gunicorn {version("gunicorn")} with {WORKERS} processes of {THREADS} threads
Before    {psutil.getloadavg()[0]:.1f} other processes were busy: each figure is the higher for them
"""


def _processor() -> str:
    """Its name, where the system tells."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "processor"


def _end(number: int, _frame: object) -> NoReturn:
    why = f": {MOST_SECONDS} s are over, the machine is too busy" if number == signal.SIGALRM else ""
    raise SystemExit(f"kookut: stopped{why}")


if __name__ == "__main__":
    sys.exit(main())
