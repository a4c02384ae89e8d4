"""Delivery slips: what is in a parcel and where it goes, without prices; one sheet each, folded into a window."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import override

from .facts import Seller
from .press import all_printable, pressed
from .wording import Words


@dataclass(frozen=True)
class Packed:
    sku: str
    name: str
    quantity: int


@dataclass(frozen=True)
class Slip:
    """One parcel. `placed` is the day of the order as it is printed."""

    language: str
    order_number: str
    placed: str
    delivery: str
    address: tuple[str, ...]
    lines: tuple[Packed, ...]


def draw_slips(slips: Iterable[Slip], seller: Seller) -> bytes:
    """All slips in one PDF."""
    words = [all_printable(_worded(slip, seller)) for slip in slips]
    return pressed("slip.typ", {"slips": json.dumps(words)})


def _worded(slip: Slip, seller: Seller) -> Words:
    with override(slip.language):
        return {
            "language": slip.language,
            "title": _("Delivery slip"),
            "shop": seller.shop,
            "seller": [seller.name, seller.street, f"{seller.postcode} {seller.town}"],
            "email": seller.email,
            "address": list(slip.address),
            "facts": [
                [_("Order"), slip.order_number],
                [_("Placed on"), slip.placed],
                [_("Delivery"), slip.delivery],
            ],
            "heads": [_("Quantity"), _("Article"), _("Article number")],
            "rows": [[str(line.quantity), line.name, line.sku] for line in slip.lines],
            "thanks": _("Is something missing or broken? Write to us, and name the order."),
        }
