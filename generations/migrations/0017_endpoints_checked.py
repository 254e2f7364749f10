from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """In a transaction of its own, so that nobody waits while the rows are read."""

    dependencies = [("generations", "0016_endpoints")]

    operations = [
        ValidateConstraint("generation", "generation_endpoint_known"),
        ValidateConstraint("generation", "generation_aspect_ratio_for_text_only"),
    ]
