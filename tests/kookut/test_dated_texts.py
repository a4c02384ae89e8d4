"""What customers accept or are told of their data never changes under its old date."""

import hashlib
from dataclasses import replace

import pytest
from django.conf import settings
from django.test import Client, override_settings

from kookut.pages import CONFIDENTIALITY_OF
from tests.orders.steps import page, words
from tests.shop import delivery

pytestmark = pytest.mark.django_db
# The day since which a text reads as it does, and a digest of all that it says to customers of every kind of shop.
TERMS = ("2026-11-23", "ff5c0b8048f5795c")
CONFIDENTIALITY = ("2026-11-23", "46228f1933fdc6ef")
SHOPS = (
    {"RETURN_DAYS": 30},
    {"RETURN_DAYS": 1, "SELLER_CANTON": "", "PAYMENTS": replace(settings.PAYMENTS, paypal=None)},
    {"RETURN_DAYS": 0, "PAYMENTS": replace(settings.PAYMENTS, stripe=None), "DATA_PROCESSORS": []},
    {"SELLER": settings.SELLER | {"vat_registered": False}},
)


@pytest.mark.parametrize(
    ("address", "dated", "place"),
    [
        ("conditions", TERMS, "TERMS_VERSION in kookut/settings.py"),
        ("confidentialite", CONFIDENTIALITY, "CONFIDENTIALITY_OF in kookut/pages.py"),
    ],
)
def test_a_text_that_reads_otherwise_has_a_new_day(
    client: Client, address: str, dated: tuple[str, str], place: str
) -> None:
    delivery()
    day = settings.TERMS_VERSION if address == "conditions" else CONFIDENTIALITY_OF.isoformat()
    since, known = dated
    said = digest(client, address)
    if said != known and day <= since:
        pytest.fail(f"The text has changed: set {place} to the day, after {since}, from which it holds.", pytrace=False)
    assert (day, said) == dated, f"Note that day here, and of the text: {said}"


def digest(client: Client, address: str) -> str:
    """Of the page in every language and for every kind of shop."""
    said = []
    for shop in SHOPS:
        with override_settings(**shop):
            for language, _name in settings.LANGUAGES:
                prefix = "" if language == settings.LANGUAGE_CODE else f"/{language}"
                shown = page(client.get(f"{prefix}/{address}/"))
                said.append(words(shown.partition("<main")[2].partition("</main>")[0]))
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
