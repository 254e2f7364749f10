"""Bring a database that followed the unreleased code to what version 0.2.0 can read as well.

There, columns had been renamed (`verb` to `kind`) and had no defaults. Everywhere else this changes nothing.
"""

from django.db import migrations

RENAME = """
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['generations_decision', 'generations_bulkdecision'] LOOP
        IF EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = to_regclass(name) AND attname = 'kind' AND NOT attisdropped
        ) THEN
            EXECUTE format('ALTER TABLE %I RENAME COLUMN kind TO verb', name);
        END IF;
    END LOOP;
END
$$
"""
DEFAULTS = """
ALTER TABLE accounts_user
    ALTER COLUMN blur_thumbnails SET DEFAULT true, ALTER COLUMN notification_settings SET DEFAULT '{}'
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_notifications"), ("generations", "0008_notification_of_user")]

    operations = [
        migrations.RunSQL(RENAME, migrations.RunSQL.noop),
        migrations.RunSQL(DEFAULTS, migrations.RunSQL.noop),
    ]
