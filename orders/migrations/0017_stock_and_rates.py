"""Changes of the stock have a table of their own, which is final, and VAT rates that were used are."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

FINAL = """
CREATE FUNCTION orders_adjustments_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Changes of the stock are final: % refused.', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER orders_adjustments_are_final BEFORE UPDATE OR DELETE ON orders_stockadjustment
    FOR EACH ROW EXECUTE FUNCTION orders_adjustments_are_final();
CREATE FUNCTION orders_used_rates_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM orders_order WHERE created_at >= OLD.valid_from::timestamp AT TIME ZONE 'Europe/Zurich') THEN
        RAISE EXCEPTION 'This VAT rate was used: % refused.', TG_OP USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER orders_used_rates_are_final BEFORE UPDATE OR DELETE ON orders_vatrate
    FOR EACH ROW EXECUTE FUNCTION orders_used_rates_are_final();
"""
FREE = """
DROP TRIGGER orders_used_rates_are_final ON orders_vatrate;
DROP FUNCTION orders_used_rates_are_final();
DROP TRIGGER orders_adjustments_are_final ON orders_stockadjustment;
DROP FUNCTION orders_adjustments_are_final();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0016_article_numbers_and_companies'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='order',
            options={'ordering': ['-created_at', '-id'], 'permissions': [('send_letters_again', "Can send an order's letters again"), ('check_with_psp', 'Can have an order checked with the payment provider'), ('note_order', 'Can leave a note on an order'), ('close_payment_page', 'Can close the payment page of an order'), ('cancel_order', 'Can cancel a pending order'), ('ship_order', 'Can mark an order as shipped'), ('replace_link', 'Can replace the link of an order'), ('export_orders', 'Can export orders')], 'verbose_name': 'order', 'verbose_name_plural': 'orders'},
        ),
        migrations.AlterField(
            model_name='timelineentry',
            name='kind',
            field=models.CharField(choices=[('placed', 'Order placed: %(total)s.'), ('cancelled', 'Order cancelled: %(reason)s.'), ('effective', 'The order is effective.'), ('payment_started', 'Sent to the payment page (%(method)s).'), ('payment_failed', 'Payment refused (%(method)s): %(refusal)s.'), ('payment_expired', 'Payment page closed without payment (%(method)s).'), ('payment_authorised', 'The bank agreed to %(amount)s (%(method)s).'), ('payment_not_settling', 'Received %(amount)s that does not settle the order: %(why)s.'), ('returned', 'Back from the payment page.'), ('left', 'Left the payment page.'), ('revived', 'The money came after the order had expired; its goods could be had again.'), ('accepted', 'Accepted what %(provider)s shows, although no message of it came.'), ('checked', 'Checked with %(provider)s: %(found)s.'), ('shipped', 'Parcel sent%(tracking)s.'), ('note', 'Note: %(text)s'), ('refund_proposed', 'Refund of %(amount)s proposed: %(reason)s'), ('refund_released', 'Refund of %(amount)s released; %(proposer)s had proposed it.'), ('refund_turned_down', 'Refund of %(amount)s turned down: %(reason)s'), ('refund_requested', 'Refund of %(amount)s requested: %(reason)s'), ('refund_succeeded', 'Refunded %(amount)s.'), ('refund_failed', 'The refund of %(amount)s failed.'), ('refund_found', 'A refund of %(amount)s was made at the payment provider.'), ('doubt', 'The means of payment is in doubt: %(doubt)s.'), ('dispute', 'Dispute over %(amount)s (%(reason)s): %(state)s.'), ('set_aside', 'Looked at and set aside (%(item)s): %(reason)s'), ('forgotten', 'The person was taken out of the order.'), ('contact_forgotten', 'E-mail and phone were erased at the customer’s request.'), ('letter_sent', 'Mail sent: %(subject)s'), ('letter_again', 'To be sent again: %(letter)s.'), ('link_replaced', 'The link to the order was replaced; the earlier one no longer works.')], max_length=30, verbose_name='what'),
        ),
        migrations.AlterField(
            model_name='order',
            name='language',
            field=models.CharField(choices=[('fr', 'French'), ('de', 'German'), ('it', 'Italian'), ('en', 'English')], max_length=2, verbose_name='language'),
        ),
        migrations.AlterField(
            model_name='vatrate',
            name='rate',
            field=models.DecimalField(decimal_places=2, help_text='As the law has it: LTVA art. 25. The Federal Tax Administration announces every change.', max_digits=4, verbose_name='rate in per cent'),
        ),
        migrations.AlterField(
            model_name='vatrate',
            name='valid_from',
            field=models.DateField(help_text='From this day on the shop sells at this rate; the one before ends by itself.', verbose_name='valid from'),
        ),
        migrations.CreateModel(
            name='StockAdjustment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('kind', models.CharField(choices=[('first', 'stock at the beginning'), ('received', 'goods received'), ('lost', 'broken, lost or given away'), ('counted', 'counted')], max_length=10, verbose_name='reason')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('difference', models.IntegerField(verbose_name='difference')),
                ('stock_after', models.IntegerField(verbose_name='stock after')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adjustments', to='orders.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'change of stock',
                'verbose_name_plural': 'changes of stock',
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('difference', 0), _negated=True), name='adjustment_of_something'), models.CheckConstraint(condition=models.Q(('stock_after__gte', 0)), name='adjustment_not_below_zero'), models.CheckConstraint(condition=models.Q(('kind', 'counted'), models.Q(('difference__lt', 0), ('kind', 'lost')), models.Q(('difference__gt', 0), ('kind__in', ['first', 'received'])), _connector='OR'), name='adjustment_as_its_reason')],
            },
        ),
        migrations.RunSQL(FINAL, FREE),
    ]
