"""What staff may do about an order, one class each: when it is offered, to whom, and how it is done.

Each is carried out by the code that commands and the sweep use; here stands only what a page adds.
"""

from dataclasses import replace

from django.contrib.auth.models import User

from payments.desk.deeds.care import Accept, Check, Note, PutAside
from payments.desk.deeds.customer import ReplaceLink, SendAgain, Ship
from payments.desk.deeds.deed import Deed, NoAnswer, NotDone, Offer
from payments.desk.deeds.ending import Cancel, ClosePage, WriteOff
from payments.desk.deeds.money_back import GiveBack, GiveBackAgain, Release, TurnDown
from payments.desk.file import OrderFile

__all__ = ["DEEDS", "Check", "Deed", "NoAnswer", "NotDone", "Offer", "SendAgain", "Ship", "offered"]

DEEDS: list[Deed] = [
    Check(),
    Ship(),
    PutAside(),
    Note(),
    SendAgain(),
    Accept(),
    Release(),
    TurnDown(),
    GiveBack(),
    GiveBackAgain(),
    ReplaceLink(),
    ClosePage(),
    Cancel(),
    WriteOff(),
]
"""In the order of their buttons: what goes on first, what moves money or ends something last."""


def offered(file: OrderFile, by: User) -> list[Offer]:
    """What this person may do about the order now."""
    return [
        replace(offer, label=deed.label(by, file, offer))
        for deed in DEEDS
        for offer in deed.offers(file)
        if deed.may(by, file, offer.about)
    ]
