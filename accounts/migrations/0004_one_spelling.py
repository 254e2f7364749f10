"""The admin calls fields as the pages do; no column changes."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_notifications"),
    ]

    operations = [
        migrations.AlterField(
            model_name="invitation",
            name="email",
            field=models.EmailField(
                blank=True, help_text="Empty: whoever has the link.", max_length=254, verbose_name="email address"
            ),
        ),
        migrations.AlterField(
            model_name="team",
            name="domains",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=253),
                blank=True,
                default=list,
                help_text="Whoever has shown an address there to be theirs may join by themselves, as a member.",
                size=None,
                verbose_name="email domains",
            ),
        ),
        migrations.AlterField(
            model_name="team",
            name="needs_second_factor",
            field=models.BooleanField(
                default=False,
                help_text="Members without one see nothing of it.",
                verbose_name="requires two-factor authentication",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="email",
            field=models.EmailField(max_length=254, unique=True, verbose_name="email address"),
        ),
    ]
