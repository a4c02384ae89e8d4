"""What a paper says, read as people and as machines read it."""

import io
import json
from typing import Any

from django.conf import settings as shop
from jsonschema import Draft202012Validator
from pypdf import PdfReader

from payments.paper import Seller

SELLER = Seller(
    name="KOOKUT Sàrl",
    street="Rue de l’Exemple 1",
    postcode="1200",
    town="Genève",
    email="commandes@kookut.example",
    uid="CHE-123.456.788",
    vat_registered=True,
    statement_name="KOOKUT*SHOP",
)
_SCHEMA = json.loads((shop.BASE_DIR / "payments/paper/facts.schema.json").read_text())
Draft202012Validator.check_schema(_SCHEMA)
SCHEMA = Draft202012Validator(_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def pages(pdf: bytes) -> list[str]:
    """The text of each page, spaces made equal."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def embedded_facts(pdf: bytes) -> Any:
    """What the file for machines says; it is held to its schema."""
    (text,) = PdfReader(io.BytesIO(pdf)).attachments["facts.json"]
    facts = json.loads(text)
    SCHEMA.validate(facts)
    return facts
