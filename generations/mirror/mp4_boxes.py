"""Read an MP4 file's boxes while its bytes pass: what kind of file it is, and whether its end is missing.

The names and sizes of boxes are those of ISO/IEC 14496-12 §4.2. Knows no bucket and no network.
"""

from typing import Final

HEAD: Final = 12  # bytes that tell what a file is

_FIRST: Final = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_NEEDED: Final = frozenset({b"moov", b"moof", b"mdat"})  # without the end of one of them the video isn't whole
_OTHERS: Final = frozenset(
    {b"ftyp", b"styp", b"free", b"skip", b"wide", b"pnot", b"uuid", b"sidx", b"ssix", b"mfra", b"meta", b"udta"}
    | {b"pdin", b"emsg", b"prft", b"bloc", b"ID32"}
)
_PICTURES: Final = frozenset({b"heic", b"heix", b"mif1", b"avif", b"crx "})  # brands of single pictures
_QUICKTIME: Final = b"qt  "
_EBML: Final = b"\x1aE\xdf\xa3"


def media_type(head: bytes) -> str:
    """The media type of a video that begins with these HEAD bytes; empty when they are no video's."""
    if head.startswith(_EBML):
        return "video/webm"
    kind, brand = head[4:8], head[8:12]
    if kind not in _FIRST or brand in _PICTURES:
        return ""
    return "video/quicktime" if kind == b"ftyp" and brand == _QUICKTIME else "video/mp4"


class Outline:
    """Told of all pieces of a file, it finds the boxes at its top level and skips what is in them."""

    def __init__(self) -> None:
        self._position = 0  # of the next byte to come
        self._next = 0  # where the next box begins
        self._kind = b""
        self._header = b""  # the first bytes of a box whose size isn't known yet
        self._is_known = True
        self.has_uuid = False  # a box of somebody's own kind, as Content Credentials lie in one

    def add(self, piece: bytes) -> None:
        begin, self._position = self._position, self._position + len(piece)
        while self._is_known and self._next + len(self._header) < self._position:
            at = self._next + len(self._header) - begin
            self._header += piece[at : at + self._wanted - len(self._header)]
            if len(self._header) == self._wanted:
                self._begin_box()

    @property
    def _wanted(self) -> int:
        """Bytes of the header: a size of 1 says that the true one follows in eight more."""
        return 16 if self._header[:4] == b"\0\0\0\1" and len(self._header) >= 8 else 8

    def _begin_box(self) -> None:
        """A size of 0 goes on to the end; after a box that nobody knows nothing can be told."""
        size = int.from_bytes(self._header[:4])
        if size == 1 and len(self._header) < 16:
            return
        size = int.from_bytes(self._header[8:]) if size == 1 else size
        self._kind = self._header[4:8]
        self.has_uuid = self.has_uuid or self._kind == b"uuid"
        self._is_known = self._kind in _NEEDED | _OTHERS and size >= len(self._header)
        self._next += size
        self._header = b""

    @property
    def missing(self) -> int:
        """How many bytes are missing at the end of what came, 0 when that can't be told."""
        return max(0, self._next - self._position) if self._is_known and self._kind in _NEEDED else 0
