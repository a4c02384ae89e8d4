"""The shop's settings: safe for production by default, all secrets from the environment (see .env.example)."""

from email.utils import formataddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from kookut.environment import Environment
from kookut.storage import picture_storage
from payments.configuration import canton, company_number, read_configuration, shop_name, statement_name

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
# `ENV_FILE=` reads none: so the tests and `make run` know nothing of the .env of whoever runs them.
named = env.ENVIRON.get("ENV_FILE", str(BASE_DIR / ".env"))
if Path(named).is_file():
    env.read_env(named)
elif named and "ENV_FILE" in env.ENVIRON:
    raise ImproperlyConfigured(f"ENV_FILE names {named}, which is no file: mend the path, or unset ENV_FILE.")

# Payments -------------------------------------------------------------------------------------------------------

PAYMENTS = read_configuration(env)
SANDBOX = PAYMENTS.mode == "sandbox"

# The site ---------------------------------------------------------------------------------------------------------

DEBUG = env.yes_or_no("DEBUG", default=False)
SECRET_KEY = env.required("SECRET_KEY", "put 50 random characters there")
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY is shorter than 50 characters: put a longer random text there.")

JOURNAL_KEYS = env.list("JOURNAL_KEYS", default=[])
if not JOURNAL_KEYS or min(map(len, JOURNAL_KEYS)) < 32:
    raise ImproperlyConfigured(
        "JOURNAL_KEYS must hold a random text of at least 32 characters: with it the orders' timelines are sealed. "
        "Keep it for as long as the books, and out of the database and its backups; a new one goes before the old, "
        "after a comma."
    )

SITE_URL = env.required("SITE_URL", "put the shop's public address there, for example https://kookut.ch").rstrip("/")
_site = urlsplit(SITE_URL)
HTTPS = _site.scheme == "https"
if not _site.hostname or _site.path:
    raise ImproperlyConfigured(f"SITE_URL is {SITE_URL!r}: give scheme and host only, for example https://kookut.ch.")
if not HTTPS and not SANDBOX:
    raise ImproperlyConfigured(f"SITE_URL is {SITE_URL!r}: outside the sandbox it must start with https://.")
if DEBUG and not SANDBOX:
    raise ImproperlyConfigured("DEBUG shows customers' data on error pages: it is allowed in sandbox mode only.")
ALLOWED_HOSTS = [_site.hostname, *env.list("ALLOWED_HOSTS", default=[])]

ROOT_URLCONF = "kookut.urls"
WSGI_APPLICATION = "kookut.wsgi.application"
INSTALLED_APPS = [
    "kookut.apps.KookutConfig",
    "orders.apps.OrdersConfig",
    "payments.apps.PaymentsConfig",
    "kookut.apps.KookutAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "django.contrib.messages",
    "django.contrib.postgres",  # the operator classes of indexes
    "django.contrib.staticfiles",
    "csp",
    "django_tasks",
    "django_tasks_db",
]
MIDDLEWARE = [
    "kookut.logs.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "kookut.errors.NotAllowedPage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "kookut.access.BackOfficeMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "orders.context_processors.cart",
                "kookut.context_processors.site",
                "payments.context_processors.offered",
            ],
        },
    },
]

# Data -------------------------------------------------------------------------------------------------------------

env.required("DATABASE_URL", "put postgres://user:password@host/database there")
DATABASES = {
    "default": {
        **env.database("DATABASE_URL"),
        "CONN_MAX_AGE": env.number("DATABASE_CONNECTION_SECONDS", default=60, of="seconds"),
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "DATABASE_URL must name a PostgreSQL database: its constraints and locks hold the money."
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": (
        env.cache("CACHE_URL")
        if env.str("CACHE_URL", default="")
        else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "kookut_cache"}
    )
}

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / ".local" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(BASE_DIR / ".local" / "media"))()
STORAGES = {
    "default": picture_storage(env),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Sessions, forms and headers --------------------------------------------------------------------------------------

SESSION_ENGINE = "kookut.sessions"
SESSION_COOKIE_AGE = 30 * 24 * 3600
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "kookut.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# How many proxies of ours a request passes: what the outermost of them saw is the client's address.
PROXIES = env.number("PROXIES", default=1 if HTTPS else 0, of="proxies")
SECURE_HSTS_SECONDS = 63_072_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# To be on the browsers' preload list is hard to undo, so it is the operator's choice, and no check asks for it.
SECURE_HSTS_PRELOAD = env.yes_or_no("HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W021"]
# `no-referrer` would make Chromium send `Origin: null`, and Django refuse every form.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        # Chromium blocks, without a word, a form whose answer redirects to an origin that is not listed here.
        "form-action": [SELF, *PAYMENTS.page_origins],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "upgrade-insecure-requests": HTTPS,
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": [],
    "geolocation": [],
    "microphone": [],
    "payment": [],
    "usb": [],
}

# Language and time ------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("de", "Deutsch"), ("it", "Italiano"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["kookut.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Zurich"

# Mail -------------------------------------------------------------------------------------------------------------

vars().update(env.mail_server("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = 15

# The seller, as shown on every page, mail and attestation (LCD art. 3 al. 1 let. s, LTVA art. 26) -------------------

_shop = shop_name(env.str("SHOP_NAME", default="KOOKUT"))
_vat_registered = env.yes_or_no("SELLER_VAT_REGISTERED", default=True)
SELLER: dict[str, Any] = {
    "shop": _shop,
    "name": env.required("SELLER_NAME", "customers must know who sells"),
    "street": env.required("SELLER_STREET", "customers must know who sells"),
    "postcode": env.postcode("SELLER_POSTCODE", "customers must know who sells"),
    "town": env.required("SELLER_TOWN", "customers must know who sells"),
    "email": env.mail_address("SELLER_EMAIL", hint="customers must be able to write"),
    "uid": company_number(env.str("SELLER_UID", default=""), vat_registered=_vat_registered),
    "vat_registered": _vat_registered,
    "statement_name": statement_name(env.str("STATEMENT_NAME", default="") or _shop),
}
# On whose public holidays nothing is packed; empty: on those that most cantons share.
SELLER_CANTON = canton(env.str("SELLER_CANTON", default=""))
# The hour (Swiss time) until which what is ordered on a working day is packed the same day.
CUT_OFF_HOUR = env.number("CUT_OFF_HOUR", default=14, of="hours")
if not 1 <= CUT_OFF_HOUR <= 23:
    raise ImproperlyConfigured(f"CUT_OFF_HOUR is {CUT_OFF_HOUR}: give a full hour from 1 to 23.")
DEFAULT_FROM_EMAIL = formataddr((_shop, env.mail_address("MAIL_FROM", default=SELLER["email"])))
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Who is written to when a payment needs a person.
STAFF_MAIL = env.mail_addresses("STAFF_MAIL", default=SELLER["email"])
# Centimes: a second or late payment up to this amount goes back by itself; above it staff decide.
AUTOMATIC_REFUND_UP_TO = env.number("AUTOMATIC_REFUND_UP_TO", default=100_000, of="centimes")
# Centimes: what one member of staff may give back of a payment alone; above it another one releases it.
REFUND_FOUR_EYES_ABOVE = env.number("REFUND_FOUR_EYES_ABOVE", default=50_000, of="centimes")
# So many payment pages may one address ask for in ten minutes, against the trying out of stolen cards; 0: any number.
PAYMENT_PAGES_PER_ADDRESS = env.number("PAYMENT_PAGES_PER_ADDRESS", default=30, of="pages")
# What the terms grant beyond the law: so many days to send an article back; 0: none.
RETURN_DAYS = env.number("RETURN_DAYS", default=0, of="days")
# Who stores or sends customers' data for the shop, each with its country (LPD art. 19 al. 2 let. c and al. 4).
DATA_PROCESSORS = env.list("DATA_PROCESSORS", default=[])
# The day since which the terms of sale read as they do; every order keeps the one that its customer accepted.
TERMS_VERSION = env.past_day("TERMS_VERSION", default="2026-11-23")

# Staff ------------------------------------------------------------------------------------------------------------

LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "kookut.passwords.LettersAndDigits"},
    {"NAME": "kookut.passwords.AnotherOne"},
]

# Logs: JSON lines on standard error -------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "kookut.logs.RequestIdFilter"}},
    "formatters": {"json": {"()": "kookut.logs.JsonFormatter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request_id"]},
    },
    "root": {"handlers": ["stderr"], "level": env.log_level("LOG_LEVEL")},
    "loggers": {
        # Django's own handlers would print the same line a second time, outside the JSON.
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        # At DEBUG these two print whole PSP answers and credentials.
        "stripe": {"level": "WARNING"},
        "paypalrestsdk": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
    },
}
