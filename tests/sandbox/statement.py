"""All payments of both PSPs as plain rows, oldest first."""

from tests.sandbox.books import Books, Document


def statement(books: Books) -> list[Document]:
    """Amounts in centimes; `money` is the id that the shop knows the money by, `received` what the PSP really took."""
    sessions = [_session(books, session) for session in books.all("stripe session")]
    return sessions + [_order(order) for order in books.all("paypal order")]


def centimes(value: str) -> int:
    whole, _, cents = value.partition(".")
    return int(whole) * 100 + int(cents.ljust(2, "0"))


def _session(books: Books, session: Document) -> Document:
    intent = books.get("stripe payment_intent", session["payment_intent"] or "") or {}
    charge = books.get("stripe charge", intent.get("latest_charge") or "") or {"paid": False}
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
    }


def _state(session: Document, intent: Document) -> str:
    if session["payment_status"] == "paid":
        return "paid"
    if session["status"] == "complete":
        return "pending" if intent["status"] == "processing" else "declined"
    return str(session["status"])


def _order(order: Document) -> Document:
    unit = order["purchase_units"][0]
    captures = unit.get("payments", {}).get("captures", [])
    taken = [capture for capture in captures if capture["status"] == "COMPLETED"]
    state = captures[0]["status"] if captures and not taken else order["status"]
    page = next((link["href"] for link in order["links"] if link["rel"] == "payer-action"), None)
    return {
        "psp": "paypal",
        "page": order["id"],
        "reference": unit.get("custom_id"),
        "methods": ["paypal"],
        "state": "paid" if taken else state.lower(),
        "amount": centimes(unit["amount"]["value"]),
        "currency": unit["amount"]["currency_code"],
        "money": captures[0]["id"] if captures else None,
        "received": sum(centimes(capture["amount"]["value"]) for capture in taken),
        "url": page,
    }
