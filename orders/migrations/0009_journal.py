"""Every line of a timeline carries the hash of the one before it, and the order that of its last line.

PostgreSQL lets a line in only where its order's chain ends. The lines that are here already are chained as they stand.
"""

from collections.abc import Iterator
from typing import Any

from django.db import migrations, models

CHAINED = """
CREATE FUNCTION orders_timeline_is_chained() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE orders_order SET journal = NEW.hash WHERE id = NEW.order_id AND journal = NEW.previous;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The timeline of order % does not end where this line begins.', NEW.order_id
            USING ERRCODE = 'restrict_violation', HINT = 'Hold the order before anything is told of it.';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER orders_timeline_is_chained BEFORE INSERT ON orders_timelineentry
    FOR EACH ROW EXECUTE FUNCTION orders_timeline_is_chained();
"""
FREE = """
DROP TRIGGER orders_timeline_is_chained ON orders_timelineentry;
DROP FUNCTION orders_timeline_is_chained();
"""
BATCH = 2000


def chain_what_is_here(apps: Any, schema_editor: Any) -> None:
    from orders.journal import chain

    entry, order = apps.get_model("orders", "TimelineEntry"), apps.get_model("orders", "Order")
    schema_editor.execute("ALTER TABLE orders_timelineentry DISABLE TRIGGER orders_timeline_is_final")
    for lines in _by_order(entry.objects.order_by("order_id", "id").select_related("order").iterator(BATCH)):
        held = lines[0].order
        for line in lines:
            chain(line, held)
        entry.objects.bulk_update(lines, ["previous", "hash"])
        order.objects.filter(pk=held.pk).update(journal=held.journal)
    schema_editor.execute("ALTER TABLE orders_timelineentry ENABLE TRIGGER orders_timeline_is_final")


def _by_order(lines: Iterator[Any]) -> Iterator[list[Any]]:
    gathered: list[Any] = []
    for line in lines:
        if gathered and gathered[0].order_id != line.order_id:
            yield gathered
            gathered = []
        gathered.append(line)
    if gathered:
        yield gathered


class Migration(migrations.Migration):
    dependencies = [("orders", "0008_written_off")]
    operations = [
        migrations.AddField(
            "order",
            "journal",
            models.CharField(blank=True, editable=False, max_length=64, verbose_name="hash of its last line"),
        ),
        migrations.AddField(
            "timelineentry",
            "previous",
            models.CharField(blank=True, editable=False, max_length=64, verbose_name="hash of the line before"),
        ),
        migrations.AddField(
            "timelineentry",
            "hash",
            models.CharField(default="", editable=False, max_length=64, verbose_name="hash"),
            preserve_default=False,
        ),
        migrations.RunPython(chain_what_is_here, migrations.RunPython.noop),
        migrations.RunSQL(CHAINED, FREE),
    ]
