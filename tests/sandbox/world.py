"""Everything that one sandbox consists of."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flask import current_app

from tests.sandbox.books import Books
from tests.sandbox.paypal.signature import Certificates
from tests.sandbox.settings import Dashboard
from tests.sandbox.stripe.signature import signed as stripe_signed
from tests.sandbox.webhooks import Courier


@dataclass(frozen=True)
class World:
    """One set of books and who works with it. `url` is where the sandbox itself answers."""

    url: str
    books: Books
    dashboard: Dashboard
    certificates: Certificates
    courier: Courier

    @classmethod
    def at(cls, state: Path, *, url: str, shop_url: str) -> "World":
        state.mkdir(parents=True, exist_ok=True)
        books = Books(state / "books.sqlite3")
        dashboard = Dashboard(books, shop_url.rstrip("/"))
        certificates = Certificates(state, f"{url}/paypal")
        signers = {
            "stripe": lambda body: stripe_signed(body, dashboard.read().stripe_secret),
            "paypal": lambda body: certificates.signed(body, dashboard.read().paypal_webhook),
        }
        return cls(url, books, dashboard, certificates, Courier(books, dashboard, signers))


def world() -> World:
    """The sandbox that answers the present request."""
    return cast(World, current_app.extensions["sandbox"])
