"""The control page: what our PSPs know, and buttons for what they can be made to do."""

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from tests.sandbox import faults, money_back
from tests.sandbox.books import Document
from tests.sandbox.manner import FAULT_NAMES, Manner
from tests.sandbox.paypal import orders
from tests.sandbox.paypal.errors import PayPalError
from tests.sandbox.statement import centimes, statement
from tests.sandbox.stripe import checkout, sessions
from tests.sandbox.stripe.disputes import CLOSED
from tests.sandbox.stripe.errors import StripeError
from tests.sandbox.world import World, world

desk = Blueprint("desk", __name__)
SHOWN = 40  # rows of each table
PATHS = {
    "/stripe/v1/*": "Stripe, tout",
    "/stripe/v1/checkout/sessions": "Stripe, ouvrir une page",
    "/stripe/v1/refunds": "Stripe, rembourser",
    "/stripe/v1/events": "Stripe, liste des événements",
    "/paypal/v[12]/*": "PayPal, tout",
    "/paypal/v2/checkout/orders": "PayPal, ouvrir une page",
    "/paypal/v2/*/capture": "PayPal, encaisser",
    "/paypal/v2/*/refund": "PayPal, rembourser",
    "/paypal/v1/notifications/webhooks-events": "PayPal, liste des événements",
}
REFUND_WORDS = {
    "succeeded": "aboutissent",
    "pending": "attendent",
    "failed": "échouent",
    "refused": "sont refusés (compte vide)",
}
STRIPE_MOVES = {
    "needs_response": "répondre, svp",
    "under_review": "à l’examen",
    "won": "gagné",
    "lost": "perdu",
    "warning_closed": "clos (simple demande)",
}
PAYPAL_MOVES = {
    "UNDER_REVIEW": "à l’examen",
    "RESOLVED RESOLVED_SELLER_FAVOUR": "gagné",
    "RESOLVED RESOLVED_BUYER_FAVOUR": "perdu",
    "RESOLVED CANCELED_BY_BUYER": "retiré par le client",
}


@desk.errorhandler(StripeError)
@desk.errorhandler(PayPalError)
@desk.errorhandler(checkout.PageGone)
@desk.errorhandler(orders.PageGone)
@desk.errorhandler(ValueError)
def _too_late(error: Exception) -> tuple[str, int]:
    return render_template("gone.html", state="unknown", back="/", message=str(error)), 409


@desk.get("/")
def show() -> str:
    books = world().books
    payments = list(reversed(statement(books)))[:SHOWN]
    return render_template(
        "desk.html",
        payments=payments,
        refunds=[(row, refund) for row in payments for refund in row["refunds"]],
        disputes=[(row, dispute, _moves(row, dispute)) for row in payments for dispute in row["disputes"]],
        broken=books.all("fault"),
        faults=faults.NAMES,
        paths=PATHS,
        manners=FAULT_NAMES,
        refund_words=REFUND_WORDS,
        deliveries=books.latest("delivery", SHOWN),
        settings=world().dashboard.read(),
        shop=world().dashboard.read().shop_url,
        mails=len(books.all("mail")),
    )


@desk.post("/act/<name>")
def act(name: str) -> Response:
    if name in ACTS:
        ACTS[name](world())
    return redirect("/", 303)


def _resend(world: World) -> None:
    for psp in ("stripe", "paypal"):
        event = world.books.get(f"{psp} event", request.form["event"])
        if event:
            world.courier.resend(psp, event)


def _expire(world: World) -> None:
    page = request.form["page"]
    if page.startswith("cs_"):
        sessions.expire(world, page, Manner())
    else:
        orders.expire(world, page)


def _settle(world: World) -> None:
    page, paid = request.form["page"], request.form["answer"] == "pay"
    if page.startswith("cs_"):
        checkout.settle(world, page, Manner(), paid=paid)
    else:
        capture = orders.found(world, page)["purchase_units"][0]["payments"]["captures"][0]
        orders.settle(world, capture["id"], "COMPLETED" if paid else "DENIED")


def _refund(world: World) -> None:
    money_back.refund(world, request.form["page"], _centimes(), request.form["status"], Manner.of(request.form))


def _settle_refund(world: World) -> None:
    form = request.form
    money_back.settle_refund(world, form["refund"], form["status"], "expired_or_canceled_card", Manner())


def _dispute(world: World) -> None:
    stripe = request.form["page"].startswith("cs_")
    status = "warning_needs_response" if stripe and request.form["kind"] == "inquiry" else ""
    manner = Manner.of(request.form)
    money_back.dispute(world, request.form["page"], _centimes(), "", status, money_back.DUE_DAYS, manner)


def _move_dispute(world: World) -> None:
    status, _, outcome = request.form["to"].partition(" ")
    money_back.move_dispute(world, request.form["dispute"], status, outcome, Manner())


def _reverse(world: World) -> None:
    money_back.reverse(world, request.form["page"], _centimes(), Manner.of(request.form))


def _age(world: World) -> None:
    money_back.age(world, request.form["page"], 181)


def _break(world: World) -> None:
    fault = next((name for name in faults.KINDS if name == request.form["fault"]), None)
    if fault is None:
        raise ValueError(f"no such fault: {request.form['fault']}")
    calls, seconds = int(request.form["calls"]), float(request.form["seconds"])
    faults.set_fault(world, fault, path=request.form["path"], method="*", calls=calls, seconds=seconds)


def _mend(world: World) -> None:
    world.books.clear(["fault"])


def _centimes() -> int | None:
    """Of the form's amount in francs; None for all of it."""
    francs = request.form.get("amount", "").strip().replace(",", ".")
    return centimes(francs) if francs else None


def _moves(row: Document, dispute: Document) -> dict[str, str]:
    """Where a dispute can go on from here."""
    status = dispute["status"]
    if row["psp"] == "paypal":
        return {} if status == "RESOLVED" else PAYPAL_MOVES
    if status in CLOSED:
        return {}
    asked = status.startswith("warning")
    return {name: words for name, words in STRIPE_MOVES.items() if name != status and (asked or "warning" not in name)}


def _settings(world: World) -> None:
    world.dashboard.change(
        stripe_methods=[method for method in ("card", "twint") if method in request.form],
        paypal_blocks_duplicate_invoices="duplicates" in request.form,
        paypal_keeps_approval="keeps_approval" in request.form,
        refunds=request.form.get("refunds", "succeeded"),
        refund_webhook=request.form.get("refund_webhook", "none"),
    )


def _hurry(world: World) -> None:
    world.courier.flush(early=True, seconds=10.0)


ACTS: dict[str, Callable[[World], None]] = {
    "resend": _resend,
    "expire": _expire,
    "settle": _settle,
    "refund": _refund,
    "settle-refund": _settle_refund,
    "dispute": _dispute,
    "move-dispute": _move_dispute,
    "reverse": _reverse,
    "age": _age,
    "break": _break,
    "mend": _mend,
    "settings": _settings,
    "hurry": _hurry,
}
