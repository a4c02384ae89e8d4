"""One line of the table: how often, at what cost in CPU, how fast."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.bench.callers import Load, send_all
from tests.bench.meter import Meter, Spent
from tests.bench.stage import Stage

MANY = 16
ROUNDS = 3


@dataclass
class Line:
    """What several rounds gave; the median of the rounds is what counts, as other work disturbs some of them."""

    name: str
    count: int = 0
    web: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    latencies: list[tuple[float, float]] = field(default_factory=list)

    def add(self, spent: Spent, count: int, rate: float, latency: tuple[float, float] | None = None) -> None:
        """One round of `count` things: CPU seconds of all, things per second, median and 95th percentile seconds."""
        self.count += count
        self.web.append(spent.web / count * 1000)
        self.postgres.append(spent.postgres / count * 1000)
        self.rates.append(rate)
        if latency:
            self.latencies.append(latency)

    @property
    def web_ms(self) -> float:
        return statistics.median(self.web)

    @property
    def postgres_ms(self) -> float:
        return statistics.median(self.postgres)

    @property
    def cpu(self) -> list[float]:
        """Milliseconds of web and PostgreSQL together, by round."""
        return [web + postgres for web, postgres in zip(self.web, self.postgres, strict=True)]

    @property
    def cpu_ms(self) -> float:
        return statistics.median(self.cpu)

    @property
    def wall_ms(self) -> float:
        """By the clock: half of them took at most so long, in the round that was quickest."""
        return min(half for half, _most in self.latencies) * 1000

    @property
    def rate(self) -> float:
        """Per second."""
        return statistics.median(self.rates)


def rounds(seconds: float) -> Iterator[int]:
    """Numbers of the rounds: fewer of them when the first ones took so long that the machine must be busy."""
    deadline = time.monotonic() + seconds
    for number in range(ROUNDS):
        if number and time.monotonic() > deadline:
            return
        yield number


def over_http(
    line: Line,
    stage: Stage,
    requests: Sequence[bytes],
    *,
    callers: int,
    status: int = 200,
    says: bytes = b"",
    between: Callable[[], None] | None = None,
) -> Load:
    """Add a round of requests to a line, see send_all. Raises Wrong when an answer is not what it must be."""
    before = stage.meter.read()
    load = send_all(stage.port, requests, callers, status, says, between)
    spent = stage.meter.read() - before
    line.add(spent, len(requests), load.rate, (load.latency(0.5), load.latency(0.95)))
    return load


def in_process(line: Line, meter: Meter, deeds: Sequence[Callable[[], object]]) -> None:
    """Add a round of calls in this process, whose CPU time counts as the web server's."""
    times = []
    before = meter.read()
    for deed in deeds:
        began = time.perf_counter()
        deed()
        times.append(time.perf_counter() - began)
    spent = meter.read() - before
    latency = (statistics.median(times), statistics.quantiles(times, n=20)[-1])
    line.add(spent, len(deeds), len(deeds) / (spent.web + spent.postgres), latency)
