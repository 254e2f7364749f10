"""Joins videos: by copying their frames, so that no picture is decoded and every byte passes through once, or encoded.

The index of each part is read first, so the head of the film is known before its first frame, and so is its size.
"""

import hashlib
import tempfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from typing import IO, Final

from generations.mirror.errors import MirrorError, Reason
from generations.mirror.film.boxes import NotCopyableError, read_exactly
from generations.mirror.film.manifest import Ingredient, manifest_box
from generations.mirror.film.sample_table import (
    MAX_SECONDS,
    SampleTable,
    common_timescale,
    difference,
    read_sample_table,
)
from generations.mirror.film.sound import RATE, SoundTrack, silence, sound_of
from generations.mirror.film.track import Chunk, Track, head
from generations.mirror.s3_file import StoredFile
from generations.mirror.transfer import OnProgress, Progress
from generations.mirror.transfer_rate import Pace, min_rate_for
from generations.mirror.upload import Bucket, Target, put

MAX_BYTES: Final = 5 * 10**9  # of one PUT into S3
_PIECE: Final = 1 << 18  # bytes
_SKIP: Final = 1 << 16  # bytes between two frames that are read and dropped: less than a request costs


@dataclass(frozen=True, slots=True)
class Part:
    """A video that lies in the bucket."""

    key: str
    size: int  # bytes
    ingredient: Ingredient


@dataclass(frozen=True, slots=True)
class Cut:
    """The frames of one part in the film, from 0; the last is not among them."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class JoinedFilm:
    size: int  # bytes
    sha256: str
    seconds: float
    cuts: list[Cut]
    has_sound: bool


@dataclass(frozen=True, slots=True)
class JoinSpec:
    """What to make, and where."""

    bucket: Bucket
    key: str
    document: str  # the film's own id
    title: str
    parts: list[Part]


Opener = Callable[[], IO[bytes] | StoredFile]


@dataclass(frozen=True, slots=True)
class FrameSource:
    """Where the frames of a part, or of all, are read."""

    open: Opener
    table: SampleTable


@dataclass(frozen=True, slots=True)
class SoundSource:
    """What is heard with a part: `samples` long, silent without `open`."""

    samples: int
    open: Opener | None


def join_copied(spec: JoinSpec, on_progress: OnProgress, *, attempt: int = 0) -> JoinedFilm:
    """The object appears at `key` when its last byte has arrived. What `on_progress` raises ends the work.

    Raises MirrorError, and NotCopyableError when frames of the parts can't lie in one track.
    """
    tables = read_tables(spec)
    pictures = [FrameSource(opener(spec, part), table) for part, table in zip(spec.parts, tables, strict=True)]
    ends = list(accumulate((table.frames for table in tables), initial=0))
    cuts = [Cut(*pair) for pair in pairwise(ends)]
    return write(spec, pictures, _sounds(spec, tables), cuts, on_progress, attempt=attempt)


def write(
    spec: JoinSpec,
    pictures: list[FrameSource],
    sounds: list[SoundSource],
    cuts: list[Cut],
    on_progress: OnProgress,
    *,
    attempt: int,
) -> JoinedFilm:
    """One PUT, which S3 takes whole or not at all: a join that was killed leaves nothing to clean up."""
    progress = Progress(on_progress)
    with tempfile.TemporaryFile() as spool:
        plan = _plan(spec, [picture.table for picture in pictures], _encode_sound(sounds, spool, progress))
        size = len(plan.head) + sum(map(sum, (track.sizes for track in plan.tracks)))
        if size > MAX_BYTES:
            raise MirrorError(Reason.TOO_LARGE, "The film would be larger than 5 GB. Join fewer videos.")
        digest = hashlib.sha256()
        with Pace(min_rate_for(attempt)) as pace:
            pieces = _tracked(_pieces(pictures, plan, spool), size, progress, digest, pace)
            put(Target(spec.bucket, spec.key, "video/mp4"), pieces, size, pace)
    on_progress(size, size)
    return JoinedFilm(size, digest.hexdigest(), plan.seconds, cuts, len(plan.tracks) > 1)


def opener(spec: JoinSpec, part: Part) -> Opener:
    return partial(StoredFile, spec.bucket, part.key, part.size)


def read_tables(spec: JoinSpec) -> list[SampleTable]:
    """The index of each part, by one clock. Raises MirrorError, and NotCopyableError naming the part."""
    tables: list[SampleTable] = []
    for number, part in enumerate(spec.parts, 1):
        try:
            tables.append(_read_table(spec, part, tables))
        except NotCopyableError as error:
            raise NotCopyableError(f"Part {number} can’t be copied: {error}.") from error
        except MirrorError as error:
            raise MirrorError(error.reason, f"Part {number}: {error}") from error
    timescale = common_timescale(tables)
    refuse_too_long(sum(table.ticks / table.timescale for table in tables))
    return [table.scaled(timescale) for table in tables]


def refuse_too_long(seconds: float) -> None:
    """Raises MirrorError."""
    if seconds > MAX_SECONDS:
        raise MirrorError(Reason.TOO_LARGE, f"The film would last more than {MAX_SECONDS // 3600} hours.")


def _read_table(spec: JoinSpec, part: Part, before: list[SampleTable]) -> SampleTable:
    with StoredFile(spec.bucket, part.key, part.size) as file:
        table = read_sample_table(file, part.size)
    if before and (why := difference(table, before[0])):
        raise NotCopyableError(why)
    return table


@dataclass(frozen=True, slots=True)
class _Plan:
    tracks: list[Track]
    chunks: list[Chunk]
    head: bytes
    seconds: float


def _plan(spec: JoinSpec, tables: list[SampleTable], sound: Track | None) -> _Plan:
    tracks = [_picture(tables), sound] if sound else [_picture(tables)]
    seconds = sum(table.ticks for table in tables) / tables[0].timescale
    chunks = list(_chunks(tracks, tables))
    manifest = manifest_box(spec.document, spec.title, [part.ingredient for part in spec.parts])
    return _Plan(tracks, chunks, head(tracks, chunks, seconds, manifest), seconds)


def _picture(tables: list[SampleTable]) -> Track:
    """Parts wait unequally long for their first frame; all get the longest wait, so that none shows too early."""
    begin = max(table.first_shown for table in tables)
    first, joined = tables[0], [array("Q"), array("Q"), array("q"), array("Q")]
    sizes, durations, composition, keys = joined
    for table in tables:
        wait = begin - table.first_shown
        keys.extend(len(sizes) + key for key in table.keys)
        sizes.extend(table.sizes)
        durations.extend(table.durations)
        composition.extend(one + wait for one in table.composition)
    return Track(b"vide", first.timescale, first.entry, first.shape, sizes, durations, begin, composition, keys)


def _sounds(spec: JoinSpec, tables: list[SampleTable]) -> list[SoundSource]:
    """The ends are rounded in the film, not in each part, so that nothing adds up."""
    ends = [ticks * RATE // tables[0].timescale for ticks in accumulate((one.ticks for one in tables), initial=0)]
    return [
        SoundSource(end - begin, opener(spec, part) if table.has_sound else None)
        for part, table, begin, end in zip(spec.parts, tables, ends, ends[1:], strict=False)
    ]


def _encode_sound(sounds: list[SoundSource], spool: IO[bytes], progress: Progress) -> Track | None:
    if all(sound.open is None for sound in sounds):
        return None
    track = SoundTrack(spool)
    for sound in sounds:
        if sound.open is None:
            track.add(silence(sound.samples))
            continue
        with sound.open() as file:
            track.add(sound_of(file, sound.samples, lambda: progress(0, None)))
    return track.finish()


def _chunks(tracks: list[Track], tables: list[SampleTable]) -> Iterator[Chunk]:
    """A second of picture, then the sound that goes with it; none crosses a cut."""
    picture, at, elapsed, sound = tracks[0], 0, 0, 0
    for table in tables:
        end = at + table.frames
        while at < end:
            first, begin = at, elapsed
            while at < end and elapsed - begin < table.timescale:
                elapsed += picture.durations[at]
                at += 1
            yield Chunk(0, first, at - first)
            if len(tracks) > 1:
                until = min(len(tracks[1].sizes), elapsed * RATE // table.timescale // 1024)
                if until > sound:
                    yield Chunk(1, sound, until - sound)
                sound = max(sound, until)
    if len(tracks) > 1 and len(tracks[1].sizes) > sound:
        yield Chunk(1, sound, len(tracks[1].sizes) - sound)


def _pieces(pictures: list[FrameSource], plan: _Plan, spool: IO[bytes]) -> Iterator[bytes]:
    yield plan.head
    spool.seek(0)
    frames = _frames(pictures)
    for chunk in plan.chunks:
        sizes = plan.tracks[chunk.track].sizes[chunk.first : chunk.first + chunk.count]
        if chunk.track:
            yield spool.read(sum(sizes))
            continue
        for _ in sizes:
            yield from next(frames)


def _frames(pictures: list[FrameSource]) -> Iterator[Iterator[bytes]]:
    """The bytes of each frame after the other, out of one stream a part."""
    for picture in pictures:
        with picture.open() as file:
            for at, size in zip(picture.table.offsets, picture.table.sizes, strict=True):
                gap = at - file.tell()
                if 0 <= gap <= _SKIP:
                    read_exactly(file, gap)
                else:
                    file.seek(at)
                yield _blocks(file, size)


def _blocks(file: IO[bytes] | StoredFile, size: int) -> Iterator[bytes]:
    while size:
        piece = read_exactly(file, min(size, _PIECE))
        size -= len(piece)
        yield piece


def _tracked(
    pieces: Iterator[bytes], size: int, progress: Progress, digest: "hashlib._Hash", pace: Pace
) -> Iterator[bytes]:
    copied = 0
    for piece in pace.track_source(pieces):
        copied += len(piece)
        digest.update(piece)
        pace.add_bytes(len(piece))
        progress(copied, size)
        yield piece
