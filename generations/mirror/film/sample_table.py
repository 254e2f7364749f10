"""Which bytes of an MP4 are which frame, and when each is shown (ISO/IEC 14496-12 §8.6 and §8.7)."""

import io
import struct
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, chain, repeat
from math import lcm
from typing import IO, Final

from generations.mirror.errors import MirrorError, Reason
from generations.mirror.film.boxes import NotCopyableError, box, child, children, read_moov

MAX_TIMESCALE: Final = 10_000_000  # ticks a second, of all parts together
MAX_FRAMES: Final = 1_000_000  # of a part: two hours at 120 a second
MAX_SECONDS: Final = 6 * 3600  # of a film
_MAX_EDITS: Final = 1000
_MAX_DELTA: Final = 1 << 30  # ticks from a frame to the next; what an MP4 holds is 32 bits
_VISUAL_HEAD: Final = 78  # bytes of a picture's sample entry before its own boxes
_ENCODER_NAME: Final = slice(42, 74)
_DIFFERS_BY_FILE: Final = {b"btrt"}  # the bitrate
_OTHER_CLOCK: Final = "its clock does not go with those of the others"
_DAMAGED: Final = "its index of frames is damaged"


@dataclass(frozen=True, slots=True)
class SampleTable:
    """Of the picture. Times are ticks of `timescale`; arrays have one number a frame, in the order of decoding."""

    timescale: int
    entry: bytes  # the sample entry: codec, size in pixels, colours, what the decoder has to know
    shape: bytes  # of the track's header: matrix, width, height
    offsets: "array[int]"
    sizes: "array[int]"
    durations: "array[int]"
    composition: "array[int]"  # from the decoding of a frame to its showing
    keys: tuple[int, ...]  # numbers of the key frames, from 0
    has_sound: bool

    @property
    def frames(self) -> int:
        return len(self.sizes)

    @property
    def ticks(self) -> int:
        return sum(self.durations)

    @property
    def first_shown(self) -> int:
        """When the first frame is shown, by the clock of decoding."""
        decoded = accumulate(self.durations, initial=0)
        return min(at + offset for at, offset in zip(decoded, self.composition, strict=False))

    def scaled(self, timescale: int) -> "SampleTable":
        """The same by a clock that is a multiple of its own. Raises NotCopyableError."""
        factor = timescale // self.timescale
        if factor * max(map(abs, chain(self.durations, self.composition))) > _MAX_DELTA:
            raise NotCopyableError(_OTHER_CLOCK)
        return replace(
            self,
            timescale=timescale,
            durations=array("Q", (factor * one for one in self.durations)),
            composition=array("q", (factor * one for one in self.composition)),
        )


def read_sample_table(file: IO[bytes] | io.RawIOBase, size: int) -> SampleTable:
    """Reads the head of the file alone, whose numbers nobody vouches for: nothing of it is larger than a file of `size`
    can have. Raises MirrorError, and NotCopyableError where frames can't be copied.
    """
    moov = read_moov(file, size)
    try:
        return _table_of(moov, size)
    except (struct.error, IndexError, OverflowError) as error:
        raise NotCopyableError(_DAMAGED) from error


def common_timescale(tables: list[SampleTable]) -> int:
    """A clock that is exact for all. Raises NotCopyableError."""
    found = lcm(*(table.timescale for table in tables))
    if found > MAX_TIMESCALE:
        raise NotCopyableError(_OTHER_CLOCK)
    return found


def difference(table: SampleTable, other: SampleTable) -> str:
    """Why the frames of both can't lie in one track; empty when they can."""
    if table.shape != other.shape:
        return "it has another size or is rotated otherwise"
    if table.entry[4:8] != other.entry[4:8]:
        return "it has another codec"
    return "" if table.entry == other.entry else "it was encoded with other settings"


def _table_of(moov: bytes, size: int) -> SampleTable:
    if child(moov, b"mvex") is not None:
        raise NotCopyableError("it is in fragments")
    tracks = [content for kind, content in children(moov) if kind == b"trak"]
    kinds = [(child(track, b"mdia", b"hdlr") or b"")[8:12] for track in tracks]
    if kinds.count(b"vide") != 1:
        raise NotCopyableError("it has not one picture")
    track = tracks[kinds.index(b"vide")]
    stbl = child(track, b"mdia", b"minf", b"stbl") or b""
    sizes = _sizes(_needed(stbl, b"stsz"), size)
    count, keys = len(sizes), child(stbl, b"stss")
    table = SampleTable(
        timescale=_timescale(_needed(child(track, b"mdia") or b"", b"mdhd")),
        entry=_entry(_needed(stbl, b"stsd")),
        shape=_needed(track, b"tkhd")[-44:],
        offsets=_offsets(stbl, sizes),
        sizes=sizes,
        durations=array("Q", _runs(_needed(stbl, b"stts"), ">II", count)),
        composition=array("q", _runs(ctts, ">Ii", count) if (ctts := child(stbl, b"ctts")) else bytes(8 * count)),
        keys=tuple(range(count)) if keys is None else tuple(key - 1 for (key,) in _entries(keys, ">I", count)),
        has_sound=b"soun" in kinds,
    )
    _check(table, size)
    if (edits := child(track, b"edts", b"elst")) is not None:
        _check_edits(table, edits, _timescale(_needed(moov, b"mvhd")))
    return table


def _check(table: SampleTable, size: int) -> None:
    if not table.frames or len(table.durations) != table.frames or len(table.composition) != table.frames:
        raise NotCopyableError("its index of frames is not whole")
    if 0 not in table.keys:
        raise NotCopyableError("it does not begin with a key frame")
    ends = (at + length for at, length in zip(table.offsets, table.sizes, strict=True))
    if max(ends) > size or not 0 <= min(table.keys) <= max(table.keys) < table.frames:
        raise NotCopyableError(_DAMAGED)
    if table.ticks > MAX_SECONDS * table.timescale:
        raise _too_large(f"shows them for more than {MAX_SECONDS // 3600} hours")


def _check_edits(table: SampleTable, edits: bytes, movie_timescale: int) -> None:
    """An edit list that only skips the wait for the first frame shows all of them."""
    found = list(_entries(edits, ">Qqhh" if edits[0] else ">Iihh", _MAX_EDITS))
    if len(found) != 1 or found[0][2:] != (1, 0):
        raise NotCopyableError("it is cut by an edit list")
    shown, begin = found[0][0] / movie_timescale, found[0][1]
    all_of_it, frame = table.ticks / table.timescale, max(table.durations) / table.timescale
    if begin not in {0, table.first_shown} or (shown and shown < all_of_it - frame / 2 - 1 / movie_timescale):
        raise NotCopyableError("it is cut by an edit list")


def _needed(data: bytes, kind: bytes) -> bytes:
    found = child(data, kind)
    if found is None:
        raise NotCopyableError("its index of frames is not whole")
    return found


def _timescale(header: bytes) -> int:
    """Of `mvhd` and `mdhd`: behind two times, which are longer in version 1."""
    found = int.from_bytes(header[20:24] if header[0] else header[12:16])
    if not found:
        raise NotCopyableError(_DAMAGED)
    return found


def _entries(content: bytes, form: str, most: int) -> Iterator[tuple[int, ...]]:
    count, size = int.from_bytes(content[4:8]), struct.calcsize(form)
    if count > most:
        raise _too_large("has more entries than there are frames")
    return struct.iter_unpack(form, content[8 : 8 + count * size])


def _runs(content: bytes, form: str, most: int) -> Iterator[int]:
    for count, value in _entries(content, form, most):
        most -= count
        if most < 0:
            raise _too_large("tells the times of more frames than there are")
        yield from repeat(value, count)


def _sizes(content: bytes, most: int) -> "array[int]":
    """Of all frames: no more bytes than the file has."""
    same, count = struct.unpack_from(">II", content, 4)
    if count > min(most, MAX_FRAMES) or same * count > most:
        raise _too_large("lists more frames than the file can hold")
    numbers: Iterable[int] = repeat(same, count) if same else struct.unpack_from(f">{count}I", content, 12)
    sizes = array("Q", numbers)
    if sum(sizes) > most:
        raise _too_large("lists larger frames than the file can hold")
    return sizes


def _too_large(what: str) -> MirrorError:
    return MirrorError(Reason.TOO_LARGE, f"The index of its frames {what}: the file is damaged, or made to do harm.")


def _offsets(stbl: bytes, sizes: "array[int]") -> "array[int]":
    """Where each frame begins: `stsc` says how many lie in which chunk."""
    long, most = child(stbl, b"co64"), len(sizes)
    chunks = [at for (at,) in (_entries(long, ">Q", most) if long else _entries(_needed(stbl, b"stco"), ">I", most))]
    runs = list(_entries(_needed(stbl, b"stsc"), ">III", most))
    offsets, run = array("Q"), -1
    for number, at in enumerate(chunks, 1):
        if run + 1 < len(runs) and runs[run + 1][0] == number:
            run += 1
        here = len(offsets)
        own = sizes[here : here + runs[run][1]]
        offsets.extend(accumulate(own[:-1], initial=at))
    if len(offsets) != len(sizes):
        raise NotCopyableError("its index of frames is not whole")
    return offsets


def _entry(stsd: bytes) -> bytes:
    """The one sample entry, without what differs between two files of one encoder."""
    found = list(children(stsd[8:]))
    if len(found) != 1:
        raise NotCopyableError("its codec changes on the way")
    kind, content = found[0]
    head = bytearray(content[:_VISUAL_HEAD])
    head[_ENCODER_NAME] = bytes(32)
    own = b"".join(box(name, data) for name, data in children(content[_VISUAL_HEAD:]) if name not in _DIFFERS_BY_FILE)
    return box(kind, bytes(head), own)
