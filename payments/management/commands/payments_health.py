"""`manage.py payments_health`: the line from the PSPs, for a monitor: exit code 0 when it is healthy."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from payments.health import channels


class Command(BaseCommand):
    help = "Say how the line from each PSP is; the exit code is 1 when a person should look."

    def handle(self, *args: Any, **options: Any) -> None:
        found = channels()
        for one in found:
            last = "never" if one.last_event_seconds is None else f"{one.last_event_seconds} s ago"
            rejected = "-" if one.rejected_today is None else one.rejected_today
            self.stdout.write(
                f"{one.provider}: last delivery {last}, fetched since {one.fetched_since}, rejected today {rejected}, "
                f"not applied {one.unapplied}, {'; '.join(one.problems) or 'healthy'}"
            )
        if any(one.problems for one in found):
            sys.exit(1)
