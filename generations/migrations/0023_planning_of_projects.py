"""What PostgreSQL needs to read a large project page by page."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

# a project is of one team: without this PostgreSQL expects next to no rows of both, and sorts all of the project
_STATISTICS = """
CREATE STATISTICS generation_team_of_project (dependencies)
ON team_id, collection_id FROM generations_generation
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("generations", "0022_chain_indexes")]

    operations = [
        AddIndexConcurrently(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("collection__isnull", False)),
                fields=["collection", "user", "-created_at", "-id"],
                name="generation_of_project_and_user",
            ),
        ),
        migrations.RunSQL(_STATISTICS, "DROP STATISTICS generation_team_of_project"),
    ]
