"""Canaries in every field of every answer and message of both PSPs: none of them is anywhere afterwards.

Only what the shop must understand (`NEEDED`) is left as it is. What it shows on the customer's paper is changed too:
that the paper shows it proves that it was there to be kept.
"""

import base64
import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
import requests
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now
from pypdf import PdfReader

from kookut.logs import JsonFormatter
from orders.models import Order
from payments.models import Attestation, Dispute, Payment, Refund, WebhookEvent
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import sweep
from tests.payments.door import answers_meet
from tests.payments.steps import pay
from tests.sandbox.canaries import CANARIES
from tests.sandbox.client import INSUFFICIENT_FUNDS, Sandbox, Webhook
from tests.shop import fill_cart, goods, order_and_pay
from tests.staff import sign_in
from tests.worker import work

pytestmark = pytest.mark.django_db(transaction=True)

MARK = "zqcanary"
"""In every canary; it fits wherever the shop takes a word, a reference or a code."""
LAST_DIGITS = "7391"
NUMBER = 771_935_500_000
"""The first of the numbers that are canaries."""
# What the shop acts upon, by the PSPs' own names: ids, states, amounts, its own marks, where to go, what went wrong.
NEEDED_NAMES = """
    id object type status payment_status currency presentment_currency client_reference_id payment order refund
    payment_intent charge latest_charge failure_reason reason api_version code decline_code param url network_status
    payment_method_types amount amount_total amount_received amount_refunded presentment_amount expires_at due_by
    created event_type resource_version value currency_code custom_id invoice_id order_id dispute_id
    seller_transaction_id custom outcome_code seller_response_due_date create_time rel href intent issue name
    access_token expires_in
"""
NEEDED = frozenset(NEEDED_NAMES.split())
WORDS = re.compile(r"[A-Z_]+")
PAPERS = (b"%PDF-", base64.b64encode(b"%PDF-1")[:7], b"%PDF-".hex().encode())
"""How a paper begins, as it is, in base64 and in a row of bytes: what is in it is packed, and could not be found."""
ADDRESSES = ("url", "access_token")
"""What opens something: understood, used at once, and never kept."""


@dataclass
class Cage:
    """Plants canaries, and knows of each where."""

    planted: dict[str, str] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    _serial: Iterator[int] = field(default_factory=lambda: count(1))

    def canary(self, place: str) -> str:
        canary = f"{MARK}{next(self._serial):06d}"
        self.planted[canary] = place
        return canary

    def plant(self, thing: Any, place: str, name: str = "") -> Any:
        match thing:
            case dict():
                planted = {key: self.plant(value, f"{place}.{key}", key) for key, value in thing.items()}
                self._show(planted, place)
                return planted | {self.canary(f"{place}, unknown name"): self.canary(f"{place}, unknown value")}
            case list():
                return [self.plant(value, place, name) for value in thing]
            case str() if name == "email_address":
                return f"{self.canary(place)}@{self.canary(place)}.example"
            case str() if name not in NEEDED or (name == "name" and not WORDS.fullmatch(thing)):
                return self.canary(place)
            case str():
                if name in ADDRESSES or (name == "href" and "/checkoutnow?" in thing):
                    self.addresses.add(thing)
                return thing
            case bool():
                return thing
            case int() if name not in NEEDED:
                number = NUMBER + next(self._serial)
                self.planted[str(number)] = place
                return number
            case _:
                return thing

    def _show(self, planted: dict[str, Any], place: str) -> None:
        """What the paper shows must have the form of what it is."""
        if "last4" in planted:
            planted |= {"last4": LAST_DIGITS, "wallet": {"type": self.canary(f"{place}.wallet")}}

    def meet(self, answer: requests.Response) -> None:
        """Plant canaries in an answer on its way to the shop."""
        path = urlsplit(answer.request.url or "").path
        if "/v1/notifications/certs" in path:
            return  # a certificate tells nothing of anybody's
        place = f"{answer.request.method} {path}"
        answer.headers[self.canary(f"{place}, header")] = self.canary(f"{place}, header")
        try:
            planted = json.dumps(self.plant(answer.json(), place))
        except requests.JSONDecodeError:
            planted = f"<html>{self.canary(f'{place}, no JSON')}</html>"
        answer._content = planted.encode()

    def message(self, psps: Sandbox, webhook: Webhook) -> tuple[bytes, dict[str, str]]:
        """A message with canaries, truly signed, and its headers."""
        planted = self.plant(json.loads(webhook.body), webhook.type)
        body = json.dumps(planted).encode()
        headers = {name: value for name, value in psps.sign(webhook.psp, body).items() if name != "Content-Type"}
        return body, headers | {"X-Debug-Id": self.canary(f"{webhook.type}, header")}


class Witness(Client):
    """A browser, or a PSP, that remembers everything that the shop ever told it."""

    heard: dict[str, str] = {}
    papers: list[bytes] = []

    def request(self, **request: Any) -> HttpResponse:  # type: ignore[override]
        answer: HttpResponse = super().request(**request)  # type: ignore[assignment]
        place = f"{len(self.heard)} {answer.status_code} {request.get('REQUEST_METHOD')} {request.get('PATH_INFO')}"
        # The way to the PSP's page is the one thing of theirs that a customer is told.
        told = str([(name, value) for name, value in answer.items() if name != "Location"]) + str(answer.cookies)
        if answer["Content-Type"] == "application/pdf":
            self.papers.append(answer.content)
        else:
            told += answer.content.decode()
        self.heard[place] = told
        return answer


@dataclass
class Scene:
    psps: Sandbox
    cage: Cage

    def bring(self) -> list[int]:
        """Deliver what the PSPs have to say; returns the shop's answers."""
        statuses = []
        while waiting := self.psps.collect():
            for webhook in waiting:
                body, headers = self.cage.message(self.psps, webhook)
                psp = Witness(raise_request_exception=False)
                address = f"/webhooks/{webhook.psp}/"
                answer = psp.post(address, data=body, content_type="application/json", headers=headers)
                statuses.append(answer.status_code)
        return statuses

    def ordered(self, method: str) -> tuple[Witness, str]:
        """A customer who stands before the PSP's page."""
        client = Witness(raise_request_exception=False)
        fill_cart(client)
        return client, order_and_pay(client, method)["Location"]

    def visits(self, client: Client, method: str, page: str, **how: Any) -> Order:
        """The customer pays, comes back with what the PSP adds to the address, and sees the page that waits."""
        back = pay(self.psps, method, page, **how)
        more = f"{'&' if '?' in back else '?'}canary={self.cage.canary('return')}"
        client.get(re.sub(r"PayerID=\w+", f"PayerID={self.cage.canary('PayerID')}", back) + more)
        order = Payment.objects.get(page_reference=self.psps.payment(page)["page"]).order
        client.get(f"/commande/{order.token}/")
        client.get(f"/commande/{order.token}/etat.json")
        return order

    def paid(self, method: str) -> tuple[Order, str]:
        client, page = self.ordered(method)
        order = self.visits(client, method, page)
        assert set(self.bring()) == {200}
        order.refresh_from_db()
        assert order.status == "effective"
        client.get(f"/commande/{order.token}/")
        return order, page


@pytest.fixture
def scene(psps: Sandbox) -> Iterator[Scene]:
    cage = Cage()
    with (
        answers_meet(cage.meet, ""),
        patch.multiple(Witness, heard={}, papers=[]),
    ):
        yield Scene(psps, cage)


# The paper: the proof that it was there


@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_the_papers_show_the_means_of_payment_and_hide_nothing_of_it(scene: Scene, method: str) -> None:
    order, _page = scene.paid(method)
    carry_out(ask(order.payments.get().pk, Wanted(1000, "Bol ébréché")).pk)
    scene.bring()

    papers = downloaded(order)

    assert len(papers) == 2
    for paper, what_only_a_payment_has in zip(papers, [["authorization_code"], []], strict=True):
        text = PdfReader(io.BytesIO(paper)).pages[0].extract_text()
        said = re.findall(rf"{MARK}[0-9]+", text, re.IGNORECASE)
        told = [scene.cage.planted[canary.lower()].rpartition(".")[2] for canary in said]
        match method:
            case "card":
                assert told == ["brand", "wallet", *what_only_a_payment_has]
                assert f"•••• {LAST_DIGITS}" in text
            case "paypal":
                assert told == ["email_address"]
                assert re.search(rf"z•••@{MARK}[0-9]+\.example", text)
            case _:
                assert told == []
        hidden = hidden_in(paper)
        assert order.number in hidden
        assert found(scene.cage, {"paper": hidden}) == []


def downloaded(order: Order) -> list[bytes]:
    """The attestation and the refund notices, as the customer gets them."""
    client = Witness()
    addresses = [f"/commande/{order.token}/attestation.pdf"]
    given_back = Refund.objects.filter(payment__order=order, status="succeeded")
    addresses += [f"/commande/{order.token}/remboursement/{refund.pk}.pdf" for refund in given_back]
    return [client.get(address).content for address in addresses]


def hidden_in(paper: bytes) -> str:
    """What a PDF says beside its pages: properties, XMP, attached files."""
    reader = PdfReader(io.BytesIO(paper))
    xmp = reader.xmp_metadata.stream.get_data() if reader.xmp_metadata else b""
    files = [(name, content.decode()) for name, contents in reader.attachments.items() for content in contents]
    assert files
    return f"{reader.metadata} {xmp.decode()} {files}"


# The shop: nothing of it


def test_nothing_of_the_psps_answers_and_messages_rests_anywhere(
    scene: Scene, caplog: pytest.LogCaptureFixture, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    caplog.set_level(logging.DEBUG)
    said = io.StringIO()

    goods()
    orders = [scene.paid(method)[0] for method in ("card", "twint", "paypal")]
    is_declined(scene)
    money_goes_back(scene, orders)
    is_disputed(scene)
    is_not_understood(scene)
    is_not_heard(scene, said)
    Payment.objects.exclude(next_try_at=None).update(next_try_at=now())
    work()
    sweep()
    is_read_in_vain(scene, orders)
    for order in orders:
        downloaded(order)
        Witness().get(f"/v/{order.attestation.code}/")
    Witness(raise_request_exception=False).get(f"/commande/{order.token}x/")
    Witness().post("/webhooks/stripe/", scene.cage.canary("forged").encode(), content_type="application/json")
    looks_at_everything()
    call_command("sweep", stdout=said)

    places = {
        **rows(),
        **Witness.heard,
        **{f"paper {n}": hidden_in(paper) for n, paper in enumerate(Witness.papers)},
        **{f"mail {n}": mailed(message.message()) for n, message in enumerate(mail.outbox)},
        "logs": caplog.text,
        "logs as JSON": "\n".join(JsonFormatter().format(record) for record in caplog.records),
        "commands": said.getvalue(),
        **{str(path): path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()},
    }
    assert found(scene.cage, places) == []
    assert_that_it_was_looked_at(places, orders)
    call_command("audit_bank_data", stdout=said)


def is_declined(scene: Scene) -> None:
    client, page = scene.ordered("card")
    scene.psps.pay_by_card(page, INSUFFICIENT_FUNDS)
    scene.bring()
    scene.visits(client, "card", page)
    assert set(scene.bring()) == {200}
    client, page = scene.ordered("twint")
    scene.visits(client, "twint", page, pending=True)
    scene.bring()
    scene.psps.settle_session(page, paid=False)
    scene.bring()
    client, page = scene.ordered("paypal")
    order = scene.visits(client, "paypal", page, capture="instrument_declined")
    scene.bring()
    client.get(f"/commande/{order.token}/")
    assert Payment.objects.filter(refusal="paypal").exists() and Payment.objects.filter(status="failed").exists()


def money_goes_back(scene: Scene, orders: list[Order]) -> None:
    for order in orders:
        carry_out(ask(order.payments.get(settles=True).pk, Wanted(1000, "Bol ébréché")).pk)
        scene.bring()
    for method in ("card", "paypal"):
        _order, page = scene.paid(method)
        scene.psps.refund(page)
        scene.bring()
    scene.psps.change(refunds="refused")
    refund = ask(orders[0].payments.get(settles=True).pk, Wanted(500, "Bol ébréché"))
    assert carry_out(refund.pk) == "refused"
    scene.psps.change(refunds="succeeded")
    assert Refund.objects.filter(status="succeeded").count() == 5


def is_disputed(scene: Scene) -> None:
    for method in ("card", "paypal"):
        _order, page = scene.paid(method)
        scene.psps.dispute(page)
        scene.bring()
    assert Dispute.objects.count() == 2


def is_not_understood(scene: Scene) -> None:
    """The database fails while messages are applied: errors are logged, and kept with their messages."""
    for method in ("card", "paypal"):
        client, page = scene.ordered(method)
        order = scene.visits(client, method, page)
        with no_money_may_settle():
            assert 500 in scene.bring()
        order.refresh_from_db()
        assert order.status == "pending"
    assert WebhookEvent.objects.filter(processed_at=None, outcome="An error of the shop: the log has it").count() == 2


@contextmanager
def no_money_may_settle() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_payment ADD CONSTRAINT broken CHECK (NOT settles) NOT VALID")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE payments_payment DROP CONSTRAINT broken")


def is_not_heard(scene: Scene, said: io.StringIO) -> None:
    """Messages that were lost are fetched from the PSPs' lists."""
    for method in ("twint", "paypal"):
        client, page = scene.ordered(method)
        scene.visits(client, method, page)
        scene.psps.collect()
    call_command("recover", "--since=1h", stdout=said)
    assert WebhookEvent.objects.filter(source="fetched", outcome="The order is effective").count() >= 2


def is_read_in_vain(scene: Scene, orders: list[Order]) -> None:
    """The PSPs are silent, fail with pages full of canaries, and answer nonsense."""
    scene.bring()
    for fault in ("silent", "500", "html"):
        for order in orders:
            scene.psps.break_calls(fault, calls=9)
            Witness().get(f"/commande/{order.token}/attestation.pdf")
            scene.psps.mend()
    is_not_handed_off(scene, "500")
    for nonsense in (scene.cage.canary("text"), [scene.cage.canary("list")], {"object": scene.cage.canary("object")}):
        with answers_meet(lambda answer, it=nonsense: answered(answer, it), "/v"):  # type: ignore[misc]
            for order in orders:
                assert Witness().get(f"/commande/{order.token}/attestation.pdf").status_code == 200
    with answers_meet(lambda answer: answered(answer, [scene.cage.canary("list")]), "/v"):
        is_not_handed_off(scene)
        sweep()


def is_not_handed_off(scene: Scene, fault: str = "") -> None:
    for method in ("card", "paypal"):
        client = Witness()
        fill_cart(client)
        if fault:
            scene.psps.break_calls(fault, calls=9)
        assert order_and_pay(client, method).status_code == 503
        scene.psps.mend()


def answered(answer: requests.Response, nonsense: object) -> None:
    if "oauth2" not in (answer.request.url or ""):
        answer._content = json.dumps(nonsense).encode()


def looks_at_everything() -> None:
    """A member of staff opens every list of the back office, and some records of each: the rows are searched anyway."""
    client = sign_in(Witness(), User.objects.create_superuser("sonia"))
    client.get(reverse("admin:index"))
    for model in site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"{name}_changelist")).status_code == 200
        for pk in model._default_manager.values_list("pk", flat=True)[:4]:
            assert client.get(reverse(f"{name}_change", args=[pk])).status_code == 200


# Where it could be


def rows() -> dict[str, str]:
    """Every row of every table as text, and decoded what is encoded."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT whole::text FROM "{table}" whole')  # noqa: S608 - our own tables
            found[table] = "\n".join(row for (row,) in cursor.fetchall())
        cursor.execute("SELECT cache_key, value FROM kookut_cache")
        cached = [(key, base64.b64decode(value)) for key, value in cursor.fetchall()]
    found["cache, decoded"] = "\n".join(f"{key} {value.decode('latin-1')}" for key, value in cached)
    found["sessions, decoded"] = "\n".join(str(session.get_decoded()) for session in Session.objects.all())
    return found


def mailed(message: Message) -> str:
    """A mail's headers and texts, without the paper that is attached."""
    parts = [part for part in message.walk() if part.get_content_maintype() in ("text", "multipart")]
    texts = [part.get_payload(decode=True) or b"" for part in parts if not part.is_multipart()]
    headers = [f"{name}: {value}" for part in message.walk() for name, value in part.items()]
    return "\n".join([*headers, *(text.decode() for text in texts if isinstance(text, bytes))])


def found(cage: Cage, places: dict[str, str]) -> list[str]:
    """Where what of the PSPs' is."""
    canary = re.compile(rf"{MARK}[0-9]{{6}}|{NUMBER // 100_000}[0-9]{{5}}", re.IGNORECASE)
    digits = re.compile(rf"(?<![\w-]){LAST_DIGITS}(?![\w-])")
    finds = []
    for place, text in places.items():
        finds += [f"{place}: {one} of {cage.planted.get(one.lower(), '?')}" for one in set(canary.findall(text))]
        finds += [f"{place}: the last digits"] if digits.search(text) else []
        finds += [f"{place}: a paper" for head in PAPERS if head.decode() in text]
        finds += [f"{place}: {one}" for one in (*CANARIES, *cage.addresses) if one in text and one[0] != "/"]
    return finds


def assert_that_it_was_looked_at(places: dict[str, str], orders: list[Order]) -> None:
    """Each kind of place holds what it should, so that nothing was found in nothing."""
    known = {
        "payments_payment": str(orders[0].payments.get(settles=True).money_reference),
        "payments_webhookevent": "The order is effective",
        "django_tasks_database_dbtaskresult": "SUCCESSFUL",
        "sessions, decoded": "Claire Dufour",
        "cache, decoded": "tally-rejected-stripe",
        "logs": "A paper is drawn without the means of payment",
        "logs as JSON": "violates check constraint",
        "commands": "The order is effective",
        "paper 0": orders[0].number,
    }
    assert not [place for place, text in known.items() if text not in places[place]]
    assert any(orders[0].number in text for place, text in places.items() if place.startswith("mail"))
    for status in (200, 303, 404, 500, 503):
        assert any(f" {status} " in place for place in places), status
    assert Attestation.objects.filter(refund=None).count() >= 8
    assert Payment.objects.filter(doubt="brand").exists(), "the live charges were looked at"
    attached = [content for message in mail.outbox for _name, content, _type in message.attachments]
    assert any(LAST_DIGITS in PdfReader(io.BytesIO(paper)).pages[0].extract_text() for paper in attached)
