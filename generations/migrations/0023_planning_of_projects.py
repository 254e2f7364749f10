"""What PostgreSQL needs to read large projects, and the videos of busy members, page by page."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

# a project is of one team, and most members are in one: without this PostgreSQL expects next to no rows of both, and sorts
# all of the project, or all that the member has made
_STATISTICS = """
CREATE STATISTICS generation_of_one_team (dependencies)
ON team_id, user_id, collection_id FROM generations_generation
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
        migrations.RunSQL(_STATISTICS, "DROP STATISTICS generation_of_one_team"),
    ]
