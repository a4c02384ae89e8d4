"""The journal: each line of an order's timeline carries the hash of the one before it, and the order that of the last.

The hashes are keyed with what the database does not know (HMAC-SHA256), so whoever changes, invents or takes away
lines behind the application's back cannot make the chain hold again. Chains are per order: nobody waits for another's.
"""

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from operator import attrgetter

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils.timezone import now

from orders.models import Order, TimelineEntry

BATCH = 2000
SETTLED = timedelta(minutes=10)
"""A line that is older than this is committed, or never will be."""


def chain(entry: TimelineEntry, order: Order) -> TimelineEntry:
    """Chain a line to the last one of its order, whose row the caller holds; PostgreSQL refuses any other place."""
    entry.previous = order.journal
    entry.hash = order.journal = _hash(entry, settings.JOURNAL_KEYS[0])
    return entry


@dataclass(frozen=True)
class Fault:
    """Where a journal does not hold, and in what way."""

    order: str
    entry: int | None
    what: str


class Seal:
    """Lines in one word: those that were written up to a moment, how many, and a sum over their hashes.

    Kept elsewhere and compared with a later reading, it shows what no chain can: that a whole journal was put back to
    an earlier state.
    """

    def __init__(self, until: datetime) -> None:
        self.until = until.astimezone(UTC).replace(microsecond=0)
        self._lines = self._sum = 0

    @classmethod
    def like(cls, word: str) -> "Seal":
        """An empty seal over the lines of that one. Raises ValueError when the word is none."""
        return cls(datetime.strptime(word.partition("/")[0], "%Y%m%dT%H%M%S%z"))

    def add(self, entry: TimelineEntry) -> None:
        if entry.at <= self.until:
            self._lines += 1
            # A sum does not depend on the order in which the lines are read.
            self._sum += int(sha256(f"{entry.pk} {entry.hash}".encode()).hexdigest(), 16)

    def __str__(self) -> str:
        return f"{self.until:%Y%m%dT%H%M%S%z}/{self._lines}/{self._sum % 2**256:064x}"


class Reading:
    """All journals, read once, in constant memory."""

    def __init__(self, *seals: Seal) -> None:
        self.seal = Seal(now() - SETTLED)
        self.lines = self.orders = 0
        self._seals = (self.seal, *seals)

    def faults(self) -> Iterator[Fault]:
        """Read all lines, and tell what is not as it was written."""
        entries = TimelineEntry.objects.select_related("order").order_by("order_id", "id")
        for _order, chain in groupby(entries.iterator(BATCH), key=attrgetter("order_id")):
            self.orders += 1
            yield from self._faults_of(chain)
        told = TimelineEntry.objects.filter(order=OuterRef("pk"))
        for order in Order.objects.filter(~Exists(told)).only("number").iterator(BATCH):
            yield Fault(order.number, None, "all its lines are gone")

    def _faults_of(self, chain: Iterator[TimelineEntry]) -> Iterator[Fault]:
        before = ""
        for entry in chain:
            self.lines += 1
            for seal in self._seals:
                seal.add(entry)
            if entry.previous != before:
                yield Fault(entry.order.number, entry.pk, "a line before it is missing, or it is not in its place")
            if not any(hmac.compare_digest(entry.hash, _hash(entry, key)) for key in settings.JOURNAL_KEYS):
                yield Fault(entry.order.number, entry.pk, "it is not as it was written")
            before = entry.hash
        if before != entry.order.journal:
            yield Fault(entry.order.number, None, "its last lines are gone")


def _hash(entry: TimelineEntry, key: str) -> str:
    at = entry.at.astimezone(UTC).isoformat()
    told = [entry.previous, entry.order_id, at, entry.actor, entry.actor_name, entry.kind, entry.data]
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hmac.new(key.encode(), text.encode(), sha256).hexdigest()
