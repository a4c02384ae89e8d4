import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0006_with_the_bank'),
    ]

    operations = [
        migrations.AddField(
            model_name='refund',
            name='instead_of',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replacement', to='payments.refund', verbose_name='in place of'),
        ),
        migrations.AlterField(
            model_name='payment',
            name='why_not',
            field=models.CharField(blank=True, choices=[('second', "the order was already paid"), ('late', 'the order was cancelled'), ('mismatch', "amount or currency differ from the order's"), ('means', 'means of payment not accepted'), ('gone', 'it had gone back already')], max_length=10, verbose_name='why not'),
        ),
    ]
