"""The same facts for machines: a JSON file inside the PDF (PDF/A-3), in the form that `facts.schema.json` says.

Amounts in centimes, times in UTC (RFC 3339). Of the means of payment nothing is in it but the method.
"""

import json
from datetime import UTC, datetime
from typing import Any

from .facts import AttestationFacts, Facts, RefundFacts

VERSION = 1


def as_json(facts: Facts) -> str:
    """The file's text: the same facts give the same bytes."""
    return json.dumps(_common(facts) | _own(facts), indent=1)


def _common(facts: Facts) -> dict[str, Any]:
    seller = facts.seller
    registered = seller.vat_registered
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
            "vat_registered": registered,
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
                **({"vat_rate": f"{line.vat_rate.normalize():f}"} if registered and line.vat_rate is not None else {}),
            }
            for line in facts.lines
        ],
        "vat": [{"rate": f"{vat.rate.normalize():f}", "base": vat.base, "tax": vat.tax} for vat in facts.vat]
        if registered
        else [],
    }


def _own(facts: Facts) -> dict[str, Any]:
    match facts:
        case AttestationFacts():
            return {
                "document": "attestation",
                "agreed_at": _time(facts.agreed_at),
                "shipping": {"name": facts.shipping.name, "price": facts.shipping.price},
                "refunds": [{"amount": refund.amount, "at": _time(refund.at)} for refund in facts.refunds],
            }
        case RefundFacts():
            return {
                "document": "refund notice",
                "refunded_at": _time(facts.refunded_at),
                "attestation": facts.attestation,
            }
        case _:
            raise TypeError(type(facts).__name__)


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")
