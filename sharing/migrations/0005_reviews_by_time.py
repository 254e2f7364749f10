"""What is new since a moment is looked for every other second, for webhooks."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("sharing", "0004_review_mail")]

    operations = [
        AddIndexConcurrently("comment", models.Index(fields=["created_at"], name="comment_by_time")),
        AddIndexConcurrently("verdict", models.Index(fields=["at"], name="verdict_by_time")),
    ]
