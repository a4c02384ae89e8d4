"""PayPal's approval page."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from tests.sandbox.manner import FAULT_NAMES, Manner
from tests.sandbox.paypal import orders
from tests.sandbox.paypal.errors import PayPalError
from tests.sandbox.statement import centimes
from tests.sandbox.world import world

pages = Blueprint("paypal_pages", __name__, url_prefix="/paypal/checkoutnow")
Page = str | Response | tuple[str, int]


@pages.errorhandler(PayPalError)
def _unknown(error: PayPalError) -> Page:
    return render_template("gone.html", state="unknown", back=None), 404


@pages.errorhandler(orders.PageGone)
def _gone(error: orders.PageGone) -> Page:
    order = orders.found(world(), _token())
    return render_template("gone.html", state="complete", back=orders.return_url(order))


@pages.get("")
def show() -> Page:
    order = orders.open_order(world(), _token())
    unit = order["purchase_units"][0]
    return render_template(
        "paypal_approve.html",
        order=order,
        unit=unit,
        total=centimes(unit["amount"]["value"]),
        currency=unit["amount"]["currency_code"],
        brand=order["_experience"].get("brand_name", "KOOKUT"),
        cancel=orders.cancel_url(order),
        faults=FAULT_NAMES,
    )


@pages.post("")
def approve() -> Page:
    outcome = request.form.get("capture", "completed")
    if outcome not in orders.OUTCOMES:
        return "Unknown outcome", 400
    order = orders.approve(world(), _token(), outcome, Manner.of(request.form))
    return redirect(orders.return_url(order), 303)


@pages.post("/lapse")
def let_it_lapse() -> Page:
    orders.expire(world(), _token())
    return redirect(f"/paypal/checkoutnow?token={_token()}", 303)


def _token() -> str:
    return request.args.get("token", "")
