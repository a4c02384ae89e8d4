"""What staff do about several orders at once: restated, confirmed, told of each, and never more than fifty."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from orders.models import Order
from payments import checking
from payments.desk import many
from payments.models import Letter
from tests.payments.office import address, confirm, effective, office
from tests.payments.steps import kinds, ordered, take
from tests.sandbox.in_process import SandboxInProcess
from tests.shop import placed, started

pytestmark = pytest.mark.django_db
LIST = "/admin/orders/order/"


def choose(client: Client, action: str, *orders: Order, **more: Any) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [order.pk for order in orders], **more})


def confirmed(client: Client, action: str, *orders: Order) -> Any:
    asked = choose(client, action, *orders)
    assert asked.status_code == 200
    seen = [f"{order.pk}:{order.journal}" for order, _badges, _result in asked.context["rows"]]
    return choose(client, action, *orders, seen=seen, confirmed="1")


def test_the_psp_is_asked_about_each_order_and_what_it_says_is_applied(psps: SandboxInProcess) -> None:
    waiting, page = ordered("card")
    take(psps, "card", page)
    quiet, _page = ordered("card")
    answer = confirmed(office(), "check_many", waiting, quiet)
    results = {order.pk: result for order, _badges, result in answer.context["rows"]}
    waiting.refresh_from_db()
    assert results == {waiting.pk: "il y a du nouveau\u00a0: voir la commande", quiet.pk: "rien de nouveau"}
    assert kinds(waiting)[-1] == kinds(quiet)[-1] == "checked"
    assert LogEntry.objects.count() == 2


def test_nothing_is_asked_before_the_confirmation_nor_twice(psps: SandboxInProcess) -> None:
    order, _page = ordered("card")
    client = office()
    asked = choose(client, "check_many", order)
    assert "checked" not in kinds(order)
    seen = [f"{order.pk}:{asked.context['rows'][0][0].journal}"]
    for _ in range(2):
        choose(client, "check_many", order, seen=seen, confirmed="1")
    assert kinds(order).count("checked") == 1


def test_orders_for_which_no_time_is_left_are_said_so(psps: SandboxInProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "SECONDS", 0.0)
    order, _page = ordered("card")
    assert "le temps était écoulé" in confirmed(office(), "check_many", order).content.decode()
    assert "checked" not in kinds(order)


def test_the_attestation_is_sent_again_to_each_who_has_one() -> None:
    one, other, pending = effective(), effective(), placed()
    client = office()
    assert "2 des 3 choisies ici" in choose(client, "send_many", one, other, pending).content.decode()
    answer = confirmed(client, "send_many", one, other, pending)
    results = [result for _order, _badges, result in answer.context["rows"]]
    assert sorted(results) == [
        "l’e-\u2060mail est en route",
        "l’e-\u2060mail est en route",
        "pas d’attestation à envoyer pour l’instant",
    ]
    again = Letter.objects.filter(kind=Letter.Kind.CONFIRMATION, about__startswith="again")
    assert {letter.order_id for letter in again} == {one.pk, other.pk}
    confirmed(client, "send_many", one)
    assert again.count() == 2, "not twice within a minute"


def test_more_than_fifty_are_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "MOST", 1)
    answer = choose(office(), "check_many", effective(), effective())
    assert answer.status_code == 302
    assert not LogEntry.objects.exists()


def test_each_needs_its_own_permission() -> None:
    order = effective()
    for name, allowed, other in (
        ("noah", "orders.check_with_psp", "send_many"),
        ("zoe", "orders.send_letters_again", "check_many"),
    ):
        client = office(name, allowed)
        choose(client, other, order, confirmed="1", seen=f"{order.pk}:{order.journal}")
    assert not LogEntry.objects.exists()


# The link -------------------------------------------------------------------------------------------------------------


def test_a_new_link_is_mailed_and_the_old_one_leads_nowhere() -> None:
    order = effective()
    old = order.token
    assert confirm(office(), address(order, "replace_link")).status_code == 303
    order.refresh_from_db()
    assert Client().get(f"/commande/{old}/").status_code == 404
    assert Client().get(f"/commande/{order.token}/").status_code == 200
    assert Letter.objects.filter(order=order, kind=Letter.Kind.LINK).count() == 1
    assert kinds(order)[-1] == "link_replaced"
    assert old not in str([entry.data for entry in order.timeline.all()])
    assert LogEntry.objects.count() == 1


def test_a_link_is_not_replaced_while_somebody_may_be_paying() -> None:
    order = placed()
    client = office()
    seen = client.get(address(order, "replace_link")).context["order"].journal
    started(order)
    token = order.token
    assert client.post(address(order, "replace_link"), {"seen": seen}).status_code == 303
    order.refresh_from_db()
    assert order.token == token
