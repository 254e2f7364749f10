"""From a provider that behaves, and from one that doesn't, into a real bucket."""

import hashlib
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from generations.mirror import MirrorError, Reason
from generations.mirror.source import RETRY_RESET_BYTES
from tests.generations.mirror.conftest import Mirror
from tests.generations.mirror.provider import File, Provider, running
from tests.generations.mirror.videos import like_mp4

DATA = like_mp4(3_000_000)


def test_object_is_the_file(mirror: Mirror, provider: Provider) -> None:
    copied = mirror.copy(provider.serve(File(DATA)))
    assert mirror.stored() == DATA
    assert (copied.size, copied.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    head = mirror.bucket.client.head_object(Bucket=mirror.bucket.name, Key=mirror.key)
    assert copied.content_type == head["ContentType"] == "video/mp4"
    assert head["CacheControl"] == "private, max-age=31536000, immutable"


def test_broken_connection_is_taken_up_where_it_broke(mirror: Mirror, provider: Provider) -> None:
    file = File(DATA, cuts=[len(DATA) // 2])
    mirror.copy(provider.serve(file))
    assert mirror.stored() == DATA
    assert "range" not in file.asked[0]
    assert file.asked[1]["range"] == f"bytes={len(DATA) // 2}-"
    assert file.asked[1]["if-range"] == '"one"'


def test_break_within_the_first_bytes(mirror: Mirror, provider: Provider) -> None:
    mirror.copy(provider.serve(File(DATA, cuts=[5, 0])))
    assert mirror.stored() == DATA


def test_server_that_ignores_range(mirror: Mirror, provider: Provider) -> None:
    mirror.copy(provider.serve(File(DATA, cuts=[1_234_567], ranges=False)))
    assert mirror.stored() == DATA


def test_right_part_under_status_200(mirror: Mirror, provider: Provider) -> None:
    """As `rclone serve s3` answers a Range."""
    mirror.copy(provider.serve(File(DATA, cuts=[1_234_567], resumed_status=200)))
    assert mirror.stored() == DATA


def test_other_part_than_asked_for(mirror: Mirror, provider: Provider) -> None:
    file = File(DATA, cuts=[1_000_000], shifted=7)
    with pytest.raises(MirrorError, match="another part"):
        mirror.copy(provider.serve(file))
    assert mirror.stored() is None


def test_range_answered_in_parts(mirror: Mirror, provider: Provider) -> None:
    file = File(DATA, cuts=[1_000_000], part=1_500_000)
    mirror.copy(provider.serve(file))
    assert mirror.stored() == DATA
    assert len(file.asked) == 3


def test_weak_etag_is_no_if_range(mirror: Mirror, provider: Provider) -> None:
    file = File(DATA, cuts=[1_000_000], etags=['W/"one"'])
    mirror.copy(provider.serve(file))
    assert mirror.stored() == DATA
    assert "if-range" not in file.asked[1]


def test_progress_earns_new_tries(mirror: Mirror, provider: Provider) -> None:
    data = like_mp4(9 * RETRY_RESET_BYTES)
    mirror.copy(provider.serve(File(data, cuts=[RETRY_RESET_BYTES] * 8)))
    assert mirror.stored() == data


def test_busy_server_is_asked_again(mirror: Mirror, provider: Provider) -> None:
    mirror.copy(provider.serve(File(DATA, refusals=[503, 429])))
    assert mirror.stored() == DATA


def test_unknown_length(mirror: Mirror, provider: Provider) -> None:
    told: list[tuple[int, int | None]] = []
    mirror.copy(provider.serve(File(DATA, chunked=True)), on_progress=lambda *now: told.append(now))
    assert mirror.stored() == DATA
    assert told[0][1] is None
    assert told[-1] == (len(DATA), len(DATA))


def test_unknown_length_and_a_break(mirror: Mirror, provider: Provider) -> None:
    mirror.copy(provider.serve(File(DATA, chunked=True, cuts=[1_000_000])))
    assert mirror.stored() == DATA


def test_redirect_is_followed(mirror: Mirror, provider: Provider) -> None:
    url = provider.serve(File(DATA))
    mirror.copy(provider.serve(File(location=url), "/old.mp4"))
    assert mirror.stored() == DATA


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (File(DATA, refusals=[404]), Reason.EXPIRED),
        (File(DATA, refusals=[410]), Reason.EXPIRED),
        (File(DATA, refusals=[403]), Reason.EXPIRED),
        (File(DATA, refusals=[500] * 9), Reason.SOURCE_UNAVAILABLE),
        (File(b"<html>Sign in</html>", content_type="text/html; charset=utf-8"), Reason.NOT_A_VIDEO),
        (File(b'{"detail": "gone"}', content_type="application/json"), Reason.NOT_A_VIDEO),
        (File(b"<html>Sign in</html>"), Reason.NOT_A_VIDEO),
        (File(b""), Reason.NOT_A_VIDEO),
        (File(DATA, announced=len(DATA) + 1), Reason.TRUNCATED),
        (File(DATA[:-9], announced=len(DATA)), Reason.TRUNCATED),
        (File(DATA[:-9], announced=len(DATA), ranges=False), Reason.TRUNCATED),
        (File(DATA, cuts=[1_000_000], etags=['"one"', '"two"']), Reason.TRUNCATED),
        (File(DATA, location="/video.mp4"), Reason.SOURCE_UNAVAILABLE),
    ],
)
def test_trouble_leaves_nothing_in_the_bucket(mirror: Mirror, provider: Provider, file: File, reason: Reason) -> None:
    with pytest.raises(MirrorError) as caught:
        mirror.copy(provider.serve(file))
    assert caught.value.reason is reason
    assert str(caught.value).endswith((".", ")", ">"))
    assert mirror.stored() is None


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large(mirror: Mirror, provider: Provider, chunked: bool) -> None:
    with pytest.raises(MirrorError, match=r"larger than the 3 MB") as caught:
        mirror.copy(provider.serve(File(DATA, chunked=chunked)), max_bytes=len(DATA) - 1)
    assert caught.value.reason is Reason.TOO_LARGE
    assert mirror.stored() is None


def test_private_address_behind_a_redirect(mirror: Mirror, provider: Provider) -> None:
    with running() as inner:
        secret = File(DATA)
        url = provider.serve(File(location=inner.serve(secret)))
        with pytest.raises(MirrorError) as caught:
            mirror.copy(url)
    assert caught.value.reason is Reason.ADDRESS_REFUSED
    assert not secret.asked


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://10.0.0.1/video.mp4", "https://127.0.0.1/video.mp4"])
def test_address_that_is_not_fetched(mirror: Mirror, url: str) -> None:
    with pytest.raises(MirrorError) as caught:
        mirror.copy(url)
    assert caught.value.reason is Reason.ADDRESS_REFUSED


def test_nobody_answers(mirror: Mirror) -> None:
    with running() as gone:
        url = gone.serve(File(DATA))
    mirror.trusted_origins = frozenset({gone.origin})
    with pytest.raises(MirrorError) as caught:
        mirror.copy(url)
    assert caught.value.reason is Reason.SOURCE_UNAVAILABLE


class LeaseLostError(Exception):
    pass


@pytest.mark.parametrize("chunked", [False, True])
def test_what_on_progress_raises_ends_the_copy(mirror: Mirror, provider: Provider, chunked: bool) -> None:
    def lose(copied: int, total: int | None) -> None:
        raise LeaseLostError

    with pytest.raises(LeaseLostError):
        mirror.copy(provider.serve(File(DATA, chunked=chunked)), on_progress=lose)
    assert mirror.stored() is None


def test_earlier_copy_survives_one_that_fails(mirror: Mirror, provider: Provider) -> None:
    mirror.copy(provider.serve(File(DATA)))
    with pytest.raises(MirrorError):
        mirror.copy(provider.serve(File(DATA[:-1], announced=len(DATA))))
    assert mirror.stored() == DATA


def test_two_copies_to_one_key_at_once(mirror: Mirror, provider: Provider) -> None:
    url = provider.serve(File(DATA))
    with ThreadPoolExecutor(4) as pool:
        copies = list(pool.map(mirror.copy, [url] * 8))
    assert len(set(copies)) == 1
    assert mirror.stored() == DATA


def test_on_progress_is_called_seldom(mirror: Mirror, provider: Provider) -> None:
    told: list[tuple[int, int | None]] = []
    data = like_mp4(20_000_000)
    mirror.copy(provider.serve(File(data)), on_progress=lambda *now: told.append(now))
    assert len(told) < len(data) / (1 << 16) / 4
    assert told[-1] == (len(data), len(data))
    assert told == sorted(told)


def test_memory_does_not_grow_with_the_file(mirror: Mirror, provider: Provider) -> None:
    small, large = (provider.serve(File(like_mp4(size)), f"/{size}") for size in (1_000_000, 100_000_000))
    mirror.copy(small)
    tracemalloc.start()
    try:
        mirror.copy(large)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000
