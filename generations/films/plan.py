"""What joining these videos means: copied, or encoded in one size. By the rows alone, so that a page can say it.

From there on it is a film, which waits for a worker (`worker`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from django.db import transaction
from django.utils.translation import ngettext

from accounts.models import User
from generations.exceptions import TooManyFilmsError
from generations.mirror.film.encode import Shape
from generations.models import RUNNING, Collection, Film, FilmPart, Generation, Video

MAX_OPEN: Final = 10  # films of one person that wait or are being joined
_COPIED_TYPES: Final = frozenset({"video/mp4", "video/quicktime"})


@dataclass(frozen=True, slots=True)
class JoinPlan:
    width: int  # pixels
    height: int
    rate: Fraction  # frames a second
    seconds: float
    is_encoded: bool
    sizes: list[str]  # such as 1920 × 1080, the most frequent first

    @property
    def shape(self) -> Shape:
        """H.264 takes even sides alone."""
        return Shape(self.width - self.width % 2, self.height - self.height % 2, self.rate)


def plan_join(videos: Sequence[Video]) -> JoinPlan:
    """The size of most of them; the larger one where two are as frequent."""
    sizes = Counter((video.width, video.height) for video in videos)
    order = sorted(sizes, key=lambda size: (-sizes[size], -size[0] * size[1]))
    rates = Counter(round(video.fps, 3) for video in videos)
    kinds = {(video.codec, round(video.fps, 2)) for video in videos}
    is_copied = len(sizes) == 1 and len(kinds) == 1 and {video.content_type for video in videos} <= _COPIED_TYPES
    return JoinPlan(
        *order[0],
        rate=Fraction(rates.most_common(1)[0][0]).limit_denominator(1001),
        seconds=sum(video.duration for video in videos),
        is_encoded=not is_copied,
        sizes=[f"{width} × {height}" for width, height in order],
    )


@transaction.atomic
def order_film(user: User, videos: Sequence[Generation], columns: dict[str, Any], *, is_encoded: bool = False) -> Film:
    """One film a form: a second press of it leads to the first one's. All videos are of one team, in this order.

    `is_encoded`: also where they could be copied. Raises TooManyFilmsError.
    """
    _lock(user)
    found = Film.objects.filter(user=user, idempotency_key=columns["idempotency_key"]).first()
    if found:
        return found
    is_encoded = is_encoded or plan_join([row.video for row in videos]).is_encoded
    film = Film.objects.create(user=user, team=videos[0].team, is_encoded=is_encoded, **columns)
    FilmPart.objects.bulk_create(
        FilmPart(film=film, position=number, generation=row) for number, row in enumerate(videos, 1)
    )
    _refuse_too_many(user)
    return film


@transaction.atomic
def retry_film(film: Film, *, is_encoded: bool) -> bool:
    """Whether it waits once more now: not, when it has not ended, or was joined. Raises TooManyFilmsError."""
    _lock(film.user)
    if not film.retry(is_encoded=is_encoded):
        return False
    _refuse_too_many(film.user)
    return True


def _lock(user: User) -> None:
    """Another order of this person waits until this one is written."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _refuse_too_many(user: User) -> None:
    """With the film that was just begun, in its transaction."""
    if Film.objects.filter(user=user, status__in=RUNNING).count() > MAX_OPEN:
        message = ngettext(
            "%d film waits or is being joined, as many as one person may have at once. Nothing is lost: "
            "press again once one is done, or cancel one.",
            "%d films wait or are being joined, as many as one person may have at once. Nothing is lost: "
            "press again once one is done, or cancel one.",
            MAX_OPEN,
        )
        raise TooManyFilmsError(message % MAX_OPEN)


def project_of(videos: Sequence[Generation]) -> Collection | None:
    """Where all of them lie, if it is one."""
    found = {row.collection_id for row in videos}
    return videos[0].collection if len(found) == 1 else None
