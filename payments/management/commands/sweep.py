"""`manage.py sweep`: do once what is due. Run it every minute, on as many machines as you like."""

from django.core.management.base import BaseCommand

from payments.sweep import sweep


class Command(BaseCommand):
    help = "Capture, apply, send and number what is due; safe to run at any time, anywhere, side by side."

    def handle(self, *args: object, **options: object) -> None:
        counts = sweep()
        self.stdout.write(", ".join(f"{name} {count}" for name, count in counts.items()))
