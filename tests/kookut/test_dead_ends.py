"""What a role is shown in the back office leads on: neither a link nor the address of a form ends at a refusal.

Of every kind of page the first one that is met is looked at; forms are opened, not sent.
"""

from collections import deque
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import resolve, reverse
from django.utils.timezone import now

from kookut import roles
from orders.models import Category, Order, VatRate
from payments import attestation
from payments.models import Dispute, Export, Payment, Refund
from tests.shop import deliver, goods, placed, started, stripe_event
from tests.staff import sign_in

pytestmark = pytest.mark.django_db


class Ways(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.found += filter(None, [named.get("href") if tag == "a" else None, named.get("action")])


def shop_with_everything(proposer: User) -> None:
    """Orders that are open, paid, disputed and partly given back, with whatever hangs on them."""
    started(placed(), returned_at=now())
    started(placed(), paid_seen_at=now())
    for order in (placed(), placed()):
        deliver(stripe_event(started(order)))
    first, second = Payment.objects.filter(settles=True)
    refund = first.refunds.create(amount=500, status=Refund.Status.SUCCEEDED, settled_at=now(), reference="re_1")
    attestation.of(first.order)
    attestation.of_refund(refund)
    first.refunds.create(amount=500, status=Refund.Status.PROPOSED, requested_by=proposer, reason="Fêlé")
    first.refunds.create(amount=500, status=Refund.Status.FAILED, settled_at=now(), reference="re_2")
    second.disputes.create(status=Dispute.Status.LOST, reference="dp_1", amount=second.amount, decided_at=now())
    goods(category=Category.objects.create(slug="vaisselle", names={"fr": "Vaisselle"}))
    Export.objects.create(by=proposer, what="sales", format="csv", asked="2026")
    VatRate.objects.create(vat_class="normal", rate="8.5", valid_from="2099-01-01")


@pytest.mark.parametrize("role", [*roles.ROLES, "no role"])
def test_no_way_that_a_role_is_shown_ends_at_a_refusal(role: str) -> None:
    roles.set_up()
    person = User.objects.create_user("leila", is_staff=True)
    person.groups.set(Group.objects.filter(name=role))
    shop_with_everything(proposer=User.objects.create_user("noah", is_staff=True))
    office = sign_in(Client(), person)

    orders = [reverse("admin:orders_order_change", args=[order.pk]) for order in Order.objects.all()]
    to_see = deque(("", address) for address in [reverse("admin:index"), *(orders if role != "no role" else [])])
    refused, seen = [], {"admin:orders_order_change", "admin:logout"}
    while to_see:
        shown_on, address = to_see.popleft()
        answer = office.get(address)
        if answer.status_code >= 400:
            refused.append(f"{answer.status_code}: {address} on {shown_on}")
            continue
        for way in Ways("" if answer.streaming else answer.content.decode(errors="replace")).found:
            parts = urlsplit(urljoin(address, way))
            if parts.netloc or not parts.path.startswith("/admin/"):
                continue
            kind = resolve(parts.path).view_name
            if kind not in seen:
                seen.add(kind)
                to_see.append((address, parts.path))
    assert refused == []
    assert ("admin:orders_order_note" in seen) == (role not in ("reading", "no role"))
