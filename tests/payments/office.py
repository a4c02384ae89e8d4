"""What tests of the office do again and again: come in, open the page of a deed, confirm it."""

from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from orders.models import Order
from payments.desk.cards import Card
from tests.shop import deliver, placed, started, stripe_event
from tests.staff import sign_in


def office(name: str = "leila", *allowed: str) -> Client:
    """The back office for somebody who may see orders, and what is named; everything when nothing is."""
    if not allowed:
        return sign_in(Client(), User.objects.create_superuser(name))
    staff = User.objects.create_user(name, is_staff=True)
    codenames = ["view_order", *(one.partition(".")[2] for one in allowed)]
    staff.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return sign_in(Client(), staff)


def effective(**changes: Any) -> Order:
    order = placed(**changes)
    deliver(stripe_event(started(order)))
    order.refresh_from_db()
    assert order.status == Order.Status.EFFECTIVE
    return order


def address(order: Order, deed: str, *about: object) -> str:
    return reverse(f"admin:orders_order_{deed}", args=[order.pk, *about])


def confirm(client: Client, where: str, **typed: object) -> Any:
    """Open the page of a deed and press its button."""
    opened = client.get(where)
    assert opened.status_code == 200, opened
    return client.post(where, {"seen": opened.context["order"].journal, **typed})


def front(client: Client) -> Any:
    answer = client.get("/admin/", headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    return answer.context["front"]


def cards(client: Client) -> dict[str, Card]:
    return {card.title: card for card in front(client).cards}
