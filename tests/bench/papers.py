"""A worker that draws a thousand attestations, each another customer's: the CPU of one, the memory of the process.

In a process of its own, whose memory nothing else has grown: `python -m tests.bench.papers` prints both as JSON.
"""

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from string import ascii_lowercase
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from payments.paper import AttestationFacts

DRAWINGS = 1000
LINES = 5
WARM_UP = 10


@dataclass(frozen=True)
class Papers:
    """Milliseconds of CPU: the first drawing, and the median and 95th percentile of the warm ones; 10⁶ bytes."""

    first_ms: float
    median_ms: float
    most_ms: float
    megabytes: float


def measure() -> Papers:
    """Let a process draw. Raises RuntimeError when it could not."""
    drawing = subprocess.run(
        [sys.executable, "-m", "tests.bench.papers"], env=os.environ, capture_output=True, check=False, text=True
    )
    if drawing.returncode:
        raise RuntimeError(drawing.stderr[-500:])
    return Papers(**json.loads(drawing.stdout))


def _draw_all() -> Papers:
    django.setup()
    import_module("kookut.urls")  # with all that a web worker holds
    first, *warm = [_milliseconds(n) for n in range(1, DRAWINGS + 1)]
    warm = sorted(warm[WARM_UP:])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Papers(first, statistics.median(warm), warm[int(len(warm) * 0.95)], most / 1e6)


def _milliseconds(n: int) -> float:
    from payments import paper

    facts = _facts(n)
    before = time.process_time()
    paper.draw(facts)
    return (time.process_time() - before) * 1000


def _facts(n: int) -> "AttestationFacts":
    """An attestation of five lines, without the PSP's answer; no two share a name, a code or an article."""
    from payments import paper

    chance, rate, at = random.Random(n), Decimal("8.1"), datetime(2026, 11, 22, 13, 30, tzinfo=UTC)  # noqa: S311
    words = ["".join(chance.choices(ascii_lowercase, k=9)).title() for _ in range(LINES + 4)]
    first, last, street, code, *goods = words
    address = (f"{first} {last}", f"Rue {street} {n}", "1205 Genève")
    lines = tuple(paper.Line(f"{name}, {n} cm", 1, 2_000 + n, rate, f"KK-{name[:3]}-{n}") for name in goods)
    total = sum(line.total for line in lines)
    tax = round(total * rate / (100 + rate))
    return paper.AttestationFacts(
        number=f"AP-2026-{n:06d}",
        code=f"7F3Q{code.upper()}",
        verify_url=f"https://kookut.example/v/7F3Q{code.upper()}/",
        issued_at=at + timedelta(seconds=n),
        agreed_at=at,
        language="fr",
        seller=paper.Seller(
            "KOOKUT Sàrl",
            "Rue de l’Exemple 1",
            "1200",
            "Genève",
            "bonjour@kookut.example",
            "CHE-123.456.788",
            vat_registered=True,
            statement_name="KOOKUT",
        ),
        billing_address=address,
        initials=f"{first[0]}. {last[0]}.",
        delivery_address=address,
        delivery_by=at.date(),
        order_number=f"KK-{n:04d}-20",
        placed_at=at,
        lines=lines,
        shipping=paper.Shipping("PostPac Priority", 0),
        vat=(paper.Vat(rate, total - tax, tax),),
        total=total,
        method="card",
        provider="Stripe",
        reference=f"pi_{code}{n}",
        details=paper.NoDetails.SILENT,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(_draw_all())))
