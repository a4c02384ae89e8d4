"""All payments of both PSPs as plain rows, oldest first, with what went back."""

from collections import defaultdict

from tests.sandbox.books import Books, Document
from tests.sandbox.stripe.disputes import taken

Rows = dict[str, list[Document]]
REFUND_STATES = {"COMPLETED": "succeeded", "PENDING": "pending", "FAILED": "failed", "CANCELLED": "canceled"}


def statement(books: Books) -> list[Document]:
    """Amounts in centimes; `money` is the id that the shop knows the money by, `received` what the PSP really took.

    `refunded` went back for good, `refunding` is on its way, `disputed` is what a dispute or a reversal holds or kept.
    """
    stripe = _grouped(books, "stripe refund", "charge"), _grouped(books, "stripe dispute", "charge")
    paypal = _grouped(books, "paypal refund", "_capture"), _grouped(books, "paypal dispute", "_capture")
    return [_session(books, session, *stripe) for session in books.all("stripe session")] + [
        _order(order, *paypal) for order in books.all("paypal order")
    ]


def summary(books: Books) -> dict[str, Document]:
    """What became of the money of each of the shop's references: taken, refunded, refunding, disputed (centimes)."""
    sums: dict[str, Document] = {}
    for row in statement(books):
        names = {"taken": "received", "refunded": "refunded", "refunding": "refunding", "disputed": "disputed"}
        entry = sums.setdefault(row["reference"] or "", {"currency": row["currency"], **dict.fromkeys(names, 0)})
        for name, source in names.items():
            entry[name] += row[source]
    return sums


def centimes(value: str) -> int:
    whole, _, cents = value.partition(".")
    return int(whole) * 100 + int(cents.ljust(2, "0"))


def _grouped(books: Books, kind: str, field: str) -> Rows:
    groups: Rows = defaultdict(list)
    for thing in books.all(kind):
        groups[thing[field]].append(thing)
    return groups


def _session(books: Books, session: Document, refunds: Rows, disputes: Rows) -> Document:
    intent = books.get("stripe payment_intent", session["payment_intent"] or "") or {}
    charge = books.get("stripe charge", intent.get("latest_charge") or "") or {"paid": False, "id": ""}
    back = [
        {"id": refund["id"], "amount": refund["amount"], "status": refund["status"], "marks": refund["metadata"]}
        for refund in refunds.get(charge["id"], [])
    ]
    disputed = disputes.get(charge["id"], [])
    return {
        "psp": "stripe",
        "page": session["id"],
        "reference": session["client_reference_id"],
        "methods": session["payment_method_types"],
        "state": _state(session, intent),
        "amount": session["amount_total"],
        "currency": session["currency"].upper(),
        "money": session["payment_intent"] if charge["paid"] else None,
        "received": charge["amount_captured"] if charge["paid"] else 0,
        "url": session["url"],
        **_sums(back),
        "disputed": sum(taken(dispute) for dispute in disputed),
        "refunds": back,
        "disputes": [_dispute(d["id"], d["amount"], d) for d in disputed],
    }


def _state(session: Document, intent: Document) -> str:
    if session["payment_status"] == "paid":
        return "paid"
    if session["status"] == "complete":
        return "pending" if intent["status"] == "processing" else "declined"
    return str(session["status"])


def _order(order: Document, refunds: Rows, disputes: Rows) -> Document:
    unit = order["purchase_units"][0]
    captures = unit.get("payments", {}).get("captures", [])
    paid = [c for c in captures if c["status"] in ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")]
    state = captures[0]["status"] if captures and not paid else order["status"]
    page = next((link["href"] for link in order["links"] if link["rel"] == "payer-action"), None)
    all_back = [refund for capture in captures for refund in refunds.get(capture["id"], [])]
    back = [_refund(refund) for refund in all_back if not refund.get("_reversal")]
    disputed = [dispute for capture in captures for dispute in disputes.get(capture["id"], [])]
    held = [d["dispute_amount"] for d in disputed if d["status"] != "RESOLVED"]
    kept = [refund["amount"] for refund in all_back if refund.get("_reversal")]
    return {
        "psp": "paypal",
        "page": order["id"],
        "reference": unit.get("custom_id"),
        "methods": ["paypal"],
        "state": "paid" if paid else state.lower(),
        "amount": centimes(unit["amount"]["value"]),
        "currency": unit["amount"]["currency_code"],
        "money": captures[0]["id"] if captures else None,
        "received": sum(centimes(capture["amount"]["value"]) for capture in paid),
        "url": page,
        **_sums(back),
        "disputed": sum(centimes(money["value"]) for money in held + kept),
        "refunds": back,
        "disputes": [_dispute(d["dispute_id"], centimes(d["dispute_amount"]["value"]), d) for d in disputed],
    }


def _refund(refund: Document) -> Document:
    marks = {name: refund[name] for name in ("custom_id", "invoice_id") if name in refund}
    status = REFUND_STATES[refund["status"]]
    return {"id": refund["id"], "amount": centimes(refund["amount"]["value"]), "status": status, "marks": marks}


def _dispute(id: str, amount: int, dispute: Document) -> Document:
    outcome = dispute.get("dispute_outcome", {}).get("outcome_code", "")
    return {"id": id, "amount": amount, "status": dispute["status"], "reason": dispute["reason"], "outcome": outcome}


def _sums(refunds: list[Document]) -> Document:
    return {
        name: sum(refund["amount"] for refund in refunds if refund["status"] == status)
        for name, status in (("refunded", "succeeded"), ("refunding", "pending"))
    }
