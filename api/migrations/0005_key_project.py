"""A key's default project."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0004_key_minutes"), ("generations", "0018_projects")]

    operations = [
        migrations.AddField(
            model_name="key",
            name="project",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="In which it orders where a request names none.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="generations.collection",
                verbose_name="default project",
            ),
        ),
    ]
