"""fal's price list as read on 2026-11-23: $0.35 for 5 seconds, $0.07 for each second more."""

from datetime import date

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ENDPOINTS = [
    "fal-ai/kling-video/v2.5-turbo/pro/text-to-video",
    "fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
]
CENTS = {5: 35, 10: 70}


def enter_prices(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    price = apps.get_model("generations", "Price")
    for endpoint in ENDPOINTS:
        for seconds, cents in CENTS.items():
            price.objects.create(endpoint=endpoint, seconds=seconds, cents=cents, read_on=date(2026, 11, 23))


class Migration(migrations.Migration):
    dependencies = [("generations", "0001_initial")]

    operations = [migrations.RunPython(enter_prices, migrations.RunPython.noop)]
