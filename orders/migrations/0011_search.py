"""How goods are searched and sorted by name: letters without accents and case, in one of the languages."""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations

# Immutable, as an index asks: only what PostgreSQL itself knows of Unicode, no dictionary, no locale's file.
FORWARDS = r"""
CREATE FUNCTION plain_text(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(regexp_replace(
        normalize(
            replace(replace(replace(replace(replace(
                translate($1, 'øØ', 'oO'), 'œ', 'oe'), 'Œ', 'OE'), 'æ', 'ae'), 'Æ', 'AE'), 'ß', 'ss'),
            NFKD),
        '[\u0300-\u036f]', '', 'g'))
$$;
CREATE FUNCTION text_in(texts jsonb, language text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(texts ->> language, ''), texts ->> 'fr', '')
$$;
"""
BACKWARDS = """
DROP FUNCTION text_in(jsonb, text);
DROP FUNCTION plain_text(text);
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0010_retention")]
    operations = [TrigramExtension(), migrations.RunSQL(FORWARDS, BACKWARDS)]
