"""What the decoder returns: a picture and what was changed, or why not."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# what fits into memory when it is unpacked; a JPEG can be made smaller while it is
MAX_PIXELS: Final = {
    "JPEG": 100_000_000,
    "PNG": 25_000_000,
    "HEIF": 25_000_000,
    "GIF": 25_000_000,
    "BMP": 25_000_000,
    "WEBP": 17_000_000,
    "AVIF": 12_000_000,
}


class Change(StrEnum):
    """What a picture lost or became on its way."""

    TURNED = "turned"  # upright
    COLORS = "colors"  # to sRGB
    DEPTH = "depth"  # from 16 bits to 8
    FLATTENED = "flattened"  # on white
    FIRST_FRAME = "first_frame"
    SCALED = "scaled"
    CUT = "cut"  # the lines at the bottom that had not arrived
    METADATA = "metadata"
    FORMAT = "format"  # of the file


class Fault(StrEnum):
    UNKNOWN = "unknown"  # no picture that is known here
    DAMAGED = "damaged"
    INCOMPLETE = "incomplete"
    PIXELS = "pixels"  # more than `limit`
    COSTLY = "costly"  # in memory or time


class RefusedError(Exception):
    def __init__(self, fault: Fault, limit: int = 0) -> None:
        super().__init__(fault)
        self.fault = fault
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Decoded:
    """`given` has the sides of the whole picture before it was scaled; upright as the result is."""

    data: bytes
    is_png: bool
    width: int
    height: int
    given: tuple[int, int]
    changes: tuple[Change, ...]
