"""How the last weeks went: figures as the first page draws them."""

from collections import Counter
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from orders.models import Order
from orders.money import format_chf
from payments.desk import figures
from payments.desk.links import listed
from payments.desk.plots import Part, Plot, Series, Tick, Whole, age
from payments.models import Method, Payment

DAY = "d.m."
HOUR = "d.m. H:i"
Status = Payment.Status


def sales(by_day: dict[date, figures.Day]) -> Plot:
    ticks = [_day(day, listed(Order, paid_from=day, paid_to=day)) for day in by_day]
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


def shares(by_day: dict[date, figures.Day]) -> Whole:
    first, last = min(by_day), max(by_day)
    parts = []
    for method in Method:
        sold = [day.sold[method] for day in by_day.values()]
        count, centimes = sum(one.count for one in sold), sum(one.centimes for one in sold)
        link = listed(Order, paid_from=first, paid_to=last, method=method)
        parts.append(Part(str(method.label), method.value, centimes, link, (str(count), format_chf(centimes))))
    title = _("Revenue by means of payment, 30 days")
    return Whole("shares", title, (_("Method"), _("Share"), _("Orders"), _("Takings")), parts)


def outcomes(tries: dict[date, Counter[tuple[str, str]]]) -> Plot:
    ticks = [_day(day, listed(Payment, started_from=day, started_to=day)) for day in tries]

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
            Series(_("Payments closed unpaid"), ended(Status.EXPIRED)),
            Series(_("Open payments"), ended(Status.STARTED), kind="warn"),
        ],
    )


def delays(by_day: dict[date, figures.Day]) -> Plot:
    def length(seconds: int) -> str:
        return age(timedelta(seconds=seconds), exact=True)

    half, most = (
        Series(label, [None if value is None else round(value) for value in values], length, kind, has_sum=False)
        for label, values, kind in (
            (_("Half of them within"), [day.half for day in by_day.values()], ""),
            (_("19 in 20 within"), [day.most for day in by_day.values()], "warn"),
        )
    )
    ticks = [_day(day, "") for day in by_day]
    return Plot("delays", _("From the return to the bank’s message, 30 days"), _("Day"), ticks, [half, most])


def messages() -> Plot:
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


def _day(day: date, link: str) -> Tick:
    return Tick(date_format(day, DAY), link)
