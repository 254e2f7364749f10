"""What a restored database has to say of its rows, and which backups were made."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0009_columns_of_0_2_0"),
    ]

    operations = [
        migrations.CreateModel(
            name="Backup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("moment", models.DateTimeField(unique=True, verbose_name="moment")),
                (
                    "objects_mode",
                    models.CharField(
                        choices=[("copy", "copied"), ("list", "listed")], max_length=4, verbose_name="objects"
                    ),
                ),
                ("object_count", models.PositiveBigIntegerField(verbose_name="number of objects")),
                ("size", models.PositiveBigIntegerField(verbose_name="bytes written")),
            ],
        ),
        migrations.AddField(
            model_name="generation",
            name="uncertain_until",
            field=models.DateTimeField(
                blank=True,
                help_text="It was under way in a database that was restored: it may have been sent until then, and told of.",
                null=True,
                verbose_name="uncertain until",
            ),
        ),
    ]
