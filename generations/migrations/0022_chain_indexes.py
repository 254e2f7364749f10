"""Indexes for what leads to a video, and for the frames that were taken of it."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("generations", "0021_chains")]

    operations = [
        AddIndexConcurrently(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("leads_to__isnull", False)), fields=["leads_to"], name="generation_leads_to"
            ),
        ),
        AddIndexConcurrently(
            model_name="upload",
            index=models.Index(
                condition=models.Q(("frame_of__isnull", False)), fields=["frame_of"], name="upload_frame_of"
            ),
        ),
    ]
