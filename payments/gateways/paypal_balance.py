"""What PayPal has booked on our balance: its Transaction Search (developer.paypal.com/docs/transaction-search/)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

from payments.gateways.allowed import Form, as_datetime, as_uuid, kept, moment, our_order, reference, word
from payments.gateways.base import Entry, Move, Refused, Unreachable
from payments.gateways.deadline import TASK_SECONDS, within
from payments.gateways.paypal_messages import MONEY, OUR_REFUND, our_mark
from payments.gateways.paypal_transport import PayPalTransport

REPORT = "/v1/reporting/transactions"
PAGE = 500  # the most that PayPal gives at once
WINDOW = timedelta(days=31)
"""The most that PayPal looks through at once."""
SMALLEST_WINDOW = timedelta(minutes=1)
TOO_MANY = "RESULTSET_TOO_LARGE"
"""Of more than 10,000 transactions PayPal lists none, whatever the page."""
LOOK_BACK = timedelta(days=2)
"""How old PayPal's report may be before it is no report any more: usually three hours at most."""
AMOUNT = re.compile(r"-?[0-9]{1,9}\.[0-9]{2}", re.ASCII)
NOT_MONEY = ("P", "D")
"""The states of what is pending or denied. A payment that was given back later is V, and its money came all the same.
"""
# By event code, else by its group (developer.paypal.com/docs/transaction-search/transaction-event-codes).
CODES: dict[str, Move] = {
    "T1107": Move.REFUND,  # by the merchant
    "T1108": Move.FEE,  # reversal of a fee
    "T1109": Move.FEE,  # refund of a fee
    "T1201": Move.DISPUTE,  # chargeback
    "T1202": Move.DISPUTE,  # its reversal
    "T1207": Move.DISPUTE,
}
GROUPS: dict[str, Move] = {
    "T00": Move.PAYMENT,
    "T01": Move.FEE,
    "T04": Move.PAYOUT,
    "T11": Move.DISPUTE,  # PayPal's own reversals, holds for a dispute and their ends
}
INFO: dict[str, Form] = {
    "transaction_id": reference,
    "paypal_reference_id": reference,
    "transaction_event_code": word,
    "transaction_initiation_date": moment,
    "transaction_status": word,
    "transaction_amount": MONEY,
    "fee_amount": MONEY,
    "invoice_id": our_order,
    "custom_field": our_mark,
}


def entries(transport: PayPalTransport, since: datetime, until: datetime) -> Iterator[Entry]:
    """The lines from `since` to before `until`, of which one page at a time is kept. Raises Unreachable.

    From the end backwards: PayPal refuses a window that begins after what its report knows.
    """
    while since < until:
        start = max(until - WINDOW, since)
        yield from _between(transport, start, until)
        until = start


def refreshed_at(transport: PayPalTransport) -> datetime:
    """Up to when PayPal's report goes. Raises Unreachable."""
    now = datetime.now(UTC)
    try:
        page = _page(transport, now - LOOK_BACK, now, 1, size=1)
    except Refused as refused:
        raise _not_listed(refused) from None
    at = as_datetime(page.get("last_refreshed_datetime"))
    if at is None:
        raise Unreachable("PayPal does not say up to when its report goes")
    return at


def _between(transport: PayPalTransport, since: datetime, until: datetime) -> Iterator[Entry]:
    """The lines of a window. Where they are too many for one answer, of its halves."""
    for number in count(1):
        try:
            page = _page(transport, since, until, number)
        except Refused as refused:
            if refused.code != TOO_MANY or number > 1 or until - since <= SMALLEST_WINDOW:
                raise _not_listed(refused) from None
            middle = (since + (until - since) / 2).replace(microsecond=0)
            yield from _between(transport, since, middle)
            yield from _between(transport, middle, until)
            return
        for line in page["transaction_details"]:
            yield from _entry(kept(line, {"transaction_info": INFO}).get("transaction_info", {}))
        pages = page.get("total_pages")
        if not isinstance(pages, int) or number >= pages:
            return


def _page(
    transport: PayPalTransport, since: datetime, until: datetime, number: int, size: int | None = None
) -> dict[str, Any]:
    """Raises Refused, Unreachable. Nothing is asked for about payers; PayPal takes both ends of a window for inside."""
    last = until - timedelta(seconds=1)
    asked = {"start_date": _written(since), "end_date": _written(last), "fields": "transaction_info"}
    query = urlencode({**asked, "page_size": size or PAGE, "page": number})
    page = within(TASK_SECONDS, lambda: transport.get(f"{REPORT}?{query}"))
    lines = page.get("transaction_details")
    if not isinstance(lines, list):
        raise Unreachable("PayPal's report is none")
    return page


def _not_listed(refused: Refused) -> Unreachable:
    return Unreachable(f"PayPal does not list its transactions: {refused.code}")


def _entry(info: dict[str, Any]) -> Iterator[Entry]:
    """The line, if money moved by it."""
    if info.get("transaction_status") in NOT_MONEY:
        return
    at, amount = as_datetime(info.get("transaction_initiation_date")), _centimes(info.get("transaction_amount"))
    if at is None or amount is None or "transaction_id" not in info:
        raise Unreachable("PayPal's transaction has no id, no amount or no date")
    id, above, code = info["transaction_id"], info.get("paypal_reference_id"), info.get("transaction_event_code", "")
    move = CODES.get(code) or GROUPS.get(code[:3], Move.OTHER)
    mark = info.get("custom_field", "")
    yield Entry(
        id=id,
        move=move,
        at=at,
        amount=amount,
        currency=info["transaction_amount"]["currency_code"],
        # PayPal writes a fee as what it does to the balance: below zero.
        fee=-(_centimes(info.get("fee_amount")) or 0),
        money_reference=id if move == Move.PAYMENT else above,
        reference=id if move in (Move.REFUND, Move.DISPUTE, Move.PAYOUT) else None,
        payment_id=as_uuid(mark) if "invoice_id" in info else None,
        refund_id=as_uuid(mark.removeprefix(OUR_REFUND)) if mark.startswith(OUR_REFUND) else None,
    )


def _centimes(money: dict[str, str] | None) -> int | None:
    value = (money or {}).get("value", "")
    return int(value.replace(".", "")) if AMOUNT.fullmatch(value) and "currency_code" in (money or {}) else None


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
