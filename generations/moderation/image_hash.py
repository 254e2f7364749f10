"""Find similar pictures, also when they were scaled or saved again: a difference hash of 64 bits.

Known as dHash: of the picture in 9 × 8 grey dots, whether each is darker than the next one in its row.
"""

from io import BytesIO
from itertools import pairwise
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

from generations import bucket
from generations.models import BannedFile
from generations.models.rule import MAX_HAMMING_DISTANCE

_PLAIN_BITS: Final = 6  # a picture with fewer dark or light steps is a plain colour, and like every other one


def hash_image(data: bytes) -> str:
    """Of a JPEG or PNG, 64 bits in hexadecimal; empty for a plain picture, whose hash says nothing."""
    with Image.open(BytesIO(data)) as image:
        dots = image.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    rows = (dots[start : start + 9] for start in range(0, 72, 9))
    bits = [left > right for row in rows for left, right in pairwise(row)]
    if not _PLAIN_BITS <= sum(bits) <= 64 - _PLAIN_BITS:
        return ""
    return f"{sum(bit << place for place, bit in enumerate(bits)):016x}"


def hash_stored(key: str) -> str:
    """Of a picture in the bucket; empty where it can't be read: its bytes are banned all the same."""
    try:
        return hash_image(bucket.get(key))
    except (BotoCoreError, ClientError, OSError):
        return ""


def find_ban(sha256: str, looks: str) -> BannedFile | None:
    """The ban of a file with this hash, or of a picture with this perceptual hash."""
    if exact := BannedFile.objects.filter(sha256=sha256).first():
        return exact
    if not looks:
        return None
    return next(
        (each for each in BannedFile.objects.exclude(perceptual_hash="") if _are_alike(each.perceptual_hash, looks)),
        None,
    )


def _are_alike(one: str, other: str) -> bool:
    return (int(one, 16) ^ int(other, 16)).bit_count() <= MAX_HAMMING_DISTANCE
