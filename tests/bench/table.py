"""What is printed."""

from collections.abc import Iterable

from tests.bench.measure import Line
from tests.bench.orders import Orders
from tests.bench.papers import DRAWINGS, LINES, Papers
from tests.bench.split import Split
from tests.bench.webhooks import Webhooks

AIM_MS, AIM_SHARE = 7.0, 0.14
PAPER_MS, PAPER_MB = 40.0, 150.0
HEAD = f"{'CPU ms each: median of the rounds':52}  count    web    PG   both   (rounds)      per s   p50/p95 ms"


def of_webhooks(hooks: Webhooks) -> str:
    alone, together, empty, sql = hooks.alone, hooks.together, hooks.empty, hooks.sql
    slowness = hooks.ruler.slowness
    return f"""{_rows([empty, sql, alone, together, hooks.twice, hooks.forged])}

A webhook takes {hooks.statements} statements, BEGIN and COMMIT included.
CPU: {alone.cpu_ms:.1f} ms alone (aim: at most {AIM_MS:.0f}). A fixed piece of Python between them took {
        slowness:.1f} times its quickest: on a quiet
machine it may be as little as {alone.cpu_ms / slowness:.1f} ms. In a crowd {together.cpu_ms:.1f} ms, {
        together.cpu_ms / empty.cpu_ms:.1f} times an empty view, {
        together.cpu_ms / sql.cpu_ms:.1f} times PostgreSQL's for pgbench.
Rate: {together.rate:.0f} a second, {together.rate / sql.rate:.0%} of pgbench's {sql.rate:.0f} (aim: at least {
        AIM_SHARE:.0%}).
"""


def of_split(split: Split, empty: Line) -> str:
    parts = [
        ("PostgreSQL", split.postgres_ms),
        *split.layers(),
        ("gunicorn: HTTP, threads (empty view there, less here)", empty.web_ms - split.empty_ms),
    ]
    whole = sum(ms for _name, ms in parts)
    rows = [f"  {name:54}{ms:6.2f} ms{ms / whole:5.0%}" for name, ms in parts]
    return "\n".join([f"Where a webhook's CPU goes, from {split.samples.total()} samples in one process", *rows, ""])


def of_orders(orders: Orders) -> str:
    return f"""{_rows([orders.sql, orders.placed, orders.handed_off])}

Placing takes {orders.statements} statements, BEGIN and COMMIT included; the PSP's own work is not counted.
"""


def of_pages(pages: list[Line]) -> str:
    return _rows(pages)


def of_papers(papers: Papers) -> str:
    return f"""
An attestation of {LINES} lines, none like another, without the PSP's answer: {papers.median_ms:.1f} ms CPU warm, {
        papers.most_ms:.1f} ms the slowest
twentieth, {papers.first_ms:.0f} ms the first (aim: at most {PAPER_MS:.0f} warm).
The process that drew {DRAWINGS} of them: {papers.megabytes:.0f} MB (aim: at most {PAPER_MB:.0f}).
"""


def _rows(lines: Iterable[Line]) -> str:
    return "\n".join([HEAD, *(_row(line) for line in lines)])


def _row(line: Line) -> str:
    rounds = f"({min(line.cpu):.1f}…{max(line.cpu):.1f})"
    row = f"{line.name:52}{line.count:7}{line.web_ms:7.2f}{line.postgres_ms:6.2f}{line.cpu_ms:7.2f}   {rounds:12}"
    if line.rates:
        row += f"{line.rate:7.0f}"
    if line.latencies:
        half, most = sorted(line.latencies)[len(line.latencies) // 2]
        row += f"   {half * 1000:.1f}/{most * 1000:.1f}"
    return row
