"""The cache's table, and the triggers that keep what was done in somebody's name as it was.

The trigger's function takes the names of columns that may change all the same: an end that comes later, a reference whose
row is gone.
"""

from typing import Any

from django.core.management import call_command
from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    name text;
    before jsonb := to_jsonb(OLD);
    after jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        after := to_jsonb(NEW);
        FOREACH name IN ARRAY COALESCE(TG_ARGV, '{}') LOOP
            before := before - name;
            after := after - name;
        END LOOP;
        IF before = after THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$
"""
TRIGGER = "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION refuse_change({})"


def create_cache_table(apps: Any, schema_editor: Any) -> None:
    """Django makes it by a command of its own."""
    call_command("createcachetable", "cache", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    replaces = [
        ("accounts", "0011_cache"),
        ("accounts", "0015_append_only"),
        ("accounts", "0018_standard_terms"),
    ]
    dependencies = [("accounts", "0001_squashed_0_1")]

    operations = [
        migrations.RunPython(create_cache_table, migrations.RunPython.noop),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION refuse_change"),
        migrations.RunSQL(
            TRIGGER.format("accounts_impersonation", "'ended_at'"), "DROP TRIGGER append_only ON accounts_impersonation"
        ),
        migrations.RunSQL(
            TRIGGER.format("accounts_impersonatedrequest", ""),
            "DROP TRIGGER append_only ON accounts_impersonatedrequest",
        ),
    ]
