"""A wrong or missing setting stops the start with a sentence that says how to mend it."""

import os
import re
import shutil
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from payments.configuration import company_number
from tests.environment import sandbox_environment
from tests.starting import LIVE, ROOT, SANDBOX, run, start

PICTURES = {
    "PICTURES_S3_BUCKET": "kookut",
    "PICTURES_S3_ENDPOINT": "https://s3.example",
    "PICTURES_S3_REGION": "ch-1",
    "PICTURES_S3_KEY": "key",
    "PICTURES_S3_SECRET": "secret",
}


def check(*environment: dict[str, str], deploy: bool = False) -> tuple[int, str]:
    """Ask Django's system checks, ours among them; a warning is a failure."""
    return run(
        ["-W", "error", "manage.py", "check", "--fail-level", "WARNING", *(["--deploy"] if deploy else [])],
        *environment,
    )


def test_a_complete_production_passes_djangos_deployment_checks() -> None:
    code, said = check(LIVE, deploy=True)
    assert (code, "no issues" in said) == (0, True), said


def test_the_web_server_starts_with_a_complete_production() -> None:
    assert start(LIVE)[0] == 0
    assert start(LIVE, PICTURES)[0] == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"PAYMENTS_MODE": "production"}, "set it to live, test or sandbox"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is shorter"),
        ({"JOURNAL_KEYS": ""}, "JOURNAL_KEYS must hold"),
        ({"JOURNAL_KEYS": "long" * 8 + ",short"}, "at least 32 characters"),
        ({"SITE_URL": ""}, "SITE_URL is not set"),
        ({"SITE_URL": "http://shop.example"}, "must start with https://"),
        ({"SITE_URL": "https://shop.example/shop"}, "scheme and host only"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "sqlite:///x.sqlite3"}, "must name a PostgreSQL database"),
        ({"DEBUG": "True"}, "DEBUG"),
        ({"SELLER_NAME": ""}, "SELLER_NAME is not set"),
        ({"SHOP_NAME": " "}, "SHOP_NAME is ' ': give the name that customers know"),
        ({"SHOP_NAME": "Tilleul " * 6}, "at most 40 letters"),
        ({"STATEMENT_NAME": "LAC"}, "5 to 22 letters"),
        ({"STATEMENT_NAME": "TILLEUL*LAC"}, "which no card statement can show"),
        ({"STATEMENT_NAME": "12345"}, "at least one of them a letter"),
        ({"SHOP_NAME": "Chez l’Épicier"}, "STATEMENT_NAME, or SHOP_NAME where it is not set, is 'Chez l’Épicier'"),
        ({"SELLER_UID": "CHE-123.456.789"}, "no Swiss company number"),
        ({"SELLER_UID": ""}, "registered for VAT but has no number"),
        ({"TERMS_VERSION": "2026-11"}, "TERMS_VERSION is '2026-11': give a day"),
        ({"STRIPE_WEBHOOK_SECRETS": ""}, "STRIPE_WEBHOOK_SECRETS is missing"),
        ({"STRIPE_SECRET_KEY": "sk_test_0123456789"}, "does not start with sk_live_ or rk_live_"),
        ({"PAYMENTS_MODE": "test"}, "does not start with sk_test_"),
        ({"STRIPE_API_BASE": "https://evil.example"}, "only be set when PAYMENTS_MODE is sandbox"),
        ({"PAYPAL_API_BASE": "https://evil.example"}, "only be set when PAYMENTS_MODE is sandbox"),
        ({"PAYPAL_CERT_ROOTS": "/tmp/my-own.pem"}, "only then"),  # noqa: S108 - never opened
        ({"PAYPAL_WEBHOOK_IDS": "WEBHOOK_ID"}, "anybody can sign"),
        ({"PAYPAL_WEBHOOK_IDS": "A,B,C"}, "at most the next one"),
        ({"PAYPAL_CLIENT_SECRET": ""}, "PAYPAL_CLIENT_SECRET is missing"),
        ({"SELLER_CANTON": "Genève"}, "give its two letters"),
        ({"SELLER_CANTON": "XX"}, "is no canton"),
        ({"CUT_OFF_HOUR": "24"}, "give a full hour from 1 to 23"),
        ({"PICTURES_S3_BUCKET": "kookut"}, "set PICTURES_S3_ENDPOINT, PICTURES_S3_REGION, PICTURES_S3_KEY"),
        (PICTURES | {"PICTURES_S3_SECRET": ""}, "set PICTURES_S3_SECRET too"),
        (PICTURES | {"PICTURES_S3_ENDPOINT": "http://s3.example"}, "beginning with https://"),
    ],
    ids=str,
)
def test_a_contradiction_in_production_stops_the_start(change: dict[str, str], sentence: str) -> None:
    code, said = start(LIVE, change)
    assert code != 0
    assert sentence in said


def read(monkeypatch: pytest.MonkeyPatch, *environment: dict[str, str]) -> dict[str, Any]:
    """The shop's settings of an environment, read in this process: a start of its own takes a second."""
    for name in os.environ:
        monkeypatch.delenv(name)
    for change in environment:
        for name, value in change.items():
            monkeypatch.setenv(name, value)
    return run_path(str(ROOT / "kookut" / "settings.py"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SELLER_VAT_REGISTERED": "peut-etre"}, "SELLER_VAT_REGISTERED is 'peut-etre': set it to true or false."),
        ({"DEBUG": "maybe"}, "DEBUG is 'maybe': set it to true or false."),
        ({"HSTS_PRELOAD": "oui"}, "HSTS_PRELOAD is 'oui': set it to true or false."),
        ({"RETURN_DAYS": "viele"}, "RETURN_DAYS is 'viele': give a whole number of days"),
        (
            {"REFUND_FOUR_EYES_ABOVE": "-5"},
            "REFUND_FOUR_EYES_ABOVE is '-5': give a whole number of centimes, 0 or more",
        ),
        ({"AUTOMATIC_REFUND_UP_TO": "1000.50"}, "AUTOMATIC_REFUND_UP_TO is '1000.50': give a whole number of centimes"),
        ({"PROXIES": "-1"}, "PROXIES is '-1': give a whole number of proxies"),
        ({"PAYMENT_PAGES_PER_ADDRESS": "x"}, "PAYMENT_PAGES_PER_ADDRESS is 'x': give a whole number of pages"),
        ({"DATABASE_CONNECTION_SECONDS": "1m"}, "DATABASE_CONNECTION_SECONDS is '1m': give a whole number of seconds"),
        ({"LOG_LEVEL": "LAUT"}, "LOG_LEVEL is 'LAUT': set it to DEBUG, INFO, WARNING, ERROR or CRITICAL."),
        ({"EMAIL_URL": "foo"}, "EMAIL_URL cannot be read as an address"),
        ({"EMAIL_URL": "smtp://mail:port"}, "EMAIL_URL cannot be read as an address"),
        ({"EMAIL_URL": "smtp+tls://"}, "EMAIL_URL names no host"),
        ({"CACHE_URL": "foo"}, "CACHE_URL cannot be read as an address: give it as redis://host:6379/0"),
        ({"DATABASE_URL": "postgres://shop:pa#ss@localhost:x/shop"}, "DATABASE_URL cannot be read as an address"),
        ({"SELLER_EMAIL": "nomail"}, "SELLER_EMAIL is 'nomail', which is no e-mail address"),
        ({"SELLER_EMAIL": ""}, "SELLER_EMAIL is not set: customers must be able to write"),
        ({"MAIL_FROM": "KOOKUT"}, "MAIL_FROM is 'KOOKUT', which is no e-mail address"),
        ({"STAFF_MAIL": "a@shop.example,x"}, "STAFF_MAIL is 'x', which is no e-mail address"),
        ({"SELLER_POSTCODE": "12"}, "SELLER_POSTCODE is '12': give the four digits"),
        ({"TERMS_VERSION": "2026-02-30"}, "TERMS_VERSION is '2026-02-30': give a day"),
        ({"TERMS_VERSION": "2126-01-01"}, "TERMS_VERSION is 2126-01-01, which is still to come"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_meant_is_named_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(monkeypatch, LIVE, change)
    assert sentence in str(refused.value)


def test_an_empty_value_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    example = (ROOT / ".env.example").read_text().splitlines()
    empty = {line[:-1]: "" for line in example if re.fullmatch("[A-Z0-9_]+=", line)} | {"RETURN_DAYS": ""}
    found = read(monkeypatch, empty, LIVE)
    assert found["DEFAULT_FROM_EMAIL"] == "KOOKUT <bonjour@shop.example>"
    assert (found["STAFF_MAIL"], found["RETURN_DAYS"]) == (["bonjour@shop.example"], 0)


def test_a_command_ends_on_a_wrong_setting_without_a_traceback() -> None:
    code, said = run(["manage.py", "sweep"], LIVE, {"RETURN_DAYS": "viele"})
    assert (code, said.count("\n"), said[:11]) == (1, 1, "RETURN_DAYS"), said


@pytest.mark.parametrize("typed", ["CHE123456788", "CHE-123.456.788", "che 123 456 788"])
def test_the_company_number_is_printed_in_one_form_however_it_is_configured(typed: str) -> None:
    assert company_number(typed, vat_registered=True) == "CHE-123.456.788"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"STRIPE_API_BASE": "https://api.stripe.com"}, "a sandbox on this machine"),
        ({"STRIPE_API_BASE": ""}, "a sandbox on this machine"),
        ({"PAYPAL_API_BASE": "http://10.0.0.1/paypal"}, "a sandbox on this machine"),
        ({"STRIPE_SECRET_KEY": "sk_live_0123456789"}, "does not start with"),
        ({"PAYPAL_CERT_ROOTS": ""}, "PAYPAL_CERT_ROOTS"),
    ],
    ids=str,
)
def test_the_sandbox_speaks_to_this_machine_only(change: dict[str, str], sentence: str) -> None:
    code, said = start(SANDBOX, change)
    assert code != 0
    assert sentence in said


NO_STRIPE = {"STRIPE_SECRET_KEY": "", "STRIPE_WEBHOOK_SECRETS": ""}
NO_PAYPAL = {"PAYPAL_CLIENT_ID": "", "PAYPAL_CLIENT_SECRET": "", "PAYPAL_WEBHOOK_IDS": ""}


def test_a_method_without_its_keys_is_told_by_a_check() -> None:
    assert "Card and TWINT are not offered" in check(LIVE, NO_STRIPE)[1]
    assert "PayPal is not offered" in check(LIVE, NO_PAYPAL)[1]


def test_a_shop_where_nobody_could_pay_does_not_start() -> None:
    code, said = start(LIVE, NO_STRIPE, NO_PAYPAL)
    assert code != 0
    assert "nobody could pay" in said


TEST = LIVE | {"PAYMENTS_MODE": "test", "STRIPE_SECRET_KEY": "rk_test_0123456789"}


def test_play_money_at_a_public_address_is_told_by_a_check() -> None:
    assert start(TEST)[0] == 0
    assert "orders become effective without real money" in check(TEST)[1]
    assert check(TEST, {"SITE_URL": "https://localhost:8443"})[0] == 0


SHOW_CACHE = ["-c", "from kookut.settings import CACHES; print(CACHES['default']['BACKEND'])"]


@pytest.fixture
def developers_copy(tmp_path: Path) -> Path:
    """The shop with the .env of somebody who works on it."""
    for app in ("kookut", "orders", "payments"):
        shutil.copytree(ROOT / app, tmp_path / app)
    (tmp_path / ".env").write_text("CACHE_URL=dummycache://\n")
    return tmp_path


def test_settings_come_from_the_env_file_beside_the_shop_or_from_another_one(developers_copy: Path) -> None:
    beside = {name: value for name, value in LIVE.items() if name != "ENV_FILE"}
    assert "DummyCache" in run(SHOW_CACHE, beside, cwd=developers_copy)[1]
    other = developers_copy / "other.env"
    other.write_text("CACHE_URL=locmemcache://\n")
    assert "LocMemCache" in run(SHOW_CACHE, LIVE, {"ENV_FILE": str(other)}, cwd=developers_copy)[1]


def test_a_developers_env_file_reaches_neither_the_tests_nor_the_demo(developers_copy: Path) -> None:
    ours = sandbox_environment(shop_url="http://localhost:8000", sandbox_port=1, smtp_port=2, state=developers_copy)
    database = {"DATABASE_URL": LIVE["DATABASE_URL"]}
    assert "DatabaseCache" in run(SHOW_CACHE, ours, database, cwd=developers_copy)[1]


def test_no_secret_shows_in_the_settings_own_words() -> None:
    from django.conf import settings

    assert "whsec_" not in repr(settings.PAYMENTS)
    assert "sk_test" not in repr(settings.PAYMENTS)


def test_the_name_of_the_shop_is_that_of_its_mails_and_of_its_statements() -> None:
    told = "from kookut.settings import DEFAULT_FROM_EMAIL, SELLER; print(DEFAULT_FROM_EMAIL, SELLER['statement_name'])"
    code, said = run(["-c", told], LIVE, {"SHOP_NAME": "Tilleul"})
    assert (code, said.strip()) == (0, "Tilleul <bonjour@shop.example> Tilleul")


def test_a_file_of_settings_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    code, said = run(["manage.py", "check"], LIVE, {"ENV_FILE": str(tmp_path / "none")})
    assert code != 0
    assert "which is no file: mend the path" in said.splitlines()[-1]


@pytest.mark.parametrize("command", ["payments_health", "sweep"])
def test_whoever_runs_a_command_is_told_in_a_sentence_that_the_database_is_away(command: str) -> None:
    away = {"DATABASE_URL": "postgres://shop:word@127.0.0.1:1/shop"}
    code, said = run(["manage.py", command], LIVE, away)
    assert (code, said.strip()) == (1, "The database does not answer.")
