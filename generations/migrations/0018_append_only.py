"""What happened and what was decided is never rewritten: the database refuses UPDATE and DELETE."""

from django.db import migrations

GUARD = "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION refuse_change({})"
UNGUARD = "DROP TRIGGER append_only ON {}"


class Migration(migrations.Migration):
    dependencies = [("generations", "0017_picture_changes"), ("accounts", "0015_append_only")]

    operations = [
        migrations.RunSQL(GUARD.format("generations_event", "'by_id'"), UNGUARD.format("generations_event")),
        migrations.RunSQL(GUARD.format("generations_decision", "'rule_id'"), UNGUARD.format("generations_decision")),
    ]
