"""The Swiss VAT rates since 1 January 2024 (LTVA art. 25). A later change is a new row, entered in the admin."""

from datetime import date
from decimal import Decimal

from django.db import migrations

SINCE = date(2024, 1, 1)
RATES = {"normal": Decimal("8.1"), "reduced": Decimal("2.6"), "lodging": Decimal("3.8")}


def enter(apps, schema_editor):
    rates = apps.get_model("orders", "VatRate").objects
    for vat_class, rate in RATES.items():
        rates.get_or_create(vat_class=vat_class, valid_from=SINCE, defaults={"rate": rate})


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_timeline_is_final")]
    operations = [migrations.RunPython(enter, migrations.RunPython.noop)]
