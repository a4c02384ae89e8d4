"""`manage.py verify_journal [--seal WORD]`: is every timeline as it was written?"""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders.journal import Reading, Seal


class Command(BaseCommand):
    help = (
        "Read the journal of all orders and tell what was changed, invented or taken away behind the application's "
        "back; the exit code is 1 when something was. It ends with a seal of what was read: keep it elsewhere (paper, "
        "another machine), and give an earlier one with --seal to see that nothing from before it has changed, be it "
        "with the whole database put back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seal", metavar="WORD", help="what an earlier run ended with")

    def handle(self, *args: Any, seal: str | None, **options: Any) -> None:
        try:
            earlier = [Seal.like(seal)] if seal else []
        except ValueError:
            raise CommandError(f"{seal} is no seal: give the last word of what an earlier run printed.") from None
        reading = Reading(*earlier)
        found = 0
        for fault in reading.faults():
            found += 1
            self.stdout.write(f"{fault.order}{f', line {fault.entry}' if fault.entry else ''}: {fault.what}")
        if earlier and str(earlier[0]) != seal:
            found += 1
            self.stdout.write(
                f"The lines up to {earlier[0].until:%Y-%m-%d %H:%M:%S} UTC are not those that were sealed."
            )
        self.stdout.write(f"{reading.lines} lines of {reading.orders} orders read: {found or 'no'} faults found")
        self.stdout.write(f"Seal: {reading.seal}")
        if found:
            sys.exit(1)
