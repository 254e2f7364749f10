"""What was done in somebody's name is never rewritten: the database refuses UPDATE and DELETE.

The function takes the names of columns that may change all the same: an end that comes later, a reference whose row is gone.
"""

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
GUARD = "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION refuse_change({})"
UNGUARD = "DROP TRIGGER append_only ON {}"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0014_former_memberships")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION refuse_change"),
        migrations.RunSQL(GUARD.format("accounts_staffvisit", "'ended_at'"), UNGUARD.format("accounts_staffvisit")),
        migrations.RunSQL(GUARD.format("accounts_staffdeed", ""), UNGUARD.format("accounts_staffdeed")),
    ]
