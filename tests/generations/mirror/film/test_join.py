"""A joined film shows every frame of its parts, each as it was, and none besides."""

from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import pytest

from generations.mirror import Bucket, MirrorError
from generations.mirror.film.boxes import NotCopyableError
from generations.mirror.film.encode import Shape, join_encoded
from generations.mirror.film.join import JoinedFilm, JoinSpec, Part, join_copied
from generations.mirror.film.manifest import Ingredient
from tests.generations.mirror.film import clips
from tests.generations.mirror.videos import edited, faststart


def spec_of(bucket: Bucket, *parts: bytes) -> JoinSpec:
    stored = []
    for data in parts:
        key = f"teams/{uuid4()}/video.mp4"
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=data)
        stored.append(Part(key, len(data), Ingredient(str(uuid4()), "ab" * 32, "valid", "Kling & co")))
    return JoinSpec(bucket, f"teams/{uuid4()}/film.mp4", str(uuid4()), "A <film>", stored)


def join(bucket: Bucket, *parts: bytes) -> tuple[JoinedFilm, bytes]:
    spec = spec_of(bucket, *parts)
    made = join_copied(spec, lambda *_: None)
    stored = bucket.client.get_object(Bucket=bucket.name, Key=spec.key)["Body"].read()
    assert len(stored) == made.size
    return made, stored


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([clips.clip(1)], id="one"),
        pytest.param([clips.clip(1), clips.clip(2), clips.clip(3)], id="three"),
        pytest.param([clips.clip(1), clips.clip(1)], id="the same twice"),
        pytest.param([clips.clip(1, frames=1), clips.clip(2, frames=31)], id="one frame"),
        pytest.param([clips.clip(1, b_frames=0), clips.clip(2, b_frames=0)], id="no B-frames"),
        pytest.param([clips.rotated(clips.clip(1)), clips.rotated(clips.clip(2))], id="all rotated"),
        pytest.param([clips.clip(1, tone=440), clips.clip(2, tone=880)], id="with sound"),
        pytest.param([clips.clip(1), clips.clip(2, tone=440), clips.clip(3)], id="sound in one"),
    ],
)
def test_every_frame_is_there_as_it_was(bucket: Bucket, parts: list[bytes]) -> None:
    made, film = join(bucket, *parts)
    shown = clips.pictures(film)
    assert [found for _, found in shown] == [found for part in parts for found in clips.hashes(part)]
    for part, cut in zip(parts, made.cuts, strict=True):
        assert [found for _, found in shown[cut.first : cut.last]] == clips.hashes(part)
    assert made.has_sound == any(b"mp4a" in part for part in parts)


@pytest.mark.parametrize("rate", [24, 30])
def test_no_gap_and_no_overlap_at_a_cut(bucket: Bucket, rate: int) -> None:
    """Each frame is shown for as long as in its part, from the first at 0 on."""
    made, film = join(bucket, *(clips.clip(seed, rate=rate) for seed in range(3)))
    times = [time for time, _ in clips.pictures(film)]
    assert times == pytest.approx([number / rate for number in range(72)], abs=1e-4)
    assert made.seconds == pytest.approx(72 / rate)


def test_different_waits_for_the_first_frame(bucket: Bucket) -> None:
    """The head of a file with B-frames waits for them; one without does not."""
    waits, none = clips.clip(1, frames=48), clips.clip(2, frames=1)
    _, film = join(bucket, none, waits, none)
    times = [time for time, _ in clips.pictures(film)]
    assert times == pytest.approx([number / 24 for number in range(50)], abs=1e-4)


def test_head_comes_first(bucket: Bucket) -> None:
    """A player begins before it has the whole file."""
    _, film = join(bucket, clips.clip(1), clips.clip(2))
    assert film.index(b"moov") < film.index(b"mdat")


def test_head_at_either_end_is_read(bucket: Bucket, tmp_path: Path) -> None:
    part = clips.clip(1)
    _, film = join(bucket, part, faststart(part, tmp_path))
    assert clips.hashes(film) == clips.hashes(part) * 2


def test_sound_begins_and_ends_with_its_part(bucket: Bucket) -> None:
    """Tones of three pitches and a silence, over parts that no frame of AAC divides."""
    parts = [
        clips.clip(1, frames=25, tone=300),
        clips.clip(2, frames=25),
        clips.clip(3, frames=25, tone=600, sound_rate=48_000),
        clips.clip(4, frames=25, tone=1200, sound_rate=32_000),
    ]
    made, film = join(bucket, *parts)
    heard, one = clips.samples(film), 25 / 24
    assert len(heard) == pytest.approx(made.seconds * 48_000, abs=1100)
    found = [clips.pitch(heard, number * one + 0.1, (number + 1) * one - 0.1) for number in (0, 2, 3)]
    assert found == pytest.approx([300, 600, 1200], rel=0.02)
    assert clips.loudness(heard, one + 0.06, 2 * one - 0.06) < 0.005
    for number in (0, 2, 3):  # loud up to 30 ms beside each cut
        assert clips.loudness(heard, number * one + 0.03, number * one + 0.1) > 0.3
        assert clips.loudness(heard, (number + 1) * one - 0.1, (number + 1) * one - 0.03) > 0.3


def test_sound_does_not_drift(bucket: Bucket) -> None:
    """Of twenty parts the last begins where its picture does."""
    parts = [clips.clip(1, frames=5, tone=500)] * 19 + [clips.clip(2, frames=5)]
    made, film = join(bucket, *parts)
    heard, last = clips.samples(film), made.seconds - 5 / 24
    assert clips.loudness(heard, last - 0.06, last - 0.03) > 0.3
    assert clips.loudness(heard, last + 0.05, made.seconds) < 0.005


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (clips.clip(2, size=(90, 160)), "another size"),
        (clips.clip(2, size=(320, 180)), "another size"),
        (clips.rotated(clips.clip(2)), "rotated otherwise"),
        (clips.clip(2, codec="mpeg4"), "another codec"),
        (clips.clip(2, rate=30), "other settings"),
        (edited(clips.clip(2), (500, 0)), "cut by an edit list"),
        (b"\x1aE\xdf\xa3" + bytes(5000), "no MP4"),
        (clips.clip(2)[:200], "no MP4"),
        (clips.clip(2).replace(b"stss", b"free"), ""),
    ],
)
def test_what_cannot_be_copied_is_named(bucket: Bucket, other: bytes, why: str) -> None:
    spec = spec_of(bucket, clips.clip(1), other)
    if not why:
        join_copied(spec, lambda *_: None)
        return
    with pytest.raises(NotCopyableError, match=f"Part 2 can’t be copied: .*{why}"):
        join_copied(spec, lambda *_: None)
    assert "Contents" not in bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=spec.key)


def test_file_says_what_it_was_made_of(bucket: Bucket) -> None:
    spec = spec_of(bucket, clips.clip(1), clips.clip(2))
    join_copied(spec, lambda *_: None)
    film = bucket.client.get_object(Bucket=bucket.name, Key=spec.key)["Body"].read().decode("utf-8", "ignore")
    assert all(part.ingredient.document in film for part in spec.parts)
    assert 'xmp:Label="A &lt;film&gt;"' in film
    assert "Kling &amp; co" in film


class StopError(Exception):
    pass


@pytest.mark.parametrize("call", [0, 1])
def test_stopped_join_leaves_nothing(bucket: Bucket, call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generations.mirror.transfer.PROGRESS_INTERVAL", 0.0)
    spec, calls = spec_of(bucket, clips.clip(1), clips.clip(2)), iter(range(1000))

    def stop(_copied: int, _total: int | None) -> None:
        if next(calls) == call:
            raise StopError

    with pytest.raises(StopError):
        join_copied(spec, stop)
    assert "Contents" not in bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=spec.key)
    assert not bucket.client.list_multipart_uploads(Bucket=bucket.name, Prefix=spec.key).get("Uploads")


def test_part_that_is_gone(bucket: Bucket) -> None:
    spec = spec_of(bucket, clips.clip(1), clips.clip(2))
    bucket.client.delete_object(Bucket=bucket.name, Key=spec.parts[1].key)
    with pytest.raises(MirrorError):
        join_copied(spec, lambda *_: None)


WIDE = Shape(160, 90, Fraction(24))


@pytest.mark.parametrize(
    ("parts", "counts"),
    [
        ([clips.clip(1), clips.clip(2, size=(90, 160))], [24, 24]),
        ([clips.clip(1), clips.clip(2, size=(320, 180), tone=500)], [24, 24]),
        ([clips.clip(1), clips.rotated(clips.clip(2)), clips.clip(3, codec="mpeg4")], [24, 24, 24]),
        ([clips.clip(1), clips.clip(2, rate=30, frames=30), clips.clip(3, rate=12, frames=12)], [24, 24, 24]),
        ([edited(clips.clip(1), (500, 0)), clips.clip(2)], [10, 24]),
    ],
)
def test_encoded_film_shows_each_part_for_its_time(bucket: Bucket, parts: list[bytes], counts: list[int]) -> None:
    spec = spec_of(bucket, *parts)
    made = join_encoded(spec, WIDE, 3.0, lambda *_: None)
    film = bucket.client.get_object(Bucket=bucket.name, Key=spec.key)["Body"].read()
    assert [cut.last - cut.first for cut in made.cuts] == counts
    times = [time for time, _ in clips.pictures(film)]
    assert times == pytest.approx([number / 24 for number in range(sum(counts))], abs=1e-3)
    assert made.has_sound == any(b"mp4a" in part for part in parts)
    for part, cut in zip(parts, made.cuts, strict=True):  # the pictures beside each cut are that part's
        shown, own = clips.thumbnails(film, WIDE), clips.thumbnails(part, WIDE)
        assert clips.distance(shown[cut.first], own[0]) < 8
        assert clips.distance(shown[cut.last - 1], own[-1]) < 8
