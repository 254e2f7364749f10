from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("generations", "0029_shot_index")]

    operations = [
        migrations.AddField(
            model_name="librarypicture",
            name="trashed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="in the trash since"),
        ),
        AddIndexConcurrently(
            model_name="librarypicture",
            index=models.Index(
                condition=models.Q(("trashed_at__isnull", False)),
                fields=["trashed_at"],
                name="library_picture_trashed",
            ),
        ),
    ]
