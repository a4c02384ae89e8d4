"""The first page of the back office: how the day goes, what needs a person, and how the last weeks went.

Everybody sees what stands in the lists that they may open: each figure leads to the list that it counts.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import inf

from django.contrib.auth.models import User
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _

from orders.money import format_chf
from payments import attention
from payments.desk import figures
from payments.desk.figures import Sold
from payments.desk.plots import Part, Plot, Series, Tick, Whole, percent
from payments.models import Letter, Method, Payment, Provider, WebhookEvent

SHOWN = 20
"""So many of the things to be done stand on the page; the list has the rest."""
ALARM_OF_MESSAGES = timedelta(minutes=15)
ALARM_OF_WAITING = timedelta(minutes=40)
ALARM_OF_ACCEPTANCE = 80
FEW = 5
"""Of fewer payments no share is said to be low."""
DAY = "d.m."
HOUR = "d.m. H:i"
Status = Payment.Status


@dataclass(frozen=True)
class Line:
    label: str
    figure: str
    link: str = ""


@dataclass(frozen=True)
class Card:
    """A figure, and the list that it counts."""

    title: str
    link: str = ""
    figure: str = ""
    lines: tuple[Line, ...] = ()
    alarm: str = ""
    """In words, what is wrong; a colour only says the same again."""


@dataclass(frozen=True)
class ToDo:
    """A sentence of the list of what needs a person, with its link in the midst of it."""

    before: str
    link: str
    name: str
    after: str
    until: datetime | None


@dataclass
class Front:
    cards: list[Card] = field(default_factory=list)
    to_do: list[ToDo] | None = None
    """None for who may not see orders."""
    is_cut: bool = False
    columns: tuple[list[Plot | Whole], list[Plot | Whole]] = field(default_factory=lambda: ([], []))
    """Plots, beside each other where there is room."""


def of(user: User) -> Front:
    """The page of this member of staff."""
    front = Front()
    left, right = front.columns
    orders, payments = user.has_perm("orders.view_order"), user.has_perm("payments.view_payment")
    if orders:
        front.cards += [_sales(), _waiting(), _to_be_looked_at()]
        found = sorted(attention.items(), key=lambda item: item.until.timestamp() if item.until else inf)
        front.to_do, front.is_cut = [_to_do(item) for item in found[:SHOWN]], len(found) > SHOWN
        by_day = figures.by_day()
        left += [_plot_of_sales(by_day), _shares(by_day)]
    if payments:
        tries = figures.tries()
        front.cards.append(_acceptance(tries))
        right.append(_plot_of_outcomes(tries))
    if orders and payments:
        right.append(_plot_of_delays(by_day))
    if user.has_perm("payments.view_webhookevent"):
        front.cards.append(_messages())
        left.append(_plot_of_messages())
    if orders:
        front.cards.append(_refunds())
    if user.has_perm("payments.view_letter"):
        front.cards.append(_letters())
    front.cards += _accounts(user)
    return front


# Cards ----------------------------------------------------------------------------------------------------------------


def _sales() -> Card:
    sold = figures.sold_today()
    return Card(_("Sales today"), _orders(paid="today"), format_chf(sold.centimes), (_count(sold),))


def _waiting() -> Card:
    count, oldest = figures.waiting()
    age = now() - oldest if oldest else timedelta(0)
    return Card(
        _("Waiting for the bank"),
        _orders(state="waiting"),
        str(count),
        (Line(_("Oldest"), _age(age)),) if oldest else (),
        _("One has been waiting for more than 40 minutes.") if age > ALARM_OF_WAITING else "",
    )


def _to_be_looked_at() -> Card:
    return Card(_("To be looked at"), _orders(attention="1"), str(attention.orders().count()))


def _acceptance(tries: dict[date, Counter[tuple[str, str]]]) -> Card:
    """Of the payments of a week, how many the banks accepted of those that they accepted or refused."""
    week: Counter[tuple[str, str]] = sum(list(tries.values())[-7:], Counter())
    lines, low = [], []
    for method in Method:
        accepted, refused = week[method, Status.AUTHORISED], week[method, Status.FAILED]
        if decided := accepted + refused:
            share = 100 * accepted // decided
            link = _payments(outcome="decided", started="7", method__exact=method)
            lines.append(
                Line(str(method.label), _("%(share)s of %(count)d") % {"share": percent(share), "count": decided}, link)
            )
            low += [str(method.label)] if share < ALARM_OF_ACCEPTANCE and decided >= FEW else []
    accepted = sum(count for (_method, status), count in week.items() if status == Status.AUTHORISED)
    decided = accepted + sum(count for (_method, status), count in week.items() if status == Status.FAILED)
    return Card(
        _("Accepted, past 7 days"),
        _payments(outcome="decided", started="7"),
        percent(100 * accepted // decided) if decided else "–",
        tuple(lines),
        _("Less than 80%% are accepted: %(methods)s.") % {"methods": ", ".join(low)} if low else "",
    )


def _messages() -> Card:
    last, since, moment = figures.last_delivered(), figures.waiting_since(), now()
    lines, late = [], []
    for provider in Provider:
        if provider in last:
            link = _list(WebhookEvent, provider__exact=provider, source__exact=WebhookEvent.Source.DELIVERED)
            lines.append(Line(provider.label, _("%(time)s ago") % {"time": _age(moment - last[provider])}, link))
        quiet = provider not in last or moment - last[provider] > ALARM_OF_MESSAGES
        if quiet and provider in since and moment - since[provider] > ALARM_OF_MESSAGES:
            late.append(provider.label)
    return Card(
        _("Last bank message"),
        _list(WebhookEvent, source__exact=WebhookEvent.Source.DELIVERED),
        "" if lines else "–",
        tuple(lines),
        _("A customer waits, and for more than 15 minutes nothing has come from %(providers)s.")
        % {"providers": ", ".join(late)}
        if late
        else "",
    )


def _refunds() -> Card:
    back = figures.given_back()
    return Card(_("Refunds of the month"), _orders(refunded="month"), format_chf(back.centimes), (_count(back),))


def _letters() -> Card:
    return Card(_("Mails that could not be sent"), _list(Letter, unsent="1"), str(attention.unsent().count()))


def _accounts(user: User) -> list[Card]:
    """The way to what asks the PSPs, or writes long files: too dear to be worked out here."""
    pages = [
        Line(label, "", where)
        for name, permission, label in (
            ("admin:balance", "payments.view_balance", _("Money balance")),
            ("admin:exports", "orders.export_orders", _("Exports")),
        )
        if user.has_perm(permission) and (where := _there(name))
    ]
    return [Card(_("Accounts"), lines=tuple(pages))] if pages else []


def _there(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _count(sold: Sold) -> Line:
    return Line(_("Orders"), str(sold.count))


# What needs a person --------------------------------------------------------------------------------------------------


def _to_do(item: attention.Item) -> ToDo:
    if item.order:
        link, name = reverse("admin:orders_order_change", args=[item.order.pk]), item.order.number
    elif item.kind == "unapplied":
        link, name = reverse("admin:payments_webhookevent_change", args=[item.about]), _("See the message")
    else:
        link, name = "", ""
    before, found, after = item.sentence.partition(name) if name else (item.sentence, "", "")
    return ToDo(before if found else f"{item.sentence} ", link, name, after, item.until)


# Plots ----------------------------------------------------------------------------------------------------------------


def _plot_of_sales(by_day: dict[date, figures.Day]) -> Plot:
    ticks = [_day(day, _orders(paid_from=day, paid_to=day)) for day in by_day]
    sold = [day.all for day in by_day.values()]
    return Plot(
        "sales",
        _("Sales per day, 30 days"),
        _("Day"),
        ticks,
        [
            Series(_("Takings"), [one.centimes for one in sold], format_chf, "ok"),
            Series(_("Orders"), [one.count for one in sold]),
        ],
    )


def _shares(by_day: dict[date, figures.Day]) -> Whole:
    first, last = min(by_day), max(by_day)
    parts = []
    for method in Method:
        sold = [day.sold[method] for day in by_day.values()]
        count, centimes = sum(one.count for one in sold), sum(one.centimes for one in sold)
        link = _orders(paid_from=first, paid_to=last, method=method)
        parts.append(Part(str(method.label), method.value, centimes, link, (str(count), format_chf(centimes))))
    title = _("Share of the means of payment, 30 days")
    return Whole("shares", title, (_("Method"), _("Share"), _("Orders"), _("Takings")), parts)


def _plot_of_outcomes(tries: dict[date, Counter[tuple[str, str]]]) -> Plot:
    ticks = [_day(day, _payments(started_from=day, started_to=day)) for day in tries]

    def ended(status: str) -> list[int]:
        return [sum(count for (_method, end), count in day.items() if end == status) for day in tries.values()]

    return Plot(
        "outcomes",
        _("Payments begun per day, 30 days"),
        _("Day"),
        ticks,
        [
            Series(_("Accepted payments"), ended(Status.AUTHORISED), kind="ok"),
            Series(_("Refused payments"), ended(Status.FAILED), kind="err"),
            Series(_("Expired payments"), ended(Status.EXPIRED)),
            Series(_("Open payments"), ended(Status.STARTED), kind="warn"),
        ],
    )


def _plot_of_delays(by_day: dict[date, figures.Day]) -> Plot:
    def length(seconds: int) -> str:
        return _age(timedelta(seconds=seconds), exact=True)

    half, most = (
        Series(label, [round(value) for value in values], length, kind, has_sum=False)
        for label, values, kind in (
            (_("Half of them within"), [day.half for day in by_day.values()], ""),
            (_("19 in 20 within"), [day.most for day in by_day.values()], "warn"),
        )
    )
    ticks = [_day(day, "") for day in by_day]
    return Plot("delays", _("From the return to the bank’s message, 30 days"), _("Day"), ticks, [half, most])


def _plot_of_messages() -> Plot:
    by_hour = figures.by_hour()
    ticks = [Tick(date_format(localtime(hour), HOUR)) for hour in by_hour]
    hours = list(by_hour.values())
    return Plot(
        "messages",
        _("Bank messages per hour, 48 hours"),
        _("Hour"),
        ticks,
        [
            Series(_("Delivered"), [one.delivered for one in hours], kind="ok"),
            Series(_("Fetched, for they did not come"), [one.fetched for one in hours], kind="warn"),
            Series(_("Not applied yet"), [one.unapplied for one in hours], kind="warn"),
            Series(_("Refused for their signature"), [one.refused for one in hours], kind="err"),
        ],
    )


# Words and addresses --------------------------------------------------------------------------------------------------


def _day(day: date, link: str) -> Tick:
    return Tick(date_format(day, DAY), link)


def _age(time: timedelta, *, exact: bool = False) -> str:
    """So long, in the two largest units at most; without seconds unless they are asked for."""
    seconds = max(0, int(time.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if exact and seconds < 120:
        return f"{seconds}\u00a0s"
    if minutes < 60:
        return f"{minutes}\u00a0min" if minutes else "<\u00a01\u00a0min"
    if hours < 48:
        return f"{hours}\u00a0h {minutes % 60}\u00a0min"
    return _("%(days)d d") % {"days": days}


def _orders(**narrowed: object) -> str:
    return _address("admin:orders_order_changelist", narrowed)


def _payments(**narrowed: object) -> str:
    return _address("admin:payments_payment_changelist", narrowed)


def _list(model: type[Letter] | type[WebhookEvent], **narrowed: object) -> str:
    return _address(f"admin:payments_{model._meta.model_name}_changelist", narrowed)


def _address(name: str, narrowed: dict[str, object]) -> str:
    return f"{reverse(name)}?{urlencode({key: str(value) for key, value in narrowed.items()})}"
