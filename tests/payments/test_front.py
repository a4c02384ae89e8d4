"""The first page of the back office: figures that are the counts of the lists they lead to, alarms in words, plots."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localtime, now

from orders.models import Order
from payments import tally
from payments.desk.plots import Part, Whole
from payments.models import Channel, Dispute, Letter, Payment, Refund, WebhookEvent
from tests.payments.office import cards, effective, front, office
from tests.shop import deliver, goods, placed, started, stripe_event

pytestmark = pytest.mark.django_db
MOST_STATEMENTS = 28


@pytest.fixture
def client() -> Client:
    return office()


def plots(client: Client) -> dict[str, Any]:
    return {plot.name: plot for column in front(client).columns for plot in column}


def counted(client: Client, link: str) -> int:
    """How many rows the list has to which a figure leads."""
    answer = client.get(link)
    assert answer.status_code == 200, (link, answer)
    count: int = answer.context["cl"].result_count
    return count


def refused(order: Order, method: str = "card", **changes: Any) -> Payment:
    return started(order, method, status=Payment.Status.FAILED, refusal="funds", **changes)


def a_busy_day() -> None:
    """One of everything that is counted, and beside it one of everything that is not."""
    shelf = goods(stock=100)
    paid, twint = effective(), placed(shelf)
    deliver(stripe_event(started(twint, "twint")))
    before = effective()
    yesterday = now() - timedelta(days=1)
    Order.objects.filter(pk=before.pk).update(effective_at=yesterday)
    Payment.objects.filter(order=before).update(authorised_at=yesterday, created_at=yesterday)
    refused(placed(shelf))
    refused(placed(shelf), "twint", created_at=now() - timedelta(days=8))
    odd = placed(shelf)
    deliver(stripe_event(started(odd), amount_total=100))
    odd.payments.get().refunds.create(amount=40, status="succeeded", settled_at=now())
    money = paid.payments.get()
    for status in (Refund.Status.SUCCEEDED, Refund.Status.SUCCEEDED, Refund.Status.REQUESTED):
        money.refunds.create(amount=500, status=status, settled_at=now())
    before.payments.get().refunds.create(amount=900, status="succeeded", settled_at=now() - timedelta(days=40))
    paid.letters.update(tries=Letter.MOST_TRIES)
    assert before.letters.exists()


def test_every_figure_is_the_count_of_the_list_to_which_it_leads(client: Client) -> None:
    a_busy_day()
    shown = cards(client)
    lines = {title: {line.label: line for line in card.lines} for title, card in shown.items()}

    sales = shown["Sales today"]
    assert sales.figure == "CHF\u00a076.00"
    assert counted(client, sales.link) == int(lines["Sales today"]["Orders"].figure) == 2
    for title, count in {
        "Waiting for payment": 3,
        "Orders that need review": 2,
        "Mails that could not be sent": 1,
    }.items():
        assert counted(client, shown[title].link) == int(shown[title].figure) == count, title
    back = shown["Refunds of the month"]
    assert back.figure == "CHF\u00a010.00"
    assert counted(client, back.link) == int(lines["Refunds of the month"]["Orders"].figure) == 1
    other = back.lines[1]
    assert (other.label, other.figure) == ("Not sales: paid twice, too late or otherwise", "CHF\u00a00.40")
    assert counted(client, other.link) == 1

    week = shown["Accepted, past 7 days"]
    assert (week.figure, counted(client, week.link)) == ("80%", 5)
    assert {name: line.figure for name, line in lines["Accepted, past 7 days"].items()} == {
        "Card": "75% of 4",
        "TWINT": "100% of 1",
    }
    for line in week.lines:
        assert counted(client, line.link) == int(line.figure.split()[-1]), line
    messages = shown["Last bank message"]
    assert counted(client, messages.lines[0].link) == WebhookEvent.objects.count() == 4


def test_staff_see_whether_the_money_is_real(client: Client, settings: Any) -> None:
    said = "Essai\u00a0: pas d’argent réel"
    assert said in client.get("/admin/").content.decode()
    settings.PAYMENTS = replace(settings.PAYMENTS, mode="live")
    assert said not in client.get("/admin/").content.decode()


def test_a_day_of_the_plot_is_the_list_of_that_day(client: Client) -> None:
    a_busy_day()
    drawn = plots(client)
    sales, outcomes = drawn["sales"], drawn["outcomes"]
    for plot, columns in ((sales, [1]), (outcomes, [0, 1, 2, 3])):
        assert len(plot.table) == 30
        for tick, cells in plot.table[:2]:
            assert counted(client, tick.link) == sum(int(cells[n]) for n in columns) > 0
    assert [cells for _tick, cells in sales.table[:2]] == [["CHF\u00a076.00", "2"], ["CHF\u00a038.00", "1"]]
    shares = {share.part.label: (share.printed, *share.part.cells) for share in drawn["shares"].shares}
    assert shares == {
        "Card": ("67\u00a0%", "2", "CHF\u00a076.00"),
        "TWINT": ("33\u00a0%", "1", "CHF\u00a038.00"),
        "PayPal": ("0\u00a0%", "0", "CHF\u00a00.00"),
    }
    for share in drawn["shares"].shares:
        assert counted(client, share.part.link) == int(share.part.cells[0])


def test_a_new_shop_has_a_page_too(client: Client) -> None:
    page = client.get("/admin/", headers={"Accept-Language": "en"}).content.decode()
    assert page.count("Nothing in this period.") == 5
    assert "<svg class=" not in page
    assert "alarm" not in page


# Alarms ---------------------------------------------------------------------------------------------------------------


def a_customer_waits_and_nothing_comes() -> None:
    effective()
    WebhookEvent.objects.update(received_at=now() - timedelta(minutes=16))
    started(placed(), returned_at=now() - timedelta(minutes=16))


def an_order_waits_for_long() -> None:
    placed(created_at=now() - timedelta(minutes=41))


def cards_are_refused() -> None:
    shelf = goods(stock=10)
    effective()
    for _ in range(4):
        refused(placed(shelf))


ALARMS: dict[str, tuple[Callable[[], None], str]] = {
    "Last bank message": (
        a_customer_waits_and_nothing_comes,
        "A customer waits, and for more than 15 minutes nothing has come from Stripe.",
    ),
    "Waiting for payment": (an_order_waits_for_long, "One has been waiting for more than 40 minutes."),
    "Accepted, past 7 days": (cards_are_refused, "Less than 80% are accepted: Card."),
}


@pytest.mark.parametrize("title", ALARMS)
def test_what_is_wrong_is_said_in_words_on_its_card_alone(client: Client, title: str) -> None:
    happens, words = ALARMS[title]
    happens()
    assert {card.title: card.alarm for card in front(client).cards if card.alarm} == {title: words}
    assert (
        f'<p class="front-alarm">{words}</p>'
        in client.get("/admin/", headers={"Accept-Language": "en"}).content.decode()
    )


def test_a_quiet_line_with_nobody_waiting_and_a_young_order_are_no_alarm(client: Client) -> None:
    effective()
    WebhookEvent.objects.update(received_at=now() - timedelta(hours=9))
    started(placed(created_at=now() - timedelta(minutes=39)), returned_at=now() - timedelta(minutes=14))
    for _ in range(3):
        refused(placed())
    assert [card.alarm for card in front(client).cards if card.alarm] == []


# What needs a person --------------------------------------------------------------------------------------------------


def test_each_thing_to_be_done_is_a_sentence_that_leads_there(client: Client) -> None:
    odd, disputed = placed(), effective()
    deliver(stripe_event(started(odd), amount_total=100))
    until = now() + timedelta(days=5)
    Dispute.objects.create(
        payment=disputed.payments.get(), reference="dp_1", amount=100, reason="fraudulent", due_at=until
    )
    Channel.objects.create(provider="paypal", silent_since=now() - timedelta(hours=1))
    event = stripe_event(started(placed()), client_reference_id="00000000-0000-4000-8000-000000000000")
    deliver(event, client=Client(raise_request_exception=False))
    WebhookEvent.objects.filter(processed_at=None).update(received_at=now() - timedelta(hours=2))

    assert [one.name for one in front(client).to_do][:3] == ["See the message", "", disputed.number]
    page = re.sub(r"\s+", " ", client.get("/admin/", headers={"Accept-Language": "en"}).content.decode())
    for order in (odd, disputed):
        assert f'Order <a href="/admin/orders/order/{order.pk}/change/">{order.number}</a>: ' in page
    assert f"<strong>Until {localtime(until):%d.%m.%Y}.</strong>" in page
    assert "PayPal has not answered for more than half an hour." in page
    stuck = WebhookEvent.objects.get(processed_at=None)
    assert f'<a href="/admin/payments/webhookevent/{stuck.pk}/change/">See the message</a>' in page


def test_a_long_list_is_cut_and_leads_to_the_rest(client: Client) -> None:
    shelf = goods(stock=100)
    for _ in range(21):
        deliver(stripe_event(started(placed(shelf)), amount_total=100))
    page = client.get("/admin/", headers={"Accept-Language": "en"}).content.decode()
    assert len(front(client).to_do) == 20
    assert '<a href="/admin/orders/order/?attention=1">And more: see the whole list</a>' in page


# Plots ----------------------------------------------------------------------------------------------------------------


class Drawn(HTMLParser):
    """The pictures of a page: what each is called, and the heights of its bars."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: dict[str, str] = {}
        self.heights: dict[str, list[int]] = {}
        self.named_by = self.open_title = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "svg" and given.get("role") == "img":
            self.named_by = given["aria-labelledby"]
            self.heights[self.named_by] = []
        if tag == "title" and "id" in given:
            self.open_title = given["id"]
        if tag == "rect" and self.named_by:
            self.heights[self.named_by].append(int(given["height"]))

    def handle_data(self, data: str) -> None:
        if self.open_title:
            self.names[self.open_title] = data

    def handle_endtag(self, tag: str) -> None:
        self.open_title = "" if tag == "title" else self.open_title
        self.named_by = "" if tag == "svg" else self.named_by


def test_each_picture_has_a_name_with_its_figures_and_bars_as_high_as_they(client: Client) -> None:
    a_busy_day()
    page = client.get("/admin/", headers={"Accept-Language": "en"}).content.decode()
    drawn = Drawn(page)
    assert drawn.heights.keys() == drawn.names.keys()
    assert drawn.heights["plot-sales-1"] == [50, 100]
    today = f"{localtime():%d.%m}."
    assert drawn.names["plot-sales-1"] == (
        f"Sales per day, 30 days. Revenue: CHF\u00a0114.00 in all; most on {today}: CHF\u00a076.00"
    )
    assert drawn.names["plot-shares-bar"].endswith("Card 67%, TWINT 33%, PayPal 0%")
    assert "style=" not in page


def test_delays_are_those_of_customers_who_had_come_back(client: Client) -> None:
    for seconds in (-30, *[4] * 17, 90, 600):
        order = effective()
        payment = order.payments.get()
        assert payment.authorised_at
        Payment.objects.filter(pk=payment.pk).update(returned_at=payment.authorised_at - timedelta(seconds=seconds))
    effective()
    delays = plots(client)["delays"]
    assert [cells for _tick, cells in delays.table[:2]] == [["4\u00a0s", "90\u00a0s"], ["–", "–"]]


def test_a_day_without_any_delay_is_drawn_as_such(client: Client) -> None:
    order = effective()
    payment = order.payments.get()
    Payment.objects.filter(pk=payment.pk).update(returned_at=payment.authorised_at)
    delays = plots(client)["delays"]
    assert delays.table[0][1] == ["0\u00a0s", "0\u00a0s"]
    assert [len(row.bars) for row in delays.rows] == [1, 1]


def test_shares_come_to_a_hundred() -> None:
    parts = [Part(name, name, value, "", ()) for name, value in {"a": 966, "b": 17, "c": 17}.items()]
    assert [share.printed for share in Whole("shares", "", (), parts).shares] == ["96%", "2%", "2%"]


def test_messages_are_counted_by_the_hour_with_those_that_left_no_row(client: Client) -> None:
    hours = tally.hours(now() - timedelta(hours=48), now())
    effective()
    waiting, fetched = (stripe_event(started(placed())) for _ in range(2))
    deliver(waiting)
    deliver(fetched)
    WebhookEvent.objects.filter(event_id=waiting["id"]).update(processed_at=None, received_at=hours[0])
    WebhookEvent.objects.filter(event_id=fetched["id"]).update(source=WebhookEvent.Source.FETCHED)
    WebhookEvent.objects.create(
        provider="stripe",
        event_id="evt_old",
        livemode=False,
        received_at=datetime.min.replace(year=2020, tzinfo=hours[0].tzinfo),
    )
    assert deliver(b"{}", "t=0,v1=forged").status_code == 400

    messages = plots(client)["messages"]
    table = [cells for _tick, cells in messages.table]
    assert len(table) == 49
    assert (table[0], table[-1]) == (["1", "1", "0", "1"], ["1", "0", "1", "0"])


# Who, and how much ----------------------------------------------------------------------------------------------------


def test_everybody_sees_what_stands_in_the_lists_that_they_may_open() -> None:
    effective()
    nobody = office("new", "orders.none")
    nobody_sees = front(nobody)
    assert (nobody_sees.cards[0].title, len(nobody_sees.cards)) == ("Sales today", 4)
    letters = office("letters", "payments.view_letter")
    assert "Mails that could not be sent" in cards(letters)
    assert "Accepted, past 7 days" not in cards(letters)
    payments = office("payments", "payments.view_payment")
    assert plots(payments).keys() == {"sales", "shares", "outcomes", "delays"}
    assert "Last bank message" not in cards(payments)


def test_accounts_are_one_step_away_for_those_who_keep_them() -> None:
    both = cards(office("books", "payments.view_balance", "orders.export_orders"))["Accounts"]
    assert [line.link for line in both.lines] == ["/admin/balance/", "/admin/exports/"]
    export = cards(office("export", "orders.export_orders"))["Accounts"]
    assert [line.link for line in export.lines] == ["/admin/exports/"]
    assert "Accounts" not in cards(office("support", "orders.ship_order"))


def test_the_page_takes_as_many_statements_however_much_happened(client: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            front(client)
        return len(captured)

    few = statements()
    a_busy_day()
    assert statements() <= few <= MOST_STATEMENTS


def test_what_is_of_no_order_comes_first_and_is_never_cut(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.desk.front.SHOWN", 1)
    for _ in range(2):
        deliver(stripe_event(started(placed()), amount_total=100))
    Channel.objects.create(provider="stripe", silent_since=now() - timedelta(hours=5))
    Channel.objects.create(provider="paypal", silent_since=now() - timedelta(hours=5))
    shown = front(client)
    assert [bool(one.link) for one in shown.to_do] == [False, False, True]
    assert shown.is_cut
