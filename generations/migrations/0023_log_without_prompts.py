"""The admin's log named generations by the beginnings of their prompts, private ones too."""

from typing import Any

from django.db import migrations
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Left


def forget_prompts(apps: Any, _schema_editor: Any) -> None:
    entries = apps.get_model("admin", "LogEntry").objects.filter(content_type__app_label="generations")
    of_work = entries.filter(content_type__model__in=["generation", "flag", "hold"])
    of_work.update(object_repr=Left(Coalesce(F("object_id"), Value("")), 200))


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0022_names"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(forget_prompts, migrations.RunPython.noop)]
