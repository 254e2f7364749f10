"""The boxes of an MP4 (ISO/IEC 14496-12 §4.2): read from bytes, and written."""

import io
import struct
from collections.abc import Iterator
from typing import IO, Final

from generations.mirror.errors import MirrorError, Reason


class NotCopyableError(Exception):
    """The frames can't go into another file as they are; str() is the reason, as the end of a sentence."""


MAX_MOOV: Final = 32 << 20  # bytes; that of an hour has three million


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def children(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind and the content of each box that lies in `data`."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), 16
        end = len(data) if size == 0 else at + size
        if end < at + head or end > len(data):
            raise NotCopyableError("its index of frames is damaged")
        yield kind, data[at + head : end]
        at = end


def child(data: bytes, *path: bytes) -> bytes | None:
    """The content of the first box down this path."""
    for kind in path:
        found = next((content for name, content in children(data) if name == kind), None)
        if found is None:
            return None
        data = found
    return data


def read_moov(file: IO[bytes] | io.RawIOBase, size: int) -> bytes:
    """The content of the box `moov`, wherever it lies; of the rest only heads are read.

    Raises MirrorError and NotCopyableError.
    """
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = read_exactly(file, min(16, size - at))
        length, kind = struct.unpack_from(">I4s", head)
        skip = 8
        if length == 1 and len(head) == 16:
            length, skip = int.from_bytes(head[8:]), 16
        length = length or size - at
        if kind == b"moov" and skip <= length <= min(MAX_MOOV, size - at):
            file.seek(at + skip)
            return read_exactly(file, length - skip)
        if length < skip:
            break
        at += length
    raise NotCopyableError("it is no MP4 file")


def read_exactly(file: IO[bytes] | io.RawIOBase, size: int) -> bytes:
    """Raises MirrorError when the file ends before."""
    pieces, left = [], size
    while left:
        piece = file.read(left)
        if not piece:
            raise MirrorError(Reason.TRUNCATED, f"The end of the video is missing: {left:,} bytes.")
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
