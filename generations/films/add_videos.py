"""Finished videos become shots of their projects' storyboards, each as the first take of its own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from accounts.models import User
from generations.models import MAX_SHOTS, Collection, Generation, Shot, TooManyShotsError, Upload


class StoryboardFullError(Exception):
    """str() says which storyboard has no room for them."""


@dataclass(slots=True)
class Added:
    """What became of the videos. Those of `without_pictures` are shots, too, but lack what they began with."""

    shots: list[Shot] = field(default_factory=list)
    former: dict[str, int] = field(default_factory=dict)  # the shots that they were takes of, by their ids
    known: list[Generation] = field(default_factory=list)  # takes of the storyboard already
    unfinished: list[Generation] = field(default_factory=list)
    unpublished: list[Generation] = field(default_factory=list)  # private, or waiting for a review
    without_project: list[Generation] = field(default_factory=list)
    without_pictures: list[Generation] = field(default_factory=list)


@transaction.atomic
def add_videos(user: User, videos: Iterable[Generation]) -> Added:
    """A shot for each, in this order, at the end of its project's storyboard.

    Raises ProjectRefusedError and StoryboardFullError; then none is there.
    """
    keys = [row.pk for row in videos]
    locked = Generation.objects.order_by("pk").select_for_update(no_key=True, of=("self",))  # two presses are one shot
    rows = locked.select_related("video", "collection", "shot", "team").prefetch_related("pictures").in_bulk(keys)
    added, by_project = Added(), dict[Collection, list[Generation]]()
    for row in (rows[key] for key in keys if key in rows):
        if project := _project_to_add_to(row, added):
            by_project.setdefault(project, []).append(row)
    for project, found in by_project.items():
        _add(user, project, found, added)
    return added


def _project_to_add_to(row: Generation, added: Added) -> Collection | None:
    project = row.collection
    if not hasattr(row, "video"):
        added.unfinished.append(row)
    elif _is_unpublished(row):
        added.unpublished.append(row)
    elif project is None:
        added.without_project.append(row)
    elif row.shot and row.shot.project_id == project.pk:
        added.known.append(row)
    else:
        return project
    return None


def _is_unpublished(row: Generation) -> bool:
    """A shot shows its prompt and pictures to the whole team."""
    return (row.is_private or row.awaits_review) and row.team.personal_of_id is None


def _add(user: User, project: Collection, rows: list[Generation], added: Added) -> None:
    project.refuse(user)
    uploads = Upload.objects.touch_all(user, {each.sha256 for row in rows for each in row.pictures.all()})
    new = []
    for row in rows:
        own = {each.slot: uploads[each.sha256] for each in row.pictures.all() if each.sha256 in uploads}
        new.append(Shot(changed_by=user, **_columns(row), **own))
        if len(own) < len(row.pictures.all()):
            added.without_pictures.append(row)
    try:
        shots = Shot.objects.append(project, new)
    except TooManyShotsError:
        words = _("Nothing was added: the storyboard of %(project)s takes at most %(most)d shots and has %(count)d.")
        values = {"project": project, "count": Shot.objects.filter(project=project).count(), "most": MAX_SHOTS}
        raise StoryboardFullError(words % values) from None
    for row, shot in zip(rows, shots, strict=True):
        if row.shot_id:
            added.former[str(row.pk)] = row.shot_id
        row.shot = shot
    Generation.objects.bulk_update(rows, ["shot"])
    added.shots += shots


def _columns(row: Generation) -> dict[str, Any]:
    """What another take of it is ordered with, but for its pictures."""
    names = ("prompt", "negative_prompt", "duration", "aspect_ratio")
    return {name: getattr(row, name) for name in names} | {"quality": row.fal_endpoint.quality.value}


@transaction.atomic
def take_back(user: User, shots: Iterable[int], former: dict[str, int]) -> None:
    """Delete shots that `add_videos` added, as far as nobody has worked on them since; the videos stay.

    They are takes again of what they were takes of.
    """
    untouched = Shot.objects.filter(pk__in=shots, version=1, project__in=Collection.objects.usable_by(user))
    alone = untouched.annotate(take_count=Count("takes")).filter(take_count__lt=2)
    Shot.objects.remove(alone.values_list("pk", flat=True))
    known = set(Shot.objects.filter(pk__in=former.values()).values_list("pk", flat=True))
    rows = list(Generation.objects.filter(pk__in=[key for key, shot in former.items() if shot in known], shot=None))
    for row in rows:
        row.shot_id = former[str(row.pk)]
    Generation.objects.bulk_update(rows, ["shot"])
