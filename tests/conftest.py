"""What every test may use."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the rows that migrations wrote (VAT rates) back to tests with real transactions, which empty all tables."""
    for item in items:
        if _has_real_transactions(item):
            given = marker.kwargs if (marker := item.get_closest_marker("django_db")) else {}
            item.add_marker(
                pytest.mark.django_db(**{**given, "transaction": True, "serialized_rollback": True}), append=False
            )


def _has_real_transactions(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    fixtures = getattr(item, "fixturenames", ())
    return bool(marker and marker.kwargs.get("transaction")) or bool({"transactional_db", "live_server"} & {*fixtures})


@pytest.fixture(scope="session", autouse=True)
def _quick_settings() -> Iterator[None]:
    """Static files without their manifest, passwords without their cost."""
    static = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with override_settings(
        STORAGES=settings.STORAGES | static,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> None:
    """The cache's table is nobody's model: emptying all tables leaves it as it is."""
    if _has_real_transactions(request.node):
        request.getfixturevalue("transactional_db")
        cache.clear()
