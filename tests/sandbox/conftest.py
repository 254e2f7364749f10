"""Sandboxes shared by the tests: one that hands out a tiny clip, one that really renders."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.sandbox.fal import Fal
from tests.sandbox_process import Sandbox, running_sandbox


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of a second, some 100 kB, for tests that don't look at pictures."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(24):
            noise = Image.effect_noise((320, 180), 40 + number).convert("RGB")
            frame: av.VideoFrame = av.VideoFrame.from_image(noise)  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def _quick(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Iterator[Sandbox]:
    directory = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(directory, SANDBOX_CLIP=str(clip), SANDBOX_SLOW_SECONDS="0.3") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_quick: Sandbox) -> Iterator[Sandbox]:
    """Answers at once and renders nothing; without faults at the start of each test."""
    yield _quick
    _quick.set_faults("")


@pytest.fixture
def fal(sandbox: Sandbox) -> Iterator[Fal]:
    with Fal(sandbox) as client:
        yield client


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Really renders."""
    with running_sandbox(tmp_path_factory.mktemp("studio"), SANDBOX_QUEUE_SECONDS="0.4") as sandbox:
        yield sandbox


def picture_bytes(width: int = 480, height: int = 360, kind: str = "PNG", colour: str = "teal") -> bytes:
    """A picture file."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, kind)
    return file.getvalue()
