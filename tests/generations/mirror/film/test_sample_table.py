"""The head of a file says whatever its maker wanted: it costs no more than the file itself could."""

import io
import struct
from functools import partial
from typing import Final

import pytest

from generations.mirror import Bucket, MirrorError, Reason
from generations.mirror.film.boxes import NotCopyableError
from generations.mirror.film.encode import join_encoded
from generations.mirror.film.join import join_copied
from generations.mirror.film.sample_table import read_sample_table
from tests.generations.mirror.film import clips
from tests.generations.mirror.film.test_join import WIDE, spec_of

_FRAMES: Final = 24
_TABLES: Final = [b"trak", b"mdia", b"minf", b"stbl"]
_HUGE: Final = 1 << 24


def table(kind: bytes, form: str, *rows: tuple[int, ...], count: int | None = None) -> bytes:
    """A clip whose table of this kind has these rows."""
    head = struct.pack(">II", 0, len(rows) if count is None else count)
    return clips.with_box(clips.clip(1), [*_TABLES, kind], head + b"".join(struct.pack(form, *row) for row in rows))


def sizes(same: int, count: int, *each: int) -> bytes:
    content = struct.pack(f">III{len(each)}I", 0, same, count, *each)
    return clips.with_box(clips.clip(1), [*_TABLES, b"stsz"], content)


def clock(path: list[bytes], timescale: int) -> bytes:
    return clips.with_box(clips.clip(1), path, struct.pack(">IIIIIHH", 0, 0, 0, timescale, 1000, 0, 0))


def test_replaced_table_is_read(bucket: Bucket) -> None:
    """The clips below differ from a good one by the one table alone."""
    data = table(b"stts", ">II", (_FRAMES, 512))
    assert list(read_sample_table(io.BytesIO(data), len(data)).durations) == [512] * _FRAMES


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(table(b"stts", ">II", *[(_HUGE, 1)] * 1000), "more entries", id="entries of durations"),
        pytest.param(table(b"stts", ">II", *[(_HUGE, 1)] * 9), "times of more frames", id="durations"),
        pytest.param(table(b"stts", ">II", (_FRAMES + 1, 1)), "times of more frames", id="one duration more"),
        pytest.param(table(b"ctts", ">Ii", *[(_HUGE, 1)] * 9), "times of more frames", id="composition"),
        pytest.param(table(b"stts", ">II", (_FRAMES, 2**32 - 1)), "more than 6 hours", id="an age"),
        pytest.param(table(b"stss", ">I", *[(1,)] * 1000), "more entries", id="key frames"),
        pytest.param(table(b"stco", ">I", *[(48,)] * 1000), "more entries", id="chunks"),
        pytest.param(table(b"stsc", ">III", *[(1, 1, 1)] * 1000), "more entries", id="runs of chunks"),
        pytest.param(table(b"stsc", ">III", count=2**32 - 1), "more entries", id="a count alone"),
        pytest.param(sizes(1, _HUGE), "more frames than", id="frames of one byte"),
        pytest.param(sizes(1 << 20, _FRAMES), "more frames than", id="large frames"),
        pytest.param(sizes(0, _FRAMES, *[1 << 31] * _FRAMES), "larger frames than", id="large frames one by one"),
        pytest.param(sizes(0, 2**32 - 1), "more frames than", id="a count of sizes alone"),
    ],
)
def test_index_that_asks_for_too_much(bucket: Bucket, data: bytes, words: str) -> None:
    """It is refused before any of it is laid out in memory, and told by the part's number."""
    with pytest.raises(MirrorError, match=words) as refused:
        read_sample_table(io.BytesIO(data), len(data))
    assert refused.value.reason == Reason.TOO_LARGE

    spec = spec_of(bucket, clips.clip(1), data)
    with pytest.raises(MirrorError, match=f"Part 2: .*{words}"):
        join_copied(spec, lambda *_: None)
    assert "Contents" not in bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=spec.key)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(table(b"stss", ">I", (1,), (0,)), id="a key frame before the first"),
        pytest.param(table(b"stss", ">I", (1,), (_FRAMES + 1,)), id="a key frame behind the last"),
        pytest.param(table(b"stco", ">I", (2**32 - 1,)), id="frames behind the end"),
        pytest.param(clock([b"trak", b"mdia", b"mdhd"], 0), id="no clock"),
        pytest.param(clock([b"mvhd"], 0), id="no clock of the movie"),
    ],
)
def test_index_that_says_nothing_sensible(data: bytes) -> None:
    with pytest.raises(NotCopyableError, match="damaged"):
        read_sample_table(io.BytesIO(data), len(data))


@pytest.mark.parametrize(("waits", "words"), [(2**31 - 1, "clock"), (-(2**31), "edit list")])
def test_time_that_an_mp4_can_not_hold(bucket: Bucket, waits: int, words: str) -> None:
    spec = spec_of(bucket, table(b"ctts", ">Ii", (1, 1024), (_FRAMES - 1, waits)))
    with pytest.raises(NotCopyableError, match=words):
        join_copied(spec, lambda *_: None)


@pytest.mark.parametrize("is_encoded", [False, True])
def test_film_that_would_last_too_long(bucket: Bucket, is_encoded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of parts each of which is short enough; and of one whose clock leaps."""
    monkeypatch.setattr("generations.mirror.film.join.MAX_SECONDS", 1)
    spec = spec_of(bucket, clips.clip(1), clips.clip(2))
    join = partial(join_encoded, spec, WIDE, 2.0) if is_encoded else partial(join_copied, spec)
    with pytest.raises(MirrorError, match="would last more than") as refused:
        join(lambda *_: None)
    assert refused.value.reason == Reason.TOO_LARGE
