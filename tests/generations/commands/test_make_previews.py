"""`manage.py make_previews` for videos from before there were previews."""

from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import Team, User
from generations import bucket
from generations.models import Status, Video
from tests.cast import make_generation, make_video

pytestmark = pytest.mark.django_db


def make_previews() -> str:
    out = StringIO()
    call_command("make_previews", stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def video(film: Team, bob: User) -> Video:
    return make_video(make_generation(bob, film, Status.DONE))


def test_missing_previews_are_made_once(video: Video) -> None:
    assert make_previews() == "1 previews made, 0 could not be made.\n"
    video.refresh_from_db()
    assert bucket.get(video.preview_key)[4:8] == b"ftyp"
    assert video.placeholder.startswith("data:image/webp;base64,")
    assert make_previews() == "0 previews made, 0 could not be made.\n"


def test_one_that_fails_does_not_hold_up_the_others(video: Video, film: Team, bob: User) -> None:
    newer = make_video(make_generation(bob, film, Status.DONE))
    bucket.delete(newer.key)
    with pytest.raises(SystemExit):
        make_previews()
    video.refresh_from_db()
    newer.refresh_from_db()
    assert video.preview_key
    assert not newer.preview_key


def test_deleted_videos_are_left_alone(video: Video, bob: User) -> None:
    video.generation.delete_permanently(bob)
    assert make_previews() == "0 previews made, 0 could not be made.\n"
