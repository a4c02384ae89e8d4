"""What a soak was, in figures."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import F
from django_tasks_db.models import DBTaskResult

from orders.models import Order
from payments import attention
from payments.models import Letter, Payment, Refund, WebhookEvent

Source = WebhookEvent.Source


@dataclass
class Figures:
    """What was done to the shop, as it was counted on the way."""

    seed: str
    checkouts: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    plans: Counter[str] = field(default_factory=Counter)
    manners: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)
    bank: Counter[str] = field(default_factory=Counter)
    staff: Counter[str] = field(default_factory=Counter)
    nights: int = 0
    sweeps: int = 0
    seconds: float = 0.0

    def table(self, violations: list[str]) -> str:
        """Everything, with what the shop's rows say of it."""
        rows: list[tuple[str, object]] = [
            ("seed", self.seed),
            ("checkouts", f"{self.checkouts} in {self.seconds:.0f} s, {self.nights} nights between them"),
            ("customers", _listed(self.plans)),
            ("their ends", _listed(self.ends)),
            ("messages", _listed(self.manners)),
            ("faults", _listed(self.faults)),
            ("kills", _listed(self.kills)),
            ("ended by themselves", _listed(self.restarts)),
            ("at the PSPs", _listed(self.bank)),
            ("staff", _listed(self.staff)),
            ("orders", _listed(Counter(Order.objects.values_list("status", flat=True)))),
            *_of_the_shop().items(),
            ("sweeps to rest", self.sweeps),
            ("violations", len(violations)),
        ]
        return "\n".join([f"  {name:<20} {words}" for name, words in rows] + [f"  ! {one}" for one in violations])


def _of_the_shop() -> Mapping[str, str]:
    """Healed, refunded by itself, left to staff."""
    settling = Payment.objects.filter(settles=True)
    healed = {
        "orders effective by a fetched message": settling.filter(authorised_by__source=Source.FETCHED).count(),
        "messages fetched in all": WebhookEvent.objects.filter(source=Source.FETCHED).count(),
        "letters tried again": Letter.objects.filter(tries__gt=1, sent_at__isnull=False).count(),
        "tasks that died with a worker": DBTaskResult.objects.running().count(),
        "expired orders revived": Order.objects.filter(timeline__kind="revived").count(),
    }
    given_back = Refund.objects.filter(
        requested_by=None, payment__settles=False, status=Refund.Status.SUCCEEDED, amount=F("payment__received_amount")
    )
    by_itself = Counter(given_back.exclude(reason="").values_list("payment__why_not", flat=True))
    return {
        "healed": _listed(Counter(healed)),
        "refunded by itself": _listed(by_itself),
        "left to staff": _listed(Counter(item.kind for item in attention.items())),
    }


def _listed(counts: Mapping[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name or '–'} {count}" for name, count in ranked) or "none"
