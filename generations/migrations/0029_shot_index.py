"""The index of a shot's takes."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("generations", "0028_shots")]

    operations = [
        AddIndexConcurrently(
            model_name="generation",
            index=models.Index(
                fields=["shot", "-created_at", "-id"],
                name="generation_of_shot",
                condition=models.Q(shot__isnull=False),
            ),
        )
    ]
