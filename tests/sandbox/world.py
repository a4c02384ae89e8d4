"""Everything that one sandbox consists of."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flask import current_app

from tests.sandbox.books import Books
from tests.sandbox.paypal.signature import Certificates
from tests.sandbox.settings import Dashboard, Settings
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
    def at(cls, state: Path, *, url: str, shop_url: str, in_memory: bool = False) -> "World":
        """`in_memory`: only the certificates are on disk, and all messages are held until they are collected."""
        state.mkdir(parents=True, exist_ok=True)
        books = Books(None if in_memory else state / "books.sqlite3")
        dashboard = Dashboard(books, Settings(shop_url.rstrip("/"), hold_webhooks=in_memory))
        certificates = Certificates(state, f"{url}/paypal")
        signers = {
            "stripe": lambda body: stripe_signed(body, dashboard.read().stripe_secret),
            "paypal": lambda body: certificates.signed(body, dashboard.read().paypal_webhook),
        }
        return cls(url, books, dashboard, certificates, Courier(books, dashboard, signers))


def world() -> World:
    """The sandbox that answers the present request."""
    return cast(World, current_app.extensions["sandbox"])
