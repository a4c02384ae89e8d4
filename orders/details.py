"""The customer's details, kept in the session until the order is placed."""

from dataclasses import asdict, dataclass

from django.contrib.sessions.backends.base import SessionBase

from orders import cart, hints
from orders.forms import DetailsForm
from orders.hints import Hint, Street
from orders.models import Order

SESSION_KEY = "details"
LOOKED_AT = "details looked at"


@dataclass(frozen=True)
class Details:
    """Complete and checked; named like the columns of Order. Billing is empty where it equals delivery."""

    email: str
    phone: str
    delivery_name: str
    delivery_organisation: str
    delivery_extra: str
    delivery_street: str
    delivery_postcode: str
    delivery_town: str
    delivery_country: str
    billing_name: str
    billing_organisation: str
    billing_extra: str
    billing_street: str
    billing_postcode: str
    billing_town: str
    billing_country: str

    @property
    def has_billing_address(self) -> bool:
        return bool(self.billing_street)

    @property
    def delivery_address(self) -> list[str]:
        """The lines of the address, as on the order."""
        return Order(**asdict(self)).delivery_address

    @property
    def billing_address(self) -> list[str]:
        return Order(**asdict(self)).billing_address


def keep(session: SessionBase, form: DetailsForm, *, hinted: bool = False) -> None:
    """Keep what was typed, right or wrong; other details make another order. `hinted` when the form showed its hints:
    whoever sends the same once more has looked at them."""
    if session.get(SESSION_KEY) != form.kept:
        session[SESSION_KEY] = form.kept
        session.pop(LOOKED_AT, None)
        cart.renew_key(session)
    elif hinted:
        session[LOOKED_AT] = True


def hints_about(session: SessionBase, details: Details) -> list[Hint]:
    """What may be a slip of the finger in the session's details, until the customer has looked at it."""
    if LOOKED_AT in session:
        return []
    billing = Street(details.billing_street, details.billing_extra) if details.has_billing_address else None
    return hints.about(details.email, Street(details.delivery_street, details.delivery_extra), billing)


def typed(session: SessionBase) -> dict[str, str | bool]:
    """What the customer typed last, for showing it again."""
    kept: dict[str, str | bool] = session.get(SESSION_KEY, {})
    return kept


def details_of(session: SessionBase) -> Details | None:
    """The complete details, checked by today's rules; None while something is missing."""
    form = DetailsForm(typed(session))
    if not form.is_valid():
        return None
    return Details(**{name: value for name, value in form.cleaned_data.items() if name != "other_billing"})


def forget(session: SessionBase) -> None:
    session.pop(SESSION_KEY, None)
    session.pop(LOOKED_AT, None)
