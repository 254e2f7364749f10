"""Indexes for what leads to a video, and for the frames that were taken of it."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


def _index(model: str, name: str, field: str) -> AddIndexConcurrently:
    found = models.Index(fields=[field], name=name, condition=models.Q(**{f"{field}__isnull": False}))
    return AddIndexConcurrently(model_name=model, index=found)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("generations", "0021_chains")]

    operations = [
        _index("generation", "generation_leads_to", "leads_to"),
        _index("upload", "upload_last_frame_of", "last_frame_of"),
        _index("upload", "upload_first_frame_of", "first_frame_of"),
    ]
