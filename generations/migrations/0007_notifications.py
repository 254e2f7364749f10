"""The bell's lines, the mails that are still to be sent, and what moderators say among themselves."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# who had a mail about a decision before is not told of it again
TOLD_BEFORE = """
INSERT INTO generations_notification
    (id, user_id, kind, created_at, changed_at, in_bell, generation_id, decision_id, count, failed, email_attempts)
SELECT gen_random_uuid(), person_id, 'take_down', at, at, false, generation_id, id, 1, 0, 0
FROM generations_decision
WHERE at > now() - interval '1 day' AND verb IN ('take_down', 'reject', 'restore')
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_notifications"),
        ("generations", "0006_decision_kind"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CaseNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True, db_index=True, verbose_name="at")),
                ("text", models.TextField(max_length=2000, verbose_name="text")),
            ],
            options={
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("order", "Finished orders"),
                            ("approval", "Approvals"),
                            ("invitation", "Invitations"),
                            ("membership", "Team membership"),
                            ("take_down", "Videos taken down"),
                            ("report", "Reports and cases"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="created at")),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="changed at")),
                ("read_at", models.DateTimeField(blank=True, null=True, verbose_name="read at")),
                ("in_bell", models.BooleanField(default=True, verbose_name="in the bell")),
                ("batch", models.UUIDField(blank=True, null=True, verbose_name="batch")),
                ("count", models.PositiveIntegerField(default=1, verbose_name="how many it is about")),
                ("failed", models.PositiveIntegerField(default=0, verbose_name="how many were not made")),
                ("email_due_at", models.DateTimeField(blank=True, null=True, verbose_name="mail due at")),
                (
                    "email_attempts",
                    models.PositiveSmallIntegerField(default=0, verbose_name="failed tries of the mail"),
                ),
            ],
        ),
        migrations.AlterModelOptions(
            name="usageday",
            options={
                "ordering": ["-day"],
                "verbose_name": "fal reconciliation",
                "verbose_name_plural": "fal reconciliation",
            },
        ),
        migrations.AddField(
            model_name="case",
            name="assigned_to",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="assigned to",
            ),
        ),
        migrations.AlterField(
            model_name="usageday",
            name="our_cents",
            field=models.PositiveIntegerField(verbose_name="our records in US cents"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)), fields=["closed_at"], name="case_closed"
            ),
        ),
        migrations.AddField(
            model_name="casenote",
            name="assigned_to",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="handed over to",
            ),
        ),
        migrations.AddField(
            model_name="casenote",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AddField(
            model_name="casenote",
            name="case",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="notes", to="generations.case"
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="case_note",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="generations.casenote"
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="change",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.membershipchange"
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="decision",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="generations.decision"
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="generation",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="generations.generation"
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="invitation",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.invitation"
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="report",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="generations.report"
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="team",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.team"
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="notifications", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="casenote",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="case_note_says_something"
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("in_bell", True), ("read_at", None)),
                fields=["user", "-created_at"],
                name="notification_unread",
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("in_bell", True)), fields=["user", "-changed_at"], name="notification_changed"
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("email_due_at__isnull", False)), fields=["email_due_at"], name="notification_email"
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(fields=["created_at"], name="notification_by_age"),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["order", "approval", "invitation", "membership", "take_down", "report"])
                ),
                name="notification_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(fields=("user", "decision"), name="notification_once_a_decision"),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(fields=("user", "report"), name="notification_once_a_report"),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(fields=("user", "case_note"), name="notification_once_a_case_note"),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(fields=("user", "invitation"), name="notification_once_an_invitation"),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(fields=("user", "change"), name="notification_once_a_change"),
        ),
        migrations.RunSQL(TOLD_BEFORE, migrations.RunSQL.noop),
    ]
