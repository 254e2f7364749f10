"""Indexes for what a project has, and for what it has spent."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("generations", "0018_projects")]

    operations = [
        AddIndexConcurrently(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("billed_project__isnull", False)),
                fields=["billed_project", "created_at"],
                include=("cost_cents",),
                name="generation_billed_to_project",
            ),
        ),
        AddIndexConcurrently(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("collection__isnull", False)),
                fields=["collection", "-created_at", "-id"],
                name="generation_of_project",
            ),
        ),
    ]
