"""The stock of the goods that are here already, with what orders hold of them: their first adjustment."""

from django.db import migrations

BOOK = """
INSERT INTO orders_stockadjustment (product_id, at, kind, note, difference, stock_after, key)
SELECT product.id, now(), 'first', '', product.stock + coalesce(gone.pieces, 0), product.stock, gen_random_uuid()
FROM orders_product product LEFT JOIN (
    SELECT line.product_id, sum(greatest(line.quantity - coalesce(back.pieces, 0), 0)) AS pieces
    FROM orders_orderline line JOIN orders_order held ON held.id = line.order_id AND held.holds_stock
    LEFT JOIN (
        SELECT (piece ->> 'line')::bigint AS line, sum((piece ->> 'quantity')::int) AS pieces
        FROM payments_refund refund, jsonb_array_elements(refund.lines) piece WHERE refund.goods_returned GROUP BY 1
    ) back ON back.line = line.id
    GROUP BY 1
) gone ON gone.product_id = product.id
WHERE product.stock + coalesce(gone.pieces, 0) > 0
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0014_desk"), ("orders", "0017_stock_and_rates")]
    operations = [migrations.RunSQL(BOOK, migrations.RunSQL.noop)]
