"""The control page: what our PSPs know, and buttons for what they can be made to do."""

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from tests.sandbox.manner import Manner
from tests.sandbox.paypal import orders
from tests.sandbox.paypal.errors import PayPalError
from tests.sandbox.statement import statement
from tests.sandbox.stripe import checkout, sessions
from tests.sandbox.stripe.errors import StripeError
from tests.sandbox.world import World, world

desk = Blueprint("desk", __name__)
SHOWN = 40  # rows of each table


@desk.errorhandler(StripeError)
@desk.errorhandler(PayPalError)
@desk.errorhandler(checkout.PageGone)
@desk.errorhandler(orders.PageGone)
def _too_late(error: Exception) -> tuple[str, int]:
    return render_template("gone.html", state="unknown", back="/"), 409


@desk.get("/")
def show() -> str:
    books = world().books
    return render_template(
        "desk.html",
        payments=list(reversed(statement(books)))[:SHOWN],
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


def _settings(world: World) -> None:
    world.dashboard.change(
        stripe_methods=[method for method in ("card", "twint") if method in request.form],
        paypal_blocks_duplicate_invoices="duplicates" in request.form,
    )


def _hurry(world: World) -> None:
    world.courier.flush(early=True, seconds=10.0)


ACTS: dict[str, Callable[[World], None]] = {
    "resend": _resend,
    "expire": _expire,
    "settle": _settle,
    "settings": _settings,
    "hurry": _hurry,
}
