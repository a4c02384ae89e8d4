"""Anybody who holds a paper can ask whether it is one of ours, and learns no more than stands on it."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.forms import CharField
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate
from hypothesis import given
from hypothesis import strategies as st

from orders.codes import ALPHABET, grouped, new_code
from orders.models import Order
from orders.money import format_amount
from payments import attestation
from payments.forms import CodeForm
from payments.models import Attestation
from payments.papers import VERIFICATIONS_A_MINUTE
from payments.refunds import Wanted, ask, carry_out
from payments.verification import Verdict, initials, verify
from tests.payments.papers import pages
from tests.payments.steps import bring_messages, paid
from tests.sandbox.client import Sandbox
from tests.shop import deliver, placed, started, stripe_event

pytestmark = pytest.mark.django_db


def attested(**changes: Any) -> Attestation:
    order = placed(**changes)
    deliver(stripe_event(started(order)))
    return attestation.of(order)


def page(code: str, **headers: str) -> tuple[int, str]:
    answer = Client().get(f"/v/{code}/", headers=headers)
    return answer.status_code, answer.content.decode().replace("\u00a0", " ")


def test_a_code_of_ours_is_told_with_what_to_compare_before_anything_is_called_authentic() -> None:
    paper = attested()
    status, said = page(paper.code)
    assert status == 200
    assert re.search(r"<h1>Ce code vient de nous\s*</h1>", said)
    assert "Comparez maintenant votre document" in said
    assert "notice-ok" not in said, "nobody has compared anything yet"
    for fact in (paper.number, grouped(paper.code), "CHF 38.00", "C. D."):
        assert fact in said


def test_nothing_else_of_the_order_is_told() -> None:
    paper = attested()
    assert paper.order
    said = page(paper.code)[1]
    order = paper.order
    for secret in (order.number, order.token, order.email, "Dufour", order.delivery_street):
        assert secret not in said
    assert not any(line.name in said for line in order.lines.all())


@pytest.mark.parametrize(
    "typed", [str.lower, grouped, lambda code: f" {code} ", lambda code: code.replace("0", "O").replace("1", "l")]
)
def test_a_code_may_be_typed_as_people_type(typed: Any) -> None:
    paper = attested()
    answer = Client().get("/v/", {"code": typed(paper.code)})
    assert (answer.status_code, answer["Location"]) == (303, f"/v/{paper.code}/")
    assert page(typed(paper.code).strip())[0] == 200


@pytest.mark.parametrize(
    "printed",
    [
        "https://kookut.ch/v/{}/",
        "HTTPS://KOOKUT.CH/V/{}",
        "kookut.ch/de/v/{}/",
        " kookut.ch /v/ {} ",
        "https://www.kookut.example/it/v/{}/?utm_source=mail#haut",
        "/v/https://kookut.ch/v/{}/",
    ],
)
def test_the_address_that_stands_on_the_paper_may_be_pasted(printed: str) -> None:
    paper = attested()
    answer = Client().get("/v/", {"code": printed.format(grouped(paper.code))})
    assert (answer.status_code, answer["Location"]) == (303, f"/v/{paper.code}/")


@pytest.mark.parametrize(
    "between", ["\u2010", "\u2011", "\u2013", "\u2212", "\u00a0", "\u202f", "\u200b", ".", "/", "\n"]
)
def test_what_stands_between_the_groups_does_not_matter(between: str) -> None:
    paper = attested()
    answer = Client().get("/v/", {"code": grouped(paper.code).replace("-", between)})
    assert answer["Location"] == f"/v/{paper.code}/"


@pytest.mark.parametrize(
    "typed", ["kookut.ch/commande/", "a/b", "../../v", "é/ñ", "<b>x</b>", "%2F..%2Fx", "x" * 5000, "\0x"]
)
def test_whatever_else_is_typed_is_mistyped(typed: str) -> None:
    answer = Client().get("/v/", {"code": typed}, follow=True)
    assert answer.status_code == 404
    assert "Ce code contient une faute de frappe" in answer.content.decode()


def test_the_field_has_room_for_an_address() -> None:
    field = CodeForm().fields["code"]
    assert isinstance(field, CharField)
    assert field.max_length and field.max_length >= 200


def test_a_code_that_was_never_given_is_unknown() -> None:
    status, said = page(new_code(12))
    assert status == 404
    assert "Document inconnu" in said


@pytest.mark.parametrize(
    "slip", [lambda code: code[:-1], lambda code: f"{code}0", lambda _code: "~€<b>", lambda c: c * 9]
)
def test_a_slip_of_the_finger_is_no_forgery(slip: Any) -> None:
    status, said = page(slip(attested().code))
    assert status == 404
    assert "Ce code contient une faute de frappe" in said
    assert "<b>" not in said


def test_a_mistyped_code_stands_in_the_field_to_be_mended() -> None:
    code = attested().code[:-1]
    assert f'value="{grouped(code)}"' in page(code)[1]


@given(position=st.integers(0, 12), letter=st.sampled_from(ALPHABET))
def test_any_one_wrong_character_is_a_slip(position: int, letter: str) -> None:
    code = new_code(12)
    if code[position] != letter:
        assert verify(code[:position] + letter + code[position + 1 :]).verdict == Verdict.MISTYPED


DOCUMENT = "C’est le numéro du document. Le code se trouve à côté"
ORDER = "C’est le numéro de la commande. Saisissez le code du document"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("AP-2026-000412", DOCUMENT),
        (" ar 2026 000007", DOCUMENT),
        ("No. AP-2026-000412", DOCUMENT),
        ("KK-7F3Q-20M4", ORDER),
        ("kk 7f3q 2om4", ORDER),
    ],
)
def test_the_number_of_a_document_or_an_order_in_place_of_the_code_is_told_from_it(typed: str, told: str) -> None:
    answer = Client().get("/v/", {"code": typed})
    said = answer.content.decode()
    assert answer.status_code == 422
    assert told in said
    assert f'value="{typed}"' in said


def test_the_number_of_a_document_in_place_of_the_orders_is_told_from_it() -> None:
    answer = Client().post("/commande/", {"email": "claire@example.ch", "number": "AP-2026-000412"})
    said = answer.content.decode()
    assert answer.status_code == 422
    assert "C’est le numéro d’un document. Le numéro de commande commence par KK." in said
    assert 'value="AP-2026-000412"' in said


def test_no_code_at_all_asks_for_one() -> None:
    said = Client().get("/v/", {"code": " - "}).content.decode()
    assert "Saisissez le code qui figure sur le document" in said
    assert "Erreur" not in Client().get("/v/").content.decode()


@pytest.mark.parametrize(
    ("part", "verdict"), [(1000, Verdict.REFUNDED_IN_PART), (None, Verdict.REFUNDED)], ids=["in part", "in full"]
)
def test_what_went_back_since_is_told(psps: Sandbox, part: int | None, verdict: Verdict) -> None:
    order, _page = paid(psps)
    paper = attestation.of(order)
    carry_out(ask(order.payments.get().pk, Wanted(part or order.total, "Retour")).pk)
    assert verify(paper.code).verdict == Verdict.AUTHENTIC, "what is only asked for has not gone back"
    bring_messages(psps)

    assert verify(paper.code).verdict == verdict
    assert verify(paper.code).refunded == (part or order.total)
    said = page(paper.code)[1]
    must_say, since = said.split("<h2>Ce qui s’est passé depuis</h2>")
    gone = part or order.total
    assert f"<dt>Remboursé le {localdate():%d.%m.%Y}</dt><dd>CHF {format_amount(gone)}</dd>" in since
    assert f"<dt>Reste payé</dt><dd>CHF {format_amount(order.total - gone)}</dd>" in since
    assert "Remboursé" not in must_say.split("Ce que le document doit indiquer")[1]
    assert "Un document enregistré plus tôt ne le dit pas" in since


def test_what_the_payers_bank_took_back_is_told(psps: Sandbox) -> None:
    order, address = paid(psps)
    paper = attestation.of(order)
    dispute = psps.dispute(address)
    bring_messages(psps)
    assert verify(paper.code).verdict == Verdict.DISPUTED
    said = page(paper.code)[1]
    assert "<h1>Ce code vient de nous ; la banque du payeur examine le paiement" in said
    assert "Contesté auprès de la banque du payeur</dt><dd>pas encore tranché</dd>" in said
    assert "Repris" not in said, "a dispute that is not decided has taken nothing for good"
    psps.move_dispute(dispute, "lost")
    bring_messages(psps)

    found = verify(paper.code)

    assert (found.verdict, found.taken_back) == (Verdict.TAKEN_BACK, order.total)
    said = page(paper.code)[1]
    assert "<h1>Ce code vient de nous ; la banque du payeur a repris de l’argent depuis" in said
    assert "Repris par la banque du payeur après contestation</dt><dd>CHF 38.00</dd>" in said
    assert order.number not in said
    assert "Dufour" not in said


def test_of_a_refund_and_a_lost_dispute_the_dispute_is_the_verdict(psps: Sandbox) -> None:
    order, address = paid(psps)
    carry_out(ask(order.payments.get().pk, Wanted(1000, "Retour")).pk)
    psps.move_dispute(psps.dispute(address, amount=2000), "lost")
    bring_messages(psps)
    found = verify(attestation.of(order).code)
    assert (found.verdict, found.refunded, found.taken_back) == (Verdict.TAKEN_BACK, 1000, 2000)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Claire Dufour", "C. D."),
        ("Zoé", "Z."),
        ("anne-marie de la Tour", "A. T."),
        ("  Ἑλένη  Παππά ", "Ἑ. Π."),
        ("", ""),
        ("山田 太郎", "�. �."),
        ("عمر Haddad", "�. H."),
        ("\u200fZoé\u202e", "Z."),
    ],
)
def test_initials_are_the_first_letters_of_the_first_and_the_last_name(name: str, letters: str) -> None:
    assert initials(Order(delivery_name=name)) == letters


def test_the_initials_are_those_of_who_is_billed() -> None:
    assert initials(Order(delivery_name="Claire Dufour", billing_name="Marc Aebi")) == "M. A."


@pytest.mark.parametrize("name", ["Claire Dufour", "山田 太郎", "\u202eŽofie Ångström"])
def test_the_paper_has_the_very_initials_of_the_page(name: str) -> None:
    paper = attested(delivery_name=name)
    found = verify(paper.code).initials
    assert f"Initiales du client : {found} " in pages(attestation.draw(paper))[0].replace("\u00a0", " ")
    assert f"<dd>{found}</dd>" in page(paper.code)[1]


def test_too_many_questions_have_to_wait() -> None:
    code = new_code(12)
    statuses = [page(code)[0] for _ in range(VERIFICATIONS_A_MINUTE + 1)]
    assert statuses == [404] * VERIFICATIONS_A_MINUTE + [429]


def test_the_address_to_trust_is_the_configured_one_whatever_the_request_says(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    code = attested().code
    said = Client(headers={"Host": "kookut.evil.example"}).get(f"/v/{code}/").content.decode()
    assert urlsplit(settings.SITE_URL).netloc in said
    assert "evil" not in said


def test_every_address_has_its_own_patience(settings: Any) -> None:
    settings.PROXIES = 1
    code = new_code(12)
    for n in range(VERIFICATIONS_A_MINUTE):
        page(code, **{"X-Forwarded-For": f"203.0.113.{n}, 198.51.100.7"})
    assert page(code, **{"X-Forwarded-For": "203.0.113.1, 198.51.100.7"})[0] == 429
    assert page(code, **{"X-Forwarded-For": "203.0.113.1, 198.51.100.8"})[0] == 404


def test_the_page_is_found_by_no_search_engine_and_kept_by_no_cache() -> None:
    answer = Client().get(f"/v/{attested().code}/")
    assert answer["X-Robots-Tag"] == "noindex"
    assert "no-store" in answer["Cache-Control"]


def test_it_is_there_in_every_language() -> None:
    code = attested().code
    for language, word in {"de": "stammt von uns", "it": "è nostro", "en": "is ours"}.items():
        assert word in Client().get(f"/{language}/v/{code}/").content.decode()


def test_a_verdict_costs_five_statements() -> None:
    code = attested().code
    client = Client()
    client.get(f"/v/{code}/")
    with CaptureQueriesContext(connection) as statements:
        client.get(f"/v/{code}/")
    assert len(statements) <= 5
