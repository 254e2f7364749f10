"""Collections become projects: who pays, who may order in them, and where each request was moved."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import accounts.names


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_one_spelling"),
        ("generations", "0017_endpoints_checked"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="collection",
            options={
                "ordering": [django.db.models.functions.text.Lower("name")],
                "verbose_name": "project",
                "verbose_name_plural": "projects",
            },
        ),
        migrations.AddField(
            model_name="collection",
            name="archived_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="archived at"),
        ),
        migrations.AddField(
            model_name="collection",
            name="client",
            field=accounts.names.NameField(
                blank=True, db_default="", default="", max_length=100, verbose_name="client"
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="cost_centre",
            field=accounts.names.NameField(
                blank=True, db_default="", default="", max_length=60, verbose_name="cost centre"
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="defaults",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                verbose_name="default parameters",
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="monthly_limit_cents",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Of what is ordered in it; none without.",
                null=True,
                verbose_name="monthly limit in US cents",
            ),
        ),
        migrations.CreateModel(
            name="ProjectMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="project_members",
                        to="generations.collection",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="project_memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("project", "user"), name="project_member_once")],
            },
        ),
        migrations.AddField(
            model_name="collection",
            name="members",
            field=models.ManyToManyField(
                help_text="Who may order in it, besides those who set budgets; with none, everyone in the team.",
                related_name="projects",
                through="generations.ProjectMember",
                to=settings.AUTH_USER_MODEL,
                verbose_name="members",
            ),
        ),
        migrations.CreateModel(
            name="ProjectMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="at")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="project_moves",
                        to="generations.generation",
                    ),
                ),
                (
                    "origin",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="moves_out",
                        to="generations.collection",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="moves_in",
                        to="generations.collection",
                    ),
                ),
            ],
            options={"ordering": ["at", "id"]},
        ),
        migrations.CreateModel(
            name="ProjectBudgetWarning",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(help_text="Its first day.", verbose_name="month")),
                ("percent", models.PositiveSmallIntegerField(verbose_name="percent")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="generations.collection",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("project", "month", "percent"), name="project_budget_warning_once")
                ],
            },
        ),
        migrations.AddField(
            model_name="generation",
            name="billed_project",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                help_text="The project that it was ordered in, wherever it was moved to.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="billed_generations",
                to="generations.collection",
                verbose_name="billed to project",
            ),
        ),
        migrations.AlterField(
            model_name="generation",
            name="collection",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="generations",
                to="generations.collection",
                verbose_name="project",
            ),
        ),
    ]
