"""What a deed is: when it is offered, to whom, what its page says, and how it is done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from orders.models import Order, TimelineEntry
from orders.moves import hold_as_seen, tell
from payments.desk.file import OrderFile
from payments.desk.forms import NothingForm
from payments.gateways.base import Unreachable

Form = forms.Form
Answer = TypeVar("Answer")


class NotDone(Exception):
    """It could not be done; the text says why, in the language in use."""


class NoAnswer(NotDone):
    """It was tried, and the timeline tells so: the log of what staff did keeps it, too."""


@dataclass(frozen=True)
class Offer:
    """A deed that is possible now, about a row of the order (or the order itself), in words."""

    deed: "Deed"
    label: str
    about: str = ""


class Deed:
    name: ClassVar[str]
    """In the address."""
    permission: ClassVar[str]
    title: ClassVar[Any]
    fields: ClassVar[str] = "admin/orders/order/fields.html"
    """The template of what is typed."""
    has_about = False
    """Whether it is about a row of the order's, which the address names."""
    is_grave = False
    """Whether it moves money or ends something."""
    two_steps = False
    """Whether what was typed is restated and confirmed before it is done."""

    def offers(self, file: OrderFile) -> Iterator[Offer]:
        """Where it is possible now."""
        raise NotImplementedError

    def may(self, by: User, file: OrderFile, about: str) -> bool:
        return by.has_perm(self.permission)

    def why_not(self, by: User, file: OrderFile, about: str) -> str:
        """Why this person may not, where it is not for a role that does not allow it."""
        return ""

    def label(self, by: User, file: OrderFile, offer: Offer) -> str:
        """What the button says that leads there."""
        return offer.label

    def form(self, file: OrderFile, about: str, data: Any = None) -> Form:
        return NothingForm(data)

    def facts(self, file: OrderFile, about: str, form: Form | None) -> list[tuple[str, str]]:
        """What the page restates, beside the order's own facts; `form` once it was filled in rightly."""
        return []

    def follows(self, file: OrderFile, about: str) -> str:
        """What will follow from it, in a sentence."""
        return ""

    def refuse(self, file: OrderFile, about: str, form: Form) -> str:
        """Why what was typed cannot be, before it is restated; empty when it can."""
        return ""

    def heading(self, by: User, file: OrderFile, about: str) -> str:
        """What the page is called."""
        return str(self.title)

    def button(self, by: User, file: OrderFile, about: str, form: Form | None) -> str:
        """What the last button says; `form` once it was filled in rightly."""
        return self.heading(by, file, about)

    def do(self, file: OrderFile, about: str, form: Form, by: User, seen: str) -> str:
        """Do it; returns what came of it, in a sentence. Raises NotDone and Meanwhile."""
        raise NotImplementedError


def still_as_seen(order: Order, seen: str) -> None:
    """For what a PSP is asked about before anything is moved: the move itself is guarded by the state."""
    with transaction.atomic():
        hold_as_seen(order.pk, seen)


def begin(file: OrderFile, seen: str, by: User, what: str) -> None:
    """As above; and where a page has to be closed, tell of it before its PSP does. `what` is a message id."""
    with transaction.atomic():
        order = hold_as_seen(file.order.pk, seen)
        if any(payment.is_open for payment in file.payments):
            tell(order, TimelineEntry.Kind.ASKED, TimelineEntry.Actor.STAFF, by.get_username(), what=what)


def asked(ask: Callable[[], Answer]) -> Answer:
    """What a PSP answers. Raises NotDone when it does not."""
    try:
        return ask()
    except Unreachable as error:
        raise NotDone(_("The payment provider does not answer. Nothing has changed: try again later.")) from error
