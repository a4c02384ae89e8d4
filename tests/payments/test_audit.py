"""`manage.py audit_bank_data` finds bank data wherever it rests, repeats none of it, and gives no false alarm."""

import base64
import bz2
import gzip
import io
import json
import lzma
import secrets
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from kookut.sessions import SessionStore
from orders.codes import grouped, new_code
from orders.models import Order, TimelineEntry, new_number
from orders.moves import tell
from payments import attestation, audit
from payments.bank_data import kinds
from payments.letters import send_soon
from payments.models import Attestation, Payment, Refund
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import sweep
from tests.payments.steps import bring_messages, paid, pay
from tests.sandbox.client import DECLINED, INSUFFICIENT_FUNDS, Sandbox
from tests.sandbox.names import paypal_id, stripe_id
from tests.shop import fill_cart, goods, order_and_pay, placed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def audited(*files: Path) -> tuple[int, str]:
    """The exit code of `manage.py audit_bank_data`, and all that it says."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("audit_bank_data", *(["--file", *map(str, files)] if files else []), stdout=out, stderr=err)
    except SystemExit as end:
        code = int(str(end.code))
    return code, out.getvalue() + err.getvalue()


# Each kind in each place


FINDS = {
    "card number": "4242 4242-42424242",
    "IBAN": "CH93 0076 2011 6238 5295 7",
    "masked card number": "Visa •••• 4242",
    "field of a PSP's answer": '{"last4": "4242"}',
    "key or token": "rk_live_51Hq8dKL2",
    "address that opens by itself": "https://checkout.stripe.com/c/pay/cs_live_a1B2c3#fid",
}


def in_an_address(text: str) -> str:
    return f"orders_order {placed(delivery_extra=text).pk}"


def in_json(text: str) -> str:
    tell(placed(), TimelineEntry.Kind.RETURNED, TimelineEntry.Actor.BANK, said=[text])
    return f"orders_timelineentry {TimelineEntry.objects.get().pk}"


def in_a_task(text: str) -> str:
    return f"django_tasks_database_dbtaskresult {send_soon.enqueue(text).id}"  # type: ignore[arg-type]


def in_a_session(text: str) -> str:
    session = SessionStore()
    session["typed"] = {"street": text, "much": "else " * 100}
    session.save()
    return "django_session ctid ("


def in_the_cache(text: str) -> str:
    cache.set("answer", {"of": [text]})
    return "kookut_cache ctid ("


def in_a_key_of_the_cache(text: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO kookut_cache VALUES (%s, 'gARLAS4=', now())", [text])
    return "kookut_cache ctid ("


def in_the_admin_log(text: str) -> str:
    user = User.objects.create_user("sonia")
    content = ContentType.objects.get_for_model(Order)
    entry = LogEntry.objects.create(user=user, content_type=content, object_repr=text, action_flag=CHANGE)
    return f"django_admin_log {entry.pk}"


def in_a_stored_text(text: str) -> str:
    default_storage.save("products/notes.txt", ContentFile(f"Bol bleu\n{text}\n".encode()))
    return "storage/products/notes.txt:2"


PLACES = [
    in_an_address,
    in_json,
    in_a_task,
    in_a_session,
    in_the_cache,
    in_a_key_of_the_cache,
    in_the_admin_log,
    in_a_stored_text,
]


@pytest.mark.parametrize("put", PLACES, ids=lambda put: put.__name__)
@pytest.mark.parametrize("kind", FINDS)
def test_every_kind_is_found_in_every_place_and_not_repeated(kind: str, put: Callable[[str], str]) -> None:
    place = put(FINDS[kind])

    code, said = audited()

    assert code == 1
    (find,) = [line for line in said.splitlines() if line.endswith(f": {kind}")]
    assert find.startswith(place)
    told = said.replace(place, "")  # the key of a row may hold any digits
    assert "4242" not in told and FINDS[kind] not in told


@pytest.mark.parametrize("kind", FINDS)
@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("shop.log", bytes),
        ("shop.log.1.gz", gzip.compress),
        ("shop.log.1", gzip.compress),
        ("shop.log.1.bz2", bz2.compress),
        ("shop.log.1.xz", lzma.compress),
    ],
    ids=["plain", "gz", "gz without its name", "bz2", "xz"],
)
def test_every_kind_is_found_in_a_log(tmp_path: Path, kind: str, name: str, pack: Callable[[bytes], bytes]) -> None:
    line = json.dumps({"message": "paid", "more": FINDS[kind]})
    folder = tmp_path / "log"
    folder.mkdir()
    file = folder / name
    file.write_bytes(pack(f"one\ntwo\n{line}\n".encode()))

    for given in (file, folder):
        code, said = audited(given)
        assert code == 1
        assert f"{file}:3: {kind}\n" in said
        assert "4242" not in said and FINDS[kind] not in said


@pytest.mark.parametrize("name", ["4242 4242 4242 4242.txt", "CH9300762011623852957.webp", "rk_live_51Hq8dKL2"])
def test_a_name_of_a_file_is_looked_at_and_not_repeated(name: str) -> None:
    default_storage.save("products/bol.webp", ContentFile(b"RIFF\0\0"))
    default_storage.save(f"products/{name}", ContentFile(b"\0"))

    code, said = audited()

    assert code == 1
    assert "storage/products, name" in said
    assert Path(name).stem.split()[0] not in said


def test_a_paper_that_was_kept_is_found_by_its_name() -> None:
    default_storage.save("AP-2026-000412.pdf", ContentFile(b"\0"))
    code, said = audited()
    assert (code, "storage, name 1: paper\n" in said) == (1, True)


def in_the_storage(paper: bytes) -> str:
    default_storage.save("products/proof.pdf", ContentFile(paper))
    return "storage/products/proof.pdf:1"


def in_a_picture(paper: bytes) -> str:
    default_storage.save("products/bol.webp", ContentFile(b"RIFF\0\0" * 9999 + paper))
    return "storage/products/bol.webp:1"


def cached(paper: bytes) -> str:
    cache.set("page", {"of": [paper]})
    return "kookut_cache ctid ("


def cached_as_text(paper: bytes) -> str:
    cache.set("page", base64.b64encode(paper).decode())
    return "kookut_cache ctid ("


def in_a_row_of_bytes(paper: bytes) -> str:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (id int PRIMARY KEY, paper bytea)")
        cursor.execute("INSERT INTO kept VALUES (7, %s)", [paper])
    return "kept 7"


def in_a_task_as_text(paper: bytes) -> str:
    return in_a_task(base64.b64encode(paper).decode())


@pytest.mark.parametrize(
    "keep",
    [in_the_storage, in_a_picture, cached, cached_as_text, in_a_row_of_bytes, in_a_task_as_text],
    ids=lambda keep: keep.__name__,
)
def test_a_paper_is_known_wherever_it_was_kept_and_whatever_its_name(
    keep: Callable[[bytes], str], psps: Sandbox
) -> None:
    """Its words are packed: nothing of them could be found in it."""
    order, _page = paid(psps)
    place = keep(attestation.draw(attestation.of(order)))

    code, said = audited()

    assert code == 1
    assert [line for line in said.splitlines() if line.startswith(place) and line.endswith(": paper")]


def test_the_shops_own_secrets_are_found_whatever_they_look_like(settings: Any) -> None:
    place = in_an_address(f"key {settings.PAYMENTS.paypal.client_secret}")
    code, said = audited()
    assert (code, f"{place}: secret of this shop's settings\n" in said) == (1, True)
    assert settings.PAYMENTS.paypal.client_secret not in said


def test_a_card_typed_into_an_address_is_refused_and_does_not_rest(client: Client) -> None:
    fill_cart(client)
    answer = client.post("/coordonnees/", _address() | {"delivery_extra": "Ma carte: 5555555555554444, 12/27"})
    assert answer.status_code == 422
    assert audited()[0] == 0


def test_what_a_customer_types_all_the_same_is_found(client: Client, psps: Sandbox) -> None:
    fill_cart(client)
    client.post("/coordonnees/", _address() | {"delivery_extra": "Carte •••• 4242"})
    assert order_and_pay(client, "card").status_code == 303

    code, said = audited()

    assert code == 1
    assert f"orders_order {Order.objects.get().pk}: masked card number\n" in said
    assert "django_session ctid" in said
    assert "4242" not in said


def _address() -> dict[str, str]:
    return {
        "email": "claire@exemple.ch",
        "delivery_name": "Claire Dufour",
        "delivery_street": "Rue de Carouge 12",
        "delivery_postcode": "1205",
        "delivery_town": "Genève",
        "delivery_country": "CH",
        "phone": "",
    }


def test_a_session_that_cannot_be_read_is_no_clean_one() -> None:
    in_a_session("nothing")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_session SET session_data = 'x:y:z'")
    code, said = audited()
    assert (code, "cannot be read" in said) == (1, True)


def test_a_session_signed_with_an_earlier_key_is_read(settings: Any) -> None:
    in_a_session(FINDS["IBAN"])
    settings.SECRET_KEY = "another key, as after a rotation, long enough for everybody here"
    assert audited()[0] == 1


def test_what_stands_across_two_parts_of_a_long_line_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LONGEST", 1000)
    log = tmp_path / "one-line.log"
    log.write_text("x" * 990 + " 4242424242424242 " + "x" * 5000)
    assert f"{log}:1: card number\n" in audited(log)[1]


@pytest.mark.parametrize("before", [b"\0", b"\0" * 5_000_000], ids=["one", "many"])
def test_a_log_that_was_cut_while_it_was_written_is_searched(tmp_path: Path, before: bytes) -> None:
    """After logrotate's copytruncate a log goes on where it was: what was before are NULs."""
    log = tmp_path / "shop.log"
    log.write_bytes(before + f"paid {FINDS['masked card number']}\n".encode())
    code, said = audited(log)
    assert (code, f"{log}:1: masked card number\n" in said) == (1, True)


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08broken", b"BZhbroken"])
def test_a_packed_log_that_cannot_be_read_is_no_clean_one(tmp_path: Path, head: bytes) -> None:
    log = tmp_path / "shop.log.1"
    log.write_bytes(head + b"\0" * 99)
    code, said = audited(log)
    assert (code, f"{log}: cannot be read\n" in said) == (1, True)


def test_a_log_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not there"):
        audited(tmp_path / "none.log")


def test_progress_is_told_of_what_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PROGRESS", 10)
    assert "10 rows, now in " in audited()[1]


def test_more_rows_than_are_held_at_once_are_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    order = placed()
    for n in range(7):
        tell(order, TimelineEntry.Kind.RETURNED, TimelineEntry.Actor.BANK, said=f"{FINDS['IBAN']} {n}")
    monkeypatch.setattr(audit, "ROWS", 3)
    assert audited()[1].count("orders_timelineentry") == 7


def test_a_cache_elsewhere_is_named(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert "'default' is not in the database and was not searched" in audited()[1]


# What is one, and what is none


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("card number", "4242424242424242"),
        ("card number", "(1,4242424242424242,5)"),
        ("card number", "carte-4242-4242-4242-4242."),
        ("card number", "4242\u00a04242\u00a04242\u00a04242 12 27 123"),
        ("card number", "1205 4242 4242 4242 4242"),
        ("card number", "3782 822463 10005"),
        ("card number", "2223003122003222"),
        ("card number", "6011111111111117"),
        ("card number", "30569309025904"),
        ("IBAN", "ch9300762011623852957"),
        ("IBAN", "IBAN:CH93-0076-2011-6238-5295-7, merci"),
        ("IBAN", "BE31 4354 1116 1155 avec mes salutations"),
        ("IBAN", "DE89370400440532013000"),
        ("masked card number", "************4242"),
        ("masked card number", "**** **** **** 4242"),
        ("masked card number", "xxxx-4242"),
        ("masked card number", r"\u2022\u2022\u2022\u2022 4242"),
        ("field of a PSP's answer", r'{"message": "{\"exp_month\": 12}"}'),
        ("field of a PSP's answer", '(1,"{""fingerprint"": ""a1""}")'),
        ("field of a PSP's answer", "{'payer_id': 'X'}"),
        ("field of a PSP's answer", '"billing_details":{"name":'),
        ("field of a PSP's answer", "GET /commande/…/retour/…/?token=5O1&PayerID=QZ HTTP/1.1"),
        ("key or token", "whsec_a1b2c3"),
        ("key or token", "pi_3Abc_secret_9Xyz"),
        ("key or token", "A21AAFs9Y3WIvhkBP6uZ2Yr1Dqg0XYk8h_-w"),
        ("key or token", "Authorization: Basic c2FuZGJveDpzYW5kYm94"),
        ("key or token", "-----BEGIN PRIVATE KEY-----"),
        ("address that opens by itself", "https://pay.kookut.ch/c/pay/cs_test_a1"),
        ("address that opens by itself", "https://www.paypal.com/checkoutnow?token=5O190127TN364715T"),
        ("address that opens by itself", "https://pay.stripe.com/receipts/payment/CAc"),
    ],
)
def test_it_is_known_as_people_and_programs_write_it(kind: str, text: str) -> None:
    assert kinds(text) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424243",  # no check digit
        "9903976820101234",  # no issuer
        "a4242424242424242",
        "4242424242424242f",
        "0.4242424242424242",
        "+49 1512 3456 7897",
        "41234567-1234-4123-8123-123456789012",
        "99.60.003976.82010123",  # a parcel
        "4006381333931",  # goods (EAN)
        "2026-11-22 17:27:16.123456+00",
        "CHE-123.456.788 TVA",
        "CH93 0076 2011 6238 5295 8",
        "c•••@exemple.ch",
        "KK-XXXX-XXXX",
        '"last4", "4242"',
        '{"last4": null, "order": "KK-7F3Q-20M4"}',
        "https://checkout.stripe.com",
    ],
)
def test_it_gives_no_false_alarm(text: str) -> None:
    assert kinds(text) == []


def test_no_name_that_shop_or_psps_draw_by_lot_looks_like_bank_data() -> None:
    drawn: list[Callable[[], str]] = [
        lambda: str(uuid4()),
        lambda: uuid4().hex,
        lambda: sha256(secrets.token_bytes()).hexdigest(),
        lambda: secrets.token_urlsafe(32),
        lambda: grouped(new_code(12)),
        lambda: f"{new_number()}-{uuid4().hex[:8]}",
        lambda: stripe_id("pi_"),
        lambda: stripe_id("cs_test_", 58),
        paypal_id,
        lambda: f"{secrets.randbelow(10**10)} {secrets.randbelow(10**3)}",
    ]
    assert not [word for _ in range(1000) for draw in drawn if kinds(word := draw())]


# A healthy shop


def test_a_healthy_shop_is_clean(client: Client, admin_client: Client, psps: Sandbox, tmp_path: Path) -> None:
    default_storage.save("products/bol.webp", ContentFile(b"RIFF\0\0"))
    default_storage.save("products/bol.svg", ContentFile(b'<svg xmlns="http://www.w3.org/2000/svg"/>'))
    bol = goods(sku="4006381333931", stock=90)
    for method in ("card", "twint", "paypal"):
        buys(Client(), psps, method, bol)
    buys(client, psps, "card", bol)
    is_declined(psps)
    gives_back(psps)
    is_disputed(psps)
    leaves_and_comes_back(psps, bol)
    Client().post("/webhooks/stripe/", b"{}", content_type="application/json")
    sweep()
    works_in_the_office(admin_client)
    logs = tmp_path / "shop.log"
    logs.write_text(json.dumps({"message": "A PSP did not answer", "order": "KK-7F3Q-20M4"}) + "\n")

    code, said = audited(logs)

    assert (code, said.splitlines()) == (0, [said.strip()])
    assert said.strip().endswith("3 files searched: nothing found")
    assert Order.objects.count() >= 14 and Refund.objects.exists() and Attestation.objects.exists()


def buys(client: Client, psps: Sandbox, method: str, *products: Any) -> None:
    fill_cart(client, *products)
    client.post("/coordonnees/", _address() | {"phone": "+41 79 123 45 67"})
    page = order_and_pay(client, method)["Location"]
    client.get(pay(psps, method, page))
    order = Order.objects.latest("pk")
    client.get(f"/commande/{order.token}/")
    bring_messages(psps)
    sweep()
    assert client.get(f"/commande/{order.token}/attestation.pdf").status_code == 200
    assert client.get(f"/v/{order.attestation.code}/").status_code == 200


def is_declined(psps: Sandbox) -> None:
    for card in (DECLINED, INSUFFICIENT_FUNDS):
        client = Client()
        fill_cart(client)
        psps.pay_by_card(order_and_pay(client, "card")["Location"], card)
        bring_messages(psps)
    for method, refused in (("twint", {"confirm": False}), ("paypal", {"capture": "instrument_declined"})):
        client = Client()
        fill_cart(client)
        pay(psps, method, order_and_pay(client, method)["Location"], **refused)
        bring_messages(psps)


def gives_back(psps: Sandbox) -> None:
    for method in ("card", "twint", "paypal"):
        for amount in (1000, 3800):
            order, _page = paid(psps, method)
            carry_out(ask(order.payments.get().pk, Wanted(amount, "Bol ébréché")).pk)
            bring_messages(psps)
            order.refresh_from_db()
            refund = Refund.objects.get(payment__order=order)
            assert Client().get(f"/commande/{order.token}/remboursement/{refund.pk}.pdf").status_code == 200


def is_disputed(psps: Sandbox) -> None:
    for method in ("card", "paypal"):
        _order, page = paid(psps, method)
        psps.dispute(page)
        bring_messages(psps)


def leaves_and_comes_back(psps: Sandbox, *products: Any) -> None:
    client = Client()
    fill_cart(client, *products)
    page = order_and_pay(client, "card")["Location"]
    payment = Payment.objects.latest("created_at")
    client.get(f"/commande/{payment.order.token}/abandon/{payment.pk}/")
    psps.expire(page)
    bring_messages(psps)
    client.post("/commande/", {"email": "claire@exemple.ch", "number": payment.order.number})


def works_in_the_office(admin_client: Client) -> None:
    admin_client.get(reverse("admin:index"))
    for order in Order.objects.all():
        assert admin_client.get(reverse("admin:orders_order_change", args=[order.pk])).status_code == 200
