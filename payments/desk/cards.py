"""The cards of the first page: figures, each with the list that it counts, and alarms in words."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _

from orders.models import Order
from orders.money import format_chf
from payments import unresolved
from payments.balance_at_night import last_days
from payments.desk import figures
from payments.desk.figures import Sold
from payments.desk.links import listed
from payments.desk.plots import age, percent
from payments.gateways import configured
from payments.models import Channel, Letter, Method, Payment, Provider, Refund, WebhookEvent

ALARM_OF_MESSAGES = timedelta(minutes=15)
ALARM_OF_WAITING = timedelta(minutes=40)
ALARM_OF_ACCEPTANCE = 80
ALARM_OF_COMPARISON = timedelta(days=2)
FEW = 5
"""Of fewer payments no share is said to be low."""
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
    note: str = ""
    """What is counted, where the title alone does not say it."""
    alarm: str = ""
    """In words, what is wrong; a colour only says the same again."""


def sales() -> Card:
    sold = figures.sold_today()
    return Card(_("Sales today"), listed(Order, paid="today"), format_chf(sold.centimes), (_count(sold),))


def waiting() -> Card:
    count, oldest = figures.waiting()
    waited = now() - oldest if oldest else timedelta(0)
    return Card(
        _("Waiting for payment"),
        listed(Order, state="waiting"),
        str(count),
        (Line(_("Oldest"), age(waited)),) if oldest else (),
        alarm=_("One has been waiting for more than 40 minutes.") if waited > ALARM_OF_WAITING else "",
    )


def to_be_looked_at() -> Card:
    return Card(_("Orders that need review"), listed(Order, attention="1"), str(len(unresolved.orders())))


def acceptance(tries: dict[date, Counter[tuple[str, str]]]) -> Card:
    """Of the payments of a week, how many the banks accepted of those that they accepted or refused."""
    week: Counter[tuple[str, str]] = sum(list(tries.values())[-7:], Counter())
    lines, low = [], []
    for method in Method:
        accepted, refused = week[method, Status.AUTHORISED], week[method, Status.FAILED]
        if decided := accepted + refused:
            share = 100 * accepted // decided
            link = listed(Payment, outcome="decided", started="7", method__exact=method)
            lines.append(
                Line(str(method.label), _("%(share)s of %(count)d") % {"share": percent(share), "count": decided}, link)
            )
            low += [str(method.label)] if share < ALARM_OF_ACCEPTANCE and decided >= FEW else []
    accepted = sum(count for (_method, status), count in week.items() if status == Status.AUTHORISED)
    decided = accepted + sum(count for (_method, status), count in week.items() if status == Status.FAILED)
    return Card(
        _("Accepted, past 7 days"),
        listed(Payment, outcome="decided", started="7"),
        percent(100 * accepted // decided) if decided else "–",
        tuple(lines),
        _("One yes or no for each payment page; a card replaced on the same page, or a page left, is no refusal."),
        _("Less than 80%% are accepted: %(methods)s.") % {"methods": ", ".join(low)} if low else "",
    )


def messages() -> Card:
    last, since, moment = figures.last_delivered(), figures.waiting_since(), now()
    lines, late = [], []
    for provider in Provider:
        if provider in last:
            link = listed(WebhookEvent, provider__exact=provider, source__exact=WebhookEvent.Source.DELIVERED)
            lines.append(Line(provider.label, _("%(time)s ago") % {"time": age(moment - last[provider])}, link))
        quiet = provider not in last or moment - last[provider] > ALARM_OF_MESSAGES
        if quiet and provider in since and moment - since[provider] > ALARM_OF_MESSAGES:
            late.append(provider.label)
    return Card(
        _("Last bank message"),
        listed(WebhookEvent, source__exact=WebhookEvent.Source.DELIVERED),
        "" if lines else "–",
        tuple(lines),
        alarm=_("A customer waits, and for more than 15 minutes nothing has come from %(providers)s.")
        % {"providers": ", ".join(late)}
        if late
        else "",
    )


def refunds(user: User) -> Card:
    """Of what sales count; beside it what had settled no order, which they do not."""
    back, others = figures.given_back()
    lines = [_count(back)]
    if others.count:
        may_see = user.has_perm("payments.view_refund")
        link = listed(Refund, payment__settles__exact=0, went="month") if may_see else ""
        lines.append(Line(_("Not sales: paid twice, too late or otherwise"), format_chf(others.centimes), link))
    title = _("Refunds of the month")
    return Card(title, listed(Order, refunded="month"), format_chf(back.centimes), tuple(lines))


def letters() -> Card:
    return Card(_("Mails that could not be sent"), listed(Letter, unsent="1"), str(unresolved.unsent().count()))


def balance() -> Card:
    """What the comparisons of the last night found: they ask the PSPs, so none is made for this page."""
    lines, alarms = [], []
    channels = list(Channel.objects.filter(provider__in=configured()).order_by("provider"))
    for one in channels:
        if one.compared_until is None or one.differences is None:
            lines.append(Line(one.get_provider_display(), _("not compared yet")))
            continue
        first, last = last_days(one.compared_until)
        days = urlencode({"first": str(first), "last": str(last), "provider": one.provider})
        lines.append(Line(one.get_provider_display(), str(one.differences), f"{reverse('admin:balance')}?{days}"))
        if one.differences:
            alarms.append(_("%(provider)s booked otherwise than the shop.") % {"provider": one.get_provider_display()})
        if localdate() - one.compared_until > ALARM_OF_COMPARISON:
            day = date_format(one.compared_until, "d.m.Y")
            facts = {"provider": one.get_provider_display(), "day": day}
            alarms.append(_("Not compared with %(provider)s since %(day)s.") % facts)
    known = [one.differences for one in channels if one.differences is not None]
    figure = str(sum(known)) if known else "–"
    return Card(_("Differences, past 7 days"), reverse("admin:balance"), figure, tuple(lines), alarm=" ".join(alarms))


def accounts(user: User) -> list[Card]:
    """The way to what asks the PSPs, or writes long files: too dear to be worked out here."""
    pages = [
        Line(label, "", reverse(name))
        for name, permission, label in (
            ("admin:balance", "payments.view_balance", _("Money balance")),
            ("admin:exports", "orders.export_orders", _("Exports")),
        )
        if user.has_perm(permission)
    ]
    return [Card(_("Accounts"), lines=tuple(pages))] if pages else []


def _count(sold: Sold) -> Line:
    return Line(_("Orders"), str(sold.count))
