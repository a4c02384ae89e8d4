"""Which PSPs the shop talks to, with which keys, in which mode; contradictions are refused at the start."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from holidays import country_holidays
from stdnum.ch import uid
from stdnum.exceptions import ValidationError

from payments.statement import LONGEST as LONGEST_ON_STATEMENT

ModeName = Literal["live", "test", "sandbox"]
LONGEST_SHOP_NAME = 40
STATEMENT_REFUSES = frozenset("<>\\'\"*")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

STRIPE_API = "https://api.stripe.com"
STRIPE_PAGES = "https://checkout.stripe.com"
STRIPE_KEY_PREFIXES: dict[ModeName, tuple[str, ...]] = {
    "live": ("sk_live_", "rk_live_"),
    "test": ("sk_test_", "rk_test_"),
    "sandbox": ("sk_test_sandbox",),
}
PAYPAL_API: dict[ModeName, str] = {
    "live": "https://api-m.paypal.com",
    "test": "https://api-m.sandbox.paypal.com",
}
PAYPAL_PAGES: dict[ModeName, str] = {
    "live": "https://www.paypal.com",
    "test": "https://www.sandbox.paypal.com",
}
PAYPAL_CERTIFICATES: dict[ModeName, str] = {
    "live": "https://api.paypal.com",
    "test": "https://api.sandbox.paypal.com",
}


@dataclass(frozen=True)
class StripeConfiguration:
    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    api: str
    pages: str
    livemode: bool


@dataclass(frozen=True)
class PayPalConfiguration:
    client_id: str
    client_secret: str = field(repr=False)
    webhook_ids: tuple[str, ...]
    api: str
    pages: str
    certificates: str
    """Where PayPal's signing certificates may be fetched, and nowhere else (scheme, host, path prefix)."""
    certificate_roots: Path | None
    """A PEM file with the authorities to trust; the public ones when None."""


@dataclass(frozen=True)
class PaymentsConfiguration:
    mode: ModeName
    stripe: StripeConfiguration | None
    paypal: PayPalConfiguration | None

    @property
    def page_origins(self) -> list[str]:
        """The origins that a payment form of ours may lead to (CSP `form-action`)."""
        psps = [psp for psp in (self.stripe, self.paypal) if psp]
        return sorted({_origin(psp.pages) for psp in psps})


def read_configuration(env: Env) -> PaymentsConfiguration:
    """Read the PSPs' part of the environment.

    Raises ImproperlyConfigured, with a sentence that says how to mend it, when values contradict each other or no
    PSP at all is configured.
    """
    mode = env.str("PAYMENTS_MODE", default="live")
    if mode not in ("live", "test", "sandbox"):
        raise ImproperlyConfigured(f"PAYMENTS_MODE is {mode!r}: set it to live, test or sandbox.")
    configuration = PaymentsConfiguration(mode, _read_stripe(env, mode), _read_paypal(env, mode))
    if not configuration.stripe and not configuration.paypal:
        raise ImproperlyConfigured(
            "No payment provider is configured, so nobody could pay: set STRIPE_SECRET_KEY and "
            "STRIPE_WEBHOOK_SECRETS, or PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET and PAYPAL_WEBHOOK_IDS."
        )
    return configuration


def company_number(number: str, *, vat_registered: bool) -> str:
    """The seller's company number (UID) as it is printed, `CHE-123.456.788`, proven by its last digit.

    Empty only where there is no VAT: a seller registered for it shows the number on every invoice (LTVA art. 26 al. 2
    let. a). Raises ImproperlyConfigured.
    """
    if not number and vat_registered:
        raise ImproperlyConfigured(
            "The seller is registered for VAT but has no number: set SELLER_UID, or SELLER_VAT_REGISTERED=False."
        )
    try:
        if number:
            uid.validate(number)
    except ValidationError as error:
        raise ImproperlyConfigured(
            f"SELLER_UID is {number!r}, which is no Swiss company number: its last digit proves the others, "
            "as in CHE-123.456.788."
        ) from error
    return str(uid.format(number)) if number else ""


def shop_name(given: str) -> str:
    """The shop's name as people read it: on one line of every page, mail and paper. Raises ImproperlyConfigured."""
    name = given.strip()
    if not name or len(name) > LONGEST_SHOP_NAME or not name.isprintable():
        raise ImproperlyConfigured(
            f"SHOP_NAME is {given!r}: give the name that customers know, of at most {LONGEST_SHOP_NAME} letters."
        )
    return name


def statement_name(given: str) -> str:
    """What a customer's statement calls the shop, in the form that Stripe takes
    (docs.stripe.com/get-started/account/statement-descriptors). Raises ImproperlyConfigured."""
    fits = 5 <= len(given) <= LONGEST_ON_STATEMENT and given.isascii() and given.isprintable()
    if not fits or given != given.strip() or STATEMENT_REFUSES & set(given) or not any(map(str.isalpha, given)):
        raise ImproperlyConfigured(
            f"STATEMENT_NAME, or SHOP_NAME where it is not set, is {given!r}, which no card statement can show: set "
            f"STATEMENT_NAME to 5 to {LONGEST_ON_STATEMENT} letters without accents, digits and spaces, at least one "
            "of them a letter, without < > \\ ' \" *, as it is set up at Stripe and at PayPal."
        )
    return given


def _read_stripe(env: Env, mode: ModeName) -> StripeConfiguration | None:
    key = env.str("STRIPE_SECRET_KEY", default="")
    secrets = _words(env, "STRIPE_WEBHOOK_SECRETS")
    if not _all_or_none({"STRIPE_SECRET_KEY": key, "STRIPE_WEBHOOK_SECRETS": secrets}):
        return None
    if not key.startswith(STRIPE_KEY_PREFIXES[mode]):
        allowed = " or ".join(STRIPE_KEY_PREFIXES[mode])
        raise ImproperlyConfigured(
            f"PAYMENTS_MODE is {mode}, but STRIPE_SECRET_KEY does not start with {allowed}: "
            "take the key of the same mode from Stripe's dashboard, or change the mode."
        )
    api = _base(env, "STRIPE_API_BASE", mode, STRIPE_API)
    pages = api if mode == "sandbox" else STRIPE_PAGES
    return StripeConfiguration(key, secrets, api, pages, livemode=mode == "live")


def _read_paypal(env: Env, mode: ModeName) -> PayPalConfiguration | None:
    client_id = env.str("PAYPAL_CLIENT_ID", default="")
    client_secret = env.str("PAYPAL_CLIENT_SECRET", default="")
    webhook_ids = _words(env, "PAYPAL_WEBHOOK_IDS")
    given = {
        "PAYPAL_CLIENT_ID": client_id,
        "PAYPAL_CLIENT_SECRET": client_secret,
        "PAYPAL_WEBHOOK_IDS": webhook_ids,
    }
    if not _all_or_none(given):
        return None
    if "WEBHOOK_ID" in webhook_ids:
        raise ImproperlyConfigured(
            "PAYPAL_WEBHOOK_IDS holds the word WEBHOOK_ID, with which anybody can sign in PayPal's simulator: "
            "put the id of your own webhook there."
        )
    api = _base(env, "PAYPAL_API_BASE", mode, PAYPAL_API.get(mode, ""))
    roots = env.str("PAYPAL_CERT_ROOTS", default="")
    if bool(roots) != (mode == "sandbox"):
        raise ImproperlyConfigured(
            "PAYPAL_CERT_ROOTS names the sandbox's own certificate authority: "
            "set it when PAYMENTS_MODE is sandbox, and only then."
        )
    return PayPalConfiguration(
        client_id,
        client_secret,
        webhook_ids,
        api,
        pages=PAYPAL_PAGES.get(mode, api),
        certificates=PAYPAL_CERTIFICATES.get(mode, api),
        certificate_roots=Path(roots) if roots else None,
    )


def _words(env: Env, name: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in env.str(name, default="").split(",") if word.strip())
    if len(words) > 2:
        raise ImproperlyConfigured(f"{name} holds {len(words)} values: give the current one and at most the next one.")
    return words


def _all_or_none(given: dict[str, object]) -> bool:
    missing = [name for name, value in given.items() if not value]
    if missing and len(missing) < len(given):
        raise ImproperlyConfigured(
            f"{' and '.join(missing)} is missing although {' and '.join(set(given) - set(missing))} is set: "
            "set all of them, or none to switch this provider off."
        )
    return not missing


def _base(env: Env, name: str, mode: ModeName, official: str) -> str:
    """The PSP's address: the official one, or in sandbox mode, and only then, the one given on this machine."""
    given: str = env.str(name, default="").rstrip("/")
    if mode != "sandbox":
        if given:
            raise ImproperlyConfigured(f"{name} may only be set when PAYMENTS_MODE is sandbox: remove it.")
        return official
    if urlsplit(given).hostname not in LOOPBACK:
        raise ImproperlyConfigured(
            f"PAYMENTS_MODE is sandbox, so {name} must name a sandbox on this machine, "
            "for example http://127.0.0.1:8801/stripe; for real providers set PAYMENTS_MODE to test or live."
        )
    return given


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def canton(code: str) -> str:
    """The seller's canton by its two letters, or none. Raises ImproperlyConfigured."""
    if code and (len(code) != 2 or code not in country_holidays("CH").subdivisions):
        raise ImproperlyConfigured(
            f"SELLER_CANTON is {code!r}, which is no canton: give its two letters, as in GE or ZH."
        )
    return code
