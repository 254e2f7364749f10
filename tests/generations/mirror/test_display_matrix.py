"""A video that lies on its side in the file is upright everywhere, as a player shows it.

`tests/browser/test_colors.py` asks Chromium itself.
"""

import io

import av
import pytest
from PIL import Image

from generations.mirror import extract_frame, poster, preview, probe
from tests.generations.mirror.conftest import Mirror
from tests.generations.mirror.provider import File, Provider
from tests.generations.mirror.videos import (
    ACROSS,
    AROUND,
    COUNTER,
    LEFT,
    MIRRORED,
    RIGHT,
    UPRIGHT,
    UPSIDE_DOWN,
    quarters_mp4,
    with_matrix,
)
from tests.generations.pictures.examples import corners

Matrix = tuple[float, float, float, float]
R, G, B, W = "red", "lime", "blue", "white"
SHOWN: list[tuple[Matrix, bool, list[str]]] = [
    (UPRIGHT, False, [R, G, B, W]),
    (RIGHT, True, [B, R, W, G]),
    (AROUND, False, [W, B, G, R]),
    (LEFT, True, [G, W, R, B]),
    (MIRRORED, False, [G, R, W, B]),
    (UPSIDE_DOWN, False, [B, W, R, G]),
    (ACROSS, True, [R, B, G, W]),
    (COUNTER, True, [W, G, B, R]),
    # no right angle, or another size: players leave the picture as it is
    ((0.7071, 0.7071, -0.7071, 0.7071), False, [R, G, B, W]),
    ((2, 0, 0, 2), False, [R, G, B, W]),
]


@pytest.mark.parametrize(("matrix", "is_sideways", "shown"), SHOWN, ids=str)
def test_size_poster_frame_and_preview_are_turned(matrix: Matrix, is_sideways: bool, shown: list[str]) -> None:
    data = io.BytesIO(with_matrix(quarters_mp4(), matrix))
    size = (180, 320) if is_sideways else (320, 180)

    found, picture = probe(data), poster(data)
    assert (found.width, found.height) == (picture.width, picture.height) == size
    for image in (Image.open(io.BytesIO(picture.data)), Image.open(io.BytesIO(extract_frame(data, 0.5)))):
        assert (image.size, corners(image)) == (size, shown)
    with av.open(io.BytesIO(preview(data)), "r") as container:
        frame = next(container.decode(video=0))
    assert frame.side_data.get("DISPLAYMATRIX") is None
    assert ((frame.width, frame.height), corners(frame.to_image())) == (size, shown)  # type: ignore[no-untyped-call]


def test_long_side_of_a_poster_is_that_of_the_turned_picture() -> None:
    picture = poster(io.BytesIO(with_matrix(quarters_mp4((1280, 720)), RIGHT)))

    assert (picture.width, picture.height) == (540, 960)


def test_what_comes_home_has_its_size_upright(mirror: Mirror, provider: Provider) -> None:
    found = mirror.mirror(provider.serve(File(with_matrix(quarters_mp4(), RIGHT))))

    assert (found.width, found.height) == (found.poster_width, found.poster_height) == (180, 320)
