"""The values of the sandbox mode, the same for the shop and for our PSPs. None of them is a secret of anybody."""

from pathlib import Path

STRIPE_KEY = "sk_test_sandbox"
STRIPE_WEBHOOK_SECRET = "whsec_sandbox"
STRIPE_API_VERSION = "2026-10-28.endive"
PAYPAL_CLIENT_ID = "sandbox-client"
PAYPAL_CLIENT_SECRET = "sandbox-secret"
PAYPAL_WEBHOOK_ID = "8WH-SANDBOX"
PAYPAL_ROOT_FILE = "paypal-root.pem"
SECRET_KEY = "sandbox-only: never a secret, long enough for Django's own check 0123456789"

SELLER = {
    "SELLER_NAME": "KOOKUT Sàrl",
    "SELLER_STREET": "Rue de l’Exemple 1",
    "SELLER_POSTCODE": "1200",
    "SELLER_TOWN": "Genève",
    "SELLER_EMAIL": "bonjour@kookut.example",
    "SELLER_CANTON": "GE",
    "SELLER_UID": "CHE-123.456.788",
    "SELLER_VAT_REGISTERED": "true",
    "STATEMENT_NAME": "KOOKUT",
    "RETURN_DAYS": "30",
    "DATA_PROCESSORS": "Exemple Hébergement SA (CH),Exemple Mail SA (CH)",
}


def sandbox_environment(*, shop_url: str, sandbox_port: int, smtp_port: int, state: Path) -> dict[str, str]:
    """Every environment variable that the shop needs to run against our PSPs, whose books are in `state`."""
    sandbox = f"http://127.0.0.1:{sandbox_port}"
    return {
        "ENV_FILE": "",
        "PAYMENTS_MODE": "sandbox",
        "SITE_URL": shop_url,
        "SECRET_KEY": SECRET_KEY,
        "JOURNAL_KEYS": "sandbox-only: seals the timelines of play orders",
        "STRIPE_SECRET_KEY": STRIPE_KEY,
        "STRIPE_WEBHOOK_SECRETS": STRIPE_WEBHOOK_SECRET,
        "STRIPE_API_BASE": f"{sandbox}/stripe",
        "PAYPAL_CLIENT_ID": PAYPAL_CLIENT_ID,
        "PAYPAL_CLIENT_SECRET": PAYPAL_CLIENT_SECRET,
        "PAYPAL_WEBHOOK_IDS": PAYPAL_WEBHOOK_ID,
        "PAYPAL_API_BASE": f"{sandbox}/paypal",
        "PAYPAL_CERT_ROOTS": str(state.absolute() / PAYPAL_ROOT_FILE),
        "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
        "PAYMENT_PAGES_PER_ADDRESS": "0",
        **SELLER,
    }
