"""Storyboards: shots of projects, and which generations are takes of them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_one_spelling"),
        ("generations", "0027_order_imports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Shot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(verbose_name="position")),
                ("prompt", models.TextField(blank=True, max_length=2500, verbose_name="prompt")),
                ("note", models.TextField(blank=True, max_length=2000, verbose_name="note")),
                ("negative_prompt", models.TextField(blank=True, max_length=2500, verbose_name="negative prompt")),
                (
                    "duration",
                    models.PositiveSmallIntegerField(
                        blank=True, choices=[(5, "5 seconds"), (10, "10 seconds")], null=True, verbose_name="seconds"
                    ),
                ),
                (
                    "aspect_ratio",
                    models.CharField(
                        blank=True,
                        choices=[("16:9", "16:9"), ("9:16", "9:16"), ("1:1", "1:1")],
                        max_length=4,
                        verbose_name="aspect ratio",
                    ),
                ),
                (
                    "quality",
                    models.CharField(
                        blank=True,
                        choices=[("pro", "pro"), ("draft", "draft")],
                        max_length=10,
                        verbose_name="quality",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="changed by",
                    ),
                ),
                (
                    "chosen",
                    models.ForeignKey(
                        blank=True,
                        help_text="Without one, the newest finished take.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="generations.generation",
                        verbose_name="chosen take",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shots",
                        to="generations.collection",
                        verbose_name="project",
                    ),
                ),
                (
                    "start",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="shots_from",
                        to="generations.upload",
                        verbose_name="start",
                    ),
                ),
                (
                    "tail",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="shots_to",
                        to="generations.upload",
                        verbose_name="end",
                    ),
                ),
            ],
            options={
                "verbose_name": "shot",
                "verbose_name_plural": "shots",
                "ordering": ["position", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=models.Deferrable.DEFERRED,
                        fields=("project", "position"),
                        name="shot_once_a_position",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="generation",
            name="shot",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                help_text="The shot of a storyboard that it is a take of.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="takes",
                to="generations.shot",
                verbose_name="shot",
            ),
        ),
    ]
