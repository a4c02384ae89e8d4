"""Our PSPs in the test's own process, for tests that need no network; and one who works in the office."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from tests.sandbox.in_process import SandboxInProcess, sandbox_in_process


@pytest.fixture(scope="module")
def _psps_of_the_module() -> Iterator[SandboxInProcess]:
    """No longer than a module: other modules have a sandbox of their own at the same address."""
    stripe, paypal = settings.PAYMENTS.stripe, settings.PAYMENTS.paypal
    assert stripe
    assert paypal
    assert paypal.certificate_roots
    address = urlsplit(stripe.api)
    with sandbox_in_process(
        paypal.certificate_roots.parent, url=f"{address.scheme}://{address.netloc}", shop_url=settings.SITE_URL
    ) as psps:
        yield psps


@pytest.fixture
def psps(_psps_of_the_module: SandboxInProcess) -> SandboxInProcess:
    """Both PSPs with empty books. Their messages wait until the test brings them."""
    _psps_of_the_module.reset()
    return _psps_of_the_module


@pytest.fixture
def sonia(db: None) -> User:
    return User.objects.create_superuser("sonia")
