"""What a studio begins with: fal's price list, the group Moderators, and the triggers that keep the past as it was.

Prices as read on 2026-11-23: $0.35 for 5 seconds, $0.07 for each second more. The group has what deciding takes and nothing
more: no settings, no people, no keys.
"""

from datetime import date
from typing import Any, Final

from django.db import migrations

ENDPOINTS: Final = [
    "fal-ai/kling-video/v2.5-turbo/pro/text-to-video",
    "fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
]
CENTS: Final = {5: 35, 10: 70}
MODERATORS: Final = "Moderators"
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
TRIGGER: Final = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION refuse_change({})"
)


def create_prices(apps: Any, _schema_editor: Any) -> None:
    price = apps.get_model("generations", "Price")
    for endpoint in ENDPOINTS:
        for seconds, cents in CENTS.items():
            price.objects.create(endpoint=endpoint, seconds=seconds, cents=cents, read_on=date(2026, 11, 23))


def create_moderators_group(apps: Any, schema_editor: Any) -> None:
    """Django itself enters permissions only when all migrations have run."""
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=MODERATORS)
    kinds, permissions = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    for model, codenames in PERMISSIONS.items():
        kind, _ = kinds.objects.get_or_create(app_label="generations", model=model)
        for codename in codenames:
            words = _WORDS.get(codename, f"Can {codename.replace('_', ' ')}")
            found, _ = permissions.objects.get_or_create(content_type=kind, codename=codename, defaults={"name": words})
            group.permissions.add(found)


class Migration(migrations.Migration):
    replaces = [
        ("generations", "0002_prices"),
        ("generations", "0015_moderators"),
        ("generations", "0018_append_only"),
        ("generations", "0023_log_without_prompts"),
    ]
    dependencies = [
        ("generations", "0001_squashed_0_1"),
        ("accounts", "0002_cache_and_triggers"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(create_prices, migrations.RunPython.noop),
        migrations.RunPython(create_moderators_group, migrations.RunPython.noop),
        migrations.RunSQL(
            TRIGGER.format("generations_event", "'by_id'"), "DROP TRIGGER append_only ON generations_event"
        ),
        migrations.RunSQL(
            TRIGGER.format("generations_decision", "'rule_id'"), "DROP TRIGGER append_only ON generations_decision"
        ),
    ]
