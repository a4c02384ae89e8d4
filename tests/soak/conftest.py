"""Both PSPs in the test's own process."""

from tests.payments.conftest import _psps_of_the_module, psps

__all__ = ["_psps_of_the_module", "psps"]
