"""Delete the objects of removed videos after EVIDENCE_DAYS. Rows and hashes stay."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from generations.models import Case, Film, Generation, LibraryPicture

_BATCH_SIZE = 100


@transaction.atomic
def purge_evidence() -> int:
    """Delete what was taken down longer ago than EVIDENCE_DAYS and is before nobody; how many."""
    since = timezone.now() - timedelta(days=settings.EVIDENCE_DAYS)
    old = Generation.objects.filter(taken_down_at__lt=since, deleted_at=None)
    old = old.exclude(pk__in=Case.objects.open().values("generation"))
    rows = old.order_by("taken_down_at").select_for_update(skip_locked=True, of=("self",))
    return sum(row.delete_permanently(None) for row in rows[:_BATCH_SIZE])


@transaction.atomic
def purge_films() -> int:
    """Delete films with a part whose evidence is deleted; how many."""
    return Film.objects.of_purged_parts().delete_with_objects()


@transaction.atomic
def purge_library_pictures() -> int:
    """Delete frames of videos whose evidence is deleted; how many."""
    return LibraryPicture.objects.of_purged_videos().delete_with_objects()
