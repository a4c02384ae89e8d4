"""How the line from the PSPs is: what a monitor asks, beside whether the shop itself stands."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils.timezone import now

from payments import tally
from payments.models import Channel, Payment, Provider, WebhookEvent
from payments.unresolved import SILENT, UNAPPLIED, overtime, unapplied, undecided

QUIET_SECONDS = 15 * 60
"""So long may a customer who came back wait without any message of that PSP."""
REFUSED = 3
"""So many refused deliveries in a day are no stranger who tried the address: one message is sent again as often within
the hour. They alone are no problem either: anybody can make them."""
APART = timedelta(hours=1)
"""Messages that were fetched at once may have been on their way, or a database restored; so far apart, with nothing
delivered since the first of them, they were not. A busy shop has deliveries in between, whatever is fetched by hand."""
SENT_AGAIN = timedelta(days=3)
"""For so long a PSP sends a message again. What was fetched before that says nothing of the line of today."""


@dataclass(frozen=True)
class ChannelHealth:
    """One PSP's line. Times in seconds."""

    provider: str
    last_event_seconds: int | None
    """Since the last message that the PSP delivered, proven. What was fetched from its list does not count."""
    fetched_since: int
    """Messages about our orders that had to be fetched since then."""
    rejected_today: int | None
    unapplied: int
    """Messages that wait to be applied, and that nobody has set aside."""
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
    delivered = events.filter(source=WebhookEvent.Source.DELIVERED).aggregate(at=Max("received_at"))["at"]
    fetched, first, newest = _fetched(events, delivered)
    rejected = tally.today(f"rejected-{provider}")
    open_events = unapplied().filter(provider=provider)
    oldest = open_events.aggregate(at=Min("received_at"))["at"]
    waited = _seconds(_waiting(provider))
    channel = Channel.objects.filter(provider=provider).first()
    silent = _seconds(channel.silent_since) if channel else None
    problems = []
    if first and (rejected or 0) >= REFUSED and now() - first > timedelta(seconds=QUIET_SECONDS):
        problems.append("deliveries are refused: see the secret of the webhooks")
    elif first and newest and newest - first > APART:
        problems.append("nothing is delivered, all is fetched: see the webhooks' address at the PSP")
    if oldest and now() - oldest > UNAPPLIED:
        problems.append("messages that cannot be applied")
    if waited is not None and waited > QUIET_SECONDS:
        problems.append("a customer waits for the bank's word")
    if _is_overtime(provider):
        problems.append("orders that cannot be ended")
    if silent is not None and silent > SILENT.total_seconds():
        problems.append("no answer")
    return ChannelHealth(
        provider,
        _seconds(delivered),
        fetched,
        rejected,
        open_events.count(),
        _seconds(oldest),
        waited,
        silent,
        tuple(problems),
    )


def _fetched(
    events: QuerySet[WebhookEvent], delivered: datetime | None
) -> tuple[int, datetime | None, datetime | None]:
    """How many messages about our orders were fetched since the last delivery, and when the first and the newest."""
    since = now() - SENT_AGAIN
    fetched = events.filter(
        source=WebhookEvent.Source.FETCHED,
        order__isnull=False,
        received_at__gt=max(delivered, since) if delivered else since,
    )
    found = fetched.aggregate(count=Count("pk"), first=Min("received_at"), newest=Max("received_at"))
    return found["count"], found["first"], found["newest"]


def back_and_waiting() -> QuerySet[Payment]:
    """Payments whose customers came back and wait; not for a bank that takes its days, and has said so, nor on a page
    at PayPal that declined what was chosen and stays open for another choice."""
    back = Payment.objects.filter(status=Payment.Status.STARTED, returned_at__isnull=False)
    declined = Q(provider=Provider.PAYPAL) & ~Q(refusal="")
    return back.filter(~declined, ~Exists(undecided()))


def _waiting(provider: str) -> datetime | None:
    """When the customer came back who waits for longest."""
    at: datetime | None = back_and_waiting().filter(provider=provider).aggregate(at=Min("returned_at"))["at"]
    return at


def _is_overtime(provider: str) -> bool:
    """Whether orders with an open page of that PSP cannot be ended."""
    at_the_psp = Payment.objects.filter(order=OuterRef("pk"), status=Payment.Status.STARTED, provider=provider)
    return overtime().filter(Exists(at_the_psp)).exists()


def _seconds(since: datetime | None) -> int | None:
    return None if since is None else max(0, int((now() - since).total_seconds()))
