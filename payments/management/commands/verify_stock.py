"""`manage.py verify_stock`: is the stock what was booked, less what orders hold?"""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from orders.models import Product
from payments import stock


class Command(BaseCommand):
    help = (
        "Add up every change of stock and what orders took and gave back, and name the products whose stock is "
        "something else; the exit code is 1 when there is one. It changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for sku, left, expected in stock.odd():
            found += 1
            self.stdout.write(f"{sku}: {left} in stock, {expected} by the books")
        self.stdout.write(f"{Product.objects.count()} products looked at: {found or 'no'} differences")
        if found:
            sys.exit(1)
