"""The moderators: mo and max may decide; what they decide on is bob's, in the team Film."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from accounts.models import Team, User
from generations import bucket
from generations.models import Case, Cause, Generation, Status
from generations.moderation.cases import open_case
from tests.cast import make_generation, make_input_picture, make_video


def moderator(name: str) -> User:
    user = User.objects.create_user(f"{name}@example.com", name=name.title(), is_staff=True)
    group, _ = Group.objects.get_or_create(name="Moderators")
    user.groups.add(group)
    return user


@pytest.fixture
def mo(moderators: Group) -> User:
    return moderator("mo")


@pytest.fixture
def max_(moderators: Group) -> User:
    return moderator("max")


@pytest.fixture
def moderators(db: None) -> Group:
    """The migration's group: a test with transaction=True leaves every table empty to the next."""
    import_module("generations.migrations.0015_moderators").make_group(apps, None)
    return Group.objects.get(name="Moderators")


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
