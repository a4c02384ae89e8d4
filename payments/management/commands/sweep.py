"""`manage.py sweep`: do once what is due. Run it every minute, on as many machines as you like."""

from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS

from payments import balance_at_night
from payments.sweep import sweep


class Command(BaseCommand):
    help = (
        "Do once what is due: look at pages, end, refund, apply, recover, send, number, compare. Safe at any time, "
        "anywhere."
    )

    requires_system_checks = ()  # below, with those of the database

    def handle(self, *args: object, **options: object) -> None:
        self.check(databases=[DEFAULT_DB_ALIAS])
        counts = sweep()
        self.stdout.write(", ".join(f"{name} {count}" for name, count in counts.items()))
        # Last, since it may take minutes; what is due meanwhile is done by the next minute's sweep.
        if compared := balance_at_night.at_night():
            self.stdout.write(f"compared {compared}")
