"""What always holds, whichever road the money takes."""

import ast
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test import Client

from orders.models import Order
from payments.gateways import deadline
from payments.sweep import sweep
from tests.payments.test_paying import bring_messages, pay
from tests.sandbox.canaries import CANARIES
from tests.sandbox.client import Sandbox
from tests.shop import fill_cart, order_and_pay

ROOT = Path(__file__).parents[2]
SOURCES = [path for app in ("kookut", "orders", "payments") for path in (ROOT / app).rglob("*.py")]


@pytest.fixture
def calls_outside_transactions(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each call to a PSP was made while its caller held a transaction."""
    held: list[bool] = []

    class WatchedThread(Thread):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            held.append(connection.in_atomic_block)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(deadline, "Thread", WatchedThread)
    return held


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_no_call_to_a_psp_is_made_inside_a_transaction(
    client: Client, sandbox: Sandbox, calls_outside_transactions: list[bool], method: str
) -> None:
    sandbox.change(hold_webhooks=True)
    fill_cart(client)
    answer = order_and_pay(client, "card" if method != "card" else "twint")
    order = Order.objects.get()
    answer = client.post(f"/commande/{order.token}/payer/", {"method": method})
    back = pay(sandbox, method, answer["Location"])
    order.payments.update(next_try_at="2026-01-01T00:00Z")
    sweep()
    client.get(back)
    bring_messages(sandbox)
    sweep()
    client.get(f"/commande/{order.token}/attestation.pdf")

    order.refresh_from_db()
    assert order.status == "effective"
    assert len(calls_outside_transactions) >= 3
    assert not any(calls_outside_transactions)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_nothing_of_the_bank_rests_in_the_database_the_logs_or_the_mails(
    client: Client, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, mailoutbox: list[Any], method: str
) -> None:
    sandbox.change(hold_webhooks=True)
    fill_cart(client)
    with caplog.at_level("DEBUG"):
        answer = order_and_pay(client, method)
        client.get(pay(sandbox, method, answer["Location"]))
        bring_messages(sandbox)
        sweep()
    order = Order.objects.get()
    assert order.status == "effective"
    assert len(mailoutbox) == 1
    page = client.get(f"/commande/{order.token}/").content.decode()

    resting = _dump() + caplog.text + page + str(mailoutbox[0].message())
    assert order.number in resting
    assert [canary for canary in CANARIES if canary in resting] == []


def _dump() -> str:
    """Every row of every table."""
    texts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT "{table}"::text FROM "{table}"')  # noqa: S608 - names from the database itself
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


def test_no_column_has_room_for_bank_data() -> None:
    columns = {field.name for model in apps.get_models() for field in model._meta.get_fields()}
    forbidden = ("iban", "last4", "pan", "cvc", "holder", "expiry", "brand", "payload", "raw", "body")
    assert {name for name in columns if name in forbidden or "card" in name} == set()


def _calls(name: str) -> set[str]:
    """The modules of the shop that call a function of that name."""
    callers = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called == name:
                    callers.add(str(path.relative_to(ROOT)))
    return callers


@pytest.mark.parametrize("move", ["mark_effective", "authorise"])
def test_only_the_inbox_says_that_money_came(move: str) -> None:
    assert _calls(move) == {"payments/inbox.py"}


READING_CALLS = {"filter", "exclude", "get", "Q"}
WRITERS = {
    "EFFECTIVE": {"orders/moves.py mark_effective", "orders/moves.py revive"},
    "AUTHORISED": {"payments/moves.py authorise"},
}
COUNTERS = {
    "EFFECTIVE": set[str](),
    "AUTHORISED": {
        "payments/desk/cards.py acceptance",
        "payments/desk/curves.py outcomes",
        "payments/desk/filters.py queryset",
        "payments/desk/filters.py ",
    },
}
"""What only counts and filters by it, in ways that look like writing."""


def _writers(source: str, state: str) -> set[str]:
    """The functions that name a state otherwise than to compare with it or to look for it.

    Whatever else is done with it, by whatever road (a keyword, a dict, setattr, an argument), counts as writing it.
    The choice itself, a class attribute, and its use among the kinds of the timeline are neither.
    """
    found: set[str] = set()

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, (ast.Compare, ast.pattern)):
            return
        if isinstance(node, ast.ClassDef) and any("Choices" in ast.unparse(base) for base in node.bases):
            return
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = node.name
        if isinstance(node, ast.Call) and _name(node.func) in READING_CALLS:
            # What is looked for stands in the keywords; what is looked through may hold anything.
            visit(node.func, function)
            return
        if (
            isinstance(node, ast.Attribute)
            and node.attr == state
            and not ast.unparse(node.value).endswith(("Kind", "Told"))
        ):
            found.add(function)
        if isinstance(node, ast.Constant) and node.value == state.lower():
            found.add(function)
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(source), "")
    return found


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


@pytest.mark.parametrize("state", ["EFFECTIVE", "AUTHORISED"])
def test_no_other_code_writes_the_state_that_money_makes(state: str) -> None:
    writers = {
        f"{path.relative_to(ROOT)} {function}"
        for path in SOURCES
        if "migrations" not in path.parts
        for function in _writers(path.read_text(), state)
    }
    assert writers == WRITERS[state] | COUNTERS[state]


@pytest.mark.parametrize(
    "line",
    [
        "orders.update(status=Order.Status.EFFECTIVE)",
        "orders.filter(status=Status.PENDING).update(status=Status.EFFECTIVE)",
        "orders.filter(pk=1).update(**{'status': Order.Status.EFFECTIVE})",
        "order.status = Order.Status.EFFECTIVE",
        "order.status = 'effective'",
        "setattr(order, 'status', Status.EFFECTIVE)",
        "Order(status=Order.Status.EFFECTIVE).save()",
        "new = Order.Status.EFFECTIVE.value",
        "_end(payment, Status.EFFECTIVE)",
        "Order.objects.bulk_update([replace(order, status='effective')], ['status'])",
        "Order.objects.get_or_create(pk=1, defaults={'status': Status.EFFECTIVE})",
        "order.__dict__.update(status=Status('effective'))",
        "match order.status:\n        case Status.PENDING: order.status = Status.EFFECTIVE",
        "orders.update(status=Case(When(pk=1, then=Value('effective'))))",
    ],
)
def test_the_rule_sees_every_way_to_write_a_state(line: str) -> None:
    assert _writers(f"def sly():\n    {line}", "EFFECTIVE") == {"sly"}


@pytest.mark.parametrize(
    "line",
    [
        "if order.status == Order.Status.EFFECTIVE: pass",
        "if order.status in (Status.EFFECTIVE, Status.PENDING): pass",
        "orders.filter(Q(status=Status.EFFECTIVE) | Q(status='effective')).update(tracking='')",
        "orders.exclude(status=Status.EFFECTIVE)",
        "match order.status:\n        case Status.EFFECTIVE: pass",
        "entry(order, Told.EFFECTIVE)",
    ],
)
def test_the_rule_lets_a_state_be_read(line: str) -> None:
    assert _writers(f"def honest():\n    {line}", "EFFECTIVE") == set()


def test_no_float_touches_money() -> None:
    """No `float(…)` and no true division in the modules that count."""
    counting = ["orders/money.py", "orders/vat.py", "orders/quote.py", "orders/checkout.py", "payments/inbox.py"]
    for name in counting:
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            assert not (isinstance(node, ast.Name) and node.id == "float"), name
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                assert name == "orders/vat.py", name


@pytest.mark.django_db
def test_the_models_and_the_migrations_agree(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", "--check", "--dry-run")


def test_a_fresh_database_has_no_account(db: None, django_user_model: Callable[..., Any]) -> None:
    assert not django_user_model.objects.exists()  # type: ignore[attr-defined]
