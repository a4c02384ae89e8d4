"""The door of the back office: password, second factor, lock, and the time that a session has."""

import json
import logging
import re
from base64 import b32decode, b64decode
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from PIL import Image

from kookut import access, second_factor
from kookut.logs import JsonFormatter
from kookut.models import RecoveryCode, SecondFactor, Tries
from tests.shop import fill_cart
from tests.staff import PASSWORD, SECRET, code, sign_in, with_second_factor

pytestmark = pytest.mark.django_db
ADMIN, LOGIN, ASK, SET_UP, MINE = (
    "/admin/",
    "/admin/login/",
    "/admin/second-factor/",
    "/admin/second-factor/set-up/",
    "/admin/second-factor/mine/",
)
RECOVERY = re.compile(r"<li>((?:[0-9A-Z]{4}-){3}[0-9A-Z]{5})</li>")


@pytest.fixture
def leila() -> User:
    return User.objects.create_superuser("leila", password=PASSWORD)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[dict[str, Any]]]:
    """What the door wrote into the logs, as a log file has it."""
    written: list[dict[str, Any]] = []

    class Writer(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(json.loads(JsonFormatter().format(record)))

    writer = Writer()
    logging.getLogger("kookut.access").addHandler(writer)
    yield written
    logging.getLogger("kookut.access").removeHandler(writer)


def types_password(client: Client, password: str = PASSWORD, name: str = "leila", address: str = "192.0.2.1") -> Any:
    return client.post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address)


def is_inside(client: Client) -> bool:
    return client.get(ADMIN).status_code == 200


def inside(client: Client, user: User) -> Client:
    """Through the door as everybody: password, then code."""
    with_second_factor(user)
    types_password(client)
    assert client.post(ASK, {"code": code()})["Location"] == ADMIN
    return client


# The second factor.


def test_a_password_alone_opens_nothing(client: Client, leila: User) -> None:
    with_second_factor(leila)
    assert types_password(client)["Location"] == ADMIN
    answer = client.get("/admin/orders/order/?q=KK", follow=True)
    assert answer.redirect_chain[-1][0] == f"{ASK}?next=%2Fadmin%2Forders%2Forder%2F%3Fq%3DKK"
    assert not is_inside(client)


def test_password_and_code_lead_to_where_one_was_going(client: Client, leila: User) -> None:
    with_second_factor(leila)
    types_password(client)
    answer = client.post(ASK, {"code": code(), "next": "/admin/orders/order/?q=KK"})
    assert answer["Location"] == "/admin/orders/order/?q=KK"
    assert is_inside(client)


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_door_leads_to_no_other_site(client: Client, leila: User, onward: str) -> None:
    with_second_factor(leila)
    types_password(client)
    assert client.post(ASK, {"code": code(), "next": onward})["Location"] == ADMIN


def test_at_the_first_login_the_second_factor_is_set_up(client: Client, leila: User) -> None:
    types_password(client)
    page = client.get(ADMIN, follow=True)
    assert page.redirect_chain[-1][0].startswith(SET_UP)

    secret = scanned_secret(page)
    assert client.get(SET_UP).context["secret"] == page.context["secret"], "a second look shows another key"
    assert client.post(SET_UP, {"code": "000000"}).status_code == 200
    assert not is_inside(client)
    done = client.post(SET_UP, {"code": code(secret=secret)})
    assert len(RECOVERY.findall(done.content.decode())) == 10
    assert "no-store" in done["Cache-Control"]
    assert is_inside(client)
    # Nothing of it can be had again.
    for again in (client.get(SET_UP, follow=True), client.get(MINE)):
        assert not RECOVERY.search(again.content.decode())
        assert page.context["secret"] not in again.content.decode()


def scanned_secret(page: Any) -> bytes:
    """What a telephone reads off the picture."""
    (picture,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page.content.decode())
    (found,) = zxingcpp.read_barcodes(Image.open(BytesIO(b64decode(picture))).convert("L"))
    address = urlsplit(found.text)
    fields = parse_qs(address.query)
    assert (address.scheme, address.netloc, fields["issuer"]) == ("otpauth", "totp", ["KOOKUT"])
    assert fields["secret"] == [page.context["secret"].replace(" ", "")]
    return b32decode(fields["secret"][0])


def test_who_has_a_second_factor_cannot_set_up_another_with_the_password(client: Client, leila: User) -> None:
    with_second_factor(leila)
    types_password(client)
    for answer in (client.get(SET_UP), client.post(SET_UP, {"code": code()})):
        assert answer["Location"].startswith(ASK)
    assert not is_inside(client)
    assert SecondFactor.objects.count() == 1


@pytest.mark.parametrize(("steps", "opens"), [(-2, False), (-1, True), (0, True), (1, True), (3, False)])
def test_a_telephones_clock_may_be_half_a_minute_wrong(client: Client, leila: User, steps: int, opens: bool) -> None:
    with_second_factor(leila)
    types_password(client)
    client.post(ASK, {"code": code(steps)})
    assert is_inside(client) == opens


def test_a_code_opens_once(client: Client, leila: User) -> None:
    with_second_factor(leila)
    used = code()
    for opens in (True, False):
        types_password(client)
        client.post(ASK, {"code": used})
        assert is_inside(client) == opens
        client.post("/admin/logout/")


def test_nor_does_an_earlier_code_open_after_a_later_one(client: Client, leila: User) -> None:
    with_second_factor(leila)
    types_password(client)
    client.post(ASK, {"code": code(1)})
    client.post("/admin/logout/")
    types_password(client)
    client.post(ASK, {"code": code()})
    assert not is_inside(client)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "²²²²²²", "٣٣٣٣٣٣", "0" * 60])
def test_nonsense_is_no_code(client: Client, leila: User, typed: str) -> None:
    with_second_factor(leila)
    types_password(client)
    answer = client.post(ASK, {"code": typed})
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not is_inside(client)


def test_a_code_may_be_typed_with_a_space(client: Client, leila: User) -> None:
    with_second_factor(leila)
    types_password(client)
    client.post(ASK, {"code": f" {code()[:3]} {code()[3:]} "})
    assert is_inside(client)


def test_the_codes_are_those_of_rfc_6238() -> None:
    """Its appendix B: the last six of its eight digits."""
    seconds = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
    assert {at: second_factor.code_at(b"12345678901234567890", at // 30) for at in seconds} == seconds


def test_each_recovery_code_opens_once_and_says_how_many_are_left(client: Client, leila: User) -> None:
    with_second_factor(leila)
    first, second = second_factor.new_recovery_codes(leila)[:2]
    types_password(client)
    page = client.post(ASK, {"code": first.lower().replace("-", " ")}, follow=True)
    assert "Codes de secours restants\u00a0: 9." in page.content.decode()
    client.post("/admin/logout/")
    types_password(client)
    client.post(ASK, {"code": first})
    assert not is_inside(client)
    client.post(ASK, {"code": second})
    assert is_inside(client)


def test_new_recovery_codes_replace_the_earlier_ones(client: Client, leila: User) -> None:
    sign_in(client, leila)
    earlier = second_factor.new_recovery_codes(leila)
    shown = RECOVERY.findall(client.post(MINE, {"new_codes": ""}).content.decode())
    assert len(shown) == RecoveryCode.objects.count() == 10
    other = Client()
    types_password(other)
    other.post(ASK, {"code": earlier[0]})
    assert not is_inside(other)
    other.post(ASK, {"code": shown[0]})
    assert is_inside(other)


def test_neither_secret_nor_recovery_codes_can_be_read_in_the_database(leila: User) -> None:
    with_second_factor(leila)
    codes = second_factor.new_recovery_codes(leila)
    kept = bytes(SecondFactor.objects.get().encrypted_secret)
    assert SECRET not in kept and SECRET.hex().encode() not in kept
    digests = {bytes(each.digest) for each in RecoveryCode.objects.all()}
    assert not any(word.encode() in digest for word in codes for digest in digests)


def test_with_another_secret_key_only_recovery_codes_open(client: Client, leila: User, settings: Any) -> None:
    with_second_factor(leila)
    recovery = second_factor.new_recovery_codes(leila)[0]
    settings.SECRET_KEY = "another one, as long as the settings ask for it 0123456789"
    types_password(client)
    client.post(ASK, {"code": code()})
    assert not is_inside(client)
    client.post(ASK, {"code": recovery})
    assert is_inside(client)


def test_another_telephone_takes_the_place_of_the_first(client: Client, leila: User) -> None:
    elsewhere = inside(Client(), leila)
    sign_in(client, leila)
    assert client.post(MINE, {"another": ""})["Location"] == SET_UP
    assert not is_inside(client) and not is_inside(elsewhere)
    secret = scanned_secret(client.get(SET_UP))
    client.post(SET_UP, {"code": code(secret=secret)})
    assert is_inside(client) and not is_inside(elsewhere)


# Others' second factor.


def test_a_superuser_resets_anothers_second_factor_which_ends_its_sessions(admin_client: Client, leila: User) -> None:
    staff = inside(Client(), leila)
    address = f"/admin/auth/user/{leila.pk}/second-factor/"
    assert address in admin_client.get(f"/admin/auth/user/{leila.pk}/change/").content.decode()
    assert "leila" in admin_client.get(address).content.decode()
    assert is_inside(staff), "looking changed something"
    admin_client.post(address)
    assert not is_inside(staff)
    assert not SecondFactor.objects.filter(user=leila).exists()
    assert "Second facteur réinitialisé." in LogEntry.objects.get(object_id=str(leila.pk)).change_message


def test_nobody_else_does_nor_oneself(leila: User, admin_user: User) -> None:
    call_command("set_up_roles", stdout=StringIO())
    manager = User.objects.create_user("marc", is_staff=True)
    manager.groups.set(Group.objects.filter(name="manager"))
    for user, whose in ((manager, leila), (admin_user, admin_user)):
        client = sign_in(Client(), user)
        assert client.post(f"/admin/auth/user/{with_second_factor(whose).pk}/second-factor/").status_code == 403
        assert second_factor.of(whose)


def test_a_command_resets_it_when_nobody_can(leila: User) -> None:
    staff = inside(Client(), leila)
    call_command("reset_second_factor", "leila", stdout=StringIO())
    assert not is_inside(staff)
    assert LogEntry.objects.filter(object_id=str(leila.pk)).exists()
    for name, why in (("leila", "no second factor"), ("nobody", "nobody called")):
        with pytest.raises(CommandError, match=why):
            call_command("reset_second_factor", name)


# The lock.


def fails(client: Client, times: int, **who: str) -> None:
    for _ in range(times):
        assert types_password(client, "wrong", **who).status_code == 200


def time_passes(minutes: float) -> None:
    for tries in Tries.objects.all():
        Tries.objects.filter(pk=tries.pk).update(until=tries.until - timedelta(minutes=minutes))


def test_after_ten_wrong_passwords_the_right_one_is_refused_for_half_an_hour(client: Client, leila: User) -> None:
    fails(client, 10)
    for _ in range(3):
        answer = types_password(client)
        assert answer.status_code == 429
        assert "Trop de tentatives ont échoué." in answer.content.decode()
    time_passes(29)
    assert types_password(client).status_code == 429
    time_passes(1.1)
    assert types_password(client).status_code == 302


def test_the_right_password_at_the_tenth_try_forgets_the_nine(client: Client, leila: User) -> None:
    for _ in range(2):
        fails(client, 9)
        assert types_password(client).status_code == 302
    assert not Tries.objects.exists()


def test_a_stranger_elsewhere_locks_nobody_out(client: Client, leila: User) -> None:
    fails(client, 10, address="198.51.100.7")
    assert types_password(client, address="198.51.100.7").status_code == 429
    assert types_password(client).status_code == 302


def test_a_name_that_nobody_has_is_locked_all_the_same(client: Client, leila: User) -> None:
    fails(client, 10, name="nobody")
    assert types_password(client, name="nobody").status_code == 429
    assert types_password(client).status_code == 302


def test_one_address_cannot_try_many_names(client: Client, leila: User) -> None:
    for number in range(50):
        fails(client, 1, name=f"name-{number}")
    assert types_password(client).status_code == 429
    assert types_password(client, address="198.51.100.7").status_code == 302


def test_codes_are_counted_wherever_they_come_from(leila: User) -> None:
    with_second_factor(leila)
    for number in range(10):
        client = Client()
        types_password(client, address=f"198.51.100.{number}")
        assert client.post(ASK, {"code": "000000"}, REMOTE_ADDR=f"198.51.100.{number}").status_code == 200
    answer = client.post(ASK, {"code": code()})
    assert answer.status_code == 429
    assert "Trop de tentatives ont échoué." in answer.content.decode()
    time_passes(30.1)
    client.post(ASK, {"code": code()})
    assert is_inside(client)


def test_so_are_codes_at_the_set_up(client: Client, leila: User) -> None:
    types_password(client)
    secret = scanned_secret(client.get(SET_UP))
    for _ in range(10):
        client.post(SET_UP, {"code": "000000"})
    assert client.post(SET_UP, {"code": code(secret=secret)}).status_code == 429


@pytest.mark.parametrize("arguments", [["leila"], []])
def test_a_command_unlocks(client: Client, leila: User, arguments: list[str]) -> None:
    fails(client, 10)
    said = StringIO()
    call_command("unlock", *arguments, stdout=said)
    assert said.getvalue() == "Locks opened: 1.\n"
    assert types_password(client).status_code == 302


def test_the_command_unlocks_nobody_else(client: Client, leila: User) -> None:
    fails(client, 10)
    call_command("unlock", "somebody", stdout=StringIO())
    assert types_password(client).status_code == 429


# The session.


def seconds_pass(client: Client, seconds: float, *marks: str) -> None:
    session = client.session
    for mark in marks:
        session[mark] -= seconds
    session.save()


@pytest.mark.parametrize("seconds", [14 * 60, 15 * 60 + 5])
def test_fifteen_minutes_without_a_request_end_the_session(client: Client, leila: User, seconds: int) -> None:
    inside(client, leila)
    seconds_pass(client, seconds, access.SEEN)
    page = client.get("/admin/orders/order/", follow=True)
    if seconds < 15 * 60:
        assert page.redirect_chain == []
        seconds_pass(client, seconds, access.SEEN)
        assert is_inside(client), "the request before did not count"
    else:
        assert page.redirect_chain[-1][0] == f"{LOGIN}?next=/admin/orders/order/"
        assert "15 minutes d’inactivité" in page.content.decode()


def test_so_does_the_wait_between_password_and_code(client: Client, leila: User) -> None:
    with_second_factor(leila)
    types_password(client)
    seconds_pass(client, 15 * 60 + 5, access.SEEN)
    client.post(ASK, {"code": code()})
    assert not is_inside(client)


def test_twelve_hours_end_it_in_any_case(client: Client, leila: User) -> None:
    inside(client, leila)
    seconds_pass(client, 12 * 3600 - 60, access.SINCE)
    assert is_inside(client)
    seconds_pass(client, 65, access.SINCE)
    page = client.get(ADMIN, follow=True)
    assert page.redirect_chain[-1][0].startswith(LOGIN)
    assert "après 12 heures" in page.content.decode()


def test_a_cart_survives_the_end_of_a_session_in_the_same_browser_and_in_others(client: Client, leila: User) -> None:
    guest = Client()
    for visitor in (client, guest):
        fill_cart(visitor)
    inside(client, leila)
    seconds_pass(client, 15 * 60 + 5, access.SEEN)
    assert not is_inside(client)
    for visitor in (client, guest):
        assert visitor.get("/panier/").context["cart_count"]() == 1


def test_the_session_has_a_new_key_after_the_password_and_after_the_code(client: Client, leila: User) -> None:
    with_second_factor(leila)
    fill_cart(client)
    keys = [client.cookies[settings.SESSION_COOKIE_NAME].value]
    types_password(client)
    keys.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    client.post(ASK, {"code": code()})
    keys.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    assert len(set(keys)) == 3
    for old in keys[:2]:
        thief = Client()
        thief.cookies[settings.SESSION_COOKIE_NAME] = old
        assert not is_inside(thief)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_who_is_deactivated_is_out_at_the_next_request(client: Client, leila: User, change: dict[str, bool]) -> None:
    inside(client, leila)
    User.objects.filter(pk=leila.pk).update(**change)
    assert client.get(ADMIN)["Location"].startswith(LOGIN)
    assert types_password(Client()).status_code == 200


def test_logging_out_is_possible_before_the_code_too(client: Client, leila: User) -> None:
    with_second_factor(leila)
    types_password(client)
    client.post("/admin/logout/")
    assert client.get(ASK, follow=True).redirect_chain[-1][0].startswith(LOGIN)


# Passwords, accounts, languages, logs.


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("eleven word", False),
        ("123456789012", False),
        ("password1234", False),
        ("twelve words!", False),
        ("twelve words 2", True),
    ],
)
def test_a_new_password_has_twelve_characters_letters_and_digits_and_is_no_common_one(
    client: Client, leila: User, password: str, good: bool
) -> None:
    inside(client, leila)
    form = {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
    assert client.post("/admin/password_change/", form).status_code == (302 if good else 200)
    leila.refresh_from_db()
    assert leila.check_password(password) == good
    assert is_inside(client)


def test_a_new_password_ends_the_other_sessions(client: Client, leila: User) -> None:
    other = sign_in(Client(), leila)
    inside(client, leila)
    form = {"old_password": PASSWORD, "new_password1": "twelve words 2", "new_password2": "twelve words 2"}
    client.post("/admin/password_change/", form)
    assert is_inside(client) and not is_inside(other)


def given_by_hand(client: Client, address: str, password: str, **more: str) -> None:
    answer = client.post(address, {"password1": password, "password2": password, **more})
    assert answer.status_code == 302, answer.context["adminform"].form.errors


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "set anew"])
def test_a_password_that_somebody_else_gave_leads_to_ones_own_only(admin_client: Client, is_new: bool) -> None:
    given, own = "given words 1", {"new_password1": "own long words 2", "new_password2": "own long words 2"}
    if is_new:
        given_by_hand(admin_client, "/admin/auth/user/add/", given, username="sonia", is_staff="on")
    else:
        pk = User.objects.create_user("sonia", password=PASSWORD, is_staff=True).pk
        given_by_hand(admin_client, f"/admin/auth/user/{pk}/password/", given)
    client = Client()
    with_second_factor(User.objects.get(username="sonia"))
    types_password(client, given, "sonia")
    client.post(ASK, {"code": code()})

    shown = client.get(ADMIN, follow=True)
    assert [address for address, _status in shown.redirect_chain] == ["/admin/password_change/"]
    assert "Choisissez d’abord votre propre mot de passe" in shown.content.decode()
    same = {"old_password": given, "new_password1": given, "new_password2": given}
    assert client.post("/admin/password_change/", same).status_code == 200
    assert not is_inside(client)

    assert client.post("/admin/password_change/", {"old_password": given, **own}).status_code == 302
    assert is_inside(client)
    client.post("/admin/logout/")
    types_password(client, "own long words 2", "sonia")
    client.post(ASK, {"code": code(1)})
    assert is_inside(client)


@pytest.mark.parametrize("name", ["Admin", "root", "boutique"])
def test_an_account_bears_the_name_of_its_person(admin_client: Client, name: str) -> None:
    form = {"username": name, "is_staff": "on", "password1": "given words 1", "password2": "given words 1"}
    page = admin_client.post("/admin/auth/user/add/", form).content.decode()
    assert "Un compte appartient à une seule personne" in page
    assert not User.objects.filter(username=name).exists()


def test_a_new_shop_has_no_account() -> None:
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("language", "words"),
    [("fr-CH", "Saisissez les six"), ("de-CH", "sechs Ziffern"), ("it-CH", "sei cifre"), ("en", "six digits")],
)
def test_the_door_speaks_the_browsers_language(client: Client, leila: User, language: str, words: str) -> None:
    with_second_factor(leila)
    types_password(client)
    assert words in client.get(ASK, headers={"Accept-Language": language}).content.decode()


def test_what_happens_at_the_door_is_logged_without_what_was_typed(
    client: Client, leila: User, lines: list[dict[str, Any]]
) -> None:
    with_second_factor(leila)
    types_password(client, "a wrong password", name="secret typed as name")
    types_password(client)
    client.post(ASK, {"code": "000000"})
    client.post(ASK, {"code": code()})
    client.post("/admin/logout/")
    told = [(line["level"], line["message"], line["staff"]) for line in lines]
    assert told == [
        ("WARNING", "log-in refused: wrong name or password", "-"),
        ("INFO", "password accepted", "leila"),
        ("WARNING", "code refused", "leila"),
        ("INFO", "logged in", "leila"),
        ("INFO", "logged out", "leila"),
    ]
    assert lines[0]["address"] == "192.0.2.1"
    everything = json.dumps(lines)
    for typed in ("a wrong password", "secret typed as name", PASSWORD, code(), "000000"):
        assert typed not in everything
