"""Videos that continue others, and the pictures that they do it with."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_one_spelling"),
        ("generations", "0020_films"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="leads_to",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                help_text="The video whose first frame is its end picture.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="led_to_by",
                to="generations.generation",
                verbose_name="leads to",
            ),
        ),
        migrations.AddField(
            model_name="upload",
            name="first_frame_of",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="generations.generation",
                verbose_name="first frame of",
            ),
        ),
        migrations.AddField(
            model_name="upload",
            name="last_frame_of",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="generations.generation",
                verbose_name="last frame of",
            ),
        ),
        migrations.AlterField(
            model_name="generation",
            name="relation",
            field=models.CharField(
                blank=True,
                choices=[("retry", "Retry"), ("remix", "Remix"), ("extend", "Extension"), ("between", "In between")],
                max_length=10,
                verbose_name="how it was made from it",
            ),
        ),
    ]
