"""`manage.py recover --since 48h [--dry-run]`: by hand what the sweep does by itself."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations
from django.utils.timezone import now

from payments import inbox, sweep
from payments.gateways import gateway
from payments.gateways.base import NotConfigured, Unreachable
from payments.models import Payment, Provider, WebhookEvent
from payments.recovery import recover

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """`90m`, `48h` or `7d`. Raises ArgumentTypeError for anything else."""
    match = re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", text)
    if not match:
        raise ArgumentTypeError(f"{text!r} is no time span: give for example 90m, 48h or 7d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _said(do: Callable[[], str | None]) -> str:
    """What came of something, or that it could not be done now."""
    try:
        return do() or ""
    except Unreachable:
        return "no answer"
    except inbox.CannotApply as error:
        return str(error)
    except Exception:  # noqa: BLE001 - the log has it, and the next one has its turn
        return inbox.OUR_ERROR


class Command(BaseCommand):
    help = "Apply what the PSPs said and the shop did not hear, and look at every open payment; safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=duration, default=duration("72h"), help="how far back: 90m, 48h, 7d")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be taken")

    def _take_up(self, *, dry_run: bool) -> None:
        """What is stored and not applied, and the payments whose end nobody has told."""
        for event in WebhookEvent.objects.filter(processed_at__isnull=True).order_by("received_at").iterator():
            said = "Would be taken" if dry_run else _said(partial(inbox.retry, event))
            self.stdout.write(f"{event.get_provider_display()}  {event.type}  {event.event_id}  {said}")
        started = Payment.objects.filter(status=Payment.Status.STARTED).select_related("order").order_by("created_at")
        for payment in started.iterator():
            said = "Would be looked at"
            if not dry_run:
                failed = _said(partial(sweep.look_after, payment))
                payment.refresh_from_db()
                shown = "shown as paid, but no message said so: a manager can accept it"
                said = failed or (shown if payment.is_unannounced else payment.get_status_display())
            named = f"{payment.get_provider_display()}  {payment.order.number}  payment {payment.pk}"
            self.stdout.write(f"{named}  {said}")

    @no_translations
    def handle(self, *args: Any, since: timedelta, dry_run: bool, **options: Any) -> None:
        silent = []
        for provider in Provider:
            try:
                gateway(provider)
            except NotConfigured:
                continue
            found, end = 0, "that had not been applied"
            try:
                for one in recover(provider, now() - since, dry_run=dry_run):
                    found += 1
                    self.stdout.write(f"{provider.label}  {one.type}  {one.event_id}  {one.outcome}")
            except Unreachable:
                silent.append(provider.label)
                end += ", then no answer"
            self.stdout.write(f"{provider.label}: {found} events {end}")
        self._take_up(dry_run=dry_run)
        if silent:
            raise CommandError(f"No answer from {' and '.join(silent)}: run it again later.")
