"""Tracks of a new MP4, and its head: which is written before the frames, so that a player can begin at once."""

import struct
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from generations.mirror.film.boxes import box, full_box

_MATRIX: Final = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_LANGUAGE: Final = 0x55C4  # undetermined
FTYP: Final = box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2avc1mp41")


@dataclass(frozen=True, slots=True)
class Track:
    """Times are ticks of `timescale`. `begin` is where its own clock stands when the film begins to play."""

    handler: bytes  # vide or soun
    timescale: int
    entry: bytes
    shape: bytes  # matrix, width, height
    sizes: "array[int]"
    durations: "array[int]"
    begin: int
    composition: "array[int] | None" = None
    keys: "array[int] | None" = None  # None: each is a key frame


@dataclass(frozen=True, slots=True)
class Chunk:
    """Samples that lie together in the file."""

    track: int  # its place in the list of tracks
    first: int
    count: int


def head(tracks: list[Track], chunks: list[Chunk], seconds: float, extra: bytes) -> bytes:
    """All that comes before the first byte of a sample, with the head of `mdat`. `extra` are boxes of one's own."""
    length = len(FTYP) + len(_moov(tracks, chunks, seconds, 0)) + len(extra) + 16
    body = sum(map(sum, (track.sizes for track in tracks)))
    mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + body)
    return FTYP + _moov(tracks, chunks, seconds, length) + extra + mdat


def _moov(tracks: list[Track], chunks: list[Chunk], seconds: float, first_byte: int) -> bytes:
    clock = tracks[0].timescale
    shown = round(seconds * clock)
    places = _places(tracks, chunks, first_byte)
    mvhd = full_box(
        *(b"mvhd", 1, 0, struct.pack(">QQIQ", 0, 0, clock, shown), struct.pack(">IH10x", 1 << 16, 1 << 8)),
        *(_MATRIX, bytes(24), struct.pack(">I", len(tracks) + 1)),
    )
    traks = (_trak(number, track, chunks, places, shown) for number, track in enumerate(tracks))
    return box(b"moov", mvhd, *traks)


def _places(tracks: list[Track], chunks: list[Chunk], at: int) -> list[int]:
    places = []
    for chunk in chunks:
        places.append(at)
        at += sum(tracks[chunk.track].sizes[chunk.first : chunk.first + chunk.count])
    return places


def _trak(number: int, track: Track, chunks: list[Chunk], places: list[int], shown: int) -> bytes:
    is_sound = track.handler == b"soun"
    header = struct.pack(">QQI4xQ8xhhh2x", 0, 0, number + 1, shown, 0, number, 0x100 if is_sound else 0)
    media_header = struct.pack(">QQIQHH", 0, 0, track.timescale, sum(track.durations), _LANGUAGE, 0)
    handler = struct.pack(">4x4s12x", track.handler) + (b"SoundHandler\0" if is_sound else b"VideoHandler\0")
    of_kind = full_box(b"smhd", 0, 0, bytes(4)) if is_sound else full_box(b"vmhd", 0, 1, bytes(8))
    data = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    own = [(chunk, place) for chunk, place in zip(chunks, places, strict=True) if chunk.track == number]
    return box(
        b"trak",
        full_box(b"tkhd", 1, 3, header, track.shape),
        box(b"edts", full_box(b"elst", 1, 0, struct.pack(">IQqhh", 1, shown, track.begin, 1, 0))),
        box(
            b"mdia",
            full_box(b"mdhd", 1, 0, media_header),
            full_box(b"hdlr", 0, 0, handler),
            box(b"minf", of_kind, data, _stbl(track, own)),
        ),
    )


def _stbl(track: Track, own: list[tuple[Chunk, int]]) -> bytes:
    """In the order that the standard recommends."""
    lengths = [(count, number) for number, count in _changes(chunk.count for chunk, _ in own)]
    parts = [
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), track.entry),
        _list(b"stts", ">II", _runs(track.durations)),
    ]
    if track.composition is not None:
        is_signed = min(track.composition) < 0
        parts.append(_list(b"ctts", ">Ii", _runs(track.composition), version=int(is_signed)))
    if track.keys is not None:
        parts.append(_list(b"stss", ">I", ((key + 1,) for key in track.keys)))
    parts += [
        _list(b"stsc", ">III", ((number, count, 1) for count, number in lengths)),
        full_box(b"stsz", 0, 0, struct.pack(f">II{len(track.sizes)}I", 0, len(track.sizes), *track.sizes)),
        _list(b"co64", ">Q", ((place,) for _, place in own)),
    ]
    return box(b"stbl", *parts)


def _changes(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Where another number begins, from 1, and which."""
    before = None
    for place, number in enumerate(numbers, 1):
        if number != before:
            yield place, number
        before = number


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    return ((sum(1 for _ in group), number) for number, group in groupby(numbers))


def _list(kind: bytes, form: str, rows: Iterable[tuple[int, ...]], *, version: int = 0) -> bytes:
    packed = [struct.pack(form, *row) for row in rows]
    return full_box(kind, version, 0, struct.pack(">I", len(packed)), *packed)
