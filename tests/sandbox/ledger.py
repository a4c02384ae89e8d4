"""What both PSPs have booked, and how a test has them book otherwise: other amounts, other days, not at all."""

from datetime import UTC, datetime

from tests.sandbox.books import Document
from tests.sandbox.paypal import report
from tests.sandbox.paypal import shapes as paypal_shapes
from tests.sandbox.stripe import balance
from tests.sandbox.world import World


def lines(world: World) -> list[Document]:
    """Every line of both: psp, id, code (of the PSP's own), about, amount, fee, currency, at (Unix seconds)."""
    stripe = [
        {
            "psp": "stripe",
            "id": line["id"],
            "code": line["reporting_category"],
            "about": line["source"],
            "amount": line["amount"],
            "fee": line["fee"],
            "currency": line["currency"].upper(),
            "at": line["created"],
        }
        for line in world.books.all(balance.KIND)
    ]
    return stripe + [_paypal(line) for line in world.books.all(report.KIND)]


def change(world: World, id: str, *, at: float | None, amount: int | None, currency: str | None) -> None:
    """Let a line be another. Raises ValueError."""
    with world.books.turn():
        if line := world.books.get(balance.KIND, id):
            line |= {} if at is None else {"created": int(at)}
            line |= {} if amount is None else {"amount": amount, "net": amount - line["fee"]}
            line |= {} if currency is None else {"currency": currency.lower()}
            world.books.put(balance.KIND, id, line)
            return
        found = world.books.get(report.KIND, id)
        if found is None:
            raise ValueError(f"no such line: {id}")
        info = found["info"]
        if at is not None:
            told = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
            found["at"] = at
            info |= {"transaction_initiation_date": told, "transaction_updated_date": told}
        money = info["transaction_amount"]
        if amount is not None:
            value = paypal_shapes.money(abs(amount), money["currency_code"])["value"]
            money["value"] = f"-{value}" if amount < 0 else value
        if currency is not None:
            money["currency_code"] = currency
        world.books.put(report.KIND, id, found)


def strike(world: World, id: str) -> None:
    """Let a line never have been."""
    for kind in (balance.KIND, report.KIND):
        world.books.forget(kind, id)


def shift(world: World, seconds: float) -> None:
    """Let all that was booked be older."""
    with world.books.turn():
        for line in lines(world):
            change(world, line["id"], at=line["at"] - seconds, amount=None, currency=None)


def pay_out(world: World, psp: str, *, automatic: bool, amount: int | None) -> str:
    """Send the balance, or a part of it, to the shop's bank; the payout's id. Raises ValueError."""
    if psp == "stripe":
        return str(balance.pay_out(world, automatic=automatic, amount=amount)["id"])
    return str(report.pay_out(world, amount)["transaction_id"])


def take_from_a_stranger(world: World, psp: str, amount: int) -> str:
    """Another shop on the same account takes money; the id of the line."""
    if psp == "stripe":
        return str(balance.take_from_a_stranger(world, amount)["id"])
    marks = {"invoice_id": "1042", "custom_id": "basket 7"}
    return f"{report.book(world, 'T0006', amount, fee=55, marks=marks)['transaction_id']} T0006"


def charge_a_fee(world: World, psp: str, amount: int) -> None:
    """The PSP takes something for itself."""
    if psp == "stripe":
        balance.book(world.books, "fee", None, -amount)
    else:
        report.book(world, "T0106", -amount)


def _paypal(line: Document) -> Document:
    info = line["info"]
    fee = info.get("fee_amount", {"value": "0.00"})["value"]
    return {
        "psp": "paypal",
        "id": line["id"],
        "code": info["transaction_event_code"],
        "about": info["transaction_id"],
        "amount": int(info["transaction_amount"]["value"].replace(".", "")),
        "fee": -int(fee.replace(".", "")),
        "currency": info["transaction_amount"]["currency_code"],
        "at": line["at"],
    }
