"""`manage.py make_previews`: make previews and placeholders for older videos that have none."""

import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from generations.mirror import MirrorError
from generations.models import Generation
from generations.storage.repair import add_preview


class Command(BaseCommand):
    help = "Make the missing previews. Can be run again at any time; exit 1 when some could not be made."

    def handle(self, **options: Any) -> None:
        made = failed = 0
        for row in _without_preview():
            try:
                add_preview(row)
                made += 1
            except MirrorError as error:
                failed += 1
                self.stderr.write(f"{row.pk}: {error}")
        self.stdout.write(f"{made:,} previews made, {failed:,} could not be made.")
        if failed:
            sys.exit(1)


def _without_preview() -> Iterator[Generation]:
    """Their ids first: a cursor would be held open for as long as all the work takes."""
    rows = Generation.objects.filter(deleted_at=None, video__preview_key="")
    for pk in list(rows.order_by("-created_at").values_list("pk", flat=True)):
        if row := rows.filter(pk=pk).select_related("video").first():
            yield row
