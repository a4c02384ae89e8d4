from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0007_ends_after_a_dispute'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('cancel_reason', 'disputed')), fields=['-cancelled_at'], name='order_written_off'),
        ),
    ]
