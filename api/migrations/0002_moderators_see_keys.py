"""Moderators see keys in the admin."""

from typing import Any

from django.db import migrations

SEEN = {"key": "Can view key", "apirequest": "Can view api request"}


def grant_view(apps: Any, _schema_editor: Any) -> None:
    """Django itself enters permissions only when all migrations have run."""
    kinds, permissions = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name="Moderators")
    for model, name in SEEN.items():
        kind, _ = kinds.objects.get_or_create(app_label="api", model=model)
        found, _ = permissions.objects.get_or_create(
            content_type=kind, codename=f"view_{model}", defaults={"name": name}
        )
        group.permissions.add(found)


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_keys"),
        ("generations", "0002_prices_moderators_and_triggers"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(grant_view, migrations.RunPython.noop)]
