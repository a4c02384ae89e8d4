"""The same facts for machines: a JSON file inside the PDF (PDF/A-3), in the form that `facts.schema.json` says.

Amounts in centimes, times in UTC (RFC 3339). Of the means of payment nothing is in it but the method.
"""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

from .facts import AttestationFacts, Facts, RefundFacts
from .glyphs import REPLACEMENT

VERSION = 1
TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def as_json(facts: Facts) -> str:
    """The file's text: the same facts give the same bytes."""
    return json.dumps(_readable(_common(facts) | _own(facts)), indent=1)


def _common(facts: Facts) -> dict[str, Any]:
    seller = facts.seller
    return {
        "version": VERSION,
        "number": facts.number,
        "code": facts.code,
        "verify": facts.verify_url,
        "issued_at": _time(facts.issued_at),
        "currency": facts.currency,
        "total": facts.total,
        "seller": {
            "name": seller.name,
            "address": [seller.street, f"{seller.postcode} {seller.town}"],
            "email": seller.email,
            "uid": seller.uid,
            "vat_registered": seller.vat_registered,
        },
        "customer": list(facts.billing_address),
        "order": {"number": facts.order_number, "placed_at": _time(facts.placed_at)},
        "payment": {"method": facts.method, "provider": facts.provider, "reference": facts.reference},
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "total": line.total,
                **({"refunded": line.refunded} if line.refunded else {}),
                **({"vat_rate": f"{line.vat_rate.normalize():f}"} if facts.vat and line.vat_rate is not None else {}),
            }
            for line in facts.lines
        ],
        "vat": [{"rate": f"{vat.rate.normalize():f}", "base": vat.base, "tax": vat.tax} for vat in facts.vat],
    }


def _own(facts: Facts) -> dict[str, Any]:
    match facts:
        case AttestationFacts():
            return {
                "document": "attestation",
                "agreed_at": _time(facts.agreed_at),
                "delivery": {
                    "address": list(facts.delivery_address),
                    "by": facts.delivery_by.isoformat(),
                    **({"shipped_at": _time(facts.shipped_at)} if facts.shipped_at else {}),
                },
                "shipping": {"name": facts.shipping.name, "price": facts.shipping.price},
                "refunds": [{"amount": refund.amount, "at": _time(refund.at)} for refund in facts.refunds],
                "taken_back": facts.taken_back.amount if facts.taken_back else 0,
                **({"taken_back_at": _time(facts.taken_back.at)} if facts.taken_back else {}),
            }
        case RefundFacts():
            return {
                "document": "refund notice",
                "refunded_at": _time(facts.refunded_at),
                "attestation": facts.attestation,
            }
        case _:
            raise TypeError(type(facts).__name__)


def _readable(value: Any) -> Any:
    """What people typed, as it is, but for what is no text: control characters, halves of surrogate pairs, and what
    turns the direction of reading."""
    match value:
        case str():
            return "".join(map(_character, value))
        case list():
            return [_readable(part) for part in value]
        case dict():
            return {name: _readable(part) for name, part in value.items()}
        case _:
            return value


def _character(character: str) -> str:
    match unicodedata.category(character):
        case "Cc":
            return ""
        case "Cs":
            return REPLACEMENT
        case _:
            return "" if unicodedata.bidirectional(character) in TURNS else character


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")
