"""`manage.py recover --since 48h [--dry-run]`: by hand what the sweep does by itself."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from payments.gateways import gateway
from payments.gateways.base import NotConfigured, Unreachable
from payments.models import Provider
from payments.recovery import recover

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """`90m`, `48h` or `7d`. Raises ArgumentTypeError for anything else."""
    match = re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", text)
    if not match:
        raise ArgumentTypeError(f"{text!r} is no time span: give for example 90m, 48h or 7d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


class Command(BaseCommand):
    help = "Read the PSPs' own lists of events and apply those that never arrived; safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=duration, default=duration("72h"), help="how far back: 90m, 48h, 7d")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be taken")

    def handle(self, *args: Any, since: timedelta, dry_run: bool, **options: Any) -> None:
        silent = []
        for provider in Provider:
            try:
                gateway(provider)
            except NotConfigured:
                continue
            found = 0
            try:
                for one in recover(provider, now() - since, dry_run=dry_run):
                    found += 1
                    self.stdout.write(f"{provider.label}  {one.type}  {one.event_id}  {one.outcome}")
            except Unreachable:
                silent.append(provider.label)
            self.stdout.write(f"{provider.label}: {found} events that had not been applied")
        if silent:
            raise CommandError(f"No answer from {' and '.join(silent)}: run it again later.")
