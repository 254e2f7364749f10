"""How long a video usually takes from fal's queue to the bucket: by the last ones of all teams, read once a minute."""

import time
from dataclasses import dataclass
from math import ceil
from typing import Final

from django.utils.translation import gettext as _

from generations.models import Generation, Status

_SAMPLE: Final = 20  # rows
_MINIMUM: Final = 3  # rows; of fewer nothing can be told
_MAX_AGE: Final = 60.0  # s
_STEP: Final = 5  # s; of what is shown below a minute


@dataclass(frozen=True, slots=True)
class UsualTime:
    """The middle half of them, in seconds, rounded to what is shown."""

    low: int
    high: int

    @property
    def text(self) -> str:
        if not self.low:
            return _("up to %s") % _unit(self.high)
        if self.low == self.high:
            return _("about %s") % _unit(self.high)
        if self.high < 60 or self.low >= 60:
            return f"{self.low if self.high < 60 else self.low // 60}–{_unit(self.high)}"
        return f"{_unit(self.low)}–{_unit(self.high)}"


_known: Final[dict[tuple[str, int], tuple[float, UsualTime | None]]] = {}  # until when it holds, and what


def usual_time(endpoint: str, seconds: int) -> UsualTime | None:
    """For videos of an endpoint and a duration; None while there are too few to tell."""
    now = time.monotonic()
    until, known = _known.get((endpoint, seconds), (0.0, None))
    if until < now:
        known = _read(endpoint, seconds)
        _known[endpoint, seconds] = now + _MAX_AGE, known
    return known


def forget_usual_times() -> None:
    """For tests, whose rows are others each time."""
    _known.clear()


def _read(endpoint: str, seconds: int) -> UsualTime | None:
    """By an index: one short range."""
    done = Generation.objects.filter(
        status=Status.DONE, endpoint=endpoint, duration=seconds, submitted_at__isnull=False
    )
    last = done.order_by("-finished_at").values_list("submitted_at", "finished_at")[:_SAMPLE]
    took = sorted((finished - submitted).total_seconds() for submitted, finished in last if submitted and finished)
    if len(took) < _MINIMUM:
        return None
    low, high = took[len(took) // 4], took[len(took) * 3 // 4]
    return UsualTime(_rounded(low, up=False), _rounded(high, up=True))


def _rounded(seconds: float, *, up: bool) -> int:
    step = 60 if seconds >= 60 else _STEP
    return step * max(ceil(seconds / step), 1) if up else step * int(seconds / step)


def _unit(seconds: int) -> str:
    return _("%d min") % (seconds // 60) if seconds >= 60 else _("%d s") % seconds
