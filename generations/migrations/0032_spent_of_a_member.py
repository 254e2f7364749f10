"""The index of what a member has spent in a project."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("generations", "0031_frames_of_videos")]

    operations = [
        AddIndexConcurrently(
            model_name="generation",
            index=models.Index(
                fields=["billed_project", "user", "created_at"],
                include=["cost_cents"],
                name="generation_billed_to_user",
                condition=models.Q(billed_project__isnull=False),
            ),
        )
    ]
