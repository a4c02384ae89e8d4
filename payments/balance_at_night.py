"""The balance of the money taken every night, so that a difference is seen by those who did not ask for it."""

import logging
from datetime import date, timedelta

from django.utils.timezone import localdate

from payments.gateways.base import Unreachable
from payments.gateways.deadline import at_most
from payments.models import Channel, Provider
from payments.reconciliation import balance, midnight
from payments.recovery import due_channels

log = logging.getLogger(__name__)
DAYS = 7
"""A difference is shown for so long, until it is mended."""
HOUR = 5
"""Of the day, in Zurich: PayPal's list is complete three hours late (developer.paypal.com, Transaction Search)."""
SECONDS = 300.0
"""That a PSP has, all its pages together."""
AGAIN = timedelta(hours=1)


def at_night() -> int:
    """Compare the last week with each PSP, once a night; returns how many were. Only the figure is kept.

    A PSP that does not answer is asked again an hour later.
    """
    return sum(_compare(channel) for channel in due_channels("compare_at", AGAIN))


def last_days(until: date) -> tuple[date, date]:
    """The days that were compared, both included, when the last of them is this one."""
    return until - timedelta(days=DAYS - 1), until


def _compare(channel: Channel) -> bool:
    today = localdate()
    first, last = last_days(today - timedelta(days=1))
    try:
        with at_most(SECONDS):
            found = balance(Provider(channel.provider), first, last)
    except Unreachable as error:
        log.warning("The balance with a PSP could not be taken: %s", error)
        return False
    tomorrow = midnight(today + timedelta(days=1)).replace(hour=HOUR)
    Channel.objects.filter(pk=channel.pk).update(
        compared_until=last, differences=found.number_of_differences, compare_at=tomorrow
    )
    return True
