"""What Django itself can say about the project."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from tests.environment import SELLER

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    **SELLER,
    "ENV_FILE": "",
    "PAYMENTS_MODE": "live",
    "SITE_URL": "https://kookut.example",
    "SECRET_KEY": "Zq3-vT8_wKx5RmN1pLc7YbHd0GfJs9EaUo2IiXtQyWe4BnMzVkAr6",
    "JOURNAL_KEYS": "a3-Kd9_wQx5RmN1pLc7YbHd0GfJs9EaU",
    "STRIPE_SECRET_KEY": "sk_live_example",
    "STRIPE_WEBHOOK_SECRETS": "whsec_example",
    "PAYPAL_CLIENT_ID": "example",
    "PAYPAL_CLIENT_SECRET": "example",
    "PAYPAL_WEBHOOK_IDS": "8WH-EXAMPLE",
    "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
}


@pytest.mark.django_db
def test_the_migrations_hold_every_change_of_the_models() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_production_environment_passes_the_deployment_checks_without_a_warning() -> None:
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "DATABASE_URL") if name in os.environ}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=plain | PRODUCTION,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_every_static_file_that_is_named_exists(settings: LazySettings, tmp_path: Path) -> None:
    """The manifest's storage refuses a style sheet that names a file which is not there."""
    settings.STATIC_ROOT = tmp_path
    manifest = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
    settings.STORAGES = settings.STORAGES | manifest  # a new one: nothing gives the old one its entry back
    call_command("collectstatic", interactive=False, verbosity=0)
    assert (tmp_path / "staticfiles.json").exists()


def test_no_module_of_tests_takes_anything_from_another() -> None:
    """What several need stands beside them: steps.py, office.py, papers.py."""
    taken = re.compile(r"^(?:from tests\.[\w.]*\.test_\w+ import|from tests\.[\w.]+ import .*\btest_\w+)", re.MULTILINE)
    assert [str(path) for path in (ROOT / "tests").rglob("*.py") if taken.search(path.read_text())] == []
