"""Of which video an input picture is a frame."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("generations", "0032_spent_of_a_member")]

    operations = [
        migrations.AddField(
            model_name="inputpicture",
            name="frame_of",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="generations.generation",
                verbose_name="frame of",
            ),
        ),
        AddIndexConcurrently(
            model_name="inputpicture",
            index=models.Index(
                condition=models.Q(("frame_of__isnull", False)), fields=["frame_of"], name="picture_frame_of"
            ),
        ),
    ]
