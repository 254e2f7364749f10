"""What reviewers have decided about a video, and the order in which a gallery shows that."""

from typing import Final

from django.db import models
from django.db.models import Case, SmallIntegerField, Value, When
from django.utils.translation import gettext_lazy as _


class ReviewStatus(models.TextChoices):
    """What reviewers have decided; blank as long as nobody has."""

    APPROVED = "approved", _("Approved")
    CHANGES_WANTED = "changes_wanted", _("Changes wanted")


# The highest comes first, as the newest does: so the order has one direction, and one index serves it.
REVIEW_RANKS: Final[dict[str, int]] = {ReviewStatus.CHANGES_WANTED.value: 2, "": 1, ReviewStatus.APPROVED.value: 0}
REVIEW_RANK: Final = Case(
    *(When(review_status=status, then=Value(rank)) for status, rank in REVIEW_RANKS.items() if status),
    default=Value(REVIEW_RANKS[""]),
    output_field=SmallIntegerField(),
)
