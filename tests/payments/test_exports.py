"""What leaves for the accounts: the journals, the VAT, the payouts, the disputes, and the list of orders, as files."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished
from django.db import close_old_connections, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate, now
from django.utils.translation import override
from pytest_django.fixtures import Settings

from orders.models import Order
from orders.vat import shares
from payments import attestation
from payments.desk import exporting
from payments.exports import xlsx_file
from payments.exports.books import came, quarters, sales, vat, went_back
from payments.exports.csv_file import as_csv
from payments.exports.tables import Column, Kind, Table
from payments.exports.xlsx_file import as_xlsx
from payments.models import Export, Payment, Provider, Refund
from payments.reconciliation import balance
from payments.refunds import Wanted, ask, carry_out
from tests.payments.office import effective, office
from tests.payments.steps import bring_messages, ordered, paid
from tests.sandbox.client import Sandbox
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db
EXPORTS = "/admin/exports/"
LIST = "/admin/orders/order/"
TWO_RATES = [
    {"rate": str(share.rate), "base": share.base, "tax": share.tax}
    for share in shares({Decimal("8.1"): 1900, Decimal("2.6"): 1000}, 900)
]
"""Of Claire's bowl and something to eat, for CHF 38.00 in all."""


@pytest.fixture
def client() -> Client:
    return office()


def export(client: Client, what: str, format: str = "csv", **changes: Any) -> Any:
    days = {"first": localdate(), "last": localdate()} | changes
    return client.post(EXPORTS, {"what": what, "format": format, **days})


def rows(answer: Any) -> list[dict[str, str]]:
    """The lines of a CSV, as another program reads them."""
    assert answer.status_code == 200
    text = answer.getvalue().decode()
    assert text[0] == "\ufeff"
    assert text.count("\n") == text.count("\r\n")
    return list(csv.DictReader(StringIO(text[1:], newline=""), delimiter=";"))


def sheet(answer: Any) -> Any:
    return openpyxl.load_workbook(BytesIO(answer.getvalue())).worksheets[0]


def given_back(psps: Sandbox, order: Order, amount: int, **wanted: Any) -> Refund:
    refund = ask(order.payments.get(settles=True).pk, Wanted(amount, "Retour", **wanted))
    carry_out(refund.pk)
    bring_messages(psps)
    refund.refresh_from_db()
    assert refund.status == Refund.Status.SUCCEEDED
    return refund


# The books ------------------------------------------------------------------------------------------------------------


def test_a_sale_stands_in_the_journal_with_its_paper_its_client_and_its_vat(client: Client) -> None:
    order = effective(billing_organisation="Bureau du Lac SA")
    number = attestation.of(order).number

    (line,) = rows(export(client, "sales"))

    assert line == {
        "Payé le": localdate().isoformat(),
        "Commande": order.number,
        "Attestation": number,
        "Client": "Bureau du Lac SA",
        "Pays": "CH",
        "Moyen de paiement": "Carte",
        "Prestataire": "Stripe",
        "Monnaie": "CHF",
        "Chez le prestataire": Payment.objects.get().money_reference,
        "Remarque": "",
        "Montant TTC": "38.00",
        "Taux de TVA (%)": "8.1",
        "TVA": "2.85",
        "Montant HT": "35.15",
    }


def test_a_sale_at_two_rates_is_a_line_each(client: Client) -> None:
    effective(vat=TWO_RATES)
    lines = rows(export(client, "sales"))
    assert [line["Taux de TVA (%)"] for line in lines] == ["8.1", "2.6"]
    assert sum(Decimal(line["Montant TTC"]) for line in lines) == Decimal("38.00")
    for line in lines:
        assert Decimal(line["TVA"]) + Decimal(line["Montant HT"]) == Decimal(line["Montant TTC"])


def test_money_that_settled_nothing_is_there_without_vat_and_says_why(client: Client) -> None:
    order = placed()
    payment = started(order)
    deliver(stripe_event(payment, amount_total=payment.amount + 100))
    (line,) = rows(export(client, "sales"))
    assert (line["Montant TTC"], line["Taux de TVA (%)"], line["TVA"], line["Attestation"]) == ("39.00", "", "0.00", "")
    assert "diffère de la commande" in line["Remarque"]
    payment.refunds.create(amount=100, status="succeeded", settled_at=now(), reason="Trop payé")
    (back,) = rows(export(client, "refunds"))
    assert back["Remarque"] == f"{line['Remarque']} – Trop payé"


def test_a_refund_in_part_is_a_negative_line_on_its_own_day_with_its_vat(psps: Sandbox, client: Client) -> None:
    order, _page = paid(psps)
    refund = given_back(psps, order, 1081)
    notice = attestation.of_refund(refund).number
    Payment.objects.update(authorised_at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    Refund.objects.update(settled_at=datetime(2026, 5, 31, 22, 30, tzinfo=UTC))  # half past midnight in Zurich

    assert rows(export(client, "refunds", first="2026-05-01", last="2026-05-31")) == []
    (line,) = rows(export(client, "refunds", first="2026-05-31", last="2026-06-01"))

    assert line["Remboursé le"] == "2026-06-01"
    assert line["Avis de remboursement"] == notice
    assert (line["Montant TTC"], line["TVA"], line["Montant HT"]) == ("-10.81", "-0.81", "-10.00")
    assert (line["Remarque"], line["Chez le prestataire"]) == ("Retour", refund.reference)
    Refund.objects.update(status=Refund.Status.FAILED)
    assert rows(export(client, "refunds", first="2026-06-01", last="2026-06-01")) == []


def test_a_seller_outside_the_register_has_no_vat(client: Client, settings: Settings) -> None:
    settings.SELLER = settings.SELLER | {"vat_registered": False}
    effective()
    (line,) = rows(export(client, "sales"))
    assert (line["Taux de TVA (%)"], line["TVA"], line["Montant HT"]) == ("", "0.00", "38.00")


def test_the_journals_come_to_the_vat_and_to_what_the_balance_counts(psps: Sandbox) -> None:
    """Two rates, parts given back, a second payment that goes back, both PSPs, two quarters."""
    first, _page = paid(psps, "card", vat=TWO_RATES)
    given_back(psps, first, 777)
    by_paypal, _page = paid(psps, "paypal")
    given_back(psps, by_paypal, by_paypal.total)
    _late, page = ordered("card")
    psps.expire(page)
    bring_messages(psps)
    psps.reopen(page)
    psps.pay_by_card(page)
    bring_messages(psps)
    for refund in Refund.objects.all():
        carry_out(refund.pk)
    bring_messages(psps)
    old, _page = paid(psps, "twint", vat=TWO_RATES)
    Payment.objects.filter(order=old).update(authorised_at=datetime(2026, 9, 30, 21, 59, tzinfo=UTC))
    given_back(psps, old, 1999)

    days = date(2026, 9, 30), localdate()
    lines = list(vat(*days).rows)
    entries = [*came(*days), *went_back(*days)]
    taken = sum(balance(psp, *days).totals()["CHF"].shop.took for psp in Provider)
    gave = sum(balance(psp, *days).totals()["CHF"].shop.gave_back for psp in Provider)

    assert [entry.at for entry in came(*days)] == sorted(entry.at for entry in came(*days))
    with override("en"):
        names = [column.label for column in vat(*days).columns]
    sums = {name: [line[n] for line in lines] for n, name in enumerate(names)}
    assert sum(entry.gross for entry in came(*days)) == sum(sums["Sales, VAT included"]) == taken == 4 * 3800
    assert sum(entry.gross for entry in went_back(*days)) == sum(sums["Refunds, VAT included"]) == gave
    assert sum(entry.tax for entry in entries) == sum(sums["VAT owed"])
    assert sum(entry.net for entry in entries) == sum(sums["Turnover without VAT"])
    assert [(line[0], line[3]) for line in lines][:2] == [("2026-Q3", Decimal("8.1")), ("2026-Q3", Decimal("2.6"))]
    assert lines[0][1:3] == (date(2026, 9, 30), date(2026, 9, 30))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2026-02-10", "2026-02-10", [("2026-Q1", "2026-02-10", "2026-02-10")]),
        (
            "2026-12-31",
            "2027-01-01",
            [("2026-Q4", "2026-12-31", "2026-12-31"), ("2027-Q1", "2027-01-01", "2027-01-01")],
        ),
        (
            "2026-04-01",
            "2026-09-30",
            [("2026-Q2", "2026-04-01", "2026-06-30"), ("2026-Q3", "2026-07-01", "2026-09-30")],
        ),
    ],
)
def test_quarters_are_those_of_the_year(first: str, last: str, expected: list[tuple[str, ...]]) -> None:
    found = quarters(date.fromisoformat(first), date.fromisoformat(last))
    assert [(name, str(start), str(end)) for name, start, end in found] == expected


def test_a_dispute_is_listed_with_its_payment(psps: Sandbox, client: Client) -> None:
    order, page = paid(psps)
    reference = psps.dispute(page, 900)
    bring_messages(psps)
    (line,) = rows(export(client, "disputes"))
    assert (line["Commande"], line["Montant"], line["État"]) == (order.number, "9.00", "Ouvert")
    assert line["Motif"] == "pas autorisé par le client"
    assert line["Litige chez le prestataire"] == reference
    assert line["Motif"] == "pas autorisé par le client"


# Payouts --------------------------------------------------------------------------------------------------------------


def test_a_payout_comes_to_zero_with_what_it_is_made_of(psps: Sandbox, client: Client) -> None:
    order, _page = paid(psps)
    given_back(psps, order, 700)
    psps.take_from_a_stranger("stripe", 500)
    payout = psps.pay_out("stripe")
    fees = sum(line["fee"] for line in psps.ledger())

    lines = rows(export(client, "payouts", last=localdate() + timedelta(days=1)))

    assert {line["Versement"] for line in lines} == {payout}
    assert sum(Decimal(line["Net"]) for line in lines) == 0
    assert sum(Decimal(line["Frais"]) for line in lines) * 100 == fees > 0
    assert sorted(line["Commande"] for line in lines) == ["", "", order.number, order.number]
    assert [line["Remarque"] for line in lines if line["Montant"] == "5.00"] == ["D’une autre boutique du même compte"]


def test_a_payout_that_nobody_explains_is_listed_all_the_same(psps: Sandbox, client: Client) -> None:
    paid(psps, "paypal")
    psps.pay_out("paypal", amount=1000)
    psps.change(paypal_report_seconds=0)
    (line,) = rows(export(client, "payouts"))
    assert (line["Prestataire"], line["Montant"], line["Commande"]) == ("PayPal", "-10.00", "")
    assert "n’indique pas" in line["Remarque"]


def test_a_psp_that_does_not_answer_gives_no_half_file(psps: Sandbox, client: Client) -> None:
    psps.break_calls("down", path="/stripe/v1/balance_transactions", calls=9)
    answer = export(client, "payouts")
    assert answer.status_code == 503
    assert "Stripe" in answer.context["why"]
    assert f'value="{localdate()}"' in answer.content.decode()
    assert not Export.objects.exists()
    psps.mend()


# Files ----------------------------------------------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\x00=1", "＝1", '=cmd|" /C calc"!A0']


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula(text: str) -> None:
    table = Table("x", [Column("Client"), Column("Amount", Kind.MONEY)], [(text, -1250)])

    ((_head, _amount), (client, amount)) = csv.reader(
        StringIO(b"".join(as_csv(table)).decode(), newline=""), delimiter=";"
    )
    cell = openpyxl.load_workbook(BytesIO(b"".join(as_xlsx(table)))).worksheets[0]["A2"]

    assert client[0] == "'"
    assert amount == "-12.50"
    assert cell.data_type != "f"
    assert str(cell.value).strip() == text.strip("\t\r\x00 ")


@pytest.mark.parametrize("text", ["a;b", 'dit "oui"', "deux\nlignes", "Žižek <b>&amp;", "_x0041_", "日本", "O’Neill"])
def test_a_text_comes_out_as_it_is(text: str) -> None:
    table = Table("x", [Column("Client")], [(text,)])
    ((_head,), (client,)) = csv.reader(StringIO(b"".join(as_csv(table)).decode(), newline=""), delimiter=";")
    cell = openpyxl.load_workbook(BytesIO(b"".join(as_xlsx(table)))).worksheets[0]["A2"].value
    assert client == text.replace("\n", " ")
    # What Excel would take for a letter's number is escaped; this reader leaves it so.
    assert cell == client.replace("_x0041_", "_x005F_x0041_")


def test_a_workbook_holds_days_and_numbers_not_texts(psps: Sandbox, client: Client) -> None:
    order, _page = paid(psps)
    given_back(psps, order, 1081)
    answer = export(client, "refunds", "xlsx")
    assert answer["Content-Disposition"].endswith(f'remboursements-{localdate()}-{localdate()}.xlsx"')
    found = sheet(answer)
    line = {head.value: cell for head, cell in zip(found[1], found[2], strict=True)}
    assert found.freeze_panes == "A2"
    assert line["Remboursé le"].value == datetime.combine(localdate(), datetime.min.time())
    assert (line["Montant TTC"].value, line["Montant TTC"].number_format) == (-10.81, "#,##0.00")
    assert line["Taux de TVA (%)"].value == 8.1
    assert line["Commande"].value == order.number


def test_what_a_sheet_has_no_room_for_goes_on_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "MOST_ROWS", 2)
    for number, expected in ((0, ["T"]), (2, ["T"]), (3, ["T", "T 2"])):
        table = Table("T", [Column("N", Kind.NUMBER)], ((n,) for n in range(number)))
        book = openpyxl.load_workbook(BytesIO(b"".join(as_xlsx(table))))
        assert book.sheetnames == expected
        assert [row[0].value for one in book for row in one.iter_rows(min_row=2)] == list(range(number))


# The list of orders ---------------------------------------------------------------------------------------------------


def test_the_list_is_exported_as_it_is_narrowed(client: Client) -> None:
    paid_order, waiting = effective(delivery_organisation="Atelier Dufour Sàrl"), placed()
    page = client.get(LIST, {"state": "paid"}).content.decode()
    assert "Atelier Dufour Sàrl" in page
    assert f'action="{LIST}export/?state=paid"' in page

    lines = rows(client.post(f"{LIST}export/?state=paid", {"format": "csv"}))

    assert [line["Commande"] for line in lines] == [paid_order.number]
    assert (lines[0]["État"], lines[0]["Moyen de paiement"], lines[0]["Total"]) == ("Payée", "Carte", "38.00")
    assert lines[0]["NPA"] == "1205"
    assert lines[0]["Entreprise ou organisation"] == rows(export(client, "sales"))[0]["Client"] == "Atelier Dufour Sàrl"
    everything = rows(client.post(f"{LIST}export/", {"format": "csv"}))
    assert [line["Commande"] for line in everything] == [waiting.number, paid_order.number]


def test_so_are_the_rows_that_were_chosen(client: Client) -> None:
    _other, chosen = effective(), effective()
    Payment.objects.filter(order=chosen).get().refunds.create(
        amount=800, status="succeeded", settled_at=chosen.created_at
    )
    action = {"action": "export_xlsx", "_selected_action": [chosen.pk]}
    found = sheet(client.post(LIST, action))
    line = {head.value: cell.value for head, cell in zip(found[1], found[2], strict=True)}
    assert (line["Commande"], line["État"], line["Remboursé"]) == (chosen.number, "Remboursée en partie", 8)
    assert found.max_row == 2
    across = {"action": "export_csv", "_selected_action": [chosen.pk], "select_across": "1"}
    assert len(rows(client.post(f"{LIST}?state=paid", across))) == 2
    log = client.get("/admin/payments/export/", headers={"accept-language": "de"}).content.decode()
    assert re.findall(r'field-asked_for">([^<]*)<', log) == ["state=paid", "einzeln ausgewählt"]


def test_who_may_not_export_sees_no_button_and_gets_no_file() -> None:
    effective()
    client = office("nina", "orders.view_order")
    assert "export" not in client.get(LIST).content.decode()
    assert client.post(f"{LIST}export/", {"format": "csv"}).status_code == 403
    page = client.post(LIST, {"action": "export_csv", "_selected_action": [Order.objects.get().pk]})
    assert page["Content-Type"].startswith("text/html")


# What is written down -------------------------------------------------------------------------------------------------


def test_each_export_is_written_down_with_who_and_how_much(client: Client) -> None:
    effective()
    rows(export(client, "sales"))
    made = Export.objects.get()
    assert (made.by.get_username(), made.what, made.format, made.rows) == ("leila", "sales", "csv", 1)
    assert made.asked == f"{localdate()} – {localdate()}"
    assert made.finished_at
    assert "leila" in client.get(EXPORTS).content.decode()
    assert client.get(f"/admin/payments/export/{made.pk}/change/").status_code == 200


def test_it_is_written_down_before_the_first_byte_leaves_and_whether_it_was_broken_off(client: Client) -> None:
    effective()
    table, by = sales(localdate(), localdate()), User.objects.get()
    answer = exporting.file(table, [], by, Export.What.SALES, Export.Format.CSV, "today")
    assert Export.objects.get().rows == 0
    next(iter(answer))
    # Closing an answer ends its request, and that would end the test's transaction.
    request_finished.disconnect(close_old_connections)
    answer.close()
    request_finished.connect(close_old_connections)
    made = Export.objects.get()
    assert (made.rows, made.finished_at) == (1, None)
    assert "1, incomplet" in client.get(EXPORTS).content.decode()


def test_what_was_searched_for_is_not_written_down(client: Client) -> None:
    rows(client.post(f"{LIST}export/?q=claire@exemple.ch&state=paid", {"format": "csv"}))
    assert Export.objects.get().asked == "q=… state=paid"


# Size and bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["sales", "refunds", "vat", "disputes"])
def test_more_rows_cost_no_more_statements(client: Client, what: str) -> None:
    def statements() -> int:
        payment = effective().payments.get()
        payment.refunds.create(amount=100, status="succeeded", settled_at=payment.authorised_at)
        payment.disputes.create(reference=str(payment.pk), reason="fraudulent", amount=100)
        with CaptureQueriesContext(connection) as queries:
            assert export(client, what).getvalue()
        return len(queries)

    assert statements() == statements() <= 12


def test_so_it_is_with_the_list(client: Client) -> None:
    def statements() -> int:
        effective()
        with CaptureQueriesContext(connection) as queries:
            assert client.post(f"{LIST}export/", {"format": "xlsx"}).getvalue()
        return len(queries)

    assert statements() == statements() <= 16


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"first": "2026-11-02", "last": "2026-11-01"}, "avant le premier"),
        ({"what": "payouts", "first": "2026-01-01", "last": "2026-02-01"}, "31 jours au plus"),
        ({"what": "vat", "first": "2026-01-01", "last": "2027-01-02"}, "366 jours au plus"),
        ({"first": "hier", "last": "2026-11-01"}, "2026-11-30"),
        ({"first": "", "last": "2026-11-01"}, "Choisissez un jour."),
        ({"what": "payouts", "first": "9999-12-31", "last": "9999-12-31"}, "2000"),
        ({"what": "everything", "first": "2026-11-01", "last": "2026-11-01"}, "everything"),
    ],
)
def test_bad_input_gets_a_clear_error_and_loses_nothing(client: Client, typed: dict[str, str], said: str) -> None:
    answer = client.post(EXPORTS, {"what": "sales", "format": "xlsx", **typed})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert f'value="{typed["last"]}"' in page
    assert answer.context["form"]["format"].value() == "xlsx"
    assert not Export.objects.exists()


def test_a_day_may_be_typed_as_the_swiss_write_it(client: Client) -> None:
    assert rows(export(client, "sales", first="01.11.2026", last="30.11.2026")) == []


def test_a_file_speaks_the_language_of_staff_and_its_name_says_of_which_days_it_is() -> None:
    effective()
    client = office()
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    days = "-".join([str(localdate())] * 2)
    answer = export(client, "sales")
    assert answer["Content-Disposition"] == f'attachment; filename="verkaeufe-{days}.csv"'
    assert rows(answer)[0]["Zahlungsart"] == "Karte"
    for asked, named in (("", str(localdate())), ("?paid=today", days), ("?placed_from=2026-02-01", "2026-02-01")):
        answer = client.post(f"{LIST}export/{asked}", {"format": "csv"})
        assert answer["Content-Disposition"].endswith(f'"bestellungen-{named}.csv"')
