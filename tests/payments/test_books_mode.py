"""Test payments never stand in the books of a live shop, nor real money in those of a test."""

import os
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from pytest_django.fixtures import Settings

from payments.models import WebhookEvent
from tests.payments.office import effective
from tests.starting import LIVE, SANDBOX, start


@pytest.mark.django_db(transaction=True)
def test_the_web_server_starts_with_no_database_that_holds_payments_of_the_other_mode() -> None:
    name = connection.settings_dict["NAME"]
    database = {"DATABASE_URL": urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()}
    assert (start(LIVE, database)[0], start(SANDBOX, database)[0]) == (0, 0)
    effective()
    code, said = start(LIVE, database)
    assert (code, "the database holds test payments" in said, "createdb -T" in said) == (1, True, True), said
    assert start(SANDBOX, database)[0] == 0
    WebhookEvent.objects.update(livemode=True)
    code, said = start(SANDBOX, database)
    assert (code, "payments with real money" in said) == (1, True), said


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["sweep", "migrate", "check"])
def test_nor_does_a_command_that_works_with_it(command: str, settings: Settings) -> None:
    # A message that is about no order of ours is how a shop tries its new webhook out.
    WebhookEvent.objects.create(provider="stripe", event_id="evt_1", type="x", livemode=False, source="delivered")
    given: Any = {"check": {"databases": ["default"]}, "migrate": {"skip_checks": False, "verbosity": 0}}.get(
        command, {}
    )
    sandbox, live = settings.PAYMENTS, replace(settings.PAYMENTS, mode="live")
    settings.PAYMENTS = live
    call_command(command, **given)
    settings.PAYMENTS = sandbox
    effective()
    settings.PAYMENTS = live
    with pytest.raises(SystemCheckError, match="the database holds test payments"):
        call_command(command, **given)
