"""PayPal's Transaction Search: a line for all that moves on the balance, told some time later."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tests.sandbox import canaries
from tests.sandbox.books import Document
from tests.sandbox.names import paypal_id
from tests.sandbox.paypal import shapes
from tests.sandbox.paypal.errors import NotAuthorised, PlainError, malformed
from tests.sandbox.world import World

KIND = "paypal transaction"
KNOWN = {
    "start_date",
    "end_date",
    "fields",
    "page",
    "page_size",
    "transaction_id",
    "transaction_type",
    "transaction_status",
    "transaction_amount",
    "transaction_currency",
    "payment_instrument_type",
    "store_id",
    "terminal_id",
    "balance_affecting_records_only",
}
# Its own pattern (reporting_transactions_v1.json): seconds and an offset with a colon are needed.
DATE = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[1-2][0-9]|3[0-1])[T,t]([0-1][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"
    r"([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
LONGEST = timedelta(days=31)
OLDEST = timedelta(days=3 * 365)


def book(
    world: World,
    code: str,
    amount: int,
    *,
    currency: str = "CHF",
    fee: int = 0,
    id: str | None = None,
    above: str | None = None,
    marks: Mapping[str, str] | None = None,
) -> Document:
    """Write a line. `code`: what moved; `above`: the transaction that it belongs to; `fee`: what PayPal keeps."""
    at = datetime.now(UTC)
    marks = marks or {}
    line: Document = {
        "paypal_account_id": canaries.PAYPAL_PAYER_ID,
        "transaction_id": id or paypal_id(),
        **({"paypal_reference_id": above, "paypal_reference_id_type": "TXN"} if above else {}),
        "transaction_event_code": code,
        "transaction_initiation_date": _told(at),
        "transaction_updated_date": _told(at),
        "transaction_amount": _signed(amount, currency),
        **({"fee_amount": _signed(-fee, currency)} if fee else {}),
        "transaction_status": "S",
        "transaction_subject": canaries.PAYPAL_COMPLAINT,
        **{name: marks[mark] for name, mark in NAMES.items() if mark in marks},
        "protection_eligibility": "01",
        "instrument_type": "PAYPAL",
    }
    key = f"{line['transaction_id']} {code}"
    world.books.put(KIND, key, {"id": key, "at": at.timestamp(), "info": line})
    return line


NAMES = {"invoice_id": "invoice_id", "custom_field": "custom_id"}


def listed(world: World, query: dict[str, str]) -> Document:
    """One page. Raises NotAuthorised, PayPalError, PlainError for what PayPal would refuse."""
    settings = world.dashboard.read()
    if not settings.paypal_reports:
        raise NotAuthorised
    for name in sorted(query.keys() - KNOWN):
        raise malformed("UNKNOWN_PARAMETER", "The query parameter is not known.", name)
    start, end = _date(query, "start_date"), _date(query, "end_date")
    size, number = _number(query, "page_size", 100, 500), _number(query, "page", 1, 2**31 - 1)
    now = datetime.now(UTC)
    refreshed = now - timedelta(seconds=settings.paypal_report_seconds)
    if not start < end:
        raise malformed("INVALID_PARAMETER_VALUE", "End date must be after start date.", "end_date", query["end_date"])
    if end - start > LONGEST:
        raise PlainError("INVALID_REQUEST", "Date range is greater than 31 days")
    if start > refreshed or start < now - OLDEST:
        raise PlainError("INVALID_REQUEST", "Data for the given start date is not available.")
    lines = [line for line in _in_order(world) if start.timestamp() <= int(line["at"]) <= end.timestamp()]
    lines = [line for line in lines if line["at"] <= refreshed.timestamp()]
    if len(lines) > settings.paypal_report_most:
        raise PlainError("RESULTSET_TOO_LARGE", "Result set size is greater than the maximum limit.")
    shown = lines[(number - 1) * size : number * size]
    pages = -(-len(lines) // size)
    return {
        "transaction_details": [_detail(line["info"], query.get("fields", "transaction_info")) for line in shown],
        "account_number": "KOOKUTSANDBOX",
        "start_date": _told(start),
        "end_date": _told(min(end, refreshed)),
        "last_refreshed_datetime": _told(refreshed),
        "page": number,
        "total_items": len(lines),
        "total_pages": pages,
        "links": [],
    }


def pay_out(world: World, amount: int | None = None) -> Document:
    """Somebody moves the balance, or a part of it, to the shop's bank. Raises ValueError when there is nothing."""
    with world.books.turn():
        there = sum(_net(line["info"]) for line in world.books.all(KIND))
        sent = there if amount is None else amount
        if not 0 < sent <= there:
            raise ValueError(f"the balance is {there}")
        return book(world, "T0400", -sent)


def _in_order(world: World) -> list[Document]:
    return sorted(world.books.all(KIND), key=lambda line: float(line["at"]))


def _net(info: Document) -> int:
    return _centimes(info["transaction_amount"]) + _centimes(info.get("fee_amount", {"value": "0.00"}))


def _centimes(money: Document) -> int:
    return int(money["value"].replace(".", ""))


def _signed(amount: int, currency: str) -> Document:
    money = shapes.money(abs(amount), currency)
    return money | {"value": f"-{money['value']}"} if amount < 0 else money


def _detail(info: Document, fields: str) -> Document:
    """What was asked for; of the payer all that PayPal tells."""
    wanted = {"transaction_info", "payer_info"} if fields == "all" else set(fields.split(","))
    all_of_it = {"transaction_info": info, "payer_info": {"email_address": shapes.PAYER["email_address"]}}
    return {name: value for name, value in all_of_it.items() if name in wanted}


def _told(at: datetime) -> str:
    """As PayPal writes it, other than it reads it: no colon in the offset."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _date(query: dict[str, str], name: str) -> datetime:
    text = query.get(name, "")
    if not DATE.fullmatch(text):
        raise malformed("INVALID_PARAMETER_SYNTAX", "Not an Internet date and time.", name, text)
    return datetime.fromisoformat(text).astimezone(UTC)


def _number(query: dict[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise malformed("INVALID_PARAMETER_VALUE", f"Must be between 1 and {most}.", name, text)
    return int(text)
