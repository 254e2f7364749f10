"""The default project of a key is not deleted; in the database nothing changes. Revoked keys order nothing."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def forget(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("api", "Key").objects.exclude(revoked_at=None).update(project=None)


class Migration(migrations.Migration):
    dependencies = [("api", "0005_key_project"), ("generations", "0018_projects")]

    operations = [
        migrations.AlterField(
            model_name="key",
            name="project",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="In which it orders where a request names none.",
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="generations.collection",
                verbose_name="default project",
            ),
        ),
        migrations.RunPython(forget, migrations.RunPython.noop),
    ]
