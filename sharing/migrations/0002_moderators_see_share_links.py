"""Moderators see share links in the admin."""

from typing import Any

from django.db import migrations


def grant_view(apps: Any, _schema_editor: Any) -> None:
    """Django itself enters permissions only when all migrations have run."""
    kinds, permissions = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name="Moderators")
    kind, _ = kinds.objects.get_or_create(app_label="sharing", model="sharelink")
    found, _ = permissions.objects.get_or_create(
        content_type=kind, codename="view_sharelink", defaults={"name": "Can view share link"}
    )
    group.permissions.add(found)


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0001_initial"),
        ("generations", "0002_prices_moderators_and_triggers"),
    ]

    operations = [migrations.RunPython(grant_view, migrations.RunPython.noop)]
