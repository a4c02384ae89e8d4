"""The shop's settings in sandbox mode, for mypy's Django plugin: it reads them, and connects to nothing."""

import os
from pathlib import Path

from tests.environment import sandbox_environment

os.environ.update(
    sandbox_environment(
        shop_url="http://localhost:8000", sandbox_port=8801, smtp_port=8802, state=Path(".local/sandbox")
    ),
    DATABASE_URL="postgres://localhost/kookut",
)

from kookut.settings import *  # noqa: F403 the environment must be there first
