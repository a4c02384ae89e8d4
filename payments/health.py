"""How the line from the PSPs is: what a monitor asks, beside whether the shop itself stands."""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Max, Min
from django.utils.timezone import now

from payments import tally
from payments.attention import SILENT, UNAPPLIED
from payments.models import Channel, Payment, Provider, WebhookEvent

QUIET_SECONDS = 15 * 60
"""So long may a customer who came back wait without any message of that PSP."""


@dataclass(frozen=True)
class ChannelHealth:
    """One PSP's line. Times in seconds."""

    provider: str
    last_event_seconds: int | None
    rejected_today: int | None
    unapplied: int
    oldest_unapplied_seconds: int | None
    oldest_waiting_seconds: int | None
    silent_seconds: int | None
    problems: tuple[str, ...]


def channels() -> list[ChannelHealth]:
    """The health of every configured PSP's line; healthy where `problems` is empty."""
    configured = [(Provider.STRIPE, settings.PAYMENTS.stripe), (Provider.PAYPAL, settings.PAYMENTS.paypal)]
    return [_of(provider) for provider, psp in configured if psp]


def report() -> dict[str, object]:
    """The same as data, for `/health/payments`."""
    found = channels()
    return {"healthy": not any(channel.problems for channel in found), "channels": [asdict(one) for one in found]}


def _of(provider: str) -> ChannelHealth:
    events = WebhookEvent.objects.filter(provider=provider)
    last = events.aggregate(at=Max("processed_at"))["at"]
    open_events = events.filter(processed_at__isnull=True)
    oldest = open_events.aggregate(at=Min("received_at"))["at"]
    waiting = Payment.objects.filter(
        provider=provider, status=Payment.Status.STARTED, returned_at__isnull=False
    ).aggregate(at=Min("returned_at"))["at"]
    channel = Channel.objects.filter(provider=provider).first()
    silent = _seconds(channel.silent_since) if channel else None
    waited = _seconds(waiting)
    problems = []
    if oldest and now() - oldest > UNAPPLIED:
        problems.append("messages that cannot be applied")
    if waited is not None and waited > QUIET_SECONDS:
        problems.append("a customer waits for the bank's word")
    if silent is not None and silent > SILENT.total_seconds():
        problems.append("no answer")
    return ChannelHealth(
        provider,
        _seconds(last),
        tally.today(f"rejected-{provider}"),
        open_events.count(),
        _seconds(oldest),
        waited,
        silent,
        tuple(problems),
    )


def _seconds(since: datetime | None) -> int | None:
    return None if since is None else max(0, int((now() - since).total_seconds()))
