"""The group Moderators, with what deciding takes and nothing more: no settings, no people, no keys."""

from typing import Any, Final

from django.db import migrations

NAME: Final = "Moderators"
PERMISSIONS: Final = {
    "case": ["view_case", "moderate"],
    "report": ["view_report"],
    "decision": ["view_decision"],
    "appeal": ["view_appeal"],
    "flag": ["view_flag"],
    "hold": ["view_hold"],
    "bulkdecision": ["view_bulkdecision"],
    "promptrule": ["view_promptrule", "add_promptrule", "change_promptrule"],
    "bannedfile": ["view_bannedfile", "add_bannedfile", "delete_bannedfile"],
}
_WORDS: Final = {"moderate": "Can decide cases"}


def make_group(apps: Any, schema_editor: Any) -> None:
    """Django itself enters permissions only when all migrations have run."""
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=NAME)
    kinds, permissions = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    for model, codenames in PERMISSIONS.items():
        kind, _ = kinds.objects.get_or_create(app_label="generations", model=model)
        for codename in codenames:
            words = _WORDS.get(codename, f"Can {codename.replace('_', ' ')}")
            found, _ = permissions.objects.get_or_create(content_type=kind, codename=codename, defaults={"name": words})
            group.permissions.add(found)


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0014_moderation"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_group, migrations.RunPython.noop)]
