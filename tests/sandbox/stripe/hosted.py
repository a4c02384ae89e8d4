"""Stripe's hosted page, as far as a buyer needs it: card, 3-D Secure, TWINT."""

import re
import time

import segno
from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from tests.sandbox.books import Document
from tests.sandbox.manner import FAULT_NAMES, Manner
from tests.sandbox.stripe import checkout, sessions
from tests.sandbox.stripe.cards import CARDS, Card, Decline
from tests.sandbox.stripe.errors import StripeError
from tests.sandbox.world import world

pages = Blueprint("stripe_pages", __name__, url_prefix="/stripe/pay")
Page = str | Response | tuple[str, int]


@pages.errorhandler(StripeError)
def _unknown(error: StripeError) -> Page:
    return render_template("gone.html", state="unknown", back=None), 404


@pages.errorhandler(checkout.PageGone)
def _gone(error: checkout.PageGone) -> Page:
    session = sessions.found(world(), _id())
    paid = session["status"] == "complete"
    back = checkout.success_url(session) if paid else session["cancel_url"]
    return render_template("gone.html", state=session["status"], back=back), 200 if paid else 410


@pages.errorhandler(checkout.NotOffered)
def _not_offered(error: checkout.NotOffered) -> Page:
    return _show(sessions.found(world(), _id()), str(error))


@pages.get("/<id>")
def show(id: str) -> Page:
    return _show(checkout.open_session(world(), id))


@pages.post("/<id>/card")
def pay_by_card(id: str) -> Page:
    session = checkout.open_session(world(), id)
    card = _card(session)
    if card.asks:
        return render_template("three_d_secure.html", session=session, card=card, form=request.form)
    return _after(id, checkout.pay_by_card(world(), id, card, Manner.of(request.form)))


@pages.post("/<id>/3ds")
def confirm_with_bank(id: str) -> Page:
    session = checkout.open_session(world(), id)
    card = _card(session)
    manner = Manner.of(request.form)
    if request.form.get("answer") == "confirm":
        return _after(id, checkout.pay_by_card(world(), id, card, manner))
    return _after(id, checkout.refuse_three_d_secure(world(), id, card, manner))


@pages.post("/<id>/twint")
def pay_by_twint(id: str) -> Page:
    manner = Manner.of(request.form)
    answer = request.form.get("answer")
    if answer in ("confirm", "pending"):
        checkout.pay_by_twint(world(), id, manner, pending=answer == "pending")
        return _after(id, None)
    return _after(id, checkout.refuse_twint(world(), id, manner))


@pages.post("/<id>/lapse")
def let_it_lapse(id: str) -> Page:
    checkout.open_session(world(), id)
    sessions.expire(world(), id, Manner.of(request.form))
    return redirect(f"/stripe/pay/{id}", 303)


def _id() -> str:
    return str((request.view_args or {})["id"])


def _after(id: str, decline: Decline | None) -> Page:
    session = sessions.found(world(), id)
    if decline:
        return _show(session, decline.message)
    return redirect(checkout.success_url(session), 303)


def _show(session: Document, message: str = "") -> Page:
    qr = segno.make(session["id"][-24:], micro=False).svg_data_uri(scale=5, border=2)
    lines = (world().books.get("stripe line_items", session["id"]) or {"data": []})["data"]
    return render_template(
        "stripe_pay.html",
        session=session,
        lines=lines,
        message=message,
        cards=CARDS.values(),
        faults=FAULT_NAMES,
        qr=qr,
        token=f"{int(session['created']) % 100_000:05d}",
    )


def _card(session: Document) -> Card:
    """The card of the form, or of the test card's own button. Raises NotOffered."""
    number = re.sub(r"\D", "", request.form.get("card") or request.form.get("number", ""))
    card = CARDS.get(number)
    if card is None:
        words = "Votre numéro de carte est incomplet ou incorrect."
        raise checkout.NotOffered(words if not _luhn(number) else "Ici, seules les cartes d’essai sont acceptées.")
    checkout.check_brand(session, card)
    if "card" not in request.form and not _in_the_future(request.form.get("expiry", "")):
        raise checkout.NotOffered("La date d’expiration de votre carte est dépassée ou incomplète.")
    return card


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return len(digits) >= 12 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _in_the_future(expiry: str) -> bool:
    match = re.fullmatch(r"\s*(0[1-9]|1[0-2])\s*/?\s*(\d\d)\s*", expiry)
    return match is not None and (int(match[2]) + 2000, int(match[1])) >= time.localtime()[:2]
