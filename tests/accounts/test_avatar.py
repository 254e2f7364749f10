"""A person's picture: squared, shown to those who share a team, removable."""

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from accounts.models import Team, User
from generations import bucket
from generations.models import Status
from generations.storage.cleanup import remove_objects
from tests.cast import make_generation, picture, signed_in

PAGE = "/accounts/picture/"


def give(user: User, data: bytes) -> Any:
    return signed_in(user).post(PAGE, {"picture": SimpleUploadedFile("me.jpg", data, "image/jpeg")})


def address(user: User) -> str:
    user.refresh_from_db()
    return f"/people/{user.pk}/{user.avatar_version}.webp"


def test_picture_becomes_a_square_and_is_shown(bob: User, film: Team) -> None:
    assert give(bob, picture(size=(80, 200))).status_code == 302
    answer = signed_in(bob).get(address(bob))

    assert answer.headers["Content-Type"] == "image/webp"
    with Image.open(io.BytesIO(answer.getvalue())) as image:
        assert (image.format, image.size) == ("WEBP", (256, 256))
    page = signed_in(bob).get(make_generation(bob, film, Status.FAILED).get_absolute_url()).content.decode()
    assert page.count(f'src="{address(bob)}"') == 2


@pytest.mark.parametrize(("who", "status"), [("alice", 200), ("victor", 200), ("mallory", 404)])
def test_it_is_for_those_who_share_a_team(bob: User, request: pytest.FixtureRequest, who: str, status: int) -> None:
    give(bob, picture())

    assert signed_in(request.getfixturevalue(who)).get(address(bob)).status_code == status
    assert Client().get(address(bob)).status_code == 302


@pytest.mark.parametrize("data", [b"", b"no picture", picture()[:300], b"x" * (10 * 1024 * 1024 + 1)])
def test_what_is_no_picture_is_refused_by_the_field(bob: User, data: bytes) -> None:
    answer = give(bob, data)

    assert answer.status_code == 422
    assert 'id="id_picture_error"' in answer.content.decode()
    bob.refresh_from_db()
    assert bob.avatar_key == ""


def test_replaced_and_removed_ones_leave_the_bucket(bob: User) -> None:
    give(bob, picture(color="teal"))
    bob.refresh_from_db()
    first = bob.avatar_key
    give(bob, picture(color="red"))
    bob.refresh_from_db()
    second = bob.avatar_key
    remove_objects()
    assert (bucket.size_or_none(first), bucket.size_or_none(second) is None) == (None, False)

    signed_in(bob).post(PAGE, {"remove": "1"})
    remove_objects()
    bob.refresh_from_db()
    assert (bob.avatar_key, bucket.size_or_none(second)) == ("", None)


def test_one_that_came_back_before_it_was_removed_stays(bob: User) -> None:
    for color in ("teal", "red", "teal"):
        give(bob, picture(color=color))
    remove_objects()
    bob.refresh_from_db()

    assert bucket.size_or_none(bob.avatar_key)
