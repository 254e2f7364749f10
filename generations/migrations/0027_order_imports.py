"""Sheets of orders, and the pictures that they name."""

import uuid

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_one_spelling"),
        ("generations", "0026_library_pictures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OrderImport",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "is_private",
                    models.BooleanField(
                        blank=True, help_text="None: as usual in the team.", null=True, verbose_name="private"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("rows", models.JSONField(default=list, verbose_name="rows")),
                ("delimiter", models.CharField(default=",", max_length=1, verbose_name="delimiter")),
                ("is_guessed", models.BooleanField(default=False, verbose_name="encoding is a guess")),
                ("has_header", models.BooleanField(default=True, verbose_name="first row is a header")),
                ("mapping", models.JSONField(default=list, verbose_name="mapping")),
                ("defaults", models.JSONField(default=dict, verbose_name="defaults")),
                ("version", models.PositiveIntegerField(default=0, verbose_name="version")),
                ("idempotency_key", models.UUIDField(default=uuid.uuid4, verbose_name="key of the order")),
                ("batch", models.UUIDField(blank=True, null=True, verbose_name="batch")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="changed at"),
                ),
                ("ordered_at", models.DateTimeField(blank=True, null=True, verbose_name="ordered at")),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="order_imports",
                        to="generations.collection",
                        verbose_name="project",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="order_imports",
                        to="accounts.team",
                        verbose_name="team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="order_imports",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "import",
                "verbose_name_plural": "imports",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ImportPicture",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=2000, verbose_name="file name or URL")),
                ("is_url", models.BooleanField(default=False, verbose_name="is a URL")),
                (
                    "error",
                    models.TextField(blank=True, help_text="Why it can’t be used, for a person.", verbose_name="error"),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True, verbose_name="to be fetched at")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="tries")),
                (
                    "upload",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="import_pictures",
                        to="generations.upload",
                    ),
                ),
                (
                    "order_import",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pictures",
                        to="generations.orderimport",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddIndex(
            model_name="orderimport",
            index=models.Index(condition=models.Q(("ordered_at", None)), fields=["changed_at"], name="import_expires"),
        ),
        migrations.AddIndex(
            model_name="importpicture",
            index=models.Index(
                condition=models.Q(("due_at", None), _negated=True), fields=["due_at"], name="import_picture_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="importpicture",
            constraint=models.UniqueConstraint(
                models.F("order_import"), django.db.models.functions.text.MD5("name"), name="import_picture_once_a_name"
            ),
        ),
    ]
