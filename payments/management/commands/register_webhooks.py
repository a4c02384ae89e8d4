"""`manage.py register_webhooks --url https://…`: let both PSPs send what the shop handles, and nothing else."""

from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from payments.gateways import gateway
from payments.gateways.base import GatewayError, NotConfigured
from payments.models import Provider

SETTINGS = {Provider.STRIPE: "STRIPE_WEBHOOK_SECRETS", Provider.PAYPAL: "PAYPAL_WEBHOOK_IDS"}


class Command(BaseCommand):
    help = "Create or update the webhook endpoints at the PSPs, and say what belongs into the configuration."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", required=True, help="the shop's public address, for example https://kookut.ch")

    def handle(self, *args: Any, url: str, **options: Any) -> None:
        if urlsplit(url).scheme != "https" or not urlsplit(url).netloc:
            raise CommandError(f"{url!r} is no public address: give it as https://host.")
        failed = []
        for provider in Provider:
            address = url.rstrip("/") + reverse(f"webhook_{provider.value}")
            try:
                found = gateway(provider).register(address)
            except NotConfigured:
                self.stdout.write(f"{provider.label}: not configured, nothing done.")
                continue
            except GatewayError as error:
                failed.append(f"{provider.label} ({error})")
                continue
            state = "made or brought up to date" if found.changed else "all as it should be"
            self.stdout.write(f"{provider.label}: {address}: {state} ({found.id}).")
            if found.secret:
                self.stdout.write(f"  Add to {SETTINGS[provider]}: {found.secret}")
            elif provider == Provider.PAYPAL:
                self.stdout.write(f"  {SETTINGS[provider]} must hold: {found.id}")
        if failed:
            raise CommandError(f"No success at {' and '.join(failed)}.")
