"""A project stays closed when its last member leaves the team: so who left is a member of it no more."""

from typing import Any

from django.db import migrations, models
from django.db.models import Exists, OuterRef


def close(apps: Any, _schema_editor: Any) -> None:
    project = apps.get_model("generations", "Collection")
    member = apps.get_model("generations", "ProjectMember")
    membership = apps.get_model("accounts", "Membership")
    project.objects.filter(pk__in=member.objects.values("project")).update(members_only=True)
    of_team = membership.objects.filter(team=OuterRef("project__team"), user=OuterRef("user"))
    member.objects.filter(~Exists(of_team)).delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_one_spelling"), ("generations", "0023_planning_of_projects")]

    operations = [
        migrations.AddField(
            model_name="collection",
            name="members_only",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Members were chosen, also when all of them have left the team.",
                verbose_name="members only",
            ),
        ),
        migrations.RunPython(close, migrations.RunPython.noop),
    ]
