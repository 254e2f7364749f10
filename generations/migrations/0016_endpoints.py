from datetime import date
from typing import Any, Final

import django.contrib.postgres.operations
import django.db.models.deletion
from django.db import migrations, models

import generations.models.price

DRAFT: Final = "fal-ai/kling-video/v2.5-turbo/standard/image-to-video"
CENTS: Final = {5: 21, 10: 42}  # as read on 2026-11-28: $0.21 for 5 seconds, $0.042 for each second more


def create_prices(apps: Any, _schema_editor: Any) -> None:
    """What an admin has entered already stays."""
    for seconds, cents in CENTS.items():
        values = {"cents": cents, "read_on": date(2026, 11, 28)}
        apps.get_model("generations", "Price").objects.get_or_create(endpoint=DRAFT, seconds=seconds, defaults=values)


class Migration(migrations.Migration):
    """The draft comes in. Both constraints allow what the version before writes."""

    dependencies = [
        ("accounts", "0004_one_spelling"),
        ("generations", "0015_review_order"),
    ]

    operations = [
        migrations.CreateModel(
            name="EndpointSwitch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "endpoint",
                    models.CharField(
                        choices=generations.models.price.endpoint_choices, max_length=100, verbose_name="endpoint"
                    ),
                ),
                (
                    "is_on",
                    models.BooleanField(
                        default=False, help_text="Whether new videos may be ordered of it.", verbose_name="is on"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        help_text="Blank: every team that has no switch of its own.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="endpoint_switches",
                        to="accounts.team",
                        verbose_name="team",
                    ),
                ),
            ],
            options={
                "verbose_name": "endpoint switch",
                "verbose_name_plural": "endpoint switches",
                "ordering": ["endpoint", "team__name"],
                "constraints": [
                    models.UniqueConstraint(fields=("team", "endpoint"), name="endpoint_switch_once_a_team"),
                    models.UniqueConstraint(
                        condition=models.Q(("team", None)),
                        fields=("endpoint",),
                        name="endpoint_switch_once_for_all_teams",
                    ),
                ],
            },
        ),
        migrations.AlterField(
            model_name="generation",
            name="endpoint",
            field=models.CharField(
                choices=generations.models.price.endpoint_choices, max_length=100, verbose_name="endpoint"
            ),
        ),
        migrations.AlterField(
            model_name="price",
            name="endpoint",
            field=models.CharField(
                choices=generations.models.price.endpoint_choices, max_length=100, verbose_name="endpoint"
            ),
        ),
        migrations.RemoveConstraint(model_name="generation", name="generation_endpoint_known"),
        migrations.RemoveConstraint(model_name="generation", name="generation_aspect_ratio_for_text_only"),
        django.contrib.postgres.operations.AddConstraintNotValid(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "endpoint__in",
                        [
                            "fal-ai/kling-video/v2.5-turbo/pro/text-to-video",
                            "fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
                            "fal-ai/kling-video/v2.5-turbo/standard/image-to-video",
                        ],
                    )
                ),
                name="generation_endpoint_known",
            ),
        ),
        django.contrib.postgres.operations.AddConstraintNotValid(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("aspect_ratio__in", ["16:9", "9:16", "1:1"]),
                        ("endpoint__in", ["fal-ai/kling-video/v2.5-turbo/pro/text-to-video"]),
                    ),
                    models.Q(
                        ("aspect_ratio", ""),
                        (
                            "endpoint__in",
                            [
                                "fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
                                "fal-ai/kling-video/v2.5-turbo/standard/image-to-video",
                            ],
                        ),
                    ),
                    _connector="OR",
                ),
                name="generation_aspect_ratio_for_text_only",
            ),
        ),
        migrations.RunPython(create_prices, migrations.RunPython.noop),
    ]
