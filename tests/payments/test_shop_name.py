"""Nothing is hard-wired to one company: a shop of another name shows that name alone, to customers and to staff."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pypdf import PdfReader

from kookut import second_factor
from orders.models import Order
from payments.desk.slips import draw
from payments.letters import compose
from payments.models import Letter
from tests.orders.steps import page
from tests.payments.steps import paid
from tests.payments.walk import LANGUAGES, pages_before_paying, words_sent
from tests.sandbox.client import Sandbox
from tests.shop import placed
from tests.staff import sign_in

pytestmark = pytest.mark.django_db
OURS = "KOOKUT"
THEIRS = "Au Tilleul"


@pytest.fixture(autouse=True)
def other_shop(settings: Any) -> None:
    settings.SELLER = settings.SELLER | {"shop": THEIRS, "name": "Tilleul SA", "statement_name": "TILLEUL"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_bear_the_name_of_the_shop(client: Client, language: str) -> None:
    prefix = "" if language == "fr" else f"/{language}"
    order = placed()
    for path in (*pages_before_paying(client, prefix), f"{prefix}/commande/{order.token}/", f"{prefix}/nowhere/"):
        shown = page(client.get(path))
        assert THEIRS in shown, path
        assert OURS not in shown, path


def test_the_back_office_bears_the_name_of_the_shop(client: Client) -> None:
    boss = User.objects.create_superuser("boss", password="a long word for staff")
    shown = [page(client.get("/admin/login/")), page(sign_in(client, boss).get("/admin/"))]
    shown += second_factor.shown(second_factor.begin(boss))[1:]
    for words in shown:
        assert THEIRS.replace(" ", "%20") in words or THEIRS in words
        assert OURS not in words


def test_mails_and_papers_bear_the_name_of_the_shop(psps: Sandbox) -> None:
    order, _page = paid(psps)
    for words in (*subjects(order), *words_sent(psps, order), slip(order)):
        assert THEIRS in words
        assert OURS not in words


def subjects(order: Order) -> Iterator[str]:
    for kind in (Letter.Kind.CONFIRMATION, Letter.Kind.LINK, Letter.Kind.TO_STAFF):
        yield str(compose(Letter(order=order, kind=kind, about="again")).subject)


def slip(order: Order) -> str:
    return " ".join(each.extract_text() for each in PdfReader(io.BytesIO(draw([order]))).pages)
