"""`Decision.verb` becomes `kind`, as its choices are called. The columns keep their name: version 0.2.0 asks by it."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies: ClassVar = [("generations", "0005_trash_of_team")]

    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("decision", "decision_names_its_video"),
                migrations.RemoveConstraint("decision", "decision_says_why"),
                migrations.RenameField("decision", "verb", "kind"),
                migrations.RenameField("bulkdecision", "verb", "kind"),
                migrations.AlterField(
                    "decision",
                    "kind",
                    models.CharField(
                        choices=[
                            ("approve", "Approve"),
                            ("reject", "Reject"),
                            ("take_down", "Take down"),
                            ("restore", "Restore"),
                            ("warn", "Warn"),
                            ("suspend", "Suspend"),
                            ("lift", "Lift suspension"),
                        ],
                        max_length=10,
                        db_column="verb",
                        verbose_name="decision",
                    ),
                ),
                migrations.AlterField(
                    "bulkdecision",
                    "kind",
                    models.CharField(
                        choices=[
                            ("approve", "Approve"),
                            ("reject", "Reject"),
                            ("take_down", "Take down"),
                            ("restore", "Restore"),
                            ("warn", "Warn"),
                            ("suspend", "Suspend"),
                            ("lift", "Lift suspension"),
                        ],
                        max_length=10,
                        db_column="verb",
                        verbose_name="decision",
                    ),
                ),
                migrations.AddConstraint(
                    "decision",
                    models.CheckConstraint(
                        condition=Q(kind__in=["lift", "suspend", "warn"]) | Q(generation__isnull=False),
                        name="decision_names_its_video",
                    ),
                ),
                migrations.AddConstraint(
                    "decision",
                    models.CheckConstraint(
                        condition=~Q(why="") | Q(kind__in=["approve", "lift"]), name="decision_says_why"
                    ),
                ),
            ]
        )
    ]
