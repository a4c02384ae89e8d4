"""The staff's lists: what narrows them, what finds an order, that they cost the same however long they are."""

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from orders.models import Order
from payments import attention, attestation, unresolved
from payments.desk import lists, slips
from payments.desk.lists import NearPaginator
from payments.models import Dispute, Payment, Refund
from tests.payments.office import effective, office
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db
LIST = "/admin/orders/order/"


@pytest.fixture
def client() -> Client:
    return office()


def shown(client: Client, **query: str) -> set[Order]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer
    return set(answer.context["cl"].result_list)


def test_a_row_tells_who_how_much_how_and_what_went_back(client: Client) -> None:
    order = effective()
    Payment.objects.get().refunds.create(amount=1000, status=Refund.Status.SUCCEEDED, settled_at=now())
    page = client.get(LIST).content.decode()
    for fact in [order.number, "Claire Dufour", "claire@exemple.ch", "CHF\u00a038.00", "Carte", "CHF\u00a010.00"]:
        assert fact in page
    assert "Remboursée en partie" in page


def test_states_are_told_apart(client: Client) -> None:
    waiting = placed()
    refused = placed()
    started(refused, status="failed", refusal="funds")
    declined, back = placed(), placed()
    started(declined, refusal="funds")
    started(back, refusal="funds", returned_at=now())
    paid = effective()
    sent = effective()
    Order.objects.filter(pk=sent.pk).update(shipped_at=now())
    expired, cancelled, refunded = placed(), placed(), effective()
    for order, reason in ((expired, "expired"), (cancelled, "customer"), (refunded, "refunded")):
        Order.objects.filter(pk=order.pk).update(status="cancelled", cancel_reason=reason, cancelled_at=now())

    assert shown(client, state="waiting") == {waiting, refused, declined, back}
    assert shown(client, state="refused") == {refused, declined}
    assert client.get(LIST, {"state": "refused"}).content.decode().count("badge-refused") == 2
    assert shown(client, state="paid") == {paid, sent}
    assert shown(client, state="to_send") == {paid}
    assert shown(client, state="sent") == {sent}
    assert shown(client, state="expired") == {expired}
    assert shown(client, state="cancelled") == {cancelled}
    assert shown(client, state="refunded") == {refunded}


def test_what_is_to_be_sent_may_be_sent(client: Client) -> None:
    sendable, in_part, proposed, requested, disputed, lost = (effective() for _ in range(6))
    for order, amount, status in [
        (in_part, 3799, "proposed"),
        (proposed, 3800, "proposed"),
        (requested, 3800, "requested"),
    ]:
        order.payments.get().refunds.create(amount=amount, status=status)
    for order, status in [(disputed, "open"), (lost, "lost")]:
        decided = None if status == "open" else now()
        facts = {"reference": f"dp_{order.pk}", "amount": 3800, "reason": "fraudulent", "decided_at": decided}
        Dispute.objects.create(payment=order.payments.get(), status=status, **facts)
    assert shown(client, state="to_send") == {sendable, in_part}


def test_the_method_is_that_of_the_payment_that_completed(client: Client) -> None:
    order = placed()
    started(order, "twint", status="failed", refusal="funds")
    deliver(stripe_event(started(order, "card")))
    assert shown(client, method="card") == {order}
    assert shown(client, method="twint") == set()


def test_periods_of_placing_and_of_payment_are_apart(client: Client) -> None:
    old, new = effective(), effective()
    Order.objects.filter(pk=old.pk).update(created_at=now() - timedelta(days=40), effective_at=now())
    today = now().date()
    assert shown(client, paid="today") == {old, new}
    assert shown(client, paid="yesterday") == set()
    Order.objects.filter(pk=new.pk).update(effective_at=now() - timedelta(days=1))
    assert shown(client, paid="yesterday") == {new}
    assert shown(client, placed="7") == {new}
    assert shown(client, placed_from=str(today - timedelta(days=41)), placed_to=str(today - timedelta(days=39))) == {
        old
    }
    assert shown(client, placed_from="nonsense") == {old, new}
    assert shown(client, placed_from="0001-01-01", paid_to="9999-12-31") == {old, new}
    assert shown(client, placed_from="9999-12-31") == shown(client, paid_to="0001-01-01") == set()


def test_what_went_back_what_waits_and_what_needs_a_person(client: Client) -> None:
    back, waits, odd, plain = effective(), placed(), placed(), effective()
    back.payments.get().refunds.create(amount=1000, status=Refund.Status.SUCCEEDED, settled_at=now())
    Order.objects.filter(pk=waits.pk).update(created_at=now() - timedelta(minutes=11))
    deliver(stripe_event(started(odd), amount_total=100))
    assert shown(client, refunded="month") == shown(client, refunded="any") == {back}
    assert shown(client, waiting="1") == {waits}
    assert shown(client, attention="1") == {odd}
    assert plain not in shown(client, attention="1")
    assert client.get(LIST).content.decode().count("badge-attention") == 1


def test_the_list_of_what_needs_a_person_and_its_items_are_the_same_orders() -> None:
    odd, doubtful, disputed, failed, proposed = placed(), effective(), effective(), effective(), effective()
    plain = effective()
    deliver(stripe_event(started(odd), amount_total=100))
    Payment.objects.filter(order=doubtful).update(doubt="brand")
    Dispute.objects.create(payment=disputed.payments.get(), reference="dp_1", amount=100, reason="fraudulent")
    failed.payments.get().refunds.create(amount=100, status="failed")
    proposed.payments.get().refunds.create(amount=100, status="proposed")
    expected = {odd, doubtful, disputed, failed, proposed}
    assert {item.order for item in attention.items()} == expected
    assert unresolved.orders() == {order.pk for order in expected}
    some = {disputed.pk, failed.pk, plain.pk}
    assert unresolved.among(some) == some - {plain.pk}


def known(order: Order) -> dict[str, str]:
    payment = order.payments.get()
    paper = attestation.of(order)
    return {
        "number": order.number,
        "number in small letters": order.number.lower(),
        "number without hyphens": order.number.replace("-", ""),
        "number without the KK": order.number[3:].replace("-", " "),
        "e-mail": order.email.upper(),
        "page": str(payment.page_reference),
        "money": str(payment.money_reference),
        "payment": str(payment.pk),
        "event": order.events.get().event_id,
        "paper": paper.number,
        "code": paper.printed_code,
    }


KNOWN = [
    "number",
    "number in small letters",
    "number without hyphens",
    "number without the KK",
    "e-mail",
    "page",
    "money",
    "payment",
    "event",
    "paper",
    "code",
]


@pytest.mark.parametrize("what", KNOWN)
def test_whatever_names_one_order_leads_to_it(client: Client, what: str) -> None:
    order = effective(email="zoe@exemple.ch")
    effective()
    answer = client.get(LIST, {"q": known(order)[what]})
    assert answer["Location"] == reverse("admin:orders_order_change", args=[order.pk])


def test_an_organisation_is_found_whether_it_gets_the_parcel_or_the_bill(client: Client) -> None:
    at_work = placed(delivery_organisation="Atelier Zürichsee-Boote SA")
    billed = placed(billing_organisation="Fiduciaire l’Écluse", billing_name="Ahmed Bouvier")
    placed()
    for typed in ["atelier", "zurichsee", "boote dufour", "Atelier SA 1205"]:
        assert shown(client, q=typed) == {at_work}, typed
    for typed in ["fiduciaire ecluse", "bouvier", "Dufour Fiduciaire"]:
        assert shown(client, q=typed) == {billed}, typed


def test_names_are_found_by_their_beginnings_without_accents(client: Client) -> None:
    zoe = placed(delivery_name="Zoé O’Neill-Müller", delivery_town="Neuchâtel", delivery_postcode="2000")
    other = placed()
    for typed in ["zoe", "muller", "Müll", "oneill neuch".replace("on", "n"), "2000 zoé", "neuchatel"]:
        assert shown(client, q=typed) == {zoe}, typed
    assert shown(client, q="dufour") == {other}
    assert shown(client, q="claire@") == {zoe, other}
    for nonsense in ["&|!:*", "'", "\\", "nobody", "KK-0000-0000", "%"]:
        assert shown(client, q=nonsense) == set(), nonsense


ADDRESSES = [
    LIST,
    f"{LIST}?p=2",
    f"{LIST}?q=dufour",
    f"{LIST}?state=refused&method=card&paid=month&placed=month&refunded=any&waiting=1&attention=1&language=fr",
    f"{LIST}?attention=1",
    *(f"/admin/payments/{model}/" for model in ("payment", "refund", "dispute", "letter", "attestation")),
    "/admin/payments/webhookevent/",
    "/admin/payments/payment/?q=dufour",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_list_takes_as_many_statements_however_long_it_is(client: Client, address: str) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address)
        assert answer.status_code in (200, 302)
        return len(captured)

    def one_more() -> None:
        order = effective()
        payment = order.payments.get()
        payment.refunds.create(amount=1000, status=Refund.Status.SUCCEEDED, settled_at=now())
        Dispute.objects.create(payment=payment, reference=f"dp_{order.pk}", amount=100, reason="fraudulent")
        attestation.give_numbers()

    one_more()
    one_more()
    few = statements()
    for _ in range(4):
        one_more()
    assert statements() <= max(few, 12)
    assert few <= 12


def test_a_long_list_is_counted_no_further_than_its_next_pages() -> None:
    for _ in range(3):
        placed()
    pages = NearPaginator(Order.objects.filter(language="fr").order_by("-id"), 1)
    assert (pages.count, pages.is_exact) == (3, True)
    with CaptureQueriesContext(connection) as captured:
        assert NearPaginator(Order.objects.filter(language="fr").order_by("-id"), 1).num_pages == 3
    assert "LIMIT 12" in captured[0]["sql"]


def test_a_list_that_is_not_counted_to_its_end_offers_all_of_it_without_a_number(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        placed()
    monkeypatch.setattr(lists, "AHEAD", 0)
    monkeypatch.setattr(lists.Quick, "list_per_page", 1)
    offered = client.get(LIST, {"language": "fr"}, headers={"Accept-Language": "en"}).content.decode()
    assert "Choose all of this list, its other pages too" in offered
    assert "Select all 1" not in offered


# Slips ----------------------------------------------------------------------------------------------------------------


def print_slips(client: Client, *orders: Order) -> Any:
    return client.post(LIST, {"action": "print_slips", "_selected_action": [order.pk for order in orders]})


def text_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(BytesIO(pdf))
    return [page.get_textpage().get_text_range() for page in document]


def test_slips_say_what_is_in_the_parcel_and_where_it_goes_without_a_price(client: Client) -> None:
    one, two = effective(delivery_name="日 <b>Noah</b>"), effective(language="de")
    answer = print_slips(client, one, two)
    assert answer["Content-Type"] == "application/pdf"
    first, second = text_of(answer.content)
    assert one.number in first
    assert one.lines.get().name in first
    assert "<b>Noah</b>" in first
    assert "1205 Genève" in first
    assert "Bulletin de livraison" in first
    assert "Lieferschein" in second
    assert "CHF" not in first + second
    assert "29.00" not in first + second


def test_more_slips_than_are_drawn_at_once_are_refused_as_a_whole(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slips, "MOST", 1)
    assert print_slips(client, effective(), effective()).status_code == 302
    assert not LogEntry.objects.exists()


def test_nothing_that_may_not_leave_has_a_slip(client: Client) -> None:
    pending, disputed, whole, proposed = placed(), effective(), effective(), effective()
    proposed.payments.get().refunds.create(amount=3800, status="proposed")
    Dispute.objects.create(payment=disputed.payments.get(), reference="dp_1", amount=100, reason="fraudulent")
    line = whole.lines.get()
    whole.payments.get().refunds.create(
        amount=2900, status="requested", lines=[{"line": line.pk, "quantity": 1}], goods_back=True
    )
    answer = client.post(
        LIST,
        {"action": "print_slips", "_selected_action": [order.pk for order in (pending, disputed, whole, proposed)]},
        follow=True,
    )
    page = answer.content.decode()
    for order in (pending, disputed, whole, proposed):
        assert f"{order.number}" in page
    assert answer["Content-Type"].startswith("text/html")
    assert Order.objects.filter(shipped_at__isnull=False).count() == 0


def test_which_of_the_orders_chosen_have_no_slip_is_said_before_the_others_are_printed(client: Client) -> None:
    pending, paid = placed(), effective()
    page = print_slips(client, pending, paid).content.decode()
    assert pending.number in page
    assert "Imprimer 1 bulletin (PDF)" in page
    assert not LogEntry.objects.exists()
    asked = re.findall(r'name="_selected_action" value="(\d+)"', page)
    assert asked == [str(paid.pk)]
    assert paid.number in text_of(print_slips(client, paid).content)[0]


def test_who_may_not_send_prints_no_slips_and_nothing_else_is_done_in_bulk() -> None:
    order = effective()
    reader = office("reader", "orders.view_order")
    assert "print_slips" not in reader.get(LIST).content.decode()
    answer = print_slips(reader, order)
    assert answer["Content-Type"].startswith("text/html") or answer.status_code == 302
    actions = office("root").get(LIST).context["action_form"].fields["action"].choices
    bulk = {"print_slips", "check_many", "send_many", "export_csv", "export_xlsx"}
    assert {name for name, _label in actions if name} == bulk
