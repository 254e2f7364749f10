"""What moderators decide on is bob's, in the team Film."""

import pytest

from accounts.models import Team, User
from generations import bucket
from generations.models import Case, Cause, Generation, Status
from generations.moderation.cases import open_case
from tests.cast import make_generation, make_input_picture, make_video


@pytest.fixture
def row(film: Team, bob: User) -> Generation:
    """A video with all its objects in the bucket."""
    row = make_generation(bob, film, Status.DONE)
    video = make_video(row)
    bucket.put(row.preview_key, b"preview", "video/mp4")
    video.preview_key = row.preview_key
    video.save(update_fields=["preview_key"])
    make_input_picture(row)
    return row


@pytest.fixture
def case(row: Generation) -> Case:
    return open_case(row, Cause.REPORT)
