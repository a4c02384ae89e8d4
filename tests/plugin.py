"""Makes the environment in which the settings are read, before pytest-django reads them: sandbox mode, a PostgreSQL.

The run's controller starts the database, unless DATABASE_URL names one; xdist's workers inherit its address. Every
process gets ports and a state folder of its own for the shop and the sandbox.
"""

import os
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import messages, postgres
from tests.environment import sandbox_environment
from tests.ports import free_ports


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    stack = ExitStack()
    early_config.add_cleanup(stack.close)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        messages.compile_catalogues()
        if not os.environ.get("DATABASE_URL"):
            os.environ["DATABASE_URL"] = stack.enter_context(postgres.throw_away())
    state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kookut-sandbox-")))
    shop, sandbox, smtp = free_ports(3)
    os.environ.update(
        sandbox_environment(
            shop_url=f"http://localhost:{shop}", sandbox_port=sandbox, smtp_port=smtp, state=state / "books"
        ),
        DJANGO_LIVE_TEST_SERVER_ADDRESS=f"localhost:{shop}",  # pytest-django's live_server
        MEDIA_ROOT=str(state / "media"),
    )
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Of `-n auto`: one more than there are cores, for a test in a browser waits most of its time."""
    return (os.cpu_count() or 1) + 1
