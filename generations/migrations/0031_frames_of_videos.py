"""Of which video a picture is a frame, wherever in it."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("generations", "0030_library_trash")]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="frame_of",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="Whichever frame it is.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="generations.generation",
                verbose_name="frame of",
            ),
        ),
        AddIndexConcurrently(
            model_name="upload",
            index=models.Index(
                condition=models.Q(("frame_of__isnull", False)), fields=["frame_of"], name="upload_frame_of"
            ),
        ),
    ]
