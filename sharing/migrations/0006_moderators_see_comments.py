"""Moderators see comments in the admin."""

from typing import Any

from django.db import migrations


def grant_view(apps: Any, _schema_editor: Any) -> None:
    """Django itself enters permissions only when all migrations have run."""
    kinds, permissions = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name="Moderators")
    kind, _ = kinds.objects.get_or_create(app_label="sharing", model="comment")
    found, _ = permissions.objects.get_or_create(
        content_type=kind, codename="view_comment", defaults={"name": "Can view comment"}
    )
    group.permissions.add(found)


class Migration(migrations.Migration):
    dependencies = [("sharing", "0005_reviews_by_time")]

    operations = [migrations.RunPython(grant_view, migrations.RunPython.noop)]
