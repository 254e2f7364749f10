"""Names of fields and models become the field's standard terms; rows stay as they are."""

from typing import Any

from django.db import migrations


def rename_permissions(apps: Any, _schema: Any) -> None:
    for old, new in (("staffvisit", "impersonation"), ("staffdeed", "impersonatedrequest")):
        for action in ("add", "change", "delete", "view"):
            found = apps.get_model("auth", "Permission").objects.filter(
                codename=f"{action}_{old}", content_type__app_label="accounts"
            )
            found.update(codename=f"{action}_{new}", name=f"Can {action} {new}")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0017_names_and_invitation_mails"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RenameModel("StaffVisit", "Impersonation"),
        migrations.RenameModel("StaffDeed", "ImpersonatedRequest"),
        migrations.RenameField("ImpersonatedRequest", "visit", "impersonation"),
        migrations.RenameField("ImpersonatedRequest", "answer", "status_code"),
        migrations.RenameField("User", "suspended_for", "suspension_reason"),
        migrations.RunPython(rename_permissions, migrations.RunPython.noop),
    ]
