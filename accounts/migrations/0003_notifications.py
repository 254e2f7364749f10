"""What a person is told of, by kind and channel, in place of two switches; and what others did to their membership.

The switches' columns stay, with defaults, for as long as version 0.2.0 may serve beside this one.
"""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# who had switched nothing keeps what is usual
FROM_SWITCHES = """
UPDATE accounts_user SET notification_settings = jsonb_build_object(
    'order', jsonb_build_object('email', email_notices, 'browser', browser_notices)
) WHERE browser_notices OR NOT email_notices
"""

# the new version does not name the columns when it adds somebody
DEFAULTS = """
ALTER TABLE accounts_user ALTER COLUMN browser_notices SET DEFAULT false, ALTER COLUMN email_notices SET DEFAULT true
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_cache_and_triggers"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="blur_thumbnails",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Of videos in the admin, until one points at them.",
                verbose_name="blur thumbnails",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="notification_settings",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="What differs from the usual.",
                verbose_name="notification settings",
            ),
        ),
        migrations.RunSQL(FROM_SWITCHES, migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField(model_name="user", name="browser_notices"),
                migrations.RemoveField(model_name="user", name="email_notices"),
            ],
            database_operations=[migrations.RunSQL(DEFAULTS, migrations.RunSQL.noop)],
        ),
        migrations.CreateModel(
            name="MembershipChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("team_name", models.CharField(max_length=100, verbose_name="name of the team then")),
                (
                    "kind",
                    models.CharField(
                        choices=[("removed", "Removed"), ("role", "Role changed"), ("deleted", "Team deleted")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        blank=True,
                        choices=[("owner", "Owner"), ("admin", "Admin"), ("member", "Member"), ("viewer", "Viewer")],
                        max_length=10,
                        verbose_name="role from then on",
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="at")),
                ("notified_at", models.DateTimeField(blank=True, null=True, verbose_name="notified at")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.team"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("notified_at", None)), fields=["at"], name="membership_change_to_tell"
                    )
                ],
            },
        ),
    ]
