"""What joining these videos means: copied, or encoded in one size. By the rows alone, so that a page can say it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db import transaction

from accounts.models import User
from generations.mirror.film.encode import Shape
from generations.models import Collection, Film, FilmPart, Generation, Video

_COPIED_TYPES = frozenset({"video/mp4", "video/quicktime"})


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
def order_film(user: User, videos: Sequence[Generation], columns: dict[str, Any]) -> Film:
    """One film a form: a second press of it leads to the first one's. All videos are of one team, in this order."""
    key = columns.pop("idempotency_key")
    defaults = columns | {"team": videos[0].team, "is_encoded": plan_join([row.video for row in videos]).is_encoded}
    film, is_new = Film.objects.get_or_create(user=user, idempotency_key=key, defaults=defaults)
    if is_new:
        FilmPart.objects.bulk_create(
            FilmPart(film=film, position=number, generation=row) for number, row in enumerate(videos, 1)
        )
    return film


def project_of(videos: Sequence[Generation]) -> Collection | None:
    """Where all of them lie, if it is one."""
    found = {row.collection_id for row in videos}
    return videos[0].collection if len(found) == 1 else None
