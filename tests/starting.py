"""Starting the shop in a process of its own, with an environment that a test makes."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIVE = {
    "ENV_FILE": "",
    "PAYMENTS_MODE": "live",
    "SITE_URL": "https://shop.example",
    "SECRET_KEY": "x3" * 40 + "abcdefghij",
    "JOURNAL_KEYS": "a3-Kd9_wQx5RmN1pLc7YbHd0GfJs9EaU",
    "DATABASE_URL": "postgres://shop:word@localhost/shop",
    "STRIPE_SECRET_KEY": "rk_live_0123456789",
    "STRIPE_WEBHOOK_SECRETS": "whsec_0123456789",
    "PAYPAL_CLIENT_ID": "client",
    "PAYPAL_CLIENT_SECRET": "secret",
    "PAYPAL_WEBHOOK_IDS": "8WH0123456789",
    "SELLER_NAME": "KOOKUT Sàrl",
    "SELLER_STREET": "Rue de l’Exemple 1",
    "SELLER_POSTCODE": "1200",
    "SELLER_TOWN": "Genève",
    "SELLER_EMAIL": "bonjour@shop.example",
    "SELLER_UID": "CHE-123.456.788",
}
SANDBOX = LIVE | {
    "PAYMENTS_MODE": "sandbox",
    "SITE_URL": "http://localhost:8000",
    "STRIPE_SECRET_KEY": "sk_test_sandbox",
    "STRIPE_API_BASE": "http://127.0.0.1:8801/stripe",
    "PAYPAL_API_BASE": "http://127.0.0.1:8801/paypal",
    "PAYPAL_CERT_ROOTS": "paypal-root.pem",
}


def run(command: list[str], *environment: dict[str, str], cwd: Path = ROOT) -> tuple[int, str]:
    """Run Python with these variables and no others; returns the exit code and what it said.

    An unset variable is one that is not there; an empty one must not count as set either.
    """
    given = {"PATH": os.environ["PATH"]}
    for change in environment:
        given |= change
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def start(*environment: dict[str, str]) -> tuple[int, str]:
    """Start the shop as the web server does, which runs no system checks; static files need not be collected yet."""
    return run(["-c", "import kookut.wsgi"], *environment)
