"""A copy below the minimum rate is aborted, wherever it waits; one that is merely slow succeeds."""

import contextlib
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Thread

import pytest

from devserver.s3 import S3Address
from generations.mirror import MirrorError, Reason, transfer_rate, upload
from tests.generations.mirror.conftest import Mirror, bucket_at
from tests.generations.mirror.provider import File, Provider
from tests.generations.mirror.videos import like_mp4, mp4
from tests.scripted_server import Reply, ScriptedServer, scripted_server


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_rate, "WINDOW", 0.5)
    monkeypatch.setattr(upload, "ANSWER_SECONDS", 0.5)


@pytest.fixture
def dripping() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=mp4(), drip=0.1), id="a drop at a time"),
        pytest.param(Reply(body=mp4(), pause=600), id="no answer at all"),
        pytest.param(Reply(body=mp4()[:5000], length=len(mp4()), drip=0.001), id="less and less"),
    ],
)
def test_source_that_drips(mirror: Mirror, dripping: ScriptedServer, reply: Reply) -> None:
    dripping.pages["/video.mp4"] = reply
    mirror.trusted_origins = frozenset({dripping.url})
    with pytest.raises(MirrorError, match="The provider's server moved less than 16 kB a second") as caught:
        mirror.copy(f"{dripping.url}/video.mp4")
    assert caught.value.reason is Reason.SOURCE_UNAVAILABLE
    assert mirror.stored() is None


@contextmanager
def hanging(read: int) -> Iterator[str]:
    """An S3 that takes connections and so many bytes of each, and then neither reads nor answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        kept: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                left = read
                with contextlib.suppress(OSError):
                    while left > 0 and (data := connection.recv(min(left, 65536))):
                        left -= len(data)

        Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(("size", "read"), [(100_000, 0), (100_000, 1 << 30), (30_000_000, 0), (30_000_000, 1_000_000)])
def test_bucket_that_hangs(mirror: Mirror, provider: Provider, s3: S3Address, size: int, read: int) -> None:
    """It reads nothing, or something, or all of it and never answers."""
    with hanging(read) as url:
        mirror.bucket = bucket_at(s3, endpoint_url=url)
        with pytest.raises(MirrorError, match="The bucket moved less than") as caught:
            mirror.copy(provider.serve(File(like_mp4(size))))
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE


def test_slow_and_alive(mirror: Mirror, dripping: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the minimum rate for as long as it takes, which is many windows."""
    monkeypatch.setattr(transfer_rate, "WINDOW", 0.3)
    monkeypatch.setattr(transfer_rate, "MIN_RATE", 100)
    data = like_mp4(3000)
    dripping.pages["/video.mp4"] = Reply(body=data, drip=0.0005)
    mirror.trusted_origins = frozenset({dripping.url})
    mirror.copy(f"{dripping.url}/video.mp4")
    assert mirror.stored() == data


def test_floor_sinks_with_each_try() -> None:
    floors = [transfer_rate.min_rate_for(attempt) for attempt in (0, 1, 2, 5, 6, 1000)]
    assert floors == [16_000, 8_000, 4_000, 500, 500, 500]
