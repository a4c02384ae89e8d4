"""The attestation of payment and the refund notice on paper: facts in, a PDF out, or its words. It knows no model."""

from .facts import AttestationFacts, Facts, Gone, Line, Method, NoDetails, RefundFacts, Seller, Shipping, Vat
from .glyphs import printable
from .press import draw
from .slip import Packed, Slip, draw_slips
from .wording import became_of, worded

__all__ = [
    "AttestationFacts",
    "Facts",
    "Gone",
    "Line",
    "Method",
    "NoDetails",
    "Packed",
    "RefundFacts",
    "Seller",
    "Shipping",
    "Slip",
    "Vat",
    "became_of",
    "draw",
    "draw_slips",
    "printable",
    "worded",
]
