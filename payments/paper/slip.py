"""Delivery slips: what is in a parcel and where it goes, without prices; one sheet each, folded into a window."""

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass

import typst
from django.utils.translation import gettext as _
from django.utils.translation import override

from .facts import Seller
from .glyphs import printable
from .press import SHEET, fonts

_of_this_thread = threading.local()


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
    """All slips in one PDF. Texts are data for the template, never part of it: none is executed."""
    words = [_worded(slip, seller) for slip in slips]
    pdf = _compiler().compile(format="pdf", sys_inputs={"slips": json.dumps(words)})
    if not isinstance(pdf, bytes):
        raise TypeError(f"typst gave {type(pdf).__name__} instead of a PDF")
    return pdf


def _worded(slip: Slip, seller: Seller) -> dict[str, object]:
    with override(slip.language):
        return {
            "language": slip.language,
            "title": printable(_("Delivery slip")),
            "seller": [printable(line) for line in (seller.name, seller.street, f"{seller.postcode} {seller.town}")],
            "email": printable(seller.email),
            "address": [printable(line) for line in slip.address],
            "facts": [
                [printable(_("Order")), slip.order_number],
                [printable(_("Placed on")), printable(slip.placed)],
                [printable(_("Delivery")), printable(slip.delivery)],
            ],
            "heads": [printable(_("Quantity")), printable(_("Article")), printable(_("Article number"))],
            "rows": [[str(line.quantity), printable(line.name), printable(line.sku)] for line in slip.lines],
            "thanks": printable(_("Is something missing or broken? Write to us, and name the order.")),
        }


def _compiler() -> typst.Compiler:
    """One compiler per thread, as it holds its document's inputs."""
    if not hasattr(_of_this_thread, "compiler"):
        _of_this_thread.compiler = typst.Compiler(SHEET / "slip.typ", root=SHEET, font_paths=fonts())
    compiler: typst.Compiler = _of_this_thread.compiler
    return compiler
