"""The attestation of payment and the refund notice on paper: facts in, a PDF out, or its words. It knows no model."""

from .facts import AttestationFacts, Facts, Line, Method, Refunded, RefundFacts, Seller, Shipping, Vat
from .press import draw
from .wording import worded

__all__ = [
    "AttestationFacts",
    "Facts",
    "Line",
    "Method",
    "RefundFacts",
    "Refunded",
    "Seller",
    "Shipping",
    "Vat",
    "draw",
    "worded",
]
