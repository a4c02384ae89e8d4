"""What a buyer does on the hosted page, and what comes of it."""

from dataclasses import dataclass

from tests.sandbox import canaries
from tests.sandbox.books import Document
from tests.sandbox.manner import Manner
from tests.sandbox.stripe import balance, objects, sessions
from tests.sandbox.stripe.cards import BLOCKABLE, BRAND_NAMES, REFUSED_BY_BUYER, Card, Decline
from tests.sandbox.stripe.events import emit
from tests.sandbox.world import World

APPROVED = "approved_by_network"
OTHER_AMOUNT = 100  # centimes that a `wrong_amount` takes too much
TWINT_REFUSED = Decline(
    "payment_intent_payment_attempt_failed",
    "generic_decline",
    "Le paiement TWINT a été refusé dans l’application.",
)


@dataclass(frozen=True)
class Quirk:
    """What a test may want to be odd about an accepted payment."""

    brand: str | None = None  # the live charge tells this brand
    network_status: str = APPROVED
    wallet: str | None = None


class PageGone(Exception):
    """The page is not open any more: paid, or expired."""


class NotOffered(Exception):
    """The page does not take this: said to the buyer, nothing else happens."""


def pay_by_card(world: World, id: str, card: Card, manner: Manner, quirk: Quirk | None = None) -> Decline | None:
    """Confirm with a card (its 3-D Secure step already passed). A decline is returned, and the session stays open."""
    quirk = quirk or Quirk()
    with world.books.turn():
        session = open_session(world, id)
        check_brand(session, card)
        details = objects.card_details(card, brand=quirk.brand, wallet=quirk.wallet)
        if card.decline:
            _fail(world, session, details, card.decline, canaries.CARD_HOLDER, manner)
        else:
            _succeed(world, session, details, quirk.network_status, canaries.CARD_HOLDER, manner)
    return card.decline


def refuse_three_d_secure(world: World, id: str, card: Card, manner: Manner) -> Decline:
    """The buyer does not confirm with the bank: no charge was ever tried."""
    with world.books.turn():
        session = open_session(world, id)
        check_brand(session, card)
        intent, created = _intent(world, session, _amount(session, manner))
        intent["last_payment_error"] = objects.payment_error(REFUSED_BY_BUYER, None, method="card")
        world.books.put("stripe payment_intent", intent["id"], intent)
        emit(world.books, world.courier, [*created, ("payment_intent.payment_failed", intent)], manner)
    return REFUSED_BY_BUYER


def pay_by_twint(world: World, id: str, manner: Manner, *, pending: bool = False) -> None:
    """`pending`: the session is complete, the money not decided (see `settle`). Stripe's TWINT is quicker than that."""
    with world.books.turn():
        session = _twint_session(world, id)
        if pending:
            _wait(world, session, manner)
        else:
            _succeed(world, session, objects.TWINT_DETAILS, APPROVED, canaries.TWINT_HOLDER, manner)


def settle(world: World, id: str, manner: Manner, *, paid: bool) -> None:
    """Decide about a session that is complete and unpaid. Raises PageGone for any other."""
    with world.books.turn():
        session = sessions.found(world, id)
        intent = world.books.get("stripe payment_intent", session["payment_intent"] or "")
        if intent is None or intent["status"] != "processing":
            raise PageGone(session["status"])
        told = f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}"
        if paid:
            _succeed(world, session, objects.TWINT_DETAILS, APPROVED, canaries.TWINT_HOLDER, manner, told)
        else:
            _fail(world, session, objects.TWINT_DETAILS, TWINT_REFUSED, canaries.TWINT_HOLDER, manner, told)


def refuse_twint(world: World, id: str, manner: Manner) -> Decline:
    with world.books.turn():
        session = _twint_session(world, id)
        _fail(world, session, objects.TWINT_DETAILS, TWINT_REFUSED, canaries.TWINT_HOLDER, manner)
    return TWINT_REFUSED


def open_session(world: World, id: str) -> Document:
    """Raises StripeError for an unknown one, PageGone for one that is paid or expired."""
    session = sessions.found(world, id)
    if session["status"] != "open":
        raise PageGone(session["status"])
    return session


def check_brand(session: Document, card: Card) -> None:
    """Raises NotOffered when cards, or this brand, are not taken here."""
    if "card" not in session["payment_method_types"]:
        raise NotOffered("Cette page n’accepte pas les cartes.")
    blocked = session["payment_method_options"]["card"].get("restrictions", {}).get("brands_blocked", [])
    if BLOCKABLE[card.brand] in blocked:
        raise NotOffered(f"Les cartes {BRAND_NAMES[card.brand]} ne sont pas acceptées.")


def success_url(session: Document) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _twint_session(world: World, id: str) -> Document:
    session = open_session(world, id)
    if "twint" not in session["payment_method_types"]:
        raise NotOffered("Cette page n’accepte pas TWINT.")
    return session


def _amount(session: Document, manner: Manner) -> int:
    return int(session["amount_total"]) + (OTHER_AMOUNT if manner.fault == "wrong_amount" else 0)


def _intent(world: World, session: Document, amount: int) -> tuple[Document, list[tuple[str, Document]]]:
    """The session's payment intent, which is made at the first confirmation, and the event of its making."""
    existing = world.books.get("stripe payment_intent", session["payment_intent"] or "")
    if existing:
        return existing | {"amount": amount}, []
    intent = objects.payment_intent(session, amount=amount)
    session["payment_intent"] = intent["id"]
    sessions.keep(world.books, session)
    return intent, [("payment_intent.created", dict(intent))]


def _wait(world: World, session: Document, manner: Manner) -> None:
    intent, created = _intent(world, session, _amount(session, manner))
    intent["status"] = "processing"
    session["status"] = "complete"
    world.books.put("stripe payment_intent", intent["id"], intent)
    sessions.keep(world.books, session)
    happened = [*created, ("payment_intent.processing", intent), ("checkout.session.completed", session)]
    emit(world.books, world.courier, happened, manner)


def _fail(
    world: World,
    session: Document,
    details: Document,
    why: Decline,
    holder: str,
    manner: Manner,
    told: str | None = None,
) -> None:
    """`told`: what is said of the session; nothing while it stays open."""
    intent, created = _intent(world, session, session["amount_total"])
    charge = objects.charge(intent, details, decline=why, holder=holder, email=session["customer_email"])
    intent |= {
        "latest_charge": charge["id"],
        "last_payment_error": objects.payment_error(why, charge, method=details["type"]),
        "status": "requires_payment_method",
    }
    _keep(world, intent, charge)
    of_session = [(told, session)] if told else []
    happened = [*created, ("charge.failed", charge), *of_session, ("payment_intent.payment_failed", intent)]
    emit(world.books, world.courier, happened, manner)


def _succeed(
    world: World,
    session: Document,
    details: Document,
    network_status: str,
    holder: str,
    manner: Manner,
    told: str = "checkout.session.completed",
) -> None:
    amount = _amount(session, manner)
    intent, created = _intent(world, session, amount)
    charge = objects.charge(
        intent, details, network_status=network_status, holder=holder, email=session["customer_email"]
    )
    intent |= {
        "amount_received": amount,
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "payment_method": charge["payment_method"],
        "status": "succeeded",
    }
    session |= {
        "amount_total": amount,
        "customer_details": _customer(session, charge, holder),
        "payment_status": "paid",
        "status": "complete",
    }
    _keep(world, intent, charge)
    balance.book(world.books, "charge", charge, amount, fee=30 + amount * 29 // 1000, id=charge["balance_transaction"])
    sessions.keep(world.books, session)
    happened = [*created, ("charge.succeeded", charge), (told, session), ("payment_intent.succeeded", intent)]
    emit(world.books, world.courier, happened, manner)


def _customer(session: Document, charge: Document, holder: str) -> Document:
    return {
        "address": charge["billing_details"]["address"],
        "business_name": None,
        "email": session["customer_email"],
        "individual_name": None,
        "name": holder,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _keep(world: World, intent: Document, charge: Document) -> None:
    world.books.put("stripe payment_intent", intent["id"], intent)
    world.books.put("stripe charge", charge["id"], charge)
