"""What an order of a film by the API said, so that its key sent with another order is refused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generations", "0033_frames_in_generations")]

    operations = [
        migrations.AddField(
            model_name="film",
            name="body_digest",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Of an order by the API.",
                max_length=64,
                verbose_name="digest of the request",
            ),
        ),
    ]
