"""Presets of teams, with their earlier versions and how often they were used."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import accounts.names


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_one_spelling"),
        ("generations", "0024_project_members_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PresetVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("name", accounts.names.NameField(max_length=60, verbose_name="name")),
                ("values", models.JSONField(default=dict, verbose_name="values")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
            ],
            options={
                "ordering": ["-number"],
            },
        ),
        migrations.RemoveConstraint("preset", "preset_name_once_a_user"),
        migrations.AddField(
            model_name="preset",
            name="changed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="changed at"),
        ),
        migrations.AddField(
            model_name="preset",
            name="changed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="changed by",
            ),
        ),
        migrations.AddField(
            model_name="preset",
            name="team",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="presets",
                to="accounts.team",
                verbose_name="team",
            ),
        ),
        migrations.AddField(
            model_name="preset",
            name="uses",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="Orders that began with it.", verbose_name="uses"
            ),
        ),
        migrations.AddField(
            model_name="preset",
            name="version",
            field=models.PositiveIntegerField(db_default=1, default=1, verbose_name="version"),
        ),
        migrations.AlterField(
            model_name="preset",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="presets",
                to=settings.AUTH_USER_MODEL,
                verbose_name="maker",
            ),
        ),
        migrations.AddConstraint(
            model_name="preset",
            constraint=models.UniqueConstraint(
                models.F("user"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("team", None)),
                name="preset_name_once_a_user",
            ),
        ),
        migrations.AddConstraint(
            model_name="preset",
            constraint=models.UniqueConstraint(
                models.F("team"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("team__isnull", False)),
                name="preset_name_once_a_team",
            ),
        ),
        migrations.AddField(
            model_name="presetversion",
            name="made_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="made by",
            ),
        ),
        migrations.AddField(
            model_name="presetversion",
            name="preset",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="generations.preset"
            ),
        ),
        migrations.AddConstraint(
            model_name="presetversion",
            constraint=models.UniqueConstraint(fields=("preset", "number"), name="preset_version_once_a_number"),
        ),
    ]
