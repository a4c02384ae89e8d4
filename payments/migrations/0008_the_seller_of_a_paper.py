from django.conf import settings
from django.db import migrations, models


def _as_it_was_drawn(apps, _schema_editor):
    """Papers numbered before this were drawn with the settings of the day, which are all that is known of them."""
    apps.get_model("payments", "Attestation").objects.update(seller=settings.SELLER)


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0007_refund_in_place_of'),
    ]

    operations = [
        migrations.AddField(
            model_name='attestation',
            name='seller',
            field=models.JSONField(default=dict, verbose_name='seller'),
            preserve_default=False,
        ),
        migrations.RunPython(_as_it_was_drawn, migrations.RunPython.noop),
    ]
