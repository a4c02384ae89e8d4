"""The attestation of payment on paper: facts in, a PDF out. It knows no model."""

from .facts import AttestationFacts, Line, Method, Seller, Shipping, Vat
from .press import draw

__all__ = ["AttestationFacts", "Line", "Method", "Seller", "Shipping", "Vat", "draw"]
