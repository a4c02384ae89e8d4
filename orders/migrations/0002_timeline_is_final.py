"""PostgreSQL refuses to change or delete a line of the timeline, whoever asks.

TRUNCATE passes: Django's tests empty all tables with it, and it asks for a right of its own that a shop's database
user can do without.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION orders_timeline_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The timeline is final: % refused.', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER orders_timeline_is_final BEFORE UPDATE OR DELETE ON orders_timelineentry
    FOR EACH ROW EXECUTE FUNCTION orders_timeline_is_final();
"""
BACKWARDS = """
DROP TRIGGER orders_timeline_is_final ON orders_timelineentry;
DROP FUNCTION orders_timeline_is_final();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
