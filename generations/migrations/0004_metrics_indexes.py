"""Indexes by which /metrics counts without reading the table; made while the studio serves."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("generations", "0003_usual_time"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="generation",
            index=models.Index(fields=["created_at"], include=("cost_cents",), name="generation_by_time"),
        ),
        AddIndexConcurrently(
            model_name="generation",
            index=models.Index(condition=models.Q(("status", "held")), fields=["created_at"], name="generation_held"),
        ),
        AddIndexConcurrently(
            model_name="generation",
            index=models.Index(
                condition=models.Q(
                    ("needs_attention_since__isnull", False),
                    models.Q(("reason", "outcome_unknown"), ("status", "failed")),
                    _connector="OR",
                ),
                fields=["changed_at"],
                name="generation_needs_attention",
            ),
        ),
    ]
