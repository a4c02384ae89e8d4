"""How staff change the stock: booked with a reason, once, beside what buyers take, and it always adds up."""

import re
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from orders.models import Order, Product
from orders.moves import take_stock
from payments import stock
from tests.at_once import at_once
from tests.payments.steps import bring_messages, given_back, paid
from tests.sandbox.in_process import SandboxInProcess
from tests.shop import goods, placed, started
from tests.staff import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Client:
    return sign_in(Client(), User.objects.create_superuser("leila"))


def address(product: Product) -> str:
    return f"/admin/orders/product/{product.pk}/stock/"


def opened(office: Client, product: Product) -> dict[str, Any]:
    """The form as the page shows it."""
    form = office.get(address(product)).context["form"]
    return {name: form.initial[name] for name in ("key", "expected")}


def book(office: Client, product: Product, kind: str, pieces: object, **more: object) -> Any:
    return office.post(address(product), {**opened(office, product), "kind": kind, "pieces": pieces, **more})


def left(product: Product) -> int:
    product.refresh_from_db()
    return product.stock


def test_goods_that_came_are_added_told_and_logged(office: Client) -> None:
    bowl = goods(stock=0)
    answer = book(office, bowl, "received", 12, note="Bulletin 4711")
    assert answer.status_code == 303
    assert left(bowl) == 12
    page = office.get(answer["Location"]).content.decode()
    assert "0 → 12 (+12, marchandise reçue)" in page
    assert "Bulletin 4711" in page
    assert "leila" in page
    assert "0 → 12" in LogEntry.objects.get(object_id=str(bowl.pk)).get_change_message()


def test_a_button_pressed_twice_books_once(office: Client) -> None:
    bowl = goods(stock=3)
    form = {**opened(office, bowl), "kind": "received", "pieces": 5}
    assert [office.post(address(bowl), form).status_code for _ in range(2)] == [303, 303]
    assert (left(bowl), bowl.adjustments.count(), LogEntry.objects.count()) == (8, 1, 1)


def test_what_is_sold_while_the_page_is_open_is_not_written_over(office: Client) -> None:
    bowl = goods(stock=10)
    form = {**opened(office, bowl), "kind": "lost", "pieces": 1}
    take_stock({bowl.pk: 4})
    office.post(address(bowl), form)
    assert left(bowl) == 5


def test_no_more_is_taken_off_than_is_free(office: Client) -> None:
    bowl = goods(stock=3)
    placed(bowl, quantity=2)
    answer = book(office, bowl, "lost", 2, note="Fêlés")
    assert answer.status_code == 409
    assert "Fêlés" in answer.content.decode(), "what was typed is still there"
    assert "le reste est retenu par des commandes" in answer.content.decode()
    Order.objects.update(status="cancelled", cancel_reason="customer", cancelled_at=now(), holds_stock=False)
    assert "Il n’y en a que 1" in book(office, bowl, "lost", 2).content.decode()
    assert left(bowl) == 1
    assert not bowl.adjustments.exists()


def test_a_count_is_of_the_shelf_where_the_goods_of_unsent_orders_lie_too(office: Client) -> None:
    bowl = goods(stock=10)
    placed(bowl, quantity=3)
    assert book(office, bowl, "counted", 12).status_code == 303
    assert left(bowl) == 9, "12 on the shelf, of which an order holds 3"
    assert bowl.adjustments.get().difference == 2
    too_few = book(office, bowl, "counted", 2)
    assert too_few.status_code == 409
    assert "retiennent 3" in too_few.content.decode()
    assert book(office, bowl, "counted", 12).status_code == 409, "it agrees: nothing to book"
    assert book(office, bowl, "counted", 3).status_code == 303
    assert left(bowl) == 0


def test_what_unsent_orders_hold_is_asked_once_and_only_of_them(office: Client) -> None:
    bowl = goods(stock=10)
    kept = placed(bowl, quantity=3, status="effective", effective_at="2026-11-20T10:00Z")
    placed(bowl, quantity=4, status="effective", effective_at="2026-11-20T10:00Z", shipped_at="2026-11-21T10:00Z")
    placed(bowl)
    lines = [{"line": kept.lines.get().pk, "quantity": 1}]
    started(kept).refunds.create(amount=2900, status="succeeded", lines=lines, goods_back=True, goods_returned=True)
    with CaptureQueriesContext(connection) as queries:
        answer = office.get(address(bowl))
    assert answer.context["shelf"].held == 3, "two of one order, one of the other"
    asked = [one["sql"] for one in queries if "goods_returned" in one["sql"]]
    assert len(asked) == 1


def test_a_count_is_compared_anew_when_a_parcel_left_meanwhile(office: Client) -> None:
    bowl = goods(stock=10)
    order = placed(bowl, quantity=3, status="effective", effective_at="2026-11-20T10:00Z")
    form = {**opened(office, bowl), "kind": "counted", "pieces": 10}
    Order.objects.filter(pk=order.pk).update(shipped_at="2026-11-23T10:00Z")
    again = office.post(address(bowl), form)
    assert again.status_code == 409
    assert left(bowl) == 7
    shown = again.context["form"]
    assert office.post(address(bowl), form | {"expected": shown["expected"].value()}).status_code == 303
    assert left(bowl) == 10


def test_each_error_stands_where_its_field_says_it_does(office: Client) -> None:
    page = office.post(address(goods()), {"kind": "nonsense", "pieces": "", "key": "x", "expected": "x"})
    text = page.content.decode()
    said = [name for named in re.findall(r'aria-describedby="([^"]+)"', text) for name in named.split()]
    assert {"id_kind_error", "id_pieces_error"} <= {*said}
    for name in said:
        assert f'id="{name}"' in text
    for field in page.context["form"].hidden_fields():
        assert str(field.errors[0]) in text


@pytest.mark.parametrize("pieces", ["", "-1", "deux", "0", "100001"])
def test_what_is_no_number_of_pieces_is_refused_with_a_sentence(office: Client, pieces: str) -> None:
    bowl = goods(stock=10)
    assert book(office, bowl, "received", pieces).status_code in (409, 422)
    assert left(bowl) == 10


@pytest.mark.django_db(transaction=True)
def test_of_the_same_form_twice_at_once_and_a_sale_each_counts_once(office: Client) -> None:
    bowl = goods(stock=1)
    other = sign_in(Client(), User.objects.create_superuser("noah"))
    form = {**opened(office, bowl), "kind": "received", "pieces": 5}
    at_once(
        lambda: office.post(address(bowl), form).status_code,
        lambda: other.post(address(bowl), form).status_code,
        lambda: take_stock({bowl.pk: 1}),
    )
    assert (left(bowl), LogEntry.objects.count()) == (5, 1)


def verified() -> str:
    said = StringIO()
    try:
        call_command("verify_stock", stdout=said)
    except SystemExit:
        return said.getvalue()
    return ""


def test_the_stock_adds_up_whatever_is_booked_sold_and_given_back(office: Client, psps: SandboxInProcess) -> None:
    bowl = goods(stock=0)
    book(office, bowl, "received", 10)
    order, _page = paid(psps, "card", bowl, quantity=3)
    assert verified() == ""
    given_back(order, 2900, pieces={order.lines.get().pk: 1}, goods_back=True)
    bring_messages(psps)
    assert left(bowl) == 8
    assert verified() == ""
    bowl.refresh_from_db()
    assert stock.shelf(bowl) == stock.Shelf(free=8, held=2), "the piece that came back is not held, too"
    book(office, bowl, "lost", 1)
    assert verified() == ""
    Product.objects.update(stock=9)
    assert f"{bowl.sku}: 9 in stock, 7 by the books" in verified()


def test_goods_from_before_the_books_enter_them_as_they_stand() -> None:
    bowl, _none = goods(stock=10), goods(stock=0)
    placed(bowl, quantity=3)
    assert verified() != ""
    with connection.cursor() as cursor:
        cursor.execute(import_module("payments.migrations.0015_stock_at_the_beginning").BOOK)
    assert verified() == ""
    assert bowl.adjustments.get().difference == 10
