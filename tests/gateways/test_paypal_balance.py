"""PayPal's transaction search: its own words for what moves."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from payments.gateways.base import Entry, Move, NotPermitted, Unreachable
from payments.gateways.paypal import PayPalGateway
from tests.gateways.paypal import configured, token, trusting
from tests.gateways.server import Answer, Request, as_json, serving
from tests.sandbox.process import Running

OURS = UUID("0b8f2a1c-7d55-4a7e-9f43-6c5b4a392817")
DAY = datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
REPORT = "/v1/reporting/transactions"


def line(code: str = "T0006", value: str = "128.50", **changes: Any) -> dict[str, Any]:
    info = {
        "paypal_account_id": "CANARYPAYER42",
        "transaction_id": "2GG279541U471931P",
        "transaction_event_code": code,
        "transaction_initiation_date": "2026-11-02T12:00:00+0000",
        "transaction_updated_date": "2026-11-02T12:00:00+0000",
        "transaction_amount": {"currency_code": "CHF", "value": value},
        "fee_amount": {"currency_code": "CHF", "value": "-4.92"},
        "transaction_status": "S",
        "transaction_subject": "Für Claire Dufour",
        "invoice_id": "KK-7F3Q-20AB-0b8f2a1c",
        "custom_field": str(OURS),
        **changes,
    }
    return {"transaction_info": {name: value for name, value in info.items() if value is not None}}


def report(*lines: Any, **changes: Any) -> Answer:
    return as_json({"transaction_details": [*lines], "page": 1, "total_items": len(lines), "total_pages": 1, **changes})


def read(answer: Answer) -> list[Entry]:
    with serving(lambda request: token(request, answer)) as server:
        return list(configured(server.url).statement(*DAY))


def windows(requests: list[Request]) -> list[tuple[str, str, str]]:
    """Of each search its start, end and page."""
    asked = [parse_qs(urlsplit(request.path).query) for request in requests if request.path.startswith(REPORT)]
    return [(query["start_date"][0], query["end_date"][0], query["page"][0]) for query in asked]


def test_a_line_is_read_with_what_the_shop_needs_and_nothing_else() -> None:
    (entry,) = read(report(line()))
    at = datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert entry == Entry("2GG279541U471931P", Move.PAYMENT, at, 12850, "CHF", 492, "2GG279541U471931P", None, OURS)


@pytest.mark.parametrize(
    ("code", "move"),
    [
        ("T0006", Move.PAYMENT),
        ("T0007", Move.PAYMENT),
        ("T0106", Move.FEE),
        ("T0114", Move.FEE),
        ("T1108", Move.FEE),
        ("T1109", Move.FEE),
        ("T0400", Move.PAYOUT),
        ("T0401", Move.PAYOUT),
        ("T1107", Move.REFUND),
        ("T1105", Move.DISPUTE),
        ("T1106", Move.DISPUTE),
        ("T1110", Move.DISPUTE),
        ("T1111", Move.DISPUTE),
        ("T1201", Move.DISPUTE),
        ("T1202", Move.DISPUTE),
        ("T0200", Move.OTHER),
        ("T0300", Move.OTHER),
        ("T1200", Move.OTHER),
        ("T2101", Move.OTHER),
        ("T9999", Move.OTHER),
        (None, Move.OTHER),
    ],
)
def test_paypals_event_codes_are_moves_of_ours(code: Any, move: Move) -> None:
    (entry,) = read(report(line(code)))
    assert entry.move == move


def test_what_goes_back_names_the_payment_above_it() -> None:
    (entry,) = read(
        report(line("T1107", "-50.00", paypal_reference_id="4TY", custom_field=f"refund-{OURS}", fee_amount=None))
    )
    assert (entry.amount, entry.fee, entry.money_reference) == (-5000, 0, "4TY")
    assert (entry.reference, entry.refund_id, entry.payment_id) == ("2GG279541U471931P", OURS, None)


def test_a_fee_that_is_given_back_is_below_zero() -> None:
    (entry,) = read(report(line("T1107", "-128.50", fee_amount={"currency_code": "CHF", "value": "4.92"})))
    assert (entry.fee, entry.net) == (-492, -12358)


@pytest.mark.parametrize(("status", "booked"), [("S", 1), ("V", 1), ("F", 1), ("P", 0), ("D", 0)])
def test_what_is_pending_or_denied_is_no_money(status: str, booked: int) -> None:
    assert len(read(report(line(transaction_status=status)))) == booked


@pytest.mark.parametrize("written", ["2026-11-02T13:00:00+0100", "2026-11-02T12:00:00Z", "2026-11-02T12:00:00.000Z"])
def test_a_time_is_read_however_paypal_writes_it(written: str) -> None:
    (entry,) = read(report(line(transaction_initiation_date=written)))
    assert entry.at == datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("mark", ["basket 7", "", None, "5F0D"])
def test_another_shops_mark_is_none(mark: object) -> None:
    (entry,) = read(report(line(custom_field=mark)))
    assert (entry.payment_id, entry.refund_id) == (None, None)
    (entry,) = read(report(line(invoice_id="1042")))
    assert entry.payment_id is None


@pytest.mark.parametrize(
    "wrong",
    [
        line(transaction_id=None),
        line(transaction_initiation_date=None),
        line(transaction_initiation_date="yesterday"),
        line(transaction_amount=None),
        line("T0006", "1E+2"),
        line("T0006", "128.5"),
        {},
        None,
    ],
)
def test_nonsense_is_no_statement(wrong: Any) -> None:
    with pytest.raises(Unreachable):
        read(report(wrong))


def test_a_report_that_is_none_is_no_statement() -> None:
    for answer in (as_json({}), as_json({"transaction_details": None}), as_json({"name": "INVALID_REQUEST"}, 400)):
        with pytest.raises(Unreachable):
            read(answer)


def test_paypal_looks_through_31_days_at_most() -> None:
    since = datetime(2026, 9, 1, 22, tzinfo=UTC)
    with serving(lambda request: token(request, report())) as server:
        list(configured(server.url).statement(since, since + timedelta(days=70)))
    asked = windows(server.requests)
    assert asked == [
        ("2026-10-10T22:00:00Z", "2026-11-10T21:59:59Z", "1"),
        ("2026-09-09T22:00:00Z", "2026-10-10T21:59:59Z", "1"),
        ("2026-09-01T22:00:00Z", "2026-09-09T21:59:59Z", "1"),
    ]


def test_of_payers_nothing_is_asked_for() -> None:
    with serving(lambda request: token(request, report())) as server:
        list(configured(server.url).statement(*DAY))
    query = parse_qs(urlsplit(server.requests[-1].path).query)
    assert (query["fields"], query["page_size"]) == (["transaction_info"], ["500"])


class TestTheSandboxsReport:
    @pytest.fixture
    def gateway(self, sandbox: Running) -> PayPalGateway:
        return trusting(sandbox)

    def sums(self, gateway: PayPalGateway, days: int = 1) -> list[int]:
        now = datetime.now(UTC)
        entries = gateway.statement(now - timedelta(days=days), now + timedelta(hours=1))
        return sorted(entry.amount for entry in entries)

    def test_what_is_too_much_for_one_answer_comes_in_parts(self, sandbox: Running, gateway: PayPalGateway) -> None:
        for hours, amount in enumerate((100, 200, 300, 400, 500)):
            taken = sandbox.client.take_from_a_stranger("paypal", amount)
            sandbox.client.change_line(taken, at=datetime.now(UTC).timestamp() - 3600 * hours)
        sandbox.client.change(paypal_report_most=2)
        assert self.sums(gateway) == [100, 200, 300, 400, 500]

    def test_what_is_too_much_within_a_minute_cannot_be_read(self, sandbox: Running, gateway: PayPalGateway) -> None:
        moment = datetime.now(UTC).timestamp() - 3600
        for amount in (100, 200, 300):
            sandbox.client.change_line(sandbox.client.take_from_a_stranger("paypal", amount), at=moment)
        sandbox.client.change(paypal_report_most=2)
        with pytest.raises(Unreachable, match="RESULTSET_TOO_LARGE"):
            self.sums(gateway)

    def test_what_paypal_does_not_tell_yet_is_not_there_yet(self, sandbox: Running, gateway: PayPalGateway) -> None:
        sandbox.client.take_from_a_stranger("paypal", 100)
        old = sandbox.client.take_from_a_stranger("paypal", 200)
        sandbox.client.change_line(old, at=datetime.now(UTC).timestamp() - 4 * 3600)
        sandbox.client.change(paypal_report_seconds=3 * 3600)
        assert self.sums(gateway) == [200]
        late = datetime.now(UTC) - gateway.listed_until()
        assert timedelta(hours=3) <= late < timedelta(hours=3, minutes=1)

    def test_a_month_that_runs_is_read_although_the_report_is_behind(
        self, sandbox: Running, gateway: PayPalGateway
    ) -> None:
        sandbox.client.change(paypal_report_seconds=3 * 3600)
        now = datetime.now(UTC)
        assert list(gateway.statement(now - timedelta(days=33), now + timedelta(days=6))) == []

    def test_what_begins_after_the_report_is_not_read(self, sandbox: Running, gateway: PayPalGateway) -> None:
        sandbox.client.change(paypal_report_seconds=3 * 3600)
        now = datetime.now(UTC)
        with pytest.raises(Unreachable):
            list(gateway.statement(now - timedelta(hours=1), now))

    def test_an_app_that_may_not_search_says_so(self, sandbox: Running, gateway: PayPalGateway) -> None:
        sandbox.client.change(paypal_reports=False)
        with pytest.raises(NotPermitted):
            gateway.listed_until()
        with pytest.raises(NotPermitted):
            self.sums(gateway)

    def test_a_report_that_does_not_say_how_far_it_goes_is_none(self) -> None:
        with (
            serving(lambda request: token(request, report())) as server,
            pytest.raises(Unreachable, match="up to when"),
        ):
            configured(server.url).listed_until()
